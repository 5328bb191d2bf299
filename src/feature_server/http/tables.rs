//! Tables: their list, their definitions, new ones and the end of them.

use std::sync::atomic::Ordering;

use hyper::StatusCode;
use hyper::body::Incoming;

use crate::feature_server::body::read_body;
use crate::feature_server::http::definition::NewTable;
use crate::feature_server::http::definition::TableJson;
use crate::feature_server::http::fetch::bad_json;
use crate::feature_server::http::ordered::Ordered;
use crate::feature_server::http::reply::Reply;
use crate::feature_server::http::reply::empty;
use crate::feature_server::http::reply::json;
use crate::feature_server::limits::DEFINITION_BYTES_MAX;
use crate::feature_server::refusal::Refusal;
use crate::feature_server::state::Link;
use crate::feature_server::state::Shared;
use crate::feature_server::state::now;

/// Lists the tables whose columns are known, with their definitions.
pub(super) fn list(shared: &Shared, is_first_generation: bool) -> Reply {
    let states = shared.work.tables.states().into_iter();
    let tables = states.filter_map(|state| {
        let schema = state.schema?;
        Some((state.name, TableJson::of(&schema, is_first_generation)))
    });
    json(StatusCode::OK, &Ordered(tables.collect()))
}

/// Describes a table.
///
/// # Errors
/// A refusal for a table that is not there.
pub(super) fn schema(
    shared: &Shared,
    table: &str,
    is_first_generation: bool,
) -> Result<Reply, Refusal> {
    let schema = shared.work.tables.schema(table)?;
    Ok(json(
        StatusCode::OK,
        &TableJson::of(&schema, is_first_generation),
    ))
}

/// Makes an empty table.
///
/// # Errors
/// A refusal for a definition that is none, and a table that is there.
pub(super) async fn create(
    shared: &Shared,
    link: &Link,
    table: &str,
    body: Incoming,
) -> Result<Reply, Refusal> {
    let held = read_body(body, DEFINITION_BYTES_MAX, &shared.budget).await?;
    let new: NewTable = serde_json::from_slice(&held.bytes).map_err(bad_json)?;
    let is_first = new.is_first_generation();
    link.is_first_generation.store(is_first, Ordering::Relaxed);
    let (table, schema) = (table.to_owned(), new.schema()?);
    let made = shared
        .work
        .beside(move |tables| Ok(tables.create(&table, schema)?));
    made.await?;
    Ok(empty(StatusCode::CREATED))
}

/// Removes a table.
///
/// # Errors
/// A refusal for a table that is not there, or has a source.
pub(super) async fn remove(shared: &Shared, table: &str) -> Result<Reply, Refusal> {
    let table = table.to_owned();
    let removed = shared.work.beside(move |tables| Ok(tables.remove(&table)?));
    removed.await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Joins the segments of a table.
///
/// # Errors
/// As [`remove`].
pub(super) async fn compact(shared: &Shared, table: &str) -> Result<Reply, Refusal> {
    let table = table.to_owned();
    let done = shared
        .work
        .beside(move |tables| Ok(tables.compact(&table, now())?));
    done.await?;
    Ok(empty(StatusCode::OK))
}
