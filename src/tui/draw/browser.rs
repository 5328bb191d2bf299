//! The browser of the registry: a list, and the description of what is selected.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::browse::DatasetEntry;
use crate::tui::draw::put::Spot;
use crate::tui::draw::put::Styles;
use crate::tui::draw::put::put;
use crate::tui::draw::put::put_filled;
use crate::tui::draw::record::draw_lines;
use crate::tui::draw::theme::Theme;
use crate::tui::job::Slot;
use crate::tui::model::State;
use crate::tui::model::parts::browser::Browser;
use crate::tui::model::parts::browser::BrowserList;
use crate::tui::text::grouped;
use crate::tui::text::human_bytes;

/// Draws the browser.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, state: &State, theme: &Theme) {
    let Some(browser) = &state.browser else {
        return;
    };
    let (list, detail) = areas(body, state);
    let line = |y: u16| Spot {
        x: list.x,
        y,
        right: list.right(),
    };
    let mut y = list.y;
    if list.height > 3 {
        let head = match browser.list {
            BrowserList::Peers => "  PEER".to_owned(),
            _ => columns(
                list.width,
                ["NAME", "VERSION", "ROWS", "SIZE", "TRUST", "PUBLISHER"],
            ),
        };
        put_filled(buffer, line(y), &head, &Styles::plain(theme.heading()));
        y += 1;
    }
    let texts = texts(browser, list.width);
    if texts.is_empty() {
        put(
            buffer,
            line(y),
            &nothing(state, browser),
            &Styles::plain(theme.quiet()),
        );
    }
    for ((n, (text, is_trusted)), y) in texts
        .iter()
        .enumerate()
        .skip(browser.top)
        .zip(y..list.bottom())
    {
        let mut style = if *is_trusted {
            theme.plain()
        } else {
            theme.quiet()
        };
        if n == browser.selected {
            style = theme.cursor();
        }
        put_filled(buffer, line(y), text, &Styles::plain(style));
    }
    if let (Some(area), Some((_, lines))) = (detail, &browser.detail)
        && !matches!(browser.list, BrowserList::Peers | BrowserList::Offers(_))
    {
        draw_lines(buffer, area, lines, 0, theme);
    }
}

/// Columns that a list needs, and those that a description beside it needs.
const LIST_WIDTH: u16 = 72;
const DETAIL_WIDTH: u16 = 36;

/// Places of the list and of the description.
fn areas(body: Rect, state: &State) -> (Rect, Option<Rect>) {
    if state.has_detail_below() {
        let height = body.height / 2;
        let list = Rect { height, ..body };
        let detail = Rect {
            x: body.x + 1,
            y: body.y + height + 1,
            width: body.width.saturating_sub(1),
            height: body.height - height - 1,
        };
        return (list, Some(detail));
    }
    if body.width < 100 {
        return (body, None);
    }
    // Room for the publisher, and for a description.
    let width = (body.width * 11 / 20)
        .max(LIST_WIDTH)
        .min(body.width - DETAIL_WIDTH);
    let detail = Rect {
        x: body.x + width + 2,
        width: body.width - width - 2,
        ..body
    };
    (Rect { width, ..body }, Some(detail))
}

fn columns(width: u16, [name, version, rows, size, trust, publisher]: [&str; 6]) -> String {
    let room = usize::from(width).saturating_sub(50).clamp(12, 40);
    let name = crate::tui::text::fit(name, u16::try_from(room).unwrap_or(40));
    let pad = room.saturating_sub(usize::from(crate::tui::text::width_within(&name, 99)));
    let blanks = " ".repeat(pad);
    format!("  {name}{blanks} {version:<9} {rows:>11} {size:>10}  {trust:<9} {publisher}")
}

fn texts(browser: &Browser, width: u16) -> Vec<(String, bool)> {
    if browser.list == BrowserList::Peers {
        let peers = browser.shown_peers();
        return peers
            .iter()
            .map(|peer| (format!("  {}  {}", peer.address, peer.note), true))
            .collect();
    }
    let text = |entry: &&DatasetEntry| {
        let is_marked = browser.marked.as_ref() == Some(&entry.reference);
        let text = columns(
            width,
            [
                &entry.name,
                &entry.version,
                &grouped(entry.rows),
                &human_bytes(entry.size_bytes),
                &entry.trust,
                &entry.publisher,
            ],
        );
        match (is_marked, text.strip_prefix("  ")) {
            (true, Some(rest)) => (format!("● {rest}"), entry.is_trusted),
            _ => (text, entry.is_trusted),
        }
    };
    browser.entries().iter().map(text).collect()
}

fn nothing(state: &State, browser: &Browser) -> String {
    let text = match browser.list {
        _ if state.jobs.is_running(Slot::Browse) => "reading…",
        _ if !browser.query.is_empty() => "nothing matches",
        BrowserList::Peers => "no peers are known: `alimentar peers add` names one",
        BrowserList::Offers(_) => "no datasets to be seen there",
        _ => "no datasets yet: `alimentar index PATH` adds one",
    };
    format!("  {text}")
}
