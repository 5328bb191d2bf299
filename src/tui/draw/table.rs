//! The table: names of columns, rows with their numbers and marks, and the minimap beside them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::document::Row;
use crate::tui::document::cells::CellKind;
use crate::tui::document::cells::CellText;
use crate::tui::draw::minimap;
use crate::tui::draw::put::Spot;
use crate::tui::draw::put::Styles;
use crate::tui::draw::put::fill;
use crate::tui::draw::put::put;
use crate::tui::draw::put::put_filled;
use crate::tui::draw::theme::Theme;
use crate::tui::model::State;
use crate::tui::model::window::columns::Column;
use crate::tui::model::window::columns::Shown;
use crate::tui::model::window::table::WRAP_LINES;
use crate::tui::text::width_within;
use crate::tui::text::wrap;

/// Draws the table.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, state: &State, theme: &Theme) {
    let gutter = state.gutter_width();
    let room = state.columns_room();
    let layout = state.table.columns.layout(room);
    let x = body.x + gutter;
    let mut y = body.y;
    if body.height > state.table_lines() {
        names(
            buffer,
            Spot {
                x,
                y,
                right: x + room,
            },
            state,
            &layout,
            theme,
        );
        y += 1;
    }
    let first_line = y;
    for (n, row) in state.table.rows.iter().enumerate().skip(state.table.top) {
        if y >= body.bottom() {
            break;
        }
        let height = row_height(state, row, &layout).min(body.bottom() - y);
        let line = RowLine {
            state,
            row,
            is_current: n == state.table.cursor,
            theme: *theme,
        };
        line.number(
            buffer,
            Spot {
                x: body.x,
                y,
                right: x,
            },
            gutter,
        );
        if let Some(cell) = broken(state, row) {
            let styles = Styles::plain(theme.cell(cell.kind));
            put_filled(
                buffer,
                Spot {
                    x,
                    y,
                    right: x + room,
                },
                &cell.text,
                &styles,
            );
            y += height;
            continue;
        }
        for shown in &layout {
            let column = state.table.columns.all.get(shown.column);
            let name = column
                .map(|column| column.name.as_str())
                .unwrap_or_default();
            let Some(cell) = row.cells.iter().find(|cell| cell.column == name) else {
                line.missing(buffer, (x, y), shown);
                continue;
            };
            line.cell(buffer, (x, y), height, shown, cell);
        }
        y += height;
    }
    if state.minimap_width() > 0 {
        let strip = Rect {
            x: body.right().saturating_sub(1),
            y: first_line,
            width: 1,
            height: body.bottom().saturating_sub(first_line),
        };
        minimap::draw(buffer, strip, state, theme);
    }
}

fn names(buffer: &mut Buffer, spot: Spot, state: &State, layout: &[Shown], theme: &Theme) {
    for shown in layout {
        let Some(column) = state.table.columns.all.get(shown.column) else {
            continue;
        };
        let x = spot.x + shown.x;
        let place = Spot {
            x,
            right: x + shown.width,
            ..spot
        };
        let mut style = theme.heading();
        if shown.column == state.table.columns.cursor {
            style = style.patch(theme.cursor());
        }
        put_filled(buffer, place, &column.name, &Styles::plain(style));
        let is_last_frozen = shown.column + 1 == state.table.columns.frozen;
        if is_last_frozen && place.right < spot.right {
            put(
                buffer,
                Spot {
                    x: place.right,
                    ..spot
                },
                "│",
                &Styles::plain(theme.quiet()),
            );
        }
    }
}

/// The cell of a row that is broken as a whole, which belongs to no column.
fn broken<'a>(state: &State, row: &'a Row) -> Option<&'a CellText> {
    let [cell] = row.cells.as_slice() else {
        return None;
    };
    let has_column = |column: &Column| column.name == cell.column;
    let is_known = state.table.columns.all.iter().any(has_column);
    (cell.kind == CellKind::Broken && !is_known).then_some(cell)
}

/// Lines that a row takes.
fn row_height(state: &State, row: &Row, layout: &[Shown]) -> u16 {
    if !state.table.wraps {
        return 1;
    }
    let lines = layout.iter().filter_map(|shown| {
        let column = state.table.columns.all.get(shown.column)?;
        let cell = row.cells.iter().find(|cell| cell.column == column.name)?;
        Some(wrap(&cell.text, shown.width, usize::from(WRAP_LINES)).len())
    });
    u16::try_from(lines.max().unwrap_or(1)).unwrap_or(1).max(1)
}

/// A row that is drawn.
struct RowLine<'a> {
    state: &'a State,
    row: &'a Row,
    is_current: bool,
    theme: Theme,
}

impl RowLine<'_> {
    /// Draws the number, and signs of marks, faults and duplicates.
    fn number(&self, buffer: &mut Buffer, spot: Spot, gutter: u16) {
        if gutter == 0 {
            return;
        }
        let (state, theme) = (self.state, self.theme);
        let number = match (self.row.number, state.guess(self.row.place)) {
            (Some(number), _) => number.to_string(),
            (None, Some(guess)) => format!("~{guess}"),
            (None, None) => "?".to_owned(),
        };
        let style = match self.is_current {
            true => theme.cursor(),
            false => theme.quiet(),
        };
        fill(
            buffer,
            Spot {
                right: spot.right.saturating_sub(1),
                ..spot
            },
            style,
        );
        let end = spot.right.saturating_sub(2);
        let width = width_within(&number, gutter);
        let x = end.saturating_sub(width).max(spot.x);
        put(
            buffer,
            Spot {
                x,
                right: end,
                ..spot
            },
            &number,
            &Styles::plain(style),
        );
        if state.marks.contains_key(&self.row.place) {
            put(
                buffer,
                Spot {
                    right: spot.x + 1,
                    ..spot
                },
                "●",
                &Styles::plain(theme.mark()),
            );
        }
        let (sign, style) = match (self.fault(), self.is_duplicate()) {
            (Some(true), _) => ("!", theme.error()),
            (Some(false), _) => ("!", theme.warning()),
            (None, true) => ("=", theme.duplicate()),
            (None, false) if self.row.is_broken => ("!", theme.error()),
            _ => return,
        };
        put(
            buffer,
            Spot {
                x: end,
                right: end + 1,
                ..spot
            },
            sign,
            &Styles::plain(style),
        );
    }

    /// Returns whether the row has a fault, and whether that is an error.
    fn fault(&self) -> Option<bool> {
        let (findings, number) = (self.state.findings.as_ref()?, self.row.number?);
        let at = findings.partition_point(|finding| finding.row < number);
        findings
            .get(at)
            .filter(|finding| finding.row == number)
            .map(|finding| finding.is_error)
    }

    fn is_duplicate(&self) -> bool {
        let facts = self
            .state
            .duplicates
            .as_ref()
            .filter(|_| self.state.shows_duplicates);
        let found = facts.zip(self.row.number).map(|(facts, number)| {
            facts
                .pairs
                .binary_search_by_key(&number, |pair| pair.0)
                .is_ok()
        });
        found.unwrap_or_default()
    }

    fn style(&self, shown: &Shown, own: Style) -> Style {
        let mut style = own;
        if self.is_duplicate() {
            style = self.theme.duplicate();
        }
        if self.is_current && shown.column == self.state.table.columns.cursor {
            style = self.theme.cursor();
        }
        style
    }

    fn missing(&self, buffer: &mut Buffer, (x, y): (u16, u16), shown: &Shown) {
        let x = x + shown.x;
        let style = self.style(shown, self.theme.plain());
        fill(
            buffer,
            Spot {
                x,
                y,
                right: x + shown.width,
            },
            style,
        );
    }

    fn cell(
        &self,
        buffer: &mut Buffer,
        (x, y): (u16, u16),
        height: u16,
        shown: &Shown,
        cell: &CellText,
    ) {
        let x = x + shown.x;
        let spot = Spot {
            x,
            y,
            right: x + shown.width,
        };
        let hits = self.hits(&cell.text);
        let style = self.style(shown, self.theme.cell(cell.kind));
        let mut styles = Styles {
            text: style,
            mark: style.patch(self.theme.quiet()),
            hit: self.theme.hit(),
            hits: &hits,
        };
        if style == self.theme.cursor() {
            styles.mark = style;
        }
        let column = self.state.table.columns.all.get(shown.column);
        let width = width_within(&cell.text, shown.width.saturating_add(1));
        if column.is_some_and(|column| column.is_numeric) && width < shown.width {
            let at = spot.right - width;
            fill(buffer, Spot { right: at, ..spot }, style);
            put(buffer, Spot { x: at, ..spot }, &cell.text, &styles);
            for below in y + 1..y + height {
                fill(buffer, Spot { y: below, ..spot }, style);
            }
            return;
        }
        if height > 1 {
            return wrapped(buffer, spot, height, cell, &styles);
        }
        put_filled(buffer, spot, &cell.text, &styles);
    }

    /// Byte ranges of matches of the search in the part of a text that can be in view.
    fn hits(&self, text: &str) -> Vec<(usize, usize)> {
        let search = self.state.search.as_ref();
        search.map_or_else(Vec::new, |search| {
            search.filter.pattern.spans(text.as_bytes(), 100)
        })
    }
}

fn wrapped(buffer: &mut Buffer, spot: Spot, height: u16, cell: &CellText, styles: &Styles<'_>) {
    let width = spot.right.saturating_sub(spot.x);
    let lines = wrap(&cell.text, width, usize::from(height));
    for n in 0..height {
        let place = Spot {
            y: spot.y + n,
            ..spot
        };
        let range = lines.get(usize::from(n)).copied();
        let (start, end) = range.unwrap_or((cell.text.len(), cell.text.len()));
        let part = cell.text.get(start..end).unwrap_or_default();
        let hits: Vec<(usize, usize)> = styles
            .hits
            .iter()
            .filter(|(from, to)| *from < end && *to > start)
            .map(|(from, to)| (from.saturating_sub(start), to - start))
            .collect();
        put_filled(
            buffer,
            place,
            part,
            &Styles {
                hits: &hits,
                ..*styles
            },
        );
    }
}
