//! Commands about what goes and what comes back: unindex, rename, restore, forget.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use crate::catalog::Dataset;
use crate::catalog::RemovalFate;
use crate::cli::args::Cli;
use crate::cli::args::KeyArgs;
use crate::cli::args_life::ForgetArgs;
use crate::cli::args_life::RestoreArgs;
use crate::cli::ask::consent;
use crate::cli::exit::Failure;
use crate::cli::keys;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::out::printable;
use crate::cli::out::table;
use crate::clock::Timestamp;
use crate::ident::DatasetName;
use crate::ident::Reference;
use crate::registry::ForgetDecision;
use crate::registry::KEEP_DAYS;
use crate::registry::KeepRules;
use crate::registry::LocalRegistry;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Whether a reference is a name alone: it means all versions where something is done to them.
fn is_name_alone(text: &str) -> bool {
    !text.contains('@')
}

/// What a command acts on: all versions of a name, or the one dataset that a reference means.
fn meant(registry: &LocalRegistry, text: &str) -> Result<Vec<Dataset>, Failure> {
    let reference: Reference = text.parse()?;
    Ok(match is_name_alone(text) {
        true => registry.versions_of_reference(&reference)?,
        false => vec![registry.resolve_one(&reference)?],
    })
}

fn version(d: &Dataset) -> String {
    d.manifest.dataset_version.to_string()
}

/// Versions, oldest first; of many the first and the last.
fn version_list(datasets: &[Dataset]) -> String {
    let all: Vec<String> = datasets.iter().map(version).collect();
    match all.as_slice() {
        [first, second, .., last] if all.len() > 8 => {
            format!("{first}, {second} … {last}")
        }
        _ => all.join(", "),
    }
}

/// `corpus@0.1.0`, or `3 versions of corpus (0.1.0, 0.1.1, 0.1.2)`.
fn what(datasets: &[Dataset]) -> String {
    match datasets {
        [] => "nothing".to_owned(),
        [only] => format!("{}@{}", only.manifest.name, only.manifest.dataset_version),
        [first, ..] => format!(
            "{} versions of {} ({})",
            datasets.len(),
            first.manifest.name,
            version_list(datasets)
        ),
    }
}

fn clock(d: &Dataset) -> BTreeMap<String, u64> {
    let entries = d.manifest.clock.iter();
    entries.map(|(node, n)| (node.to_hex(), *n)).collect()
}

fn versions_json(datasets: &[Dataset]) -> Vec<Value> {
    let object = |d: &Dataset| {
        json!({
            "name": d.manifest.name.to_string(), "version": version(d),
            "content_id": d.manifest.content_id.to_string(), "clock": clock(d),
            "seq": d.manifest.seq,
        })
    };
    datasets.iter().map(object).collect()
}

fn ids(datasets: &[Dataset]) -> Vec<String> {
    let id = |d: &Dataset| d.manifest.content_id.to_string();
    datasets.iter().map(id).collect()
}

pub(crate) fn unindex(
    registry: &LocalRegistry,
    reference: &str,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    let versions = meant(registry, reference)?;
    if let [first, .., newest] = versions.as_slice() {
        let (name, what) = (&first.manifest.name, what(&versions));
        consent(
            &format!("Remove {what}?"),
            &format!(
                "`{reference}` means {what}; --yes removes all of them, `{name}@{}` only one",
                version(newest)
            ),
            (cli, out),
        )?;
    }
    registry.remove_all(&versions)?;
    let newest = versions.last().map(|d| d.manifest.content_id.to_string());
    let name = versions.last().map(|d| d.manifest.name.to_string());
    let object = json!({
        "content_id": newest, "removed": true, "name": name,
        "versions": versions_json(&versions), "keep_days": KEEP_DAYS,
    });
    let text = printable(&format!(
        "Removed {} from the index; `registry restore {reference}` brings {} back, for at least {KEEP_DAYS} days\n",
        what(&versions),
        if versions.len() == 1 { "it" } else { "them" },
    ));
    Ok(out.result(&object, &ids(&versions), &text)?)
}

pub(crate) fn rename(
    registry: &LocalRegistry,
    reference: &str,
    name: &DatasetName,
    key: &KeyArgs,
    (cli, out): (&Cli, &Out),
) -> Result<(), Failure> {
    let versions = meant(registry, reference)?;
    if let [first, .., newest] = versions.as_slice() {
        let what = what(&versions);
        consent(
            &format!("Rename {what} to {name}?"),
            &format!(
                "`{reference}` means {what}; --yes renames all of them, `{}@{}` only one",
                first.manifest.name,
                version(newest)
            ),
            (cli, out),
        )?;
    }
    let pair = match versions.iter().find(|d| d.manifest.signer.is_some()) {
        Some(signed) => keys::pair_for(signed, key, cli)?,
        None => None,
    };
    let renamed = registry.rename_all(&versions, name, pair.as_ref())?;
    let Some(newest) = renamed.last() else {
        return Ok(());
    };
    let m = &newest.manifest;
    let id = m.content_id.to_string();
    let object = json!({
        "content_id": id, "clock": clock(newest), "name": m.name.to_string(),
        "version": version(newest), "tags": m.tags, "seq": m.seq,
        "versions": versions_json(&renamed),
    });
    let is_same = |(a, b): (&Dataset, &Dataset)| a.envelope_id == b.envelope_id;
    let text = match versions.iter().zip(&renamed).all(is_same) {
        true => format!("Unchanged {}\n", what(&versions)),
        false => format!("Renamed {} to {name}\n", what(&versions)),
    };
    Ok(out.result(&object, &ids(&renamed), &printable(&text))?)
}

pub(crate) fn restore(
    registry: &LocalRegistry,
    args: &RestoreArgs,
    out: &Out,
) -> Result<(), Failure> {
    let Some(text) = &args.reference else {
        return list_restorable(registry, out);
    };
    let report = registry.restore(&text.parse()?, is_name_alone(text))?;
    let here = report.restored.last().or(report.already_here.as_ref());
    let Some(newest) = here.map(|d| &d.manifest) else {
        return Ok(());
    };
    let id = newest.content_id.to_string();
    let object = json!({
        "content_id": id, "name": newest.name.to_string(),
        "version": newest.dataset_version.to_string(),
        "restored": !report.restored.is_empty(), "versions": versions_json(&report.restored),
        "collected": report.collected,
    });
    let mut text = match report.restored.as_slice() {
        [] => format!(
            "{}@{} is here already\n",
            newest.name, newest.dataset_version
        ),
        restored => format!("Restored {}\n", what(restored)),
    };
    for gone in &report.collected {
        text += &format!("Not restored, as its bytes are gone: {gone}\n");
    }
    let ids = match report.restored.as_slice() {
        [] => vec![id],
        restored => ids(restored),
    };
    Ok(out.result(&object, &ids, &printable(&text))?)
}

fn list_restorable(registry: &LocalRegistry, out: &Out) -> Result<(), Failure> {
    let removed = registry.restorable()?;
    let when = |fate: RemovalFate, days: u32| match fate {
        RemovalFate::Restorable(since) => {
            let until = since.0.saturating_add(i64::from(days) * DAY_SECONDS);
            Timestamp(until).to_rfc3339()
        }
        _ => String::new(),
    };
    let objects: Vec<Value> = removed
        .iter()
        .map(|r| {
            let b = &r.summary;
            json!({
                "content_id": b.content_id.to_string(), "name": b.name.to_string(),
                "version": b.version.to_string(), "size_bytes": b.size_bytes,
                "created_at": b.created_at.to_rfc3339(), "removed_at": when(r.fate, 0),
                "keep_until": when(r.fate, KEEP_DAYS),
            })
        })
        .collect();
    let rows: Vec<Vec<String>> = removed
        .iter()
        .map(|r| {
            let b = &r.summary;
            vec![
                b.name.to_string(),
                b.version.to_string(),
                human_bytes(b.size_bytes),
                when(r.fate, 0),
                when(r.fate, KEEP_DAYS),
                b.content_id.short(),
            ]
        })
        .collect();
    let ids: Vec<String> = removed
        .iter()
        .map(|r| r.summary.content_id.to_string())
        .collect();
    let head = ["NAME", "VERSION", "SIZE", "REMOVED", "KEPT UNTIL", "ID"];
    Ok(out.result(&json!({"removed": objects}), &ids, &table(&head, &rows))?)
}

pub(crate) fn forget(
    registry: &LocalRegistry,
    args: &ForgetArgs,
    (cli, out): (&Cli, &Out),
) -> Result<(), Failure> {
    let rules = KeepRules {
        last: args.keep_last,
        within: args.keep_within,
        tags: args.keep_tag.clone(),
    };
    if rules.is_empty() {
        return Err(Failure::usage(
            "no rule says what to keep; give --keep-last, --keep-within or --keep-tag",
        ));
    }
    let plan = registry.plan_forget(&args.names, &rules)?;
    let removed: Vec<Dataset> = plan.removed.iter().map(|w| w.dataset.clone()).collect();
    if !args.dry_run && !removed.is_empty() {
        let bytes = removed.iter().map(|d| d.manifest.size_bytes).sum();
        let what = format!(
            "{} version(s) of {}, {} before deduplication",
            removed.len(),
            names(&removed),
            human_bytes(bytes)
        );
        consent(
            &format!("Remove {what}?"),
            &format!("the rules remove {what}; --yes removes them, --dry-run shows which"),
            (cli, out),
        )?;
        registry.remove_all(&removed)?;
    }
    let objects = |weighed: &[ForgetDecision]| -> Vec<Value> {
        let object = |w: &ForgetDecision| {
            let m = &w.dataset.manifest;
            json!({
                "content_id": m.content_id.to_string(), "name": m.name.to_string(),
                "version": m.dataset_version.to_string(),
                "created_at": m.created_at.to_rfc3339(), "reason": w.reason,
            })
        };
        weighed.iter().map(object).collect()
    };
    let object = json!({
        "kept": objects(&plan.kept), "removed": objects(&plan.removed), "dry_run": args.dry_run,
        "keep_days": KEEP_DAYS,
    });
    let row = |what: &str, w: &ForgetDecision| {
        let m = &w.dataset.manifest;
        vec![
            what.to_owned(),
            m.name.to_string(),
            m.dataset_version.to_string(),
            m.created_at.to_rfc3339(),
            w.reason.clone(),
        ]
    };
    let mut weighed: Vec<(&DatasetName, Vec<String>)> = Vec::new();
    let goes = if args.dry_run { "would go" } else { "removed" };
    for (what, list) in [("kept", &plan.kept), (goes, &plan.removed)] {
        weighed.extend(
            list.iter()
                .map(|w| (&w.dataset.manifest.name, row(what, w))),
        );
    }
    weighed.sort_by_key(|(name, _)| *name);
    let rows: Vec<Vec<String>> = weighed.into_iter().map(|(_, row)| row).collect();
    let mut text = table(&["", "NAME", "VERSION", "CREATED", "REASON"], &rows);
    text += &match (args.dry_run, removed.len()) {
        (true, n) => format!("Would remove {n} version(s)\n"),
        (false, 0) => "Removed nothing\n".to_owned(),
        (false, n) => format!(
            "Removed {n} version(s); `registry restore` brings them back, for at least {KEEP_DAYS} days\n"
        ),
    };
    Ok(out.result(&object, &ids(&removed), &text)?)
}

/// The names of datasets, each once; of many the first.
fn names(datasets: &[Dataset]) -> String {
    let mut names: Vec<String> = Vec::new();
    for d in datasets {
        let name = d.manifest.name.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match names.as_slice() {
        [a, b, c, rest @ ..] if !rest.is_empty() => {
            format!("{a}, {b}, {c} and {} more name(s)", rest.len())
        }
        _ => names.join(", "),
    }
}
