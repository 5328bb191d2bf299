//! Lines of panes: records, statistics, descriptions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::draw::put::Spot;
use crate::tui::draw::put::Styles;
use crate::tui::draw::put::put;
use crate::tui::draw::theme::Theme;
use crate::tui::model::State;
use crate::tui::model::parts::record::RecordPane;
use crate::tui::pane::Line;
use crate::tui::pane::Tone;

/// Draws the record pane.
pub(super) fn draw(
    buffer: &mut Buffer,
    body: Rect,
    (state, record): (&State, &RecordPane),
    theme: &Theme,
) {
    let pattern = state.search.as_ref().map(|search| &search.filter.pattern);
    let lines = record.visible.iter().enumerate().skip(record.top);
    for ((n, at), y) in lines.zip(body.y..body.bottom()) {
        let Some(line) = record.text.lines.get(*at) else {
            continue;
        };
        let sign = match line.fold_end {
            Some(_) if record.folded.contains(at) => "▸",
            Some(_) => "▾",
            None => " ",
        };
        let is_current = n == record.cursor;
        let style = if is_current {
            theme.cursor()
        } else {
            theme.quiet()
        };
        let spot = Spot {
            x: body.x,
            y,
            right: body.right(),
        };
        let x = put(
            buffer,
            Spot {
                right: body.x + 1,
                ..spot
            },
            sign,
            &Styles::plain(style),
        );
        let hits = |text: &str| {
            pattern.map_or_else(Vec::new, |pattern| pattern.spans(text.as_bytes(), 100))
        };
        let token = u32::try_from(record.token).ok();
        draw_line(
            buffer,
            Spot { x: x + 1, ..spot },
            line,
            (theme, token),
            &hits,
        );
    }
    if !record.is_ready && record.text.lines.is_empty() {
        let spot = Spot {
            x: body.x + 1,
            y: body.y,
            right: body.right(),
        };
        put(buffer, spot, "reading…", &Styles::plain(theme.quiet()));
    }
}

/// Draws lines from one on.
pub(super) fn draw_lines(
    buffer: &mut Buffer,
    body: Rect,
    lines: &[Line],
    top: usize,
    theme: &Theme,
) {
    for (line, y) in lines.iter().skip(top).zip(body.y..body.bottom()) {
        let spot = Spot {
            x: body.x,
            y,
            right: body.right(),
        };
        draw_line(buffer, spot, line, (theme, None), &|_| Vec::new());
    }
}

/// Draws a line. The token of the cursor is reversed.
fn draw_line(
    buffer: &mut Buffer,
    spot: Spot,
    line: &Line,
    (theme, token): (&Theme, Option<u32>),
    hits: &dyn Fn(&str) -> Vec<(usize, usize)>,
) {
    let mut x = spot.x.saturating_add(line.indent);
    for part in &line.parts {
        let mut style = theme.tone(part.tone);
        if let (Tone::Token(number), Some(token)) = (part.tone, token)
            && number == token
        {
            style = theme.cursor();
        }
        let hits = hits(&part.text);
        let styles = Styles {
            text: style,
            mark: style.patch(theme.quiet()),
            hit: theme.hit(),
            hits: &hits,
        };
        x = put(buffer, Spot { x, ..spot }, &part.text, &styles);
    }
}
