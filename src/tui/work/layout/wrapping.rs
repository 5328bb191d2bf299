//! Text cut into lines of a pane.

use crate::tui::limits::RECORD_LINES_MAX;
use crate::tui::pane::Line;
use crate::tui::pane::Tone;
use crate::tui::text::wrap;

/// Adds text as lines of a width behind an indent.
pub(super) fn add_wrapped(
    lines: &mut Vec<Line>,
    text: &str,
    (indent, width): (u16, u16),
    tone: Tone,
) {
    let room = width.saturating_sub(indent).max(8);
    let left = RECORD_LINES_MAX.saturating_sub(lines.len());
    for (start, end) in wrap(text, room, left) {
        let part = text.get(start..end).unwrap_or_default();
        lines.push(Line::new(indent).with(tone, part));
    }
}
