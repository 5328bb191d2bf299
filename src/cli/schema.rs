//! `registry schema`: the columns of a dataset as a tree, with what every value of it says.

use arrow_schema::DataType;
use arrow_schema::Fields;
use serde_json::Value;
use serde_json::json;

use crate::catalog::Dataset;
use crate::cli::bar::Bar;
use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::cli::out::printable;
use crate::inspect::FieldProfile;
use crate::registry::FileSchema;
use crate::registry::LocalRegistry;

/// Rows of a tree: how deep, the name, and what is said of it.
struct Row {
    depth: usize,
    name: String,
    kind: String,
    note: String,
}

pub(crate) fn run(
    registry: &LocalRegistry,
    dataset: &Dataset,
    path: Option<&str>,
    out: &Out,
) -> Result<(), Failure> {
    let bar = Bar::new(out.is_quiet());
    let files = registry.profiles(dataset, path, &bar)?;
    drop(bar);
    let declared = LocalRegistry::schema(&dataset.manifest);
    let mut text = String::new();
    let objects: Vec<Value> = files.iter().map(file_object).collect();
    if files.is_empty() {
        let mut rows = Vec::new();
        if let Some(schema) = &declared {
            arrow_rows(schema.fields(), 0, &mut rows);
        }
        text += &tree(&rows);
        if rows.is_empty() {
            text += "No file of this dataset has columns\n";
        }
    }
    for file in &files {
        text += &printable(&format!("{} ({})\n", file.path, file.format.name()));
        let fields = file.profile.fields();
        let rows: Vec<Row> = fields.iter().map(field_row).collect();
        text += &tree(&rows);
        let (unreadable, first) = file.profile.unreadable();
        text += &format!("  {} rows", file.profile.rows());
        if let Some(first) = first {
            text += &format!(", {unreadable} not readable, the first is row {first}");
        }
        let conflicts = fields.iter().filter(|f| f.is_conflict()).count();
        if conflicts > 0 {
            text += &format!(", {conflicts} column(s) with types that do not agree");
        }
        text.push('\n');
    }
    let mut declared_rows = Vec::new();
    if let Some(schema) = &declared {
        arrow_rows(schema.fields(), 0, &mut declared_rows);
    }
    let declared: Vec<Value> = declared_rows
        .iter()
        .map(|r| json!({"name": r.name, "depth": r.depth, "type": r.kind}))
        .collect();
    let id = dataset.manifest.content_id.to_string();
    let object = json!({"content_id": id, "files": objects, "declared": declared});
    Ok(out.result(&object, &[id], &text)?)
}

fn file_object(file: &FileSchema) -> Value {
    let field = |f: &FieldProfile| {
        let kinds: Vec<Value> = f
            .kinds
            .iter()
            .map(|(k, s)| json!({"type": k.name(), "count": s.count, "first_row": s.first_row}))
            .collect();
        json!({
            "name": f.path.join("."), "path": f.path, "type": f.type_name(),
            "nullable": f.nulls + f.absent() > 0, "nulls": f.nulls, "absent": f.absent(),
            "conflict": f.is_conflict(), "types": kinds,
        })
    };
    let (unreadable, first) = file.profile.unreadable();
    json!({
        "path": file.path, "format": file.format.name(), "rows": file.profile.rows(),
        "unreadable": unreadable, "first_unreadable": first,
        "fields": file.profile.fields().iter().map(field).collect::<Vec<_>>(),
    })
}

fn field_row(field: &FieldProfile) -> Row {
    let mut notes = Vec::new();
    if field.is_conflict() {
        let each = field.kinds.iter().map(|(kind, seen)| {
            format!("{} {} from row {}", seen.count, kind.name(), seen.first_row)
        });
        notes.push(format!("conflict: {}", each.collect::<Vec<_>>().join(", ")));
    }
    if field.nulls > 0 {
        notes.push(format!("{} null", field.nulls));
    }
    if field.absent() > 0 {
        notes.push(format!("{} without", field.absent()));
    }
    Row {
        depth: field.path.len().saturating_sub(1),
        name: field.path.last().cloned().unwrap_or_default(),
        kind: field.type_name(),
        note: notes.join("; "),
    }
}

fn arrow_rows(fields: &Fields, depth: usize, rows: &mut Vec<Row>) {
    for field in fields {
        let (mut kind, mut inner) = (String::new(), field.data_type());
        while let DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _) = inner
        {
            kind += "list of ";
            inner = item.data_type();
        }
        let below = match inner {
            DataType::Struct(fields) => Some(fields),
            _ => None,
        };
        kind += &match below {
            Some(_) => "object".to_owned(),
            None => inner.to_string(),
        };
        rows.push(Row {
            depth,
            name: field.name().clone(),
            kind,
            note: if field.is_nullable() { "" } else { "required" }.to_owned(),
        });
        if let Some(fields) = below {
            arrow_rows(fields, depth + 1, rows);
        }
    }
}

/// Deeper than this, names are no longer moved to the right.
const INDENT_MAX: usize = 20;

fn tree(rows: &[Row]) -> String {
    let label = |r: &Row| {
        let name = printable(&r.name).replace('\n', "\u{fffd}");
        format!("{}{name}", "  ".repeat(r.depth.min(INDENT_MAX) + 1))
    };
    let wide = |n: usize, limit: usize| n.min(limit);
    let names = rows.iter().map(|r| label(r).chars().count()).max();
    let kinds = rows.iter().map(|r| r.kind.chars().count()).max();
    let (names, kinds) = (wide(names.unwrap_or(0), 48), wide(kinds.unwrap_or(0), 32));
    let line = |r: &Row| {
        let text = format!("{:<names$}  {:<kinds$}  {}", label(r), r.kind, r.note);
        printable(text.trim_end()) + "\n"
    };
    rows.iter().map(line).collect()
}
