//! Text written to the buffer of the screen, clipped and safe.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use crate::tui::text::glyphs;

/// A place for text: a line of the screen from `x` to before `right`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub x: u16,
    pub y: u16,
    pub right: u16,
}

/// Styles of a text: its own, that of signs in place of characters, and that of matches.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Styles<'a> {
    pub text: Style,
    pub mark: Style,
    pub hit: Style,
    /// Byte ranges of matches in the text.
    pub hits: &'a [(usize, usize)],
}

impl Styles<'_> {
    pub(super) fn plain(text: Style) -> Self {
        Self {
            text,
            mark: text,
            ..Self::default()
        }
    }
}

/// Writes a text. Returns the column behind it. A text that does not fit ends with a sign.
pub(super) fn put(buffer: &mut Buffer, spot: Spot, text: &str, styles: &Styles<'_>) -> u16 {
    let area = buffer.area;
    let right = spot.right.min(area.right());
    if spot.y < area.top() || spot.y >= area.bottom() || spot.x >= right {
        return spot.x;
    }
    let (mut x, mut last) = (spot.x, spot.x);
    for glyph in glyphs(text) {
        if x + glyph.width > right {
            let at = if x < right { x } else { last };
            cell(buffer, at, spot.y, "…", styles.mark);
            for blank in at + 1..right {
                cell(buffer, blank, spot.y, " ", styles.text);
            }
            return right;
        }
        let is_hit = styles
            .hits
            .iter()
            .any(|(from, to)| glyph.at >= *from && glyph.at < *to);
        let style = match (is_hit, glyph.is_mark) {
            (true, _) => styles.hit,
            (false, true) => styles.mark,
            (false, false) => styles.text,
        };
        cell(buffer, x, spot.y, &glyph.text, style);
        if glyph.width > 1 {
            cell(buffer, x + 1, spot.y, " ", style);
        }
        last = x;
        x += glyph.width;
    }
    x
}

/// Writes a text and fills the rest of its place.
pub(super) fn put_filled(buffer: &mut Buffer, spot: Spot, text: &str, styles: &Styles<'_>) {
    let x = put(buffer, spot, text, styles);
    fill(buffer, Spot { x, ..spot }, styles.text);
}

/// Fills a place with blanks of a style.
pub(super) fn fill(buffer: &mut Buffer, spot: Spot, style: Style) {
    for x in spot.x..spot.right.min(buffer.area.right()) {
        cell(buffer, x, spot.y, " ", style);
    }
}

fn cell(buffer: &mut Buffer, x: u16, y: u16, symbol: &str, style: Style) {
    if let Some(cell) = buffer.cell_mut((x, y)) {
        cell.reset();
        cell.set_symbol(symbol);
        cell.set_style(style);
    }
}
