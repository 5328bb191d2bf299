//! Drawing of the state. It takes the state as it is and changes nothing.
//!
//! `bars.rs` draws the lines around the body, `table.rs` the rows, `record.rs` lines of panes,
//! `overlays.rs` help, statistics and the palette, `browser.rs` the registry; `theme.rs` has the styles
//! and `put.rs` writes text.

mod bars;
mod browser;
mod minimap;
mod overlays;
pub(super) mod put;
mod record;
mod table;
#[cfg(test)]
mod tests;
pub(super) mod theme;

use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::layout::Rect;

use crate::tui::draw::theme::Theme;
use crate::tui::model::State;

/// Draws everything. Returns the place of the terminal's cursor, if a line is typed.
pub(super) fn draw(buffer: &mut Buffer, state: &State, theme: &Theme) -> Option<Position> {
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
