//! Commands about what is said of datasets: tag, rename, log.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use crate::catalog::Dataset;
use crate::cli::args::Cli;
use crate::cli::args::KeyArgs;
use crate::cli::bar::Bar;
use crate::cli::exit::Failure;
use crate::cli::keys;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::out::printable;
use crate::cli::out::table;
use crate::ident::DatasetName;
use crate::registry::Edit;
use crate::registry::GcOptions;
use crate::registry::LocalRegistry;

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
    let clock: BTreeMap<String, u64> = m.clock.iter().map(|(k, n)| (k.to_hex(), *n)).collect();
    let id = m.content_id.to_string();
    let object = json!({
        "content_id": id, "clock": clock, "name": m.name.to_string(),
        "version": m.dataset_version.to_string(), "tags": m.tags, "seq": m.seq,
    });
    let changed = revised.envelope_id != dataset.envelope_id;
    let text = printable(&format!(
        "{} {}@{}  tags: {}\n",
        if changed { "Revised" } else { "Unchanged" },
        m.name,
        m.dataset_version,
        m.tags.join(", ")
    ));
    Ok(out.result(&object, &[id], &text)?)
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
    let Some(pair) = keys::pair_for(dataset, key, cli)? else {
        return Err(Failure::NotSigned(format!(
            "`{}` is not signed, so nobody has it from here; `registry unindex` takes it out",
            m.name
        )));
    };
    registry.withdraw(dataset, &pair, reason)?;
    let mut freed = 0;
    if purge {
        registry.remove_one(dataset)?;
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
