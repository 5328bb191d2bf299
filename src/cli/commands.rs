//! One function a command: call the library, shape the answer.

use std::path::PathBuf;
use std::time::Instant;

use arrow_schema::Schema;
use serde_json::Value;
use serde_json::json;

use crate::catalog::Dataset;
use crate::cli::args::Cli;
use crate::cli::args::IndexArgs;
use crate::cli::args::RegistryCommand;
use crate::cli::bar::Bar;
use crate::cli::card;
use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::out::printable;
use crate::cli::out::table;
use crate::cli::revise;
use crate::cli::search;
use crate::cli::upkeep;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::Reference;
use crate::inspect::FileFormat;
use crate::manifest::DatasetKind;
use crate::manifest::FileTable;
use crate::registry::Edit;
use crate::registry::Error;
use crate::registry::FileDiff;
use crate::registry::IndexOptions;
use crate::registry::LocalRegistry;

pub(crate) fn run(command: &RegistryCommand, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let home = home_of(cli)?;
    if let RegistryCommand::Fsck { repair: true } = command {
        return upkeep::repair(&home, out);
    }
    let registry = LocalRegistry::open(&home)?;
    match command {
        RegistryCommand::Index(args) => index(&registry, args, out),
        RegistryCommand::List { .. } => list(&registry, out),
        RegistryCommand::Info(r) => info(&registry, &find(&registry, &r.reference)?, out),
        RegistryCommand::Ls(r) => ls(&registry, &find(&registry, &r.reference)?, out),
        RegistryCommand::Cat { target } => cat(&registry, target),
        RegistryCommand::Resolve(r) => resolve(&find(&registry, &r.reference)?, out),
        RegistryCommand::Checkout { target, dest } => checkout(&registry, target, dest, out),
        RegistryCommand::Verify {
            reference,
            require_signature,
        } => verify(
            &registry,
            &find(&registry, reference)?,
            *require_signature,
            out,
        ),
        RegistryCommand::Diff { a, b } => {
            diff(&registry, &find(&registry, a)?, &find(&registry, b)?, out)
        }
        RegistryCommand::Search {
            query,
            schema,
            limit,
        } => search::run(&registry, query, schema.as_deref(), *limit, out),
        RegistryCommand::Card {
            reference,
            html,
            set,
        } => card::run(
            &registry,
            &find(&registry, reference)?,
            *html,
            set.clone(),
            out,
        ),
        RegistryCommand::Tag {
            reference,
            add,
            remove,
        } => {
            let edit = Edit {
                add_tags: add.clone(),
                remove_tags: remove.clone(),
                ..Edit::default()
            };
            revise::revise(&registry, &find(&registry, reference)?, &edit, out)
        }
        RegistryCommand::Rename { reference, name } => {
            let edit = Edit {
                name: Some(name.clone()),
                ..Edit::default()
            };
            revise::revise(&registry, &find(&registry, reference)?, &edit, out)
        }
        RegistryCommand::Log { name } => revise::log(&registry, name, out),
        RegistryCommand::Unindex(r) => unindex(&registry, &r.reference, out),
        RegistryCommand::Gc { dry_run } => upkeep::gc(&registry, *dry_run, out),
        RegistryCommand::Fsck { .. } => upkeep::fsck(&registry, out),
        RegistryCommand::Stats => upkeep::stats(&registry, out),
    }
}

/// Where the registry is.
#[allow(
    clippy::disallowed_methods,
    reason = "the default place is below the user's home"
)]
pub(crate) fn home_of(cli: &Cli) -> Result<PathBuf, Failure> {
    if let Some(home) = &cli.home {
        return Ok(home.clone());
    }
    let user = std::env::var_os("HOME").filter(|h| !h.is_empty());
    let missing = || {
        let none = std::io::Error::other("HOME is not set; give --home DIR");
        Failure::from(Error::file("find", "~/.alimentar", none))
    };
    Ok(PathBuf::from(user.ok_or_else(missing)?).join(".alimentar"))
}

fn find(registry: &LocalRegistry, text: &str) -> Result<Dataset, Failure> {
    Ok(registry.resolve(&text.parse::<Reference>()?)?)
}

/// A dataset, and a path in it where one is given behind a colon.
fn find_target(
    registry: &LocalRegistry,
    target: &str,
) -> Result<(Dataset, Option<String>), Failure> {
    let (scheme, rest) = match target.strip_prefix("alimentar:") {
        Some(rest) => ("alimentar:", rest),
        None => ("", target),
    };
    match rest.split_once(':') {
        Some((reference, path)) => {
            let dataset = find(registry, &format!("{scheme}{reference}"))?;
            Ok((dataset, Some(path.to_owned())))
        }
        None => Ok((find(registry, target)?, None)),
    }
}

fn index(registry: &LocalRegistry, args: &IndexArgs, out: &Out) -> Result<(), Failure> {
    let started = Instant::now();
    let options = IndexOptions {
        name: args.name.clone(),
        version: args.dataset_version.clone(),
        description: args.description.clone(),
        license: args.license.clone(),
        tags: args.tags.clone(),
        card: args.card.clone(),
        private: args.private,
        exclude: args.exclude.clone(),
    };
    let bar = Bar::new(out.is_quiet());
    let report = registry.index(&args.path, &options, &bar)?;
    drop(bar);
    let (m, seconds) = (&report.manifest, started.elapsed().as_secs_f64());
    let skipped: Vec<_> = report
        .skipped
        .iter()
        .map(|s| json!({"path": s.path.to_string_lossy(), "reason": format!("{:?}", s.why).to_lowercase()}))
        .collect();
    let object = json!({
        "content_id": m.content_id.to_string(), "name": m.name.to_string(),
        "version": m.dataset_version.to_string(), "files": m.num_files, "rows": m.num_rows,
        "size_bytes": m.size_bytes, "chunks": report.chunks,
        "new_chunks": report.stats.new_chunks, "new_bytes": report.stats.new_bytes,
        "stored_bytes": report.stats.stored_bytes, "unchanged": report.unchanged,
        "seconds": seconds, "skipped": skipped,
    });
    let did = if report.unchanged {
        "Unchanged"
    } else {
        "Indexed"
    };
    let text = format!(
        "{did} {}@{}  {} in {} file(s), {} new, {} stored, {seconds:.2} s\n  {}\n",
        m.name,
        m.dataset_version,
        human_bytes(m.size_bytes),
        m.num_files,
        human_bytes(report.stats.new_bytes),
        human_bytes(report.stats.stored_bytes),
        m.content_id,
    );
    if !report.skipped.is_empty() && !out.is_json() && !out.is_quiet() {
        out.diagnostic(&format!("left out: {} path(s)", report.skipped.len()));
        for s in report.skipped.iter().take(10) {
            out.diagnostic(&format!("  {} ({:?})", s.path.display(), s.why));
        }
    }
    Ok(out.result(&object, &[m.content_id.to_string()], &text)?)
}

pub(crate) fn brief(d: &Dataset) -> Value {
    let m = &d.manifest;
    json!({
        "content_id": m.content_id.to_string(), "name": m.name.to_string(),
        "version": m.dataset_version.to_string(), "rows": m.num_rows,
        "size_bytes": m.size_bytes, "publisher": Value::Null, "trust": "local",
        "created_at": m.created_at.to_rfc3339(), "tags": m.tags, "license": m.license,
        "private": d.private,
    })
}

fn list(registry: &LocalRegistry, out: &Out) -> Result<(), Failure> {
    let datasets = registry.list()?;
    let rows: Vec<Vec<String>> = datasets
        .iter()
        .map(|d| {
            let m = &d.manifest;
            vec![
                m.name.to_string(),
                m.dataset_version.to_string(),
                m.num_rows.to_string(),
                human_bytes(m.size_bytes),
                "local".to_owned(),
                m.created_at.to_rfc3339(),
                m.content_id.short(),
            ]
        })
        .collect();
    let ids: Vec<String> = datasets
        .iter()
        .map(|d| d.manifest.content_id.to_string())
        .collect();
    let objects: Vec<Value> = datasets.iter().map(brief).collect();
    let text = if rows.is_empty() {
        "No datasets yet: `alimentar registry index PATH` adds one\n".to_owned()
    } else {
        table(
            &["NAME", "VERSION", "ROWS", "SIZE", "TRUST", "CREATED", "ID"],
            &rows,
        )
    };
    Ok(out.result(&json!({"datasets": objects}), &ids, &text)?)
}

fn file_objects(files: &FileTable) -> Vec<Value> {
    let object = |f: &crate::manifest::FileEntry| {
        json!({
            "path": f.path, "size_bytes": f.size_bytes, "content_id": f.content_id.map(|id| id.to_string()),
            "rows": f.rows, "format": FileFormat::from_number(f.format).name(),
        })
    };
    files.files().iter().map(object).collect()
}

fn field_objects(schema: Option<&Schema>) -> Vec<Value> {
    let object = |f: &arrow_schema::FieldRef| {
        json!({
            "name": f.name(), "type": f.data_type().to_string(), "nullable": f.is_nullable(),
        })
    };
    schema.map_or_else(Vec::new, |s| s.fields().iter().map(object).collect())
}

fn info(registry: &LocalRegistry, d: &Dataset, out: &Out) -> Result<(), Failure> {
    let m = &d.manifest;
    let files = registry.files(m)?;
    let totals = registry.totals(m)?;
    let stored = registry.stored_bytes(m)?;
    let schema = LocalRegistry::schema(m);
    let mut object = brief(d);
    let more = json!({
        "dataset_kind": m.dataset_kind, "chunk_tree_root": m.chunk_tree_root.to_hex(),
        "file_table_root": m.file_table_root.to_hex(), "num_files": m.num_files,
        "num_rows": m.num_rows, "description": m.description, "line": m.line.to_hex(),
        "seq": m.seq, "prev": m.prev.iter().map(|p| p.to_hex()).collect::<Vec<_>>(),
        "clock": m.clock.iter().map(|(k, n)| (k.to_hex(), *n)).collect::<std::collections::BTreeMap<_, _>>(),
        "signer": Value::Null, "signature": "none", "schema": {"fields": field_objects(schema.as_ref())},
        "files": file_objects(&files), "chunks": totals.chunks, "stored_bytes": stored,
    });
    if let (Some(all), Value::Object(more)) = (object.as_object_mut(), more) {
        all.extend(more);
    }
    let kind = if m.dataset_kind == DatasetKind::File {
        "file"
    } else {
        "directory"
    };
    let optional = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let text = printable(&format!(
        "{}@{}\n  content id   {}\n  kind         {kind}, {} file(s)\n  size         {} ({} chunks, {} stored)\n  rows         {}\n  licence      {}\n  tags         {}\n  created      {}\n  trust        local, not signed{}\n  description  {}\n",
        m.name,
        m.dataset_version,
        m.content_id,
        m.num_files,
        human_bytes(m.size_bytes),
        totals.chunks,
        human_bytes(stored),
        m.num_rows,
        optional(&m.license),
        if m.tags.is_empty() {
            "-".to_owned()
        } else {
            m.tags.join(", ")
        },
        m.created_at.to_rfc3339(),
        if d.private { ", private" } else { "" },
        optional(&m.description),
    ));
    let fields = schema.iter().flat_map(|s| s.fields().iter());
    let fields: Vec<Vec<String>> = fields
        .map(|f| {
            let null = if f.is_nullable() { "" } else { "required" };
            let cells = [f.name().as_str(), &f.data_type().to_string(), null];
            cells.map(printable).to_vec()
        })
        .collect();
    let text = match fields.as_slice() {
        [] => text,
        fields => format!("{text}\n{}", table(&["FIELD", "TYPE", ""], fields)),
    };
    Ok(out.result(&object, &[m.content_id.to_string()], &text)?)
}

fn ls(registry: &LocalRegistry, d: &Dataset, out: &Out) -> Result<(), Failure> {
    let files = registry.files(&d.manifest)?;
    let rows: Vec<Vec<String>> = files
        .files()
        .iter()
        .map(|f| {
            vec![
                human_bytes(f.size_bytes),
                f.rows.map_or_else(String::new, |rows| rows.to_string()),
                FileFormat::from_number(f.format).name().to_owned(),
                f.content_id.map_or_else(String::new, |id| id.short()),
                f.path.clone(),
            ]
        })
        .collect();
    let paths: Vec<String> = files.files().iter().map(|f| printable(&f.path)).collect();
    let text = table(&["SIZE", "ROWS", "FORMAT", "ID", "PATH"], &rows);
    Ok(out.result(&json!({"files": file_objects(&files)}), &paths, &text)?)
}

fn cat(registry: &LocalRegistry, target: &str) -> Result<(), Failure> {
    let (dataset, path) = find_target(registry, target)?;
    let mut stdout = std::io::stdout().lock();
    // No bar: the bytes themselves may be going to the terminal.
    registry.cat(&dataset, path.as_deref(), &mut stdout, &Bar::new(true))?;
    Ok(())
}

fn resolve(d: &Dataset, out: &Out) -> Result<(), Failure> {
    let m = &d.manifest;
    let id = m.content_id.to_string();
    let object = json!({
        "content_id": id, "name": m.name.to_string(), "version": m.dataset_version.to_string(),
    });
    let text = format!("{id}  {}@{}\n", m.name, m.dataset_version);
    Ok(out.result(&object, &[id], &text)?)
}

fn checkout(
    registry: &LocalRegistry,
    target: &str,
    dest: &std::path::Path,
    out: &Out,
) -> Result<(), Failure> {
    let started = Instant::now();
    let (dataset, path) = find_target(registry, target)?;
    let bar = Bar::new(out.is_quiet());
    let report = registry.checkout(&dataset, path.as_deref(), dest, &bar)?;
    drop(bar);
    let id = dataset.manifest.content_id.to_string();
    let seconds = started.elapsed().as_secs_f64();
    let object = json!({
        "content_id": id, "files": report.files, "bytes": report.bytes, "seconds": seconds,
    });
    let text = format!(
        "Checked out {}@{}: {} in {} file(s), every chunk verified, {seconds:.2} s\n",
        dataset.manifest.name,
        dataset.manifest.dataset_version,
        human_bytes(report.bytes),
        report.files,
    );
    Ok(out.result(&object, &[id], &text)?)
}

fn verify(
    registry: &LocalRegistry,
    d: &Dataset,
    require_signature: bool,
    out: &Out,
) -> Result<(), Failure> {
    let bar = Bar::new(out.is_quiet());
    let found = registry.verify(d, &bar);
    drop(bar);
    let content = match &found {
        Ok(_) => "ok",
        Err(e) if e.kind() == ErrorKind::Integrity => "corrupt",
        Err(_) => return Err(found.err().map_or(Failure::BrokenPipe, Failure::from)),
    };
    let id = d.manifest.content_id.to_string();
    let object = json!({
        "content_id": id, "content": content, "signature": "none", "trust": "local",
        "publisher": Value::Null,
    });
    let text = format!(
        "{}@{}  content {content}, signature none, trust local\n",
        d.manifest.name, d.manifest.dataset_version
    );
    out.result(&object, &[id], &text)?;
    found?;
    if require_signature {
        let name = &d.manifest.name;
        return Err(Failure::NotTrusted(format!("`{name}` is not signed")));
    }
    Ok(())
}

fn diff(registry: &LocalRegistry, a: &Dataset, b: &Dataset, out: &Out) -> Result<(), Failure> {
    let report = registry.diff(a, b)?;
    let t = &report.tree;
    let state = |f: &FileDiff| match (&f.a, &f.b) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    };
    let side = |f: &Option<(u64, crate::ident::ContentId)>| f.as_ref().map(|(n, _)| *n);
    let files: Vec<Value> = report
        .files
        .iter()
        .map(|f| {
            json!({
                "path": f.path, "status": state(f), "size_a": side(&f.a), "size_b": side(&f.b),
            })
        })
        .collect();
    let object = json!({
        "a": a.manifest.content_id.to_string(), "b": b.manifest.content_id.to_string(),
        "shared_bytes": t.shared.bytes, "only_a_bytes": t.only_a.bytes,
        "only_b_bytes": t.only_b.bytes, "shared_chunks": t.shared.chunks,
        "only_a_chunks": t.only_a.chunks, "only_b_chunks": t.only_b.chunks, "files": files,
    });
    let mut text = format!(
        "shared  {} in {} chunks\nonly a  {} in {} chunks\nonly b  {} in {} chunks\n",
        human_bytes(t.shared.bytes),
        t.shared.chunks,
        human_bytes(t.only_a.bytes),
        t.only_a.chunks,
        human_bytes(t.only_b.bytes),
        t.only_b.chunks,
    );
    for f in &report.files {
        text += &format!("{:<8}{}\n", state(f), printable(&f.path));
    }
    let paths: Vec<String> = report.files.iter().map(|f| printable(&f.path)).collect();
    Ok(out.result(&object, &paths, &text)?)
}

fn unindex(registry: &LocalRegistry, reference: &str, out: &Out) -> Result<(), Failure> {
    let removed = registry.unindex_reference(&reference.parse::<Reference>()?)?;
    let id = removed.manifest.content_id.to_string();
    let text = format!(
        "Removed {}@{} from the index; its bytes stay in the packs\n",
        removed.manifest.name, removed.manifest.dataset_version
    );
    Ok(out.result(&json!({"content_id": id, "removed": true}), &[id], &text)?)
}
