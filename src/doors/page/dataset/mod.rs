//! The page of a dataset: its card, versions, files, columns and origin.

mod card;
mod columns;
mod files;

use std::sync::Arc;

use hyper::StatusCode;

use crate::doors::body::Answer;
use crate::doors::catalogue::DatasetList;
use crate::doors::error::DoorError;
use crate::doors::open_dataset::OpenDataset;
use crate::doors::page::facts;
use crate::doors::page::html::At;
use crate::doors::page::html::Html;
use crate::doors::page::layout;
use crate::doors::page::layout::Page;
use crate::doors::page::layout::Part;
use crate::doors::page::limits::VERSIONS_MAX;
use crate::doors::page::links::Link;
use crate::doors::page::words;
use crate::doors::request::DoorRequest;
use crate::doors::shown::ShownDataset;
use crate::doors::state::Doors;
use crate::ident::labels;
use crate::registry::Descriptions;

use card::card_section;
use card::read_card;
use columns::schema_section;
use files::files;

/// Answers with the page of a version.
pub(super) async fn answer(
    doors: &Arc<Doors>,
    list: &DatasetList,
    dataset: &Arc<ShownDataset>,
    request: &DoorRequest,
) -> Result<Answer, DoorError> {
    let open = doors.catalogue.open(dataset).await?;
    let registry = doors.catalogue.registry().clone();
    let described = Arc::clone(&open);
    let read = move || {
        let card = read_card(&registry, &described);
        (card, Descriptions::schema(&described.manifest))
    };
    let (card, schema) = doors.catalogue.blocking(read).await?;
    let versions = list.versions(&dataset.publisher, dataset.name.as_str());
    let mut html = Html::new();
    heading(&mut html, dataset, versions, None);
    html.element("p", &[At::Lit("class", "actions")], |h| {
        let place = Link::literal("/connect").with("dataset", &dataset.key_prefix());
        h.link(&place, "Use it from Python, DuckDB, Spark…");
    });
    html.element("div", &[At::Lit("class", "columns")], |h| {
        h.element("div", &[At::Lit("class", "wide")], |h| {
            card_section(h, card);
            files(h, &open, request);
            schema_section(h, schema.as_ref());
        });
        h.element("div", &[At::Lit("class", "side")], |h| {
            about(h, &open);
            origin(h, &open);
            versions_section(h, dataset, versions);
        });
    });
    facts::commands(&mut html, "On the command line", &command_lines(&open));
    let page = Page::new(dataset.key_prefix(), Part::Dataset, html);
    Ok(layout::page(request, StatusCode::OK, page))
}

/// Writes the name of a dataset, or of a file of it, with links up.
pub(super) fn heading(
    h: &mut Html,
    dataset: &ShownDataset,
    versions: &[Arc<ShownDataset>],
    file: Option<&str>,
) {
    let version = dataset.version.to_string();
    h.element("p", &[At::Lit("class", "crumbs")], |h| {
        h.link(&Link::literal("/"), "Datasets").literal(" / ");
        h.link(
            &Link::to(&["d", &dataset.publisher]),
            &words::publisher(dataset),
        );
        if file.is_some() {
            h.literal(" / ");
            h.link(
                &Link::version(dataset),
                &format!("{} {version}", dataset.name),
            );
        }
    });
    h.element("h1", &[], |h| match file {
        Some(path) => {
            h.text(path);
        }
        None => {
            h.text(dataset.name.as_str()).literal(" ");
            h.leaf("span", &[At::Lit("class", "version")], &version);
        }
    });
    let newest = versions.first();
    if let Some(newest) = newest.filter(|newest| newest.envelope_id != dataset.envelope_id) {
        h.element("p", &[At::Lit("class", "note")], |h| {
            h.literal("There is a newer version: ");
            h.link(&Link::version(newest), &newest.version.to_string())
                .literal(".");
        });
    }
}

fn about(h: &mut Html, open: &OpenDataset) {
    let d = &open.dataset;
    h.element("section", &[At::Lit("aria-labelledby", "about")], |h| {
        h.leaf("h2", &[At::Lit("id", "about")], "About");
        if let Some(description) = &open.manifest.description {
            card::description(h, d, description);
        }
        h.element("dl", &[At::Lit("class", "facts")], |h| {
            facts::fact(h, "Trust", |h| {
                facts::trust(h, d.trust);
                h.leaf("p", &[], words::trust_sentence(d.trust));
            });
            facts::fact(h, "Publisher", |h| {
                match d.publisher_key {
                    Some(key) => {
                        h.link(&Link::to(&["d", &d.publisher]), &words::publisher(d));
                        h.leaf("code", &[At::Lit("class", "id")], &key.to_hex());
                    }
                    None => {
                        h.literal("nobody signed it");
                    }
                };
            });
            facts::fact(h, "Licence", |h| {
                h.text(d.license.as_deref().unwrap_or("not given"));
            });
            facts::fact(h, "Rows", |h| {
                h.text(&words::grouped(d.rows));
            });
            facts::fact(h, "Size", |h| {
                h.text(&words::size(d.size_bytes)).text(", ");
                h.text(&words::count_of(open.files().len() as u64, "file"));
            });
            facts::fact(h, "Made", |h| {
                let time = d.created_at.to_rfc3339();
                h.leaf("time", &[At::Time(&time)], &time);
            });
            let tags = labels(&d.tags);
            if !tags.is_empty() {
                facts::fact(h, "Tags", |h| {
                    for tag in &tags {
                        let found = Link::literal("/").with("q", &format!("tag:\"{tag}\""));
                        h.leaf("a", &[At::Lit("class", "tag"), At::Href(&found)], tag)
                            .literal(" ");
                    }
                });
            }
            facts::fact(h, "Content id", |h| {
                h.leaf("code", &[At::Lit("class", "id")], &d.content_id.to_hex());
            });
        });
    });
}

/// Writes the place that the data was taken from.
fn origin(h: &mut Html, open: &OpenDataset) {
    h.element("section", &[At::Lit("aria-labelledby", "origin")], |h| {
        h.leaf("h2", &[At::Lit("id", "origin")], "Origin");
        let Some(source) = &open.manifest.source else {
            h.leaf(
                "p",
                &[],
                "It was indexed from files; they came from no URL.",
            );
            return;
        };
        h.leaf(
            "p",
            &[],
            "Taken in from a place elsewhere, as its maker says.",
        );
        h.element("dl", &[At::Lit("class", "facts")], |h| {
            facts::fact(h, "Place", |h| {
                match Link::outside(&source.url) {
                    Some(link) => h.leaf(
                        "a",
                        &[At::Href(&link), At::Lit("rel", "noreferrer")],
                        &source.url,
                    ),
                    None => h.leaf("code", &[], &source.url),
                };
            });
            if let Some(revision) = &source.revision {
                facts::fact(h, "Revision", |h| {
                    h.leaf("code", &[At::Lit("class", "id")], revision);
                });
            }
            facts::fact(h, "Fetched", |h| {
                let time = source.fetched_at.to_rfc3339();
                h.leaf("time", &[At::Time(&time)], &time);
            });
            for (name, patterns) in [("Only", &source.include), ("Without", &source.exclude)] {
                if !patterns.is_empty() {
                    facts::fact(h, name, |h| {
                        h.leaf("code", &[], &patterns.join(" "));
                    });
                }
            }
        });
    });
}

fn versions_section(h: &mut Html, dataset: &ShownDataset, versions: &[Arc<ShownDataset>]) {
    h.element("section", &[At::Lit("aria-labelledby", "versions")], |h| {
        h.leaf("h2", &[At::Lit("id", "versions")], "Versions");
        h.element("ol", &[At::Lit("class", "versions")], |h| {
            for version in versions.iter().take(VERSIONS_MAX) {
                h.element("li", &[], |h| {
                    let link = Link::version(version);
                    let name = version.version.to_string();
                    match version.envelope_id == dataset.envelope_id {
                        true => h.leaf(
                            "a",
                            &[At::Href(&link), At::Lit("aria-current", "page")],
                            &name,
                        ),
                        false => h.link(&link, &name),
                    };
                    let time = version.created_at.to_rfc3339();
                    h.leaf("time", &[At::Time(&time)], words::day(&time));
                    h.leaf("span", &[], &words::count_of(version.rows, "row"));
                });
            }
        });
        if versions.len() > VERSIONS_MAX {
            let more = words::count_of((versions.len() - VERSIONS_MAX) as u64, "older version");
            h.leaf("p", &[], &format!("And {more}."));
        }
    });
}

/// Returns the words by which commands name a dataset on this node.
pub(super) fn reference(dataset: &ShownDataset) -> String {
    match dataset.publisher_key {
        Some(_) => dataset.key_prefix(),
        None => format!("{}@{}", dataset.name, dataset.version),
    }
}

fn command_lines(open: &OpenDataset) -> Vec<String> {
    let reference = reference(&open.dataset);
    vec![
        facts::command_line(&["alimentar", "inspect", "info", &reference]),
        facts::command_line(&["alimentar", "card", &reference]),
        facts::command_line(&["alimentar", "checkout", &reference, "COPY"]),
    ]
}
