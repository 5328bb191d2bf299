//! Functions over the whole registry: lists, searches, comparisons.

use std::path::PathBuf;

use alimentar::ident::Reference;
use alimentar::registry::DiffInput;
use alimentar::registry::Error;
use alimentar::registry::FileDiff;
use alimentar::registry::RowDiff;
use alimentar::remote::RemoteUrl;
use alimentar::search::Query;
use alimentar::trust::Action;
use alimentar::trust::Trust;
use alimentar::trust::Verdict;
use pyo3::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::failure::Failure;
use crate::home;
use crate::objects;
use crate::work::run;

/// Lists the datasets of the registry as JSON. Without `all`, only those of trusted publishers.
#[pyfunction]
#[pyo3(signature = (home=None, all=false))]
pub(crate) fn list(py: Python<'_>, home: Option<PathBuf>, all: bool) -> PyResult<String> {
    let home = home::path_of(home)?;
    run(py, None, move |_| {
        let datasets = home::registry(&home, false)?
            .publishing()
            .list_summaries()?;
        let shown = datasets.into_iter().filter(|l| {
            let is_trusted = l.decide(Action::List).verdict == Verdict::Accept;
            let is_accepted = l.accepted && l.trust() != Trust::Revoked;
            all || ((is_trusted || is_accepted) && l.withdrawn.is_none())
        });
        Ok(Value::from_iter(shown.map(objects::listed)).to_string())
    })
}

/// Searches datasets. Returns the result as JSON.
#[pyfunction]
#[pyo3(signature = (query, schema=None, limit=20, home=None))]
pub(crate) fn search(
    py: Python<'_>,
    query: String,
    schema: Option<String>,
    limit: usize,
    home: Option<PathBuf>,
) -> PyResult<String> {
    let home = home::path_of(home)?;
    run(py, None, move |_| {
        let mut query: Query = query.parse().map_err(Error::from)?;
        if let Some(path) = &schema {
            query = query.with_column(path);
        }
        let report = home::registry(&home, false)?.search(&query, limit)?;
        let results = report.found.iter().map(|found| {
            let mut listed = objects::listed(found.listed.summary());
            objects::remove(&mut listed, "accepted");
            objects::joined(
                listed,
                json!({"score": found.score, "snippet": found.snippet}),
            )
        });
        let results: Vec<Value> = results.collect();
        Ok(json!({"results": results, "corrected": report.is_corrected}).to_string())
    })
}

/// Compares two datasets, or what is at URLs. Returns the result as JSON.
#[pyfunction]
#[pyo3(signature = (a, b, home=None, progress=None))]
pub(crate) fn diff(
    py: Python<'_>,
    a: String,
    b: String,
    home: Option<PathBuf>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let home = home::path_of(home)?;
    let remote = home::remote(&home)?;
    run(py, progress, move |watch| {
        let registry = home::registry(&home, false)?;
        let input = |text: &str| -> Result<DiffInput, Failure> {
            if RemoteUrl::looks_like_url(text) {
                let url = RemoteUrl::parse(text)?;
                return Ok(DiffInput::elsewhere(&remote, &url, &**watch)?);
            }
            let dataset = registry.resolve(&text.parse::<Reference>()?)?;
            Ok(DiffInput::held(&registry, &dataset)?)
        };
        let (a, b) = (input(&a)?, input(&b)?);
        let report = registry.comparison().diff_of(&a, &b)?;
        let rows = registry.comparison().diff_rows_of(&a, &b, &**watch)?;
        let tree = &report.tree;
        let files: Vec<Value> = report.files.iter().map(file_difference).collect();
        let rows: Vec<Value> = rows.iter().map(row_difference).collect();
        Ok(json!({
            "a": a.content_id().map(|id| id.to_string()),
            "b": b.content_id().map(|id| id.to_string()),
            "shared_bytes": tree.shared.bytes,
            "only_a_bytes": tree.only_a.bytes,
            "only_b_bytes": tree.only_b.bytes,
            "shared_chunks": tree.shared.chunks,
            "only_a_chunks": tree.only_a.chunks,
            "only_b_chunks": tree.only_b.chunks,
            "files": files,
            "rows": rows,
        })
        .to_string())
    })
}

fn file_difference(file: &FileDiff) -> Value {
    let status = match (&file.a, &file.b) {
        _ if file.from.is_some() => "renamed",
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    };
    let mut object = json!({
        "path": file.path,
        "status": status,
        "size_a": file.a.as_ref().map(|(size, _)| *size),
        "size_b": file.b.as_ref().map(|(size, _)| *size),
        "from": file.from,
    });
    if file.from.is_none() {
        objects::remove(&mut object, "from");
    }
    object
}

fn row_difference(rows: &RowDiff) -> Value {
    let row = |side: &Option<(u64, String)>| {
        side.as_ref()
            .map(|(number, text)| json!({"n": number, "text": text}))
    };
    let samples = rows
        .samples
        .iter()
        .map(|sample| json!({"before": row(&sample.before), "after": row(&sample.after)}));
    let samples: Vec<Value> = samples.collect();
    let mut object = json!({
        "path": rows.path,
        "added": rows.added,
        "removed": rows.removed,
        "changed": rows.changed,
        "bytes_read": rows.bytes_read,
        "samples": samples,
        "not_compared": rows.not_compared,
    });
    if rows.not_compared.is_none() {
        objects::remove(&mut object, "not_compared");
    }
    object
}
