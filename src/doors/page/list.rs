//! The list of datasets, and their search.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use hyper::StatusCode;

use crate::doors::body::Answer;
use crate::doors::catalogue::DatasetList;
use crate::doors::error::DoorError;
use crate::doors::page::bundle;
use crate::doors::page::facts;
use crate::doors::page::html::At;
use crate::doors::page::html::Html;
use crate::doors::page::layout;
use crate::doors::page::layout::Page;
use crate::doors::page::layout::Part;
use crate::doors::page::limits::DATASETS_A_PAGE;
use crate::doors::page::limits::FOUND_MAX;
use crate::doors::page::limits::TAGS_MAX;
use crate::doors::page::links::Link;
use crate::doors::page::words;
use crate::doors::request::DoorRequest;
use crate::doors::shown::ShownDataset;
use crate::doors::state::Doors;
use crate::ident::EnvelopeId;
use crate::ident::labels;
use crate::search::Query;

/// A dataset of the list: a version, the number of its versions, and the place where a search found it.
struct Entry {
    dataset: Arc<ShownDataset>,
    versions: usize,
    snippet: Option<String>,
}

/// Answers with all datasets, or with those that match words.
pub(super) async fn answer(
    doors: &Arc<Doors>,
    list: DatasetList,
    request: &DoorRequest,
    publisher: Option<&str>,
) -> Result<Answer, DoorError> {
    let words = request.param("q").unwrap_or_default().trim().to_owned();
    let mut html = Html::new();
    let title = match (publisher, words.as_str()) {
        (Some(publisher), _) => format!("Datasets of {publisher}"),
        (None, "") => "Datasets".to_owned(),
        (None, words) => format!("Search: {words}"),
    };
    html.leaf("h1", &[], &title);
    let (count, results) = match words.as_str() {
        "" => listed(&list, request, publisher),
        words => found(doors, list, words).await?,
    };
    let status = [
        At::Lit("id", "count"),
        At::Lit("class", "count"),
        At::Lit("role", "status"),
    ];
    html.leaf("p", &status, &count);
    html.element("div", &[At::Lit("id", "results")], |h| {
        h.append(results);
    });
    if let Some(place) = bundle::link(doors) {
        html.element("p", &[At::Lit("class", "hint")], |h| {
            h.link(&place, "Open a file of your own in this browser");
            h.text(": archives, Parquet, JSON Lines, CSV. Nothing is sent to this node.");
        });
    }
    let page = Page {
        words,
        ..Page::new(title, Part::List, html)
    };
    Ok(layout::page(request, StatusCode::OK, page))
}

/// Lists the newest version of each dataset, a page at a time.
fn listed(list: &DatasetList, request: &DoorRequest, publisher: Option<&str>) -> (String, Html) {
    let all = list.all();
    let of_publisher = |d: &ShownDataset| publisher.is_none_or(|p| is_of(d, p));
    let datasets = all.chunk_by(|a, b| a.publisher == b.publisher && a.name == b.name);
    let datasets = datasets.filter_map(|versions| {
        let dataset = versions.first().filter(|d| of_publisher(d))?;
        Some(Entry {
            dataset: Arc::clone(dataset),
            versions: versions.len(),
            snippet: None,
        })
    });
    let datasets: Vec<Entry> = datasets.collect();
    let from = number_of(request, "offset").min(datasets.len());
    let shown = datasets.iter().skip(from).take(DATASETS_A_PAGE);
    let mut html = Html::new();
    let count = datasets.len();
    if count == 0 {
        empty(&mut html);
    }
    let rows: u64 = datasets.iter().map(|e| e.dataset.rows).sum();
    let text = format!(
        "{} with {} in all.",
        words::count_of(count as u64, "dataset"),
        words::count_of(rows, "row"),
    );
    entries(&mut html, shown);
    let place = match publisher {
        Some(publisher) => Link::to(&["d", publisher]),
        None => Link::literal("/"),
    };
    pager(&mut html, &place, (from, DATASETS_A_PAGE, count), "offset");
    (text, html)
}

/// Returns true if a dataset is of a publisher, who may be named by the key.
pub(super) fn is_of(dataset: &ShownDataset, publisher: &str) -> bool {
    let key = dataset.publisher_key;
    dataset.publisher == publisher || key.is_some_and(|key| key.to_hex() == publisher)
}

fn empty(html: &mut Html) {
    html.element("div", &[At::Lit("class", "note")], |h| {
        h.leaf("p", &[], "This node shows no datasets to you.");
        h.leaf("p", &[], "Its owner adds one with");
        h.element("pre", &[], |h| {
            h.leaf("code", &[], "alimentar index FILE-OR-DIRECTORY");
        });
    });
}

/// Lists the datasets that match words.
async fn found(
    doors: &Arc<Doors>,
    list: DatasetList,
    words: &str,
) -> Result<(String, Html), DoorError> {
    let mut html = Html::new();
    let query: Query = match words.parse() {
        Ok(query) => query,
        Err(error) => {
            syntax(&mut html);
            return Ok((format!("The words are no query: {error}."), html));
        }
    };
    let registry = doors.catalogue.registry().clone();
    let seen = list.clone();
    let report = doors.catalogue.blocking(move || {
        let visible: HashSet<EnvelopeId> = seen.all().iter().map(|d| d.envelope_id).collect();
        registry.search_among(&query, FOUND_MAX, &|listed| {
            visible.contains(&listed.dataset.envelope_id)
        })
    });
    let report = report.await??;
    let by_id: HashMap<EnvelopeId, &Arc<ShownDataset>> =
        list.all().iter().map(|d| (d.envelope_id, d)).collect();
    let entries_found = report.found.iter().filter_map(|found| {
        let dataset = by_id.get(&found.listed.dataset.envelope_id)?;
        Some(Entry {
            dataset: Arc::clone(dataset),
            versions: 0,
            snippet: Some(found.snippet.clone()).filter(|text| !text.is_empty()),
        })
    });
    let entries_found: Vec<Entry> = entries_found.collect();
    let count = words::count_of(entries_found.len() as u64, "version");
    let text = match (entries_found.len(), report.is_corrected) {
        (0, _) => "Nothing matches.".to_owned(),
        (_, true) => format!("Nothing matches as typed. {count} with one letter changed."),
        (FOUND_MAX, _) => format!("The best {count}. More words find fewer."),
        _ => format!("{count} found, the best first."),
    };
    entries(&mut html, entries_found.iter());
    if entries_found.is_empty() {
        syntax(&mut html);
    }
    facts::command(&mut html, &["alimentar", "search", words]);
    Ok((text, html))
}

fn syntax(html: &mut Html) {
    html.element("p", &[At::Lit("class", "hint")], |h| {
        h.literal(
            "Words match names, tags, cards and columns; the last may be incomplete. <code>\"two words\"</code> \
             is a phrase, <code>-word</code> excludes, and <code>tag:</code>, <code>license:</code>, \
             <code>publisher:</code>, <code>schema:</code> before a word select a field.",
        );
    });
}

fn entries<'a>(html: &mut Html, entries: impl Iterator<Item = &'a Entry>) {
    html.element("ul", &[At::Lit("class", "datasets")], |h| {
        for entry in entries {
            h.element("li", &[], |h| self::entry(h, entry));
        }
    });
}

fn entry(h: &mut Html, entry: &Entry) {
    let d = &entry.dataset;
    // A search finds versions, and the list has the newest of each.
    let place = match entry.versions {
        0 => Link::version(d),
        _ => Link::newest(d),
    };
    h.element("h2", &[], |h| {
        h.element("a", &[At::Href(&place)], |h| {
            h.leaf(
                "span",
                &[At::Lit("class", "publisher")],
                &words::publisher(d),
            );
            h.literal("<span class=\"slash\">/</span>")
                .text(d.name.as_str());
        });
    });
    if let Some(snippet) = &entry.snippet {
        h.element("p", &[At::Lit("class", "snippet")], |h| starred(h, snippet));
    }
    h.element("p", &[At::Lit("class", "meta")], |h| {
        h.leaf("span", &[], &d.version.to_string());
        h.leaf("span", &[], &words::count_of(d.rows, "row"));
        h.leaf("span", &[], &words::size(d.size_bytes));
        let time = d.created_at.to_rfc3339();
        h.leaf("time", &[At::Time(&time)], words::day(&time));
        if entry.versions > 1 {
            h.leaf(
                "span",
                &[],
                &words::count_of(entry.versions as u64, "version"),
            );
        }
        if let Some(license) = &d.license {
            h.leaf("span", &[], license);
        }
        facts::trust(h, d.trust);
        let tags = labels(&d.tags);
        for tag in tags.iter().take(TAGS_MAX) {
            h.leaf("span", &[At::Lit("class", "tag")], tag);
        }
        if tags.len() > TAGS_MAX {
            let more = words::count_of((tags.len() - TAGS_MAX) as u64, "further tag");
            h.leaf("span", &[], &format!("and {more}"));
        }
    });
}

/// Writes an excerpt whose matching words stand between `**`.
fn starred(h: &mut Html, snippet: &str) {
    for (n, piece) in snippet.split("**").enumerate() {
        match n % 2 {
            0 => h.text(piece),
            _ => h.leaf("mark", &[], piece),
        };
    }
}

/// Returns a parameter that is a number; 0 for anything else.
pub(super) fn number_of(request: &DoorRequest, name: &str) -> usize {
    request
        .param(name)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// Links to the pages before and after.
pub(super) fn pager(
    html: &mut Html,
    place: &Link,
    (from, step, all): (usize, usize, usize),
    name: &'static str,
) {
    if all <= step && from == 0 {
        return;
    }
    html.element(
        "nav",
        &[At::Lit("class", "pager"), At::Label("Pages")],
        |h| {
            if from > 0 {
                let before = place
                    .clone()
                    .with(name, &from.saturating_sub(step).to_string());
                h.leaf(
                    "a",
                    &[At::Href(&before), At::Lit("rel", "prev")],
                    "Previous",
                );
            }
            let last = (from + step).min(all);
            let first = (from + 1).min(last);
            let text = format!(
                "{}–{} of {}",
                words::grouped(first as u64),
                words::grouped(last as u64),
                words::grouped(all as u64)
            );
            h.leaf("span", &[], &text);
            if from + step < all {
                let after = place.clone().with(name, &(from + step).to_string());
                h.leaf("a", &[At::Href(&after), At::Lit("rel", "next")], "Next");
            }
        },
    );
}
