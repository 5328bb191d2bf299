//! The pages of a file: its rows, chats, figures, and one row; and its bytes.

use std::sync::Arc;

use hyper::StatusCode;

use crate::doors::body::Answer;
use crate::doors::catalogue::DatasetList;
use crate::doors::catalogue::ShownDataset;
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
use crate::doors::page::rows::Stop;
use crate::doors::page::words;
use crate::doors::request::DoorRequest;
use crate::doors::state::Doors;
use crate::inspect::search::Pattern;
use crate::inspect::search::PatternOptions;
use crate::inspect::stats::StatsReport;
use crate::manifest::FileEntry;
use crate::registry::Target;

/// The form in which rows are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Chat,
    Figures,
    Row,
    Table,
}

/// A question about a file.
struct Question {
    /// The form that was asked for; `None` for the one that fits.
    view: Option<View>,
    from: u64,
    words: String,
    /// The pattern of the words, or the reason that there is none.
    pattern: Result<Option<Pattern>, String>,
}

impl Question {
    fn of(request: &DoorRequest) -> Self {
        let number = |name| request.param(name).and_then(|text| text.trim().parse::<u64>().ok());
        let words = request.param("q").unwrap_or_default().to_owned();
        let row = number("row");
        let view = match (row, request.param("view")) {
            (Some(_), _) => Some(View::Row),
            (None, Some("columns")) => Some(View::Figures),
            (None, Some("chat")) => Some(View::Chat),
            (None, Some("table")) => Some(View::Table),
            _ => None,
        };
        Self {
            view,
            from: row.or(number("offset")).unwrap_or(0),
            pattern: match (words.is_empty(), row) {
                (false, None) => pattern(&words).map(Some),
                _ => Ok(None),
            },
            words,
        }
    }
}

/// Compiles words as a regular expression. Case counts if some letter is upper-case.
fn pattern(words: &str) -> Result<Pattern, String> {
    let options = PatternOptions {
        ignores_case: !words.chars().any(char::is_uppercase),
        ..PatternOptions::default()
    };
    Pattern::new(words, options).map_err(|e| e.to_string())
}

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
    heading(&mut html, dataset, list.versions(&dataset.publisher, dataset.name.as_str()));
    let place = Link::file(dataset, "file", path);
    html.element("p", &[At::Lit("class", "file-facts")], |h| {
        h.leaf("strong", &[], path).literal(" ");
        h.leaf("span", &[], &words::size(entry.size_bytes)).literal(" ");
        if let Some(rows) = entry.rows {
            h.leaf("span", &[], &words::count_of(rows, "row")).literal(" ");
        }
        h.leaf("a", &[At::Href(&Link::version(dataset))], "Dataset").literal(" ");
        let raw = Link::file(dataset, "raw", path);
        h.leaf("a", &[At::Href(&raw), At::Flag("download")], "Download");
    });
    let view = shown_view(&question, content.as_ref().ok());
    tabs(&mut html, &place, view, content.as_ref().ok(), &question.words);
    if matches!(view, View::Table | View::Chat) {
        search_form(&mut html, &place, &question, view);
    }
    match &content {
        Err(why) => {
            html.element("div", &[At::Lit("class", "note"), At::Lit("role", "status")], |h| {
                h.text("Rows of this file are not shown: ").text(why).text(".");
            });
        }
        Ok(Content::Figures(report, is_front)) => rows::figures(&mut html, report, *is_front),
        Ok(Content::Rows(found)) => rows_of(&mut html, found, &place, &question, (view, entry.rows)),
    }
    facts::commands(&mut html, "On the command line", &command_lines(&open, path, &question, view));
    let title = format!("{path} · {}", dataset.key_prefix());
    Ok(layout::page(request, StatusCode::OK, Page::new(title, Part::Dataset, html)))
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
    let found = open.find(path).and_then(|index| Some((index, open.files().get(index)?)));
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
    Ok(Content::Rows(rows::read_rows(target, &question)?))
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
    h.element("nav", &[At::Lit("class", "tabs"), At::Label("Views of the file")], |h| {
        let mut tabs = Vec::new();
        if has_chat || view == View::Chat {
            tabs.push(("Chat", View::Chat, place.clone().with("view", "chat").with_some("q", words)));
            tabs.push(("Table", View::Table, place.clone().with("view", "table").with_some("q", words)));
        } else {
            tabs.push(("Rows", View::Table, place.clone().with_some("q", words)));
        }
        tabs.push(("Columns", View::Figures, place.clone().with("view", "columns")));
        for (name, of, link) in tabs {
            match of == view {
                true => h.leaf("a", &[At::Href(&link), At::Lit("aria-current", "page")], name),
                false => h.link(&link, name),
            };
        }
    });
}

fn search_form(h: &mut Html, place: &Link, question: &Question, view: View) {
    h.element("form", &[At::Lit("class", "in-rows"), At::Lit("method", "get"), At::Action(place)], |h| {
        if let Some(name) = asked_view(question, view) {
            h.void("input", &[At::Lit("type", "hidden"), At::Lit("name", "view"), At::Value(name)]);
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
    });
}

/// Returns the name of the view, if it was asked for.
fn asked_view(question: &Question, view: View) -> Option<&'static str> {
    question.view?;
    match view {
        View::Chat => Some("chat"),
        View::Table => Some("table"),
        View::Figures | View::Row => None,
    }
}

fn rows_of(
    h: &mut Html,
    found: &FoundRows,
    place: &Link,
    question: &Question,
    (view, rows): (View, Option<u64>),
) {
    if view == View::Row {
        return single(h, found, place, question.from);
    }
    h.leaf("p", &[At::Lit("class", "count"), At::Lit("role", "status")], &summary(found, question, rows));
    let mut stop = found.stop;
    match (view, found.rows.as_slice()) {
        (_, []) => {}
        (View::Chat, rows) => {
            h.leaf("h2", &[At::Lit("class", "unseen")], "Rows");
            if let Some(next) = rows::chats(h, rows, place) {
                stop = Stop::Full(next);
            }
        }
        _ => rows::table(h, found, place, question.pattern.as_ref().ok().and_then(Option::as_ref)),
    }
    steps(h, stop, place, question, view);
}

/// Writes the links to further rows.
fn steps(h: &mut Html, stop: Stop, place: &Link, question: &Question, view: View) {
    let here = place.clone().with_some("q", &question.words);
    let here = here.with_some("view", asked_view(question, view).unwrap_or_default());
    let at = |row: u64| here.clone().with_some("offset", &if row == 0 { String::new() } else { row.to_string() });
    let next = match stop {
        Stop::End => None,
        Stop::Full(row) => Some((row, "Next rows")),
        Stop::Spent(row) => Some((row, "Go on with the search")),
    };
    if next.is_none() && question.from == 0 {
        return;
    }
    h.element("nav", &[At::Lit("class", "pager"), At::Label("Pages of rows")], |h| {
        if question.from > 0 {
            // Earlier matches may be anywhere, and earlier rows are one page away.
            let before = match question.words.is_empty() {
                true => question.from.saturating_sub(ROWS_A_PAGE as u64),
                false => 0,
            };
            let name = if question.words.is_empty() { "Previous rows" } else { "From the first row" };
            h.leaf("a", &[At::Href(&at(before)), At::Lit("rel", "prev")], name);
        }
        if let Some((row, name)) = next {
            h.leaf("a", &[At::Href(&at(row)), At::Lit("rel", "next")], name);
        }
    });
}

/// Returns which rows are shown, and how far a search went.
fn summary(found: &FoundRows, question: &Question, rows: Option<u64>) -> String {
    let shown = found.rows.len() as u64;
    let ends = (found.rows.first(), found.rows.last());
    let of = rows.map_or_else(String::new, |rows| format!(" of {}", words::grouped(rows)));
    if question.words.is_empty() {
        return match ends {
            (Some(first), Some(last)) => format!(
                "Rows {} to {}{of}, counted from 0.",
                words::grouped(first.number),
                words::grouped(last.number)
            ),
            _ if question.from > 0 => "There are no rows from here on.".to_owned(),
            _ => "The file has no rows.".to_owned(),
        };
    }
    let matches = match shown {
        1 => "1 row matches".to_owned(),
        n => format!("{} rows match", words::grouped(n)),
    };
    let from = match question.from {
        0 => String::new(),
        from => format!(" from row {} on", words::grouped(from)),
    };
    match found.stop {
        Stop::End => format!("{matches}{from}, of all rows up to the end."),
        Stop::Full(row) => format!("{matches} before row {}{from}. There are more.", words::grouped(row)),
        Stop::Spent(row) => format!(
            "{matches} before row {}{from}. The search stopped there, after its time.",
            words::grouped(row)
        ),
    }
}

fn single(h: &mut Html, found: &FoundRows, place: &Link, number: u64) {
    h.element("h2", &[], |h| {
        h.text(&format!("Row {}", words::grouped(number)));
    });
    match found.rows.first().filter(|row| row.number == number) {
        None => {
            h.leaf("p", &[At::Lit("class", "note")], "There is no such row.");
        }
        Some(row) => {
            if found.has_chat {
                rows::chats(h, &found.rows, place);
            }
            rows::record(h, found, row);
        }
    }
    h.element("nav", &[At::Lit("class", "pager"), At::Label("Rows")], |h| {
        if let Some(before) = number.checked_sub(1) {
            let link = place.clone().with("row", &before.to_string());
            h.leaf("a", &[At::Href(&link), At::Lit("rel", "prev")], "Previous row");
        }
        let start = number - number % ROWS_A_PAGE as u64;
        let all = place.clone().with("offset", &start.to_string());
        h.link(&all, "Rows around it");
        if found.stop != Stop::End {
            let link = place.clone().with("row", &number.saturating_add(1).to_string());
            h.leaf("a", &[At::Href(&link), At::Lit("rel", "next")], "Next row");
        }
    });
}

fn command_lines(open: &OpenDataset, path: &str, question: &Question, view: View) -> Vec<String> {
    let target = format!("{}:{path}", reference(&open.dataset));
    let (start, count) = (question.from.to_string(), ROWS_A_PAGE.to_string());
    let count = if view == View::Row { "1" } else { count.as_str() };
    let words: Vec<&str> = match view {
        View::Figures => vec!["alimentar", "inspect", "stats", &target],
        _ if !question.words.is_empty() => vec!["alimentar", "inspect", "search", &target, &question.words],
        _ => vec!["alimentar", "inspect", "lines", &target, "--start", &start, "--count", count],
    };
    vec![
        facts::command_line(&words),
        facts::command_line(&["alimentar", "view", &target]),
    ]
}
