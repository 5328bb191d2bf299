//! The description of the paths, for programs.

use hyper::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::feature_server::http::reply::Reply;
use crate::feature_server::http::reply::json;

/// A path: its method, its text, its purpose, and the statuses of its answers.
type Line = (&'static str, &'static str, &'static str, &'static [u16]);

/// The paths that are described.
const PATHS: &[Line] = &[
    (
        "get",
        "/health",
        "`OK`, or the states of tables as JSON",
        &[200],
    ),
    (
        "get",
        "/ready",
        "whether every table with a source has rows",
        &[200, 503],
    ),
    ("get", "/metrics", "counters for Prometheus", &[200]),
    ("get", "/openapi.json", "this description", &[200]),
    ("post", "/reload", "look at all sources now", &[200]),
    (
        "post",
        "/reload/{name}",
        "look at the source of a table now",
        &[200, 404, 503],
    ),
    ("get", "/api/v1/table", "tables and their columns", &[200]),
    (
        "put",
        "/api/v1/table/{name}",
        "make a table without a source",
        &[201, 400, 409],
    ),
    (
        "delete",
        "/api/v1/table/{name}",
        "remove a table without a source",
        &[204, 403, 404],
    ),
    (
        "get",
        "/api/v1/table/{name}/schema",
        "the columns of a table",
        &[200, 404],
    ),
    (
        "post",
        "/api/v1/table/{name}/fetch",
        "rows by keys, as JSON or an Arrow stream",
        &[200, 400, 404, 413, 503],
    ),
    (
        "put",
        "/api/v1/table/{name}/write",
        "write rows: JSON, an Arrow stream or Parquet",
        &[200, 400, 403, 404],
    ),
    (
        "post",
        "/api/v1/table/{name}/compact",
        "join the segments of a table",
        &[200, 403, 404],
    ),
    (
        "post",
        "/api/v1/fetch",
        "rows of several tables at once",
        &[200, 400, 404, 413, 503],
    ),
    (
        "post",
        "/v1/{name}/_fetch",
        "rows by keys, in the form of the earliest servers",
        &[200, 400, 404],
    ),
    (
        "post",
        "/get-online-features",
        "features by entities, for Feast",
        &[200, 400, 404, 422],
    ),
    (
        "post",
        "/write-to-online-store",
        "write rows, for Feast",
        &[200, 400, 403, 404],
    ),
    (
        "post",
        "/push",
        "write rows, for Feast",
        &[200, 400, 403, 404, 422],
    ),
];

/// Returns the document.
pub(super) fn document() -> Reply {
    let mut paths = serde_json::Map::new();
    for (method, path, summary, statuses) in PATHS {
        let responses = statuses.iter().map(|status| {
            let is_error = *status >= 400;
            let content = is_error.then(
                || json!({"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}),
            );
            let description = if is_error { "an error" } else { "the answer" };
            let mut object = json!({ "description": description });
            if let (Some(content), Some(object)) = (content, object.as_object_mut()) {
                object.insert("content".to_owned(), content);
            }
            (status.to_string(), object)
        });
        let responses: serde_json::Map<String, Value> = responses.collect();
        let mut operation = json!({"summary": summary, "responses": responses});
        if path.contains("{name}") {
            operation["parameters"] = json!([
                {"name": "name", "in": "path", "required": true, "schema": {"type": "string"}}
            ]);
        }
        let entry = paths.entry((*path).to_owned()).or_insert_with(|| json!({}));
        entry[*method] = operation;
    }
    let error = json!({
        "type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}
    });
    let document = json!({
        "openapi": "3.1.0",
        "info": {"title": "alimentar features", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
        "components": {"schemas": {"Error": error}},
    });
    json(StatusCode::OK, &document)
}
