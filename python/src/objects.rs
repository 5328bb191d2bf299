//! JSON objects with the keys of the program's `--json`.

use alimentar::catalog::DatasetSummary;
use alimentar::ident::labels;
use alimentar::inspect::FileFormat;
use alimentar::manifest::FileEntry;
use alimentar::registry::Listed;
use alimentar::registry::TargetFile;
use arrow_schema::Schema;
use serde_json::Value;
use serde_json::json;

/// Returns a dataset of a list.
pub(crate) fn listed(listed: Listed<DatasetSummary>) -> Value {
    let publisher = listed.publisher();
    let trust = listed.trust().name();
    let summary = listed.dataset;
    json!({
        "content_id": summary.content_id.to_string(),
        "name": summary.name.to_string(),
        "version": summary.version.to_string(),
        "rows": summary.rows,
        "size_bytes": summary.size_bytes,
        "publisher": publisher,
        "publisher_key": summary.signer.map(|k| k.to_hex()),
        "trust": trust,
        "created_at": summary.created_at.to_rfc3339(),
        "tags": labels(&summary.tags),
        "license": summary.license,
        "private": summary.flags.private,
        "withdrawn": listed.withdrawn,
        "accepted": listed.accepted,
    })
}

/// Returns a file of a dataset.
pub(crate) fn file(entry: &FileEntry) -> Value {
    json!({
        "path": entry.path,
        "size_bytes": entry.size_bytes,
        "content_id": entry.content_id.map(|id| id.to_string()),
        "rows": entry.rows,
        "format": FileFormat::from_number(entry.format).name(),
    })
}

/// Returns a file that belongs to no dataset.
pub(crate) fn file_elsewhere(file: &TargetFile) -> Value {
    json!({
        "path": file.path(),
        "size_bytes": file.size_bytes(),
        "content_id": Value::Null,
        "rows": Value::Null,
        "format": FileFormat::of_path(file.path()).name(),
    })
}

/// Returns the columns of a schema.
pub(crate) fn fields(schema: &Schema) -> Value {
    let fields = schema.fields().iter();
    Value::from_iter(fields.map(|field| {
        json!({
            "name": field.name(),
            "type": field.data_type().to_string(),
            "nullable": field.is_nullable(),
        })
    }))
}

/// Returns the members of two objects.
pub(crate) fn joined(mut object: Value, more: Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut object, more) {
        members.extend(more);
    }
    object
}

/// Removes a member of an object.
pub(crate) fn remove(object: &mut Value, key: &str) {
    if let Value::Object(members) = object {
        members.remove(key);
    }
}
