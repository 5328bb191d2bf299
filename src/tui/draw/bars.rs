//! The lines around the body: title, filters, status, hints, and the line that is typed.

use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::layout::Rect;

use crate::tui::draw::put::Spot;
use crate::tui::draw::put::Styles;
use crate::tui::draw::put::put;
use crate::tui::draw::put::put_filled;
use crate::tui::draw::theme::Theme;
use crate::tui::job::Order;
use crate::tui::job::Slot;
use crate::tui::model::State;
use crate::tui::model::parts::browser::BrowserList;
use crate::tui::model::parts::prompt::Prompt;
use crate::tui::text::count_of;
use crate::tui::text::grouped;
use crate::tui::text::human_bytes;
use crate::tui::text::safe;
use crate::tui::text::width_within;

/// Draws the lines around the body, and returns the body.
pub(super) fn draw(buffer: &mut Buffer, state: &State, theme: &Theme) -> Rect {
    let screen = buffer.area;
    let line = |y: u16| Spot {
        x: screen.x,
        y,
        right: screen.right(),
    };
    let last = screen.bottom().saturating_sub(1);
    let (mut top, mut bottom) = (screen.top(), screen.bottom());
    let around = state.lines_around();
    if around >= 1 {
        put_filled(
            buffer,
            line(last),
            &status(state),
            &Styles::plain(status_style(state, theme)),
        );
        bottom = last;
    }
    if around >= 2 {
        put_filled(
            buffer,
            line(top),
            &title(state),
            &Styles::plain(theme.bar()),
        );
        top += 1;
    }
    if around >= 3 {
        let y = last.saturating_sub(1);
        // Hints are last, so that the status is where a person types.
        put_filled(
            buffer,
            line(y),
            &status(state),
            &Styles::plain(status_style(state, theme)),
        );
        put_filled(
            buffer,
            line(last),
            &hints(state),
            &Styles::plain(theme.quiet()),
        );
        bottom = y;
    }
    if around >= 4 {
        chips(buffer, line(top), state, theme);
        top += 1;
    }
    Rect {
        x: screen.x,
        y: top,
        width: screen.width,
        height: bottom.saturating_sub(top),
    }
}

fn title(state: &State) -> String {
    if state.is_browsing {
        let place = match state.browser.as_ref().map(|browser| &browser.list) {
            Some(BrowserList::Versions(name)) => format!("versions of {name}"),
            Some(BrowserList::Peers) => "peers".to_owned(),
            Some(BrowserList::Offers(peer)) => format!("datasets of {peer}"),
            _ => "datasets".to_owned(),
        };
        return format!(" registry: {}", safe(&place));
    }
    let facts = &state.facts;
    let mut text = format!(" {}", safe(&facts.name));
    if !state.is_open {
        let is_opening = state.jobs.is_running(Slot::Open);
        return text + if is_opening { "  opening…" } else { "" };
    }
    text += &format!("  {}", facts.format);
    if facts.sizes.len() > 1 {
        text += &format!(", {} files", facts.sizes.len());
    }
    text += &format!("  {}", human_bytes(facts.sizes.iter().sum()));
    if let Some(rows) = state.table.total {
        text += &format!("  {}", count_of(rows, "row"));
    }
    text
}

fn status_style(state: &State, theme: &Theme) -> ratatui::style::Style {
    match &state.message {
        Some(message) if message.is_error => theme.error(),
        _ => theme.plain(),
    }
}

/// The status: a message, or the place and what is going on.
fn status(state: &State) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(count) = state.count {
        parts.push(count.to_string());
    }
    match &state.message {
        Some(message) => parts.push(safe(&message.text)),
        None => parts.extend(place(state)),
    }
    parts.extend(search(state));
    for (slot, job) in state.jobs.told() {
        let name = slot.name().unwrap_or_default();
        if slot == Slot::Search {
            continue;
        }
        parts.push(match job.percent() {
            Some(percent) => format!("{name} {percent} %"),
            None => format!("{name}…"),
        });
    }
    format!(" {}", parts.join(" · "))
}

/// The ticker of a search.
fn search(state: &State) -> Option<String> {
    let search = state.search.as_ref()?;
    let count = grouped(search.count);
    let text = safe(&search.filter.text);
    if search.is_done {
        return Some(format!("/{text} {count} matches"));
    }
    let job = state.jobs.get(Slot::Search);
    Some(match job.and_then(|job| job.percent()) {
        Some(percent) => format!("/{text} {count} so far, {percent} %"),
        None => format!("/{text} {count} so far"),
    })
}

fn place(state: &State) -> Vec<String> {
    if state.is_browsing {
        return Vec::new();
    }
    let mut parts = Vec::new();
    let Some(row) = state.table.current() else {
        if state.is_open
            && !state.jobs.is_running(Slot::Page)
            && !state.jobs.is_running(Slot::Filter)
        {
            parts.push("no rows".to_owned());
        }
        return parts;
    };
    let number = match (row.number, state.guess(row.place)) {
        (Some(number), _) => format!("row {}", grouped(number)),
        (None, Some(guess)) => format!("row ~{}", grouped(guess)),
        (None, None) => "row ?".to_owned(),
    };
    parts.push(match state.share(row.place, row.number) {
        Some(share) => format!("{number} ({:.0} %)", share * 100.0),
        None => number,
    });
    if state.sifting.list().is_some() {
        let at = state.table.first + state.table.cursor + 1;
        parts.push(format!(
            "{} of {}",
            grouped(at as u64),
            grouped(state.sifting.count)
        ));
    }
    if let Some(column) = state
        .table
        .columns
        .current()
        .filter(|_| state.record.is_none())
    {
        parts.push(safe(&column.name));
    }
    if let Some(record) = &state.record
        && let Some(token) = record.text.tokens.get(record.token)
    {
        let count = grouped(record.text.tokens.len() as u64);
        parts.push(format!(
            "token {} of {count}: id {}, bytes {}",
            record.token, token.id, token.bytes
        ));
    }
    if !state.marks.is_empty() {
        parts.push(format!("{} marked", grouped(state.marks.len() as u64)));
    }
    parts.extend(finding(state));
    parts
}

/// The fault of the row under the cursor.
fn finding(state: &State) -> Option<String> {
    let findings = state.findings.as_ref()?;
    let number = state.table.current()?.number?;
    let at = findings.partition_point(|finding| finding.row < number);
    let found = findings.get(at).filter(|finding| finding.row == number)?;
    Some(format!("{}: {}", found.rule, safe(&found.message)))
}

fn hints(state: &State) -> String {
    let commands = state.keymap.commands(state.place());
    let hinted = commands.filter(|(command, _)| !command.hint.is_empty());
    let hints =
        hinted.filter_map(|(command, keys)| Some(format!("{} {}", keys.first()?, command.hint)));
    let hints: Vec<String> = hints.collect();
    format!(" {}", hints.join("  "))
}

/// Draws the filters and the sort.
fn chips(buffer: &mut Buffer, spot: Spot, state: &State, theme: &Theme) {
    put_filled(buffer, spot, "", &Styles::plain(theme.plain()));
    let mut chips: Vec<String> = Vec::new();
    for filter in &state.sifting.filters {
        let not = if filter.is_inverted { "not " } else { "" };
        let text = safe(&filter.text);
        chips.push(match (&filter.column, filter.is_exact) {
            (Some(column), true) => format!("{not}{} = {text}", safe(column)),
            (Some(column), false) => format!("{not}{} ~ {text}", safe(column)),
            (None, _) => format!("{not}~ {text}"),
        });
    }
    if let Some((column, order)) = &state.sifting.sort {
        let sign = if *order == Order::Ascending {
            "↑"
        } else {
            "↓"
        };
        chips.push(format!("{sign} {}", safe(column)));
    }
    if let Some((text, _)) = &state.table.column_filter {
        chips.push(format!("columns ~ {}", safe(text)));
    }
    let mut x = spot.x + 1;
    for chip in chips {
        let right = spot.right.min(x.saturating_add(40));
        x = put(
            buffer,
            Spot { x, right, ..spot },
            &format!(" {chip} "),
            &Styles::plain(theme.chip()),
        );
        x += 1;
    }
}

/// Draws the line that is typed. Returns the place of the cursor.
pub(super) fn draw_prompt(
    buffer: &mut Buffer,
    line: Rect,
    prompt: &Prompt,
    theme: &Theme,
) -> Option<Position> {
    let spot = Spot {
        x: line.x,
        y: line.y,
        right: line.right(),
    };
    let sign = prompt.kind.sign();
    let x = put(buffer, spot, sign, &Styles::plain(theme.strong()));
    let room = spot.right.saturating_sub(x).saturating_sub(1);
    let front = prompt.text.get(..prompt.at).unwrap_or_default();
    // The cursor stays in view: what is before it is cut at the front.
    let mut start = 0;
    while width_within(front.get(start..).unwrap_or_default(), u16::MAX) > room {
        let rest = front.get(start..).unwrap_or_default();
        start += rest.chars().next().map_or(1, char::len_utf8);
    }
    let shown = prompt.text.get(start..).unwrap_or_default();
    put_filled(
        buffer,
        Spot { x, ..spot },
        shown,
        &Styles::plain(theme.plain()),
    );
    let before = width_within(front.get(start..).unwrap_or_default(), room.max(1));
    Some(Position {
        x: (x + before).min(spot.right.saturating_sub(1)),
        y: line.y,
    })
}
