//! `registry card`: a card on the terminal, as JSON, or as a page.

use serde_json::json;

use crate::card::to_html;
use crate::catalog::Dataset;
use crate::cli::bar::Bar;
use crate::cli::exit::Failure;
use crate::cli::markdown::render;
use crate::cli::out::Out;
use crate::cli::out::escaped;
use crate::cli::out::printable;
use crate::registry::LocalRegistry;

pub(crate) fn run(
    registry: &LocalRegistry,
    dataset: &Dataset,
    html: bool,
    out: &Out,
) -> Result<(), Failure> {
    let report = registry.card(dataset)?;
    let card = &report.card;
    let m = &dataset.manifest;
    let title = format!("{}@{}", m.name, m.dataset_version);
    if let Some(error) = &card.error {
        out.diagnostic(&format!("warning: the card's front matter, {error}"));
    }
    let mut object = json!({
        "content_id": m.content_id.to_string(), "drafted": report.is_draft,
        "error": card.error.as_ref().map(ToString::to_string),
    });
    let text = if html {
        let page = to_html(&title, &card.markdown);
        object["html"] = json!(page);
        page
    } else {
        object["frontmatter"] = json!(card.front_matter);
        object["markdown"] = json!(card.markdown);
        let keys = card.front_matter.iter();
        let facts: String = keys
            .map(|(key, value)| match value.as_str() {
                Some(text) => printable(&format!("{key}: {text}\n")),
                None => printable(&format!("{key}: {value}\n")),
            })
            .collect();
        format!(
            "{facts}\n{}",
            render(&card.markdown, out.width(), out.has_style())
        )
    };
    Ok(out.result(&object, &[m.content_id.to_string()], &text)?)
}

pub(crate) fn croissant(
    registry: &LocalRegistry,
    dataset: &Dataset,
    out: &Out,
) -> Result<(), Failure> {
    let bar = Bar::new(out.is_quiet());
    let object = registry.croissant(dataset, &bar)?;
    drop(bar);
    Ok(out.bytes(escaped(format!("{object:#}\n")).as_bytes())?)
}
