//! `dataset_info` and `dataset_schema`: the format, the size and the columns of a target.

use std::collections::BTreeSet;

use arrow_schema::DataType;
use arrow_schema::Field;
use serde_json::Value;
use serde_json::json;

use crate::inspect::common_schema;
use crate::mcp::answer::Answer;
use crate::mcp::error::ToolError;
use crate::mcp::tools::arguments::Arguments;
use crate::mcp::work::Work;
use crate::mcp::workspace::OpenTarget;
use crate::mcp::workspace::Workspace;

/// Returns the format, the number of rows and the columns of a target, and the names of all targets.
pub(crate) fn dataset_info(
    workspace: &Workspace,
    arguments: &Arguments,
    work: &Work,
) -> Result<Answer, ToolError> {
    let given = &workspace.options.targets;
    let name = arguments.text("target")?;
    let name = match (name, given.as_slice()) {
        (None, [first, _, ..]) => Some(first.as_str()),
        (name, _) => name,
    };
    if name.is_none() && given.is_empty() {
        return Ok(Answer::of(json!({
            "target": null,
            "targets": [],
            "format": null,
            "rows": null,
            "size_bytes": null,
            "columns": [],
            "hint": "No file is open. search_registry lists datasets; their name@version is a target.",
        })));
    }
    let open = workspace.target(name)?;
    let described = describe(&open)?;
    let rows = open.target.rows(work)?;
    let files: Vec<&str> = open
        .target
        .files()
        .iter()
        .take(20)
        .map(|f| f.path())
        .collect();
    Ok(Answer::of(json!({
        "target": open.name,
        "targets": given,
        "format": described.format,
        "rows": rows,
        "size_bytes": open.target.size_bytes(),
        "columns": described.columns,
        "file_count": open.target.files().len(),
        "files": files,
    })))
}

/// Returns the columns of a target with nested ones, and how the types are known.
pub(crate) fn dataset_schema(
    workspace: &Workspace,
    arguments: &Arguments,
    _work: &Work,
) -> Result<Answer, ToolError> {
    let open = workspace.target(arguments.text("target")?)?;
    let described = describe(&open)?;
    Ok(Answer::of(json!({
        "target": open.name,
        "format": described.format,
        "schema_from": described.schema_from,
        "columns": described.nested,
    })))
}

struct Described {
    format: String,
    schema_from: Vec<String>,
    columns: Vec<Value>,
    nested: Vec<Value>,
}

fn describe(open: &OpenTarget) -> Result<Described, ToolError> {
    let (mut formats, mut sources, mut schemas) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for file in open.target.files() {
        let found = file.described()?;
        formats.insert(found.format.name());
        sources.insert(found.schema_from.to_string());
        schemas.extend(found.schema);
    }
    let schema = common_schema(&schemas);
    let fields = schema.iter().flat_map(|s| s.fields().iter());
    let columns = fields.clone().map(|f| {
        json!({"name": f.name(), "type": f.data_type().to_string(), "nullable": f.is_nullable()})
    });
    let mut nested = Vec::new();
    for field in fields.clone() {
        flatten(field, String::new(), &mut nested);
    }
    Ok(Described {
        format: formats.into_iter().collect::<Vec<_>>().join(", "),
        schema_from: sources.into_iter().collect(),
        columns: columns.collect(),
        nested,
    })
}

/// Lists a field and the fields inside of it, by the paths that other tools take.
fn flatten(field: &Field, before: String, found: &mut Vec<Value>) {
    let mut path = match before.as_str() {
        "" => field.name().clone(),
        before => format!("{before}.{}", field.name()),
    };
    let mut kind = field.data_type();
    while let DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) =
        kind
    {
        path += "[]";
        kind = item.data_type();
    }
    match kind {
        DataType::Struct(fields) => {
            for inner in fields {
                flatten(inner, path.clone(), found);
            }
        }
        kind => found.push(json!({
            "path": path,
            "type": kind.to_string(),
            "nullable": field.is_nullable(),
        })),
    }
}
