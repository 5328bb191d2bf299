//! The pages of a file: its rows, chats, figures, and one row; and its bytes.

mod question;
mod shown;

use std::sync::Arc;

use hyper::StatusCode;

use crate::doors::body::Answer;
use crate::doors::catalogue::DatasetList;
use crate::doors::error::DoorError;
use crate::doors::file_answer::FileAnswer;
use crate::doors::file_answer::file_answer;
use crate::doors::open_dataset::OpenDataset;
use crate::doors::page::dataset::heading;
use crate::doors::page::dataset::reference;
use crate::doors::page::facts;
use crate::doors::page::headers::headers_of_bytes;
use crate::doors::page::html::At;
use crate::doors::page::html::Html;
use crate::doors::page::layout;
use crate::doors::page::layout::Page;
use crate::doors::page::layout::Part;
use crate::doors::page::limits::ROWS_A_PAGE;
use crate::doors::page::links::Link;
use crate::doors::page::rows;
use crate::doors::page::rows::FoundRows;
use crate::doors::page::rows::RowQuestion;
use crate::doors::page::words;
use crate::doors::request::DoorRequest;
use crate::doors::shown::ShownDataset;
use crate::doors::state::Doors;
use crate::inspect::search::Pattern;
use crate::inspect::stats::StatsReport;
use crate::manifest::FileEntry;
use crate::registry::Target;

use question::Question;
use question::View;
use question::asked_view;
use shown::rows_of;

/// The content of a page, as it was read.
enum Content {
    Figures(StatsReport, bool),
    Rows(FoundRows),
}

/// Answers with the page of a file.
pub(super) async fn answer(
    doors: &Arc<Doors>,
    list: &DatasetList,
    dataset: &Arc<ShownDataset>,
    path: &str,
    request: &DoorRequest,
) -> Result<Answer, DoorError> {
    let open = doors.catalogue.open(dataset).await?;
    let (index, entry) = find(&open, path)?;
    let question = Question::of(request);
    let target = open.file(index).target();
    let content = match (&question.pattern, target) {
        (Err(why), _) => Err(DoorError::Invalid(why.clone())),
        (_, None) => Err(DoorError::Invalid("it has no rows".to_owned())),
        (Ok(pattern), Some(target)) => {
            let (view, from, pattern) = (question.view, question.from, pattern.clone());
            let work = move || content(&target, view, from, pattern);
            doors.catalogue.blocking(work).await?
        }
    };
    let content = match content {
        Err(DoorError::Invalid(why)) => Err(why),
        other => Ok(other?),
    };
    let mut html = Html::new();
    let versions = list.versions(&dataset.publisher, dataset.name.as_str());
    heading(&mut html, dataset, versions, Some(path));
    let place = Link::file(dataset, "file", path);
    html.element("p", &[At::Lit("class", "file-facts")], |h| {
        h.leaf("span", &[], &words::size(entry.size_bytes))
            .literal(" ");
        if let Some(rows) = entry.rows {
            h.leaf("span", &[], &words::count_of(rows, "row"))
                .literal(" ");
        }
        let raw = Link::file(dataset, "raw", path);
        h.leaf("a", &[At::Href(&raw), At::Flag("download")], "Download");
    });
    let view = shown_view(&question, content.as_ref().ok());
    tabs(
        &mut html,
        &place,
        view,
        content.as_ref().ok(),
        &question.words,
    );
    if matches!(view, View::Table | View::Chat) {
        search_form(&mut html, &place, &question, view);
    }
    match &content {
        Err(why) => {
            html.element(
                "div",
                &[At::Lit("class", "note"), At::Lit("role", "status")],
                |h| {
                    h.text("Rows of this file are not shown: ")
                        .text(why)
                        .text(".");
                },
            );
        }
        Ok(Content::Figures(report, is_front)) => rows::figures(&mut html, report, *is_front),
        Ok(Content::Rows(found)) => {
            rows_of(&mut html, found, &place, &question, (view, entry.rows))
        }
    }
    facts::commands(
        &mut html,
        "On the command line",
        &command_lines(&open, path, &question, view),
    );
    let title = format!("{path} · {}", dataset.key_prefix());
    Ok(layout::page(
        request,
        StatusCode::OK,
        Page::new(title, Part::Dataset, html),
    ))
}

/// Answers with the bytes of a file.
pub(super) async fn raw(
    doors: &Arc<Doors>,
    dataset: &Arc<ShownDataset>,
    path: &str,
    request: &DoorRequest,
) -> Result<Answer, DoorError> {
    let open = doors.catalogue.open(dataset).await?;
    let (index, _) = find(&open, path)?;
    let name = path.rsplit('/').next().unwrap_or(path);
    let about = FileAnswer {
        etag: open.content_id(index).await?.to_hex(),
        last_modified: dataset.created_at,
        // Nothing that a browser would run or show.
        content_type: "application/octet-stream",
        headers: headers_of_bytes(name),
        is_several_ranges_allowed: true,
    };
    file_answer(request, open.file(index), about).await
}

fn find<'a>(open: &'a OpenDataset, path: &str) -> Result<(usize, &'a FileEntry), DoorError> {
    let found = open
        .find(path)
        .and_then(|index| Some((index, open.files().get(index)?)));
    found.ok_or_else(|| DoorError::NotFound("the dataset has no such file".to_owned()))
}

fn content(
    target: &Target,
    view: Option<View>,
    from: u64,
    pattern: Option<Pattern>,
) -> Result<Content, DoorError> {
    if view == Some(View::Figures) {
        let (report, is_front) = rows::sample_figures(target)?;
        return Ok(Content::Figures(report, is_front));
    }
    let rows_max = match view {
        Some(View::Row) => 1,
        _ => ROWS_A_PAGE,
    };
    let question = RowQuestion {
        from,
        rows_max,
        pattern,
    };
    let found = rows::read_rows(target, &question)?;
    match found.is_text() {
        true => Ok(Content::Rows(found)),
        false => Err(DoorError::Invalid("it is no text".to_owned())),
    }
}

/// Returns the view that is shown: rows with messages are chats unless a table was asked for.
fn shown_view(question: &Question, content: Option<&Content>) -> View {
    match (question.view, content) {
        (Some(view), _) => view,
        (None, Some(Content::Rows(found))) if found.has_chat => View::Chat,
        _ => View::Table,
    }
}

fn tabs(h: &mut Html, place: &Link, view: View, content: Option<&Content>, words: &str) {
    let has_chat = matches!(content, Some(Content::Rows(found)) if found.has_chat);
    h.element(
        "nav",
        &[At::Lit("class", "tabs"), At::Label("Views of the file")],
        |h| {
            let mut tabs = Vec::new();
            if has_chat || view == View::Chat {
                tabs.push((
                    "Chat",
                    View::Chat,
                    place.clone().with("view", "chat").with_some("q", words),
                ));
                tabs.push((
                    "Table",
                    View::Table,
                    place.clone().with("view", "table").with_some("q", words),
                ));
            } else {
                tabs.push(("Rows", View::Table, place.clone().with_some("q", words)));
            }
            tabs.push((
                "Columns",
                View::Figures,
                place.clone().with("view", "columns"),
            ));
            for (name, of, link) in tabs {
                match of == view {
                    true => h.leaf(
                        "a",
                        &[At::Href(&link), At::Lit("aria-current", "page")],
                        name,
                    ),
                    false => h.link(&link, name),
                };
            }
        },
    );
}

fn search_form(h: &mut Html, place: &Link, question: &Question, view: View) {
    h.element(
        "form",
        &[
            At::Lit("class", "in-rows"),
            At::Lit("method", "get"),
            At::Action(place),
        ],
        |h| {
            if let Some(name) = asked_view(question, view) {
                h.void(
                    "input",
                    &[
                        At::Lit("type", "hidden"),
                        At::Lit("name", "view"),
                        At::Value(name),
                    ],
                );
            }
            h.leaf("label", &[At::Lit("for", "rows-q")], "Find rows");
            h.void(
                "input",
                &[
                    At::Lit("id", "rows-q"),
                    At::Lit("name", "q"),
                    At::Lit("type", "search"),
                    At::Lit("spellcheck", "false"),
                    At::Lit("autocomplete", "off"),
                    At::Lit("maxlength", "1000"),
                    At::Lit("placeholder", "Regular expression"),
                    At::Value(&question.words),
                ],
            );
            h.leaf("button", &[At::Lit("type", "submit")], "Find");
            if !question.words.is_empty() {
                h.link(place, "Show all");
            }
        },
    );
}

fn command_lines(open: &OpenDataset, path: &str, question: &Question, view: View) -> Vec<String> {
    let target = format!("{}:{path}", reference(&open.dataset));
    let (start, count) = (question.from.to_string(), ROWS_A_PAGE.to_string());
    let count = if view == View::Row {
        "1"
    } else {
        count.as_str()
    };
    let words: Vec<&str> = match view {
        View::Figures => vec!["alimentar", "inspect", "stats", &target],
        _ if !question.words.is_empty() => {
            vec!["alimentar", "inspect", "search", &target, &question.words]
        }
        _ => vec![
            "alimentar",
            "inspect",
            "lines",
            &target,
            "--start",
            &start,
            "--count",
            count,
        ],
    };
    vec![
        facts::command_line(&words),
        facts::command_line(&["alimentar", "view", &target]),
    ]
}
