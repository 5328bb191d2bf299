//! The state of a server: health, metrics, and looks at sources by hand.

use hyper::HeaderMap;
use hyper::StatusCode;
use serde::Serialize;

use crate::error_kind::message_with_causes;
use crate::feature_server::http::reply::Reply;
use crate::feature_server::http::reply::accepts_json;
use crate::feature_server::http::reply::json;
use crate::feature_server::http::reply::reply;
use crate::feature_server::polling::LoadEvent;
use crate::feature_server::refusal::Refusal;
use crate::feature_server::state::Shared;
use crate::feature_server::state::now;
use crate::feature_server::text::time_text;
use crate::features::serving::TableState;
use crate::progress::NoProgress;

const TEXT: &str = "text/plain; charset=utf-8";

/// The state of a table.
#[derive(Serialize)]
struct TableJson {
    name: String,
    rows: u64,
    bytes: u64,
    partition: Option<String>,
    content_id: Option<String>,
    loaded_at: Option<String>,
    age_seconds: Option<i64>,
    checked_at: Option<String>,
    failure: Option<String>,
}

#[derive(Serialize)]
struct HealthJson {
    status: &'static str,
    tables_loaded: usize,
    tables: Vec<TableJson>,
}

impl TableJson {
    fn of(state: TableState, now: i64) -> Self {
        let loaded = state.origin.as_ref().map(|o| o.loaded_at);
        Self {
            name: state.name,
            rows: state.rows,
            bytes: state.bytes,
            loaded_at: loaded.and_then(time_text),
            age_seconds: loaded.map(|at| now.saturating_sub(at).max(0) / 1_000_000),
            checked_at: state.checked_at.and_then(time_text),
            failure: state.failure,
            partition: state.origin.as_ref().and_then(|o| o.partition.clone()),
            content_id: state.origin.and_then(|o| o.content_id),
        }
    }
}

/// Tells that the server runs; with the states of tables for a client that asks for JSON.
pub(super) fn health(shared: &Shared, headers: &HeaderMap) -> Reply {
    match accepts_json(headers) {
        true => json(StatusCode::OK, &state_of(shared)),
        false => reply(StatusCode::OK, TEXT, b"OK".to_vec()),
    }
}

/// Tells if every table with a source has rows.
pub(super) fn readiness(shared: &Shared) -> Reply {
    let state = state_of(shared);
    let status = match state.status {
        "loading" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    json(status, &state)
}

fn state_of(shared: &Shared) -> HealthJson {
    let states = shared.work.tables.states();
    let is_loading = states.iter().any(|s| s.has_source && s.origin.is_none());
    let is_failing = states.iter().any(|s| s.failure.is_some());
    let now = now();
    HealthJson {
        status: match (is_loading, is_failing) {
            (true, _) => "loading",
            (false, true) => "stale",
            (false, false) => "ok",
        },
        tables_loaded: states.iter().filter(|s| s.origin.is_some()).count(),
        tables: states.into_iter().map(|s| TableJson::of(s, now)).collect(),
    }
}

/// Shows the counters.
pub(super) fn metrics(shared: &Shared) -> Reply {
    let text = shared.metrics.text(&shared.work.tables.states(), now());
    reply(
        StatusCode::OK,
        "text/plain; version=0.0.4",
        text.into_bytes(),
    )
}

#[derive(Serialize)]
struct ReloadJson {
    tables: Vec<ReloadedJson>,
}

#[derive(Serialize)]
struct ReloadedJson {
    #[serde(flatten)]
    state: TableJson,
    unchanged: bool,
    events: Vec<LoadEvent>,
}

/// Looks at the source of a table, or of all, now.
///
/// # Errors
/// A refusal if a table is not there, or has no partition that can be loaded.
pub(super) async fn reload(
    shared: &Shared,
    table: Option<String>,
    is_forced: bool,
) -> Result<Reply, Refusal> {
    let loaded = shared.work.loading(move |tables| {
        let names = match &table {
            Some(name) => vec![name.clone()],
            None => {
                let states = tables.states().into_iter();
                states.filter(|s| s.has_source).map(|s| s.name).collect()
            }
        };
        let mut reloaded = Vec::new();
        for name in names {
            let (state, unchanged, events) = match tables.load(&name, is_forced, now(), &NoProgress)
            {
                Ok(report) => {
                    let events = LoadEvent::of(&report);
                    (report.state, report.is_unchanged, events)
                }
                // One table does not keep the others from their turn.
                Err(error) if table.is_none() => {
                    let (table, reason) = (name.clone(), message_with_causes(&error));
                    let failed = LoadEvent::Failed { table, reason };
                    (tables.state(&name)?, true, vec![failed])
                }
                Err(error) => return Err(error.into()),
            };
            reloaded.push(ReloadedJson {
                state: TableJson::of(state, now()),
                unchanged,
                events,
            });
        }
        Ok(reloaded)
    });
    Ok(json(
        StatusCode::OK,
        &ReloadJson {
            tables: loaded.await?,
        },
    ))
}
