//! The card and the description of a dataset.

use crate::card::SafeHtml;
use crate::card::to_fragment;
use crate::doors::open_dataset::OpenDataset;
use crate::doors::page::html::At;
use crate::doors::page::html::Html;
use crate::doors::page::limits::CARD_BYTES_MAX;
use crate::doors::page::links::Link;
use crate::doors::shown::ShownDataset;
use crate::registry::Error;
use crate::registry::LocalRegistry;

/// The text of a card.
pub(super) struct ShownCard {
    markup: SafeHtml,
    is_cut: bool,
}

/// Reads the card of a dataset; `None` if nobody wrote one, since the page shows the facts of a draft.
///
/// # Errors
/// [`Error`] when it is missing or damaged.
pub(super) fn read_card(
    registry: &LocalRegistry,
    open: &OpenDataset,
) -> Result<Option<ShownCard>, Error> {
    let report = registry.descriptions().card_of(&open.manifest)?;
    if report.is_draft {
        return Ok(None);
    }
    let markdown = report.card.markdown;
    let mut end = markdown.len().min(CARD_BYTES_MAX);
    while !markdown.is_char_boundary(end) {
        end -= 1;
    }
    let files = files_place(&open.dataset);
    Ok(Some(ShownCard {
        markup: to_fragment(markdown.get(..end).unwrap_or_default(), 2, &files),
        is_cut: end < markdown.len(),
    }))
}

/// Returns the place that links to files beside a card begin with.
fn files_place(dataset: &ShownDataset) -> String {
    let place = Link::file(dataset, "file", "");
    format!("{}/", place.as_str().trim_end_matches('/'))
}

/// Writes a description in Markdown.
pub(super) fn description(h: &mut Html, dataset: &ShownDataset, text: &str) {
    let markup = to_fragment(text, 2, &files_place(dataset));
    h.element("div", &[At::Lit("class", "described")], |h| {
        h.card(&markup);
    });
}

/// Writes the card, or that it cannot be read.
pub(super) fn card_section(h: &mut Html, card: Result<Option<ShownCard>, Error>) {
    let card = match card {
        Ok(None) => return,
        Ok(Some(card)) => card,
        Err(_) => {
            h.leaf(
                "p",
                &[At::Lit("class", "note")],
                "The card cannot be read here.",
            );
            return;
        }
    };
    h.element("section", &[At::Lit("aria-labelledby", "card")], |h| {
        h.leaf("h2", &[At::Lit("id", "card")], "Card");
        let region = [
            At::Lit("class", "card"),
            At::Lit("tabindex", "0"),
            At::Lit("role", "region"),
            At::Label("Card"),
        ];
        h.element("div", &region, |h| {
            h.card(&card.markup);
        });
        if card.is_cut {
            let text = "The card goes on; only its beginning is shown.";
            h.leaf("p", &[At::Lit("class", "note")], text);
        }
    });
}
