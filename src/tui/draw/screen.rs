//! The whole screen: the lines around the body, and what is in front.

use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::layout::Rect;

use crate::tui::draw::bars;
use crate::tui::draw::browser;
use crate::tui::draw::overlays;
use crate::tui::draw::record;
use crate::tui::draw::table;
use crate::tui::draw::theme::Theme;
use crate::tui::model::State;

/// Draws everything. Returns the place of the terminal's cursor, if a line is typed.
pub(in crate::tui) fn draw(buffer: &mut Buffer, state: &State, theme: &Theme) -> Option<Position> {
    let screen = buffer.area;
    if screen.width == 0 || screen.height == 0 {
        return None;
    }
    let body = bars::draw(buffer, state, theme);
    if let Some(pane) = &state.pane {
        overlays::draw_pane(buffer, body, (state, pane), theme);
    } else if state.is_browsing {
        browser::draw(buffer, body, state, theme);
    } else if let Some(record) = &state.record {
        record::draw(buffer, body, (state, record), theme);
    } else {
        table::draw(buffer, body, state, theme);
    }
    let prompt = state.prompt.as_ref()?;
    overlays::draw_palette(buffer, (state, prompt), theme);
    bars::draw_prompt(buffer, line_of_prompt(screen), prompt, theme)
}

/// The line where a person types: the last one.
fn line_of_prompt(screen: Rect) -> Rect {
    Rect {
        y: screen.bottom().saturating_sub(1),
        height: 1,
        ..screen
    }
}
