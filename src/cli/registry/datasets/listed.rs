//! A dataset in a listing, and the files of a dataset.

use serde::Serialize;

use crate::catalog::DatasetSummary;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::out::Out;
use crate::cli::output::text::human_bytes;
use crate::ident::labels;
use crate::inspect::FileFormat;
use crate::manifest::FileTable;
use crate::registry::Listed;

/// A dataset of a listing in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct ListedDataset {
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
    /// A person accepted the dataset. Only listings know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<bool>,
}

impl ListedDataset {
    fn of_brief(listed: Listed<DatasetSummary>) -> Self {
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

    /// The dataset without the field `accepted`.
    pub(crate) fn of(listed: &Listed) -> Self {
        Self {
            accepted: None,
            ..Self::of_brief(listed.summary())
        }
    }
}

#[derive(Serialize)]
struct ListOutput {
    datasets: Vec<ListedDataset>,
}

/// Prints a list of datasets. `nothing` is the text for an empty list.
pub(crate) fn print_datasets(
    ctx: &Context,
    shown: Vec<Listed<DatasetSummary>>,
    nothing: &str,
) -> Result<(), Failure> {
    if ctx.out.is_json() {
        let datasets = shown.into_iter().map(ListedDataset::of_brief).collect();
        return Ok(ctx.out.large_result(&ListOutput { datasets }, &[], "")?);
    }
    let ids: Vec<String> = shown
        .iter()
        .map(|l| l.dataset.content_id.to_string())
        .collect();
    let text = if shown.is_empty() {
        nothing.to_owned()
    } else {
        format_datasets(ctx.out, &shown)
    };
    Ok(ctx.out.result(&(), &ids, &text)?)
}

fn format_datasets(out: Out, shown: &[Listed<DatasetSummary>]) -> String {
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
    out.table(&head, &rows)
}

/// A file of a dataset in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct FileObject {
    path: String,
    size_bytes: u64,
    content_id: Option<String>,
    rows: Option<u64>,
    format: &'static str,
}

impl FileObject {
    /// A file at a URL: its format is that of its name.
    pub(crate) fn elsewhere(path: &str, size_bytes: u64) -> Self {
        Self {
            path: path.to_owned(),
            size_bytes,
            content_id: None,
            rows: None,
            format: FileFormat::of_path(path).name(),
        }
    }

    /// The files of a dataset.
    pub(crate) fn all(table: &FileTable) -> Vec<Self> {
        let object = |f: &crate::manifest::FileEntry| Self {
            path: f.path.clone(),
            size_bytes: f.size_bytes,
            content_id: f.content_id.map(|id| id.to_string()),
            rows: f.rows,
            format: FileFormat::from_number(f.format).name(),
        };
        table.files().iter().map(object).collect()
    }
}
