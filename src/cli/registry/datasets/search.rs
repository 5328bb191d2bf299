//! `registry search`: datasets by name, tags, card text and columns.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::cli::output::text::printable;
use crate::cli::registry::datasets::listed::ListedDataset;
use crate::registry::Error;
use crate::registry::Listed;
use crate::search::Query;
use crate::trust::Trust;

/// Search datasets by name, tags, card text and columns
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar registry search 'speech license:cc-by-4.0'
  alimentar registry search '\"read aloud\" rows:>10k -noisy'
  alimentar registry search --schema meta.label

Fields: name tag license publisher lang schema text rows size")]
pub(crate) struct SearchArgs {
    /// Words, "phrases", prefi*, -without, field:value
    #[arg(
        required_unless_present = "schema",
        default_value = "",
        hide_default_value = true
    )]
    query: String,
    /// Only datasets with this column; dots lead into nested columns
    #[arg(long, value_name = "FIELD")]
    schema: Option<String>,
    /// The maximum number of results
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

#[derive(Serialize)]
struct SearchOutput<'a> {
    results: Vec<SearchResult<'a>>,
    /// No dataset has the words; the results have similar ones.
    corrected: bool,
}

#[derive(Serialize)]
struct SearchResult<'a> {
    #[serde(flatten)]
    listed: ListedDataset,
    score: f32,
    snippet: &'a str,
}

pub(crate) fn run(ctx: &Context, args: &SearchArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let mut query: Query = args.query.parse().map_err(Error::from)?;
    if let Some(path) = &args.schema {
        query = query.with_column(path);
    }
    let report = registry.search(&query, args.limit)?;
    let results = report.found.iter().map(|f| SearchResult {
        listed: ListedDataset::of(&f.listed),
        score: f.score,
        snippet: &f.snippet,
    });
    let output = SearchOutput {
        results: results.collect(),
        corrected: report.is_corrected,
    };
    let has_style = ctx.out.has_style();
    let mut lines = String::new();
    for f in &report.found {
        let m = &f.listed.dataset.manifest;
        let license = m.license.iter().map(|l| format!(", {l}"));
        lines += &printable(&format!(
            "{}@{}  {} rows, {}{}{}\n",
            m.name,
            m.dataset_version,
            m.num_rows,
            human_bytes(m.size_bytes),
            license.collect::<String>(),
            format_standing(&f.listed),
        ));
        if !f.snippet.is_empty() {
            lines += &printable(&format!("    {}\n", mark_matches(&f.snippet, has_style)));
        }
    }
    if report.found.is_empty() {
        lines = "Nothing found; `alimentar registry list` shows everything\n".to_owned();
    } else if report.is_corrected && ctx.out.is_text() {
        ctx.out
            .diagnostic("nothing is spelt like that; with one letter changed:");
    }
    let ids = report.found.iter();
    let ids = ids.map(|f| f.listed.dataset.manifest.content_id.to_string());
    let ids: Vec<String> = ids.collect();
    Ok(ctx
        .out
        .result(&output, &ids, &embolden_marks(lines, has_style))?)
}

/// The publisher, and the facts that speak against the dataset.
fn format_standing(listed: &Listed) -> String {
    let publisher = listed.publisher_short().map(|p| format!(", by {p}"));
    let trust = match listed.trust() {
        Trust::Local | Trust::Full => String::new(),
        other => format!(" ({})", other.name()),
    };
    let withdrawn = match listed.withdrawn {
        Some(_) => " (withdrawn)",
        None => "",
    };
    format!("{}{trust}{withdrawn}", publisher.unwrap_or_default())
}

/// Marks for bold, which [`printable`] leaves in place while it removes escapes.
const ON: char = '\u{e000}';
const OFF: char = '\u{e001}';

fn mark_matches(snippet: &str, has_style: bool) -> String {
    if !has_style {
        return snippet.to_owned();
    }
    let parts = snippet.split("**").enumerate();
    let mark = |(n, part): (usize, &str)| match n % 2 {
        0 => part.to_owned(),
        _ => format!("{ON}{part}{OFF}"),
    };
    parts.map(mark).collect()
}

fn embolden_marks(text: String, has_style: bool) -> String {
    if has_style {
        text.replace(ON, "\u{1b}[1m").replace(OFF, "\u{1b}[0m")
    } else {
        text
    }
}
