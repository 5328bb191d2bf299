//! Commands that show what is here: list, info, ls; and the facts that listings have in common.

use arrow_schema::Schema;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::catalog::Dataset;
use crate::catalog::DatasetSummary;
use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::out::printable;
use crate::cli::out::table;
use crate::cli::trust;
use crate::ident::labels;
use crate::inspect::FileFormat;
use crate::manifest::DatasetKind;
use crate::manifest::FileTable;
use crate::registry::Listed;
use crate::registry::LocalRegistry;
use crate::trust::Action;
use crate::trust::Trust;
use crate::trust::Verdict;

/// What listings say of a dataset.
#[derive(Serialize)]
pub(crate) struct Line {
    content_id: String,
    name: String,
    version: String,
    rows: u64,
    size_bytes: u64,
    publisher: Option<String>,
    publisher_key: Option<String>,
    trust: &'static str,
    created_at: String,
    tags: Vec<String>,
    license: Option<String>,
    private: bool,
    withdrawn: Option<String>,
    /// A person let it in by hand; known in listings alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<bool>,
}

impl Line {
    fn of(listed: Listed<DatasetSummary>) -> Self {
        let publisher = listed.publisher();
        let trust = listed.trust().name();
        let b = listed.dataset;
        Self {
            content_id: b.content_id.to_string(),
            name: b.name.to_string(),
            version: b.version.to_string(),
            rows: b.rows,
            size_bytes: b.size_bytes,
            publisher,
            publisher_key: b.signer.map(|k| k.to_hex()),
            trust,
            created_at: b.created_at.to_rfc3339(),
            tags: labels(&b.tags),
            license: b.license,
            private: b.flags.private,
            withdrawn: listed.withdrawn,
            accepted: Some(listed.accepted),
        }
    }
}

/// The same as a JSON object.
pub(crate) fn brief(listed: &Listed) -> Value {
    let line = Line {
        accepted: None,
        ..Line::of(listed.summary())
    };
    serde_json::to_value(line).unwrap_or_default()
}

pub(crate) fn extend(object: &mut Value, more: Value) {
    if let (Some(all), Value::Object(more)) = (object.as_object_mut(), more) {
        all.extend(more);
    }
}

pub(crate) fn list(registry: &LocalRegistry, all: bool, out: &Out) -> Result<(), Failure> {
    let datasets = registry.list_summaries()?;
    let (shown, apart): (Vec<_>, Vec<_>) = datasets.into_iter().partition(|l| {
        let is_trusted = l.decide(Action::List).verdict == Verdict::Accept;
        let is_accepted = l.accepted && l.trust() != Trust::Revoked;
        all || ((is_trusted || is_accepted) && l.withdrawn.is_none())
    });
    if !apart.is_empty() && !out.is_quiet() && !out.is_json() {
        let n = apart.len();
        out.diagnostic(&format!(
            "{n} more, not trusted here or withdrawn: `list --all` shows them"
        ));
    }
    let nothing = match apart.is_empty() {
        false => "Everything here is of publishers not trusted here, or withdrawn\n",
        true => "No datasets yet: `alimentar registry index PATH` adds one\n",
    };
    print(shown, out, nothing)
}

/// Prints a list of datasets, wherever they are.
pub(crate) fn print(
    shown: Vec<Listed<DatasetSummary>>,
    out: &Out,
    nothing: &str,
) -> Result<(), Failure> {
    if out.is_json() {
        #[derive(Serialize)]
        struct Lines {
            datasets: Vec<Line>,
        }
        let datasets = shown.into_iter().map(Line::of).collect();
        let json = serde_json::to_string(&Lines { datasets }).unwrap_or_default();
        return Ok(out.bytes((json + "\n").as_bytes())?);
    }
    let ids: Vec<String> = shown
        .iter()
        .map(|l| l.dataset.content_id.to_string())
        .collect();
    let text = match shown.is_empty() {
        true => nothing.to_owned(),
        false => list_table(&shown),
    };
    Ok(out.result(&Value::Null, &ids, &text)?)
}

fn list_table(shown: &[Listed<DatasetSummary>]) -> String {
    let row = |l: &Listed<DatasetSummary>| {
        let b = &l.dataset;
        let accepted = if l.accepted { ", accepted by hand" } else { "" };
        let withdrawn = match l.withdrawn {
            Some(_) => ", withdrawn",
            None => "",
        };
        vec![
            b.name.to_string(),
            b.version.to_string(),
            b.rows.to_string(),
            human_bytes(b.size_bytes),
            l.publisher_short().unwrap_or_default(),
            format!("{}{accepted}{withdrawn}", l.trust().name()),
            b.created_at.to_rfc3339(),
            b.content_id.short(),
        ]
    };
    let rows: Vec<Vec<String>> = shown.iter().map(row).collect();
    let head = [
        "NAME",
        "VERSION",
        "ROWS",
        "SIZE",
        "PUBLISHER",
        "TRUST",
        "CREATED",
        "ID",
    ];
    table(&head, &rows)
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

pub(crate) fn field_objects(schema: Option<&Schema>) -> Vec<Value> {
    let object = |f: &arrow_schema::FieldRef| {
        json!({
            "name": f.name(), "type": f.data_type().to_string(), "nullable": f.is_nullable(),
        })
    };
    schema.map_or_else(Vec::new, |s| s.fields().iter().map(object).collect())
}

/// The columns of a schema as rows of a table.
pub(crate) fn field_rows(schema: Option<&Schema>) -> Vec<Vec<String>> {
    let fields = schema.into_iter().flat_map(|s| s.fields().iter());
    fields
        .map(|f| {
            let null = if f.is_nullable() { "" } else { "required" };
            let cells = [f.name().as_str(), &f.data_type().to_string(), null];
            cells.map(printable).to_vec()
        })
        .collect()
}

pub(crate) fn info(registry: &LocalRegistry, d: &Dataset, out: &Out) -> Result<(), Failure> {
    let m = &d.manifest;
    let files = registry.files(m)?;
    let totals = registry.totals(m)?;
    let stored = registry.stored_bytes(m)?;
    let schema = LocalRegistry::schema(m);
    let believed = registry.trust()?;
    let listed = LocalRegistry::listed(&believed, d.clone());
    trust::warn(registry, &listed, out)?;
    let aliases = aliases_of(registry, d)?;
    let mut object = brief(&listed);
    let more = json!({
        "dataset_kind": m.dataset_kind, "chunk_tree_root": m.chunk_tree_root.to_hex(),
        "file_table_root": m.file_table_root.to_hex(), "num_files": m.num_files,
        "num_rows": m.num_rows, "description": m.description, "line": m.line.to_hex(),
        "seq": m.seq, "prev": m.prev.iter().map(|p| p.to_hex()).collect::<Vec<_>>(),
        "clock": m.clock.iter().map(|(k, n)| (k.to_hex(), *n)).collect::<std::collections::BTreeMap<_, _>>(),
        "signer": m.signer.map(|k| k.to_hex()), "signature": listed.standing.signature.name(),
        "equivocation": registry.has_equivocated(m)?, "schema": {"fields": field_objects(schema.as_ref())},
        "aliases": aliases,
        "files": file_objects(&files), "chunks": totals.chunks, "stored_bytes": stored,
    });
    extend(&mut object, more);
    let by = match listed.publisher() {
        Some(publisher) => format!("{}, signed by {publisher}", listed.trust().name()),
        None => format!("{}, not signed", listed.trust().name()),
    };
    let kind = if m.dataset_kind == DatasetKind::File {
        "file"
    } else {
        "directory"
    };
    let aliases = match aliases.is_empty() {
        true => String::new(),
        false => format!("  aliases      {}\n", aliases.join(", ")),
    };
    let optional = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let text = printable(&format!(
        "{}@{}\n  content id   {}\n  kind         {kind}, {} file(s)\n  size         {} ({} chunks, {} stored)\n  rows         {}\n  licence      {}\n  tags         {}\n{aliases}  created      {}\n  trust        {by}{}\n  description  {}\n",
        m.name,
        m.dataset_version,
        m.content_id,
        m.num_files,
        human_bytes(m.size_bytes),
        totals.chunks,
        human_bytes(stored),
        m.num_rows,
        optional(&m.license),
        match labels(&m.tags) {
            none if none.is_empty() => "-".to_owned(),
            tags => tags.join(", "),
        },
        m.created_at.to_rfc3339(),
        if d.flags.private { ", private" } else { "" },
        optional(&m.description),
    ));
    let fields = field_rows(schema.as_ref());
    let text = match fields.as_slice() {
        [] => text,
        fields => format!("{text}\n{}", table(&["FIELD", "TYPE", ""], fields)),
    };
    Ok(out.result(&object, &[m.content_id.to_string()], &text)?)
}

/// The aliases that a dataset has, and not only carries.
fn aliases_of(registry: &LocalRegistry, d: &Dataset) -> Result<Vec<String>, Failure> {
    let entries = registry.aliases(&d.manifest.name, None)?;
    let own = entries.into_iter().filter(|e| e.dataset.key == d.key);
    Ok(own.map(|e| e.alias.to_string()).collect())
}

pub(crate) fn ls(registry: &LocalRegistry, d: &Dataset, out: &Out) -> Result<(), Failure> {
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
