//! Commands about what is said of datasets: set, tag, rename, log; and the part of index that does.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use crate::catalog::Dataset;
use crate::cli::args::Cli;
use crate::cli::args::IndexArgs;
use crate::cli::args::KeyArgs;
use crate::cli::args_describe::SetArgs;
use crate::cli::ask;
use crate::cli::bar::Bar;
use crate::cli::exit::Failure;
use crate::cli::keys;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::out::printable;
use crate::cli::out::table;
use crate::ident::DatasetName;
use crate::ident::labels;
use crate::manifest::Manifest;
use crate::registry::Edit;
use crate::registry::GcOptions;
use crate::registry::IndexOptions;
use crate::registry::IndexReport;
use crate::registry::LocalRegistry;
use crate::registry::differing;

pub(crate) fn revise(
    registry: &LocalRegistry,
    dataset: &Dataset,
    edit: &Edit,
    (key, cli): (&KeyArgs, &Cli),
    out: &Out,
) -> Result<(), Failure> {
    let pair = keys::pair_for(dataset, key, cli)?;
    let revised = registry.revise(dataset, edit, pair.as_ref())?;
    let m = &revised.manifest;
    let changed = revised.envelope_id != dataset.envelope_id;
    let text = format!(
        "{} {}@{}  tags: {}\n",
        if changed { "Revised" } else { "Unchanged" },
        m.name,
        m.dataset_version,
        labels(&m.tags).join(", ")
    );
    print(m, &text, out)
}

/// Prints a manifest after an edit.
fn print(m: &Manifest, text: &str, out: &Out) -> Result<(), Failure> {
    let clock: BTreeMap<String, u64> = m.clock.iter().map(|(k, n)| (k.to_hex(), *n)).collect();
    let id = m.content_id.to_string();
    let object = json!({
        "content_id": id, "clock": clock, "name": m.name.to_string(),
        "version": m.dataset_version.to_string(), "tags": labels(&m.tags), "seq": m.seq,
        "license": m.license, "description": m.description,
    });
    Ok(out.result(&object, &[id], &printable(text))?)
}

pub(crate) fn set(
    registry: &LocalRegistry,
    dataset: &Dataset,
    args: &SetArgs,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    let has_tags = !args.add_tag.is_empty() || !args.remove_tag.is_empty();
    let has_words = args.license.is_some() || args.description.is_some() || args.card.is_some();
    if !has_tags && !has_words {
        return Err(Failure::usage(
            "say what to set: --license, --description, --add-tag, --remove-tag or --card",
        ));
    }
    let edit = Edit {
        add_tags: args.add_tag.clone(),
        remove_tags: args.remove_tag.clone(),
        description: args.description.clone(),
        license: args.license.clone(),
        card: args.card.clone(),
        ..Edit::default()
    };
    let pair = keys::pair_for(dataset, &args.key, cli)?;
    let revised = registry.revise(dataset, &edit, pair.as_ref())?;
    let m = &revised.manifest;
    let label = format!("{}@{}", m.name, m.dataset_version);
    let text = match differing(&dataset.manifest, m).join(", ") {
        nothing if nothing.is_empty() => format!("Unchanged {label}\n"),
        what => format!("Revised {label}: {what}\n"),
    };
    print(m, &text, out)
}

/// Publishes what was said of content that was here already. What changed, if something did.
pub(crate) fn after_index(
    registry: &LocalRegistry,
    report: &mut IndexReport,
    (options, args): (&IndexOptions, &IndexArgs),
    cli: &Cli,
) -> Result<Option<String>, Failure> {
    let Some((dataset, edit)) = report.revision.take() else {
        return Ok(None);
    };
    let key = KeyArgs {
        key: args.key.clone(),
    };
    let asked_for = match &options.sign_with {
        Some(_) => None,
        None => keys::pair_for(&dataset, &key, cli)?,
    };
    let pair = options.sign_with.as_ref().or(asked_for.as_ref());
    // First: words that are new must not be shown before.
    let becomes_private = options.private && !dataset.flags.private;
    if becomes_private {
        registry.unshare(&dataset)?;
    }
    let revised = registry.revise(&dataset, &edit, pair)?.manifest;
    let mut changed = differing(&dataset.manifest, &revised);
    changed.extend(becomes_private.then_some("private"));
    report.manifest = revised;
    Ok(Some(changed.join(", ")))
}

/// What a new version took over, as JSON.
pub(crate) fn inherited(report: &IndexReport) -> Value {
    report.inherited.as_ref().map_or(
        Value::Null,
        |i| json!({"version": i.version.to_string(), "fields": i.fields}),
    )
}

/// Lines about what was revised, or what a new version took over.
pub(crate) fn said_of(report: &IndexReport, revised: Option<&str>) -> String {
    match (revised, &report.inherited) {
        (Some(what), _) => format!("  revised: {what}\n"),
        (None, Some(i)) => {
            let fields = i.fields.join(", ").replace("license", "licence");
            format!("  as in {}: {fields}\n", i.version)
        }
        (None, None) => String::new(),
    }
}

pub(crate) fn withdraw(
    registry: &LocalRegistry,
    dataset: &Dataset,
    reason: &str,
    purge: bool,
    (key, cli): (&KeyArgs, &Cli),
    out: &Out,
) -> Result<(), Failure> {
    let m = &dataset.manifest;
    if purge {
        let what = format!(
            "the copy of `{}@{}` in this registry: {} in {} file(s), signed with your key",
            m.name,
            m.dataset_version,
            human_bytes(m.size_bytes),
            m.num_files
        );
        ask::before_destroying(&what, cli, out)?;
    }
    let Some(pair) = keys::pair_for(dataset, key, cli)? else {
        return Err(Failure::NotSigned(format!(
            "`{}` is not signed, so nobody has it from here; `registry unindex` takes it out",
            m.name
        )));
    };
    registry.withdraw(dataset, &pair, reason)?;
    let mut freed = 0;
    if purge {
        registry.purge(dataset)?;
        let bar = Bar::new(out.is_quiet());
        freed = registry.gc(&GcOptions::default(), &bar)?.freed_bytes;
    }
    let id = m.content_id.to_string();
    let object = json!({
        "content_id": id, "withdrawn": true, "reason": reason, "purged": purge,
        "freed_bytes": freed,
    });
    let text = printable(&format!(
        "Withdrew {}@{}: {reason}{}\n",
        m.name,
        m.dataset_version,
        if purge {
            format!("; gave back {}", human_bytes(freed))
        } else {
            String::new()
        }
    ));
    Ok(out.result(&object, &[id], &text)?)
}

pub(crate) fn log(registry: &LocalRegistry, name: &DatasetName, out: &Out) -> Result<(), Failure> {
    let log = registry.log(name)?;
    let believed = registry.trust()?;
    let trust = |d: &Dataset| LocalRegistry::listed(&believed, d.clone()).trust().name();
    let objects: Vec<Value> = log
        .iter()
        .map(|e| {
            let m = &e.dataset.manifest;
            json!({
                "version": m.dataset_version.to_string(), "content_id": m.content_id.to_string(),
                "created_at": m.created_at.to_rfc3339(), "rows": m.num_rows,
                "size_bytes": m.size_bytes, "added_bytes": e.added.bytes,
                "added_chunks": e.added.chunks, "seq": m.seq,
                "trust": trust(&e.dataset),
            })
        })
        .collect();
    let rows: Vec<Vec<String>> = log
        .iter()
        .map(|e| {
            let m = &e.dataset.manifest;
            vec![
                m.dataset_version.to_string(),
                m.created_at.to_rfc3339(),
                m.num_rows.to_string(),
                human_bytes(m.size_bytes),
                human_bytes(e.added.bytes),
                trust(&e.dataset).to_owned(),
                m.content_id.short(),
            ]
        })
        .collect();
    let versions: Vec<String> = log
        .iter()
        .map(|e| e.dataset.manifest.dataset_version.to_string())
        .collect();
    let text = table(
        &["VERSION", "CREATED", "ROWS", "SIZE", "ADDED", "TRUST", "ID"],
        &rows,
    );
    Ok(out.result(&json!({"versions": objects}), &versions, &text)?)
}
