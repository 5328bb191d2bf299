//! `registry search`.

use serde_json::Value;
use serde_json::json;

use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::out::printable;
use crate::cli::show::brief;
use crate::registry::Error;
use crate::registry::Listed;
use crate::registry::LocalRegistry;
use crate::search::Query;
use crate::trust::Trust;

pub(crate) fn run(
    registry: &LocalRegistry,
    text: &str,
    schema: Option<&str>,
    limit: usize,
    out: &Out,
) -> Result<(), Failure> {
    let mut query: Query = text.parse().map_err(Error::from)?;
    if let Some(path) = schema {
        query = query.with_column(path);
    }
    let report = registry.search(&query, limit)?;
    let results: Vec<Value> = report
        .found
        .iter()
        .map(|f| {
            let mut object = brief(&f.listed);
            object["score"] = json!(f.score);
            object["snippet"] = json!(f.snippet);
            object
        })
        .collect();
    let object = json!({"results": results, "corrected": report.is_corrected});
    let mut lines = String::new();
    for f in &report.found {
        let m = &f.listed.dataset.manifest;
        lines += &printable(&format!(
            "{}@{}  {} rows, {}{}{}\n",
            m.name,
            m.dataset_version,
            m.num_rows,
            human_bytes(m.size_bytes),
            m.license
                .iter()
                .map(|l| format!(", {l}"))
                .collect::<String>(),
            by(&f.listed),
        ));
        if !f.snippet.is_empty() {
            lines += &printable(&format!("    {}\n", highlight(&f.snippet, out.has_style())));
        }
    }
    if report.found.is_empty() {
        lines = "Nothing found; `alimentar registry list` shows everything\n".to_owned();
    } else if report.is_corrected && !out.is_json() && !out.is_quiet() {
        out.diagnostic("nothing is spelt like that; with one letter changed:");
    }
    let ids: Vec<String> = report
        .found
        .iter()
        .map(|f| f.listed.dataset.manifest.content_id.to_string())
        .collect();
    Ok(out.result(&object, &ids, &styled(lines, out.has_style()))?)
}

/// Who published it, where somebody did, and what speaks against it.
fn by(listed: &Listed) -> String {
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

/// Marks that stand for bold survive [`printable`], which takes escapes away.
const ON: char = '\u{e000}';
const OFF: char = '\u{e001}';

fn highlight(snippet: &str, style: bool) -> String {
    if !style {
        return snippet.to_owned();
    }
    let parts = snippet.split("**").enumerate();
    let mark = |(n, part): (usize, &str)| match n % 2 {
        0 => part.to_owned(),
        _ => format!("{ON}{part}{OFF}"),
    };
    parts.map(mark).collect()
}

fn styled(text: String, style: bool) -> String {
    if style {
        text.replace(ON, "\u{1b}[1m").replace(OFF, "\u{1b}[0m")
    } else {
        text
    }
}
