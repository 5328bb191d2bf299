//! `search_registry` and `registry_info`: the datasets of this machine.

use serde_json::Value;
use serde_json::json;

use crate::catalog::Dataset;
use crate::ident::Reference;
use crate::ident::labels;
use crate::mcp::answer::Answer;
use crate::mcp::error::ToolError;
use crate::mcp::limits::EXAMPLES_MAX;
use crate::mcp::limits::LISTED_MAX;
use crate::mcp::tools::arguments::Arguments;
use crate::mcp::work::Work;
use crate::mcp::workspace::Workspace;
use crate::registry::Listed;
use crate::registry::LocalRegistry;
use crate::search::Query;

/// Characters of a card.
const CARD_CHARS: usize = 12_000;

/// Returns the datasets that match words, or all of them.
pub(crate) fn search_registry(
    workspace: &Workspace,
    arguments: &Arguments,
    _work: &Work,
) -> Result<Answer, ToolError> {
    let registry = workspace.registry()?;
    let limit = arguments.count("limit", 20, EXAMPLES_MAX)?;
    let limit = usize::try_from(limit).unwrap_or(20);
    let Some(text) = arguments.text("query")? else {
        let all = registry.list()?;
        let trust = registry.trust().store()?;
        let shown = all.iter().take(limit);
        let shown = shown.map(|d| summary(&Listed::of(&trust, d.clone())));
        return Ok(Answer::of(json!({
            "datasets": all.len(),
            "is_corrected": false,
            "results": shown.collect::<Vec<Value>>(),
        })));
    };
    let query: Query = text.parse().map_err(|error| {
        ToolError::new(format!("the query is not understood: {error}"))
            .with_next("search_registry with plain words, or name:, tag:, license:, publisher:, schema: before a word")
    })?;
    let report = registry.search(&query, limit)?;
    let results = report.found.iter().map(|found| {
        let mut value = summary(&found.listed);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("snippet".to_owned(), json!(found.snippet));
        }
        value
    });
    Ok(Answer::of(json!({
        "datasets": report.found.len(),
        "is_corrected": report.is_corrected,
        "results": results.collect::<Vec<Value>>(),
    })))
}

fn summary(listed: &Listed) -> Value {
    let m = &listed.dataset.manifest;
    json!({
        "name": m.name.to_string(),
        "version": m.dataset_version.to_string(),
        "target": format!("{}@{}", m.name, m.dataset_version),
        "rows": m.num_rows,
        "size_bytes": m.size_bytes,
        "license": m.license,
        "tags": labels(&m.tags),
        "publisher": listed.publisher_short(),
        "trust": listed.trust().name(),
        "withdrawn": listed.withdrawn,
        "content_id": m.content_id.to_string(),
    })
}

/// Returns one dataset: its card, versions, files and columns, and its differences to another one.
pub(crate) fn registry_info(
    workspace: &Workspace,
    arguments: &Arguments,
    work: &Work,
) -> Result<Answer, ToolError> {
    let registry = workspace.registry()?;
    let dataset = resolve(&registry, arguments.required("ref")?)?;
    let m = &dataset.manifest;
    let trust = registry.trust().store()?;
    let listed = Listed::of(&trust, dataset.clone());
    let mut value = summary(&listed);
    let card = registry.descriptions().card(&dataset)?;
    let card: String = card.card.markdown.chars().take(CARD_CHARS).collect();
    let versions = registry.descriptions().log(&m.name)?;
    let versions = versions.iter().take(LISTED_MAX).map(|entry| {
        let m = &entry.dataset.manifest;
        json!({
            "version": m.dataset_version.to_string(),
            "content_id": m.content_id.to_string(),
            "created_at": m.created_at.to_rfc3339(),
            "rows": m.num_rows,
        })
    });
    let table = registry.files(m)?;
    let files = table.files().iter().take(LISTED_MAX);
    let files = files.map(|f| json!({"path": f.path, "size_bytes": f.size_bytes, "rows": f.rows}));
    if let Some(fields) = value.as_object_mut() {
        fields.insert("description".to_owned(), json!(m.description));
        fields.insert("created_at".to_owned(), json!(m.created_at.to_rfc3339()));
        fields.insert("card".to_owned(), json!(card));
        fields.insert("versions".to_owned(), versions.collect());
        fields.insert("file_count".to_owned(), json!(m.num_files));
        fields.insert("files".to_owned(), files.collect());
        if let Some(other) = arguments.text("diff_with")? {
            fields.insert("diff".to_owned(), diff(&registry, other, &dataset, work)?);
        }
    }
    Ok(Answer::of(value))
}

/// Compares another dataset, which is before, with this one.
fn diff(
    registry: &LocalRegistry,
    other: &str,
    dataset: &Dataset,
    work: &Work,
) -> Result<Value, ToolError> {
    let before = resolve(registry, other)?;
    let report = registry.comparison().diff(&before, dataset)?;
    let rows = registry.comparison().diff_rows(&before, dataset, work)?;
    let files = report.files.iter().take(LISTED_MAX).map(|f| {
        let status = match (&f.from, &f.a, &f.b) {
            (Some(_), ..) => "renamed",
            (None, None, _) => "added",
            (None, _, None) => "removed",
            _ => "changed",
        };
        json!({"path": f.path, "status": status})
    });
    let rows = rows.iter().take(LISTED_MAX).map(|d| {
        json!({
            "path": d.path,
            "added": d.added,
            "removed": d.removed,
            "changed": d.changed,
            "not_compared": d.not_compared,
        })
    });
    Ok(json!({
        "before": format!("{}@{}", before.manifest.name, before.manifest.dataset_version),
        "shared_bytes": report.tree.shared.bytes,
        "new_bytes": report.tree.only_b.bytes,
        "gone_bytes": report.tree.only_a.bytes,
        "files": files.collect::<Vec<Value>>(),
        "rows": rows.collect::<Vec<Value>>(),
    }))
}

pub(crate) fn resolve(registry: &LocalRegistry, text: &str) -> Result<Dataset, ToolError> {
    let reference: Reference = text.parse().map_err(|error| {
        ToolError::new(format!("`{text}` is no reference: {error}")).with_next(
            "registry_info with name, name@version, publisher/name or a content id as `ref`",
        )
    })?;
    Ok(registry.resolve(&reference)?)
}
