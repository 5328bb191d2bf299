//! Resources: cards, schemas and rows by content id. A content id never names other content.

use rmcp::model::CacheScope;
use rmcp::model::ReadResourceResult;
use rmcp::model::Resource;
use rmcp::model::ResourceContents;
use rmcp::model::ResourceTemplate;
use serde_json::Map;
use serde_json::json;

use crate::mcp::error::ToolError;
use crate::mcp::tools;
use crate::mcp::tools::catalog::resolve;
use crate::mcp::work::Work;
use crate::mcp::workspace::Workspace;

/// Datasets whose cards are listed. Clients do not page through resources.
const LISTED: usize = 50;
/// Time for which content under a content id stays the same, in milliseconds: a year.
const FOREVER_MS: u64 = 365 * 24 * 3_600_000;
const SCHEME: &str = "dataset://";

/// Lists the cards of the newest datasets.
pub(crate) fn list(workspace: &Workspace) -> Result<Vec<Resource>, ToolError> {
    if !workspace.options.home.exists() {
        return Ok(Vec::new());
    }
    let registry = workspace.registry()?;
    let mut all = registry.list()?;
    all.sort_by_key(|d| std::cmp::Reverse(d.manifest.created_at));
    let listed = all.into_iter().take(LISTED).map(|d| {
        let m = &d.manifest;
        let name = format!("{}@{}", m.name, m.dataset_version);
        let mut card = Resource::new(format!("{SCHEME}{}/card", m.content_id.to_hex()), name);
        card.title = Some(format!("Card of {}", m.name));
        card.mime_type = Some("text/markdown".to_owned());
        card
    });
    Ok(listed.collect())
}

/// Returns the forms of addresses.
pub(crate) fn templates() -> Vec<ResourceTemplate> {
    let of = |rest: &str, name: &str, kind: &str| {
        let mut template = ResourceTemplate::new(format!("{SCHEME}{{content_id}}/{rest}"), name);
        template.mime_type = Some(kind.to_owned());
        template
    };
    vec![
        of("card", "Card of a dataset", "text/markdown"),
        of("schema", "Columns of a dataset", "application/json"),
        of("rows/{n}", "One row of a dataset", "application/json"),
    ]
}

/// Reads a resource.
///
/// # Errors
/// [`ToolError`] for an address that names nothing here.
pub(crate) fn read(workspace: &Workspace, uri: &str) -> Result<ReadResourceResult, ToolError> {
    let unknown = || {
        ToolError::new("there is no such resource")
            .with_next("dataset://CONTENT_ID/card, /schema or /rows/N")
    };
    let (id, rest) = uri
        .strip_prefix(SCHEME)
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(unknown)?;
    let registry = workspace.registry()?;
    let dataset = resolve(&registry, &format!("alimentar:{id}"))?;
    let work = Work::new(std::sync::Arc::default(), None);
    let call = |tool: &str, values: serde_json::Value| {
        let tool = tools::TOOLS
            .iter()
            .find(|t| t.name == tool)
            .ok_or_else(unknown)?;
        let values = values.as_object().cloned().unwrap_or_else(Map::new);
        tools::call(workspace, tool, values, &work)
    };
    let target = dataset.manifest.content_id.to_string();
    let (text, kind) = match rest.split_once('/') {
        None if rest == "card" => (
            registry.descriptions().card(&dataset)?.card.markdown,
            "text/markdown",
        ),
        None if rest == "schema" => {
            let found = call("dataset_schema", json!({"target": target}))?;
            (found.value.to_string(), "application/json")
        }
        Some(("rows", n)) => {
            let n: u64 = n.parse().map_err(|_| unknown())?;
            let found = call(
                "get_lines",
                json!({"target": target, "start": n, "count": 1}),
            )?;
            let row = found
                .value
                .get("rows")
                .and_then(|rows| rows.get(0))
                .cloned();
            (row.ok_or_else(unknown)?.to_string(), "application/json")
        }
        _ => return Err(unknown()),
    };
    let contents = ResourceContents::text(text, uri).with_mime_type(kind);
    // A prefix of an id may mean something else one day.
    let is_whole = id == dataset.manifest.content_id.to_hex();
    let fresh = if is_whole { FOREVER_MS } else { 0 };
    Ok(ReadResourceResult::new(vec![contents])
        .with_ttl_ms(fresh)
        .with_cache_scope(CacheScope::Private))
}
