//! Columns of the table: their order, widths, and which of them are in view.

use crate::inspect::search::Pattern;
use crate::tui::document::Row;
use crate::tui::document::cells::CellKind;
use crate::tui::limits::COLUMNS_MAX;
use crate::tui::text::width_within;

/// A column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::tui) struct Column {
    pub name: String,
    /// Width that its cells so far would have, up to [`NATURAL_MAX`].
    pub natural: u16,
    /// Width that was chosen.
    pub chosen: Option<u16>,
    pub is_hidden: bool,
    /// True if the column filter leaves it out.
    pub is_out: bool,
    /// True if its cells so far are numbers.
    pub is_numeric: bool,
    /// True if some of its cells are arrays or objects.
    pub is_nested: bool,
}

/// All columns.
#[derive(Clone, Debug, Default)]
pub(in crate::tui) struct Columns {
    pub all: Vec<Column>,
    /// Column of the cursor.
    pub cursor: usize,
    /// First column in view behind the frozen ones.
    pub left: usize,
    /// Columns from the first on that stay in view.
    pub frozen: usize,
}

/// A column on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui) struct Shown {
    pub column: usize,
    pub x: u16,
    pub width: u16,
}

/// Largest width that a column takes unasked.
pub(in crate::tui) const NATURAL_MAX: u16 = 120;
/// Width that a wide column gets before others have theirs.
const USUAL_MAX: u16 = 32;
/// Columns between two columns.
const GAP: u16 = 2;

impl Columns {
    /// Columns with these names.
    pub(in crate::tui) fn named(names: &[String]) -> Self {
        let column = |name: &String| Column {
            natural: width_within(name, NATURAL_MAX).max(1),
            name: name.clone(),
            is_numeric: true,
            ..Column::default()
        };
        Self {
            all: names.iter().take(COLUMNS_MAX).map(column).collect(),
            ..Self::default()
        }
    }

    /// Adds the columns of rows, and widens those that are there.
    pub(in crate::tui::model) fn learn(&mut self, rows: &[Row], filter: Option<&Pattern>) {
        for row in rows {
            let mut before = None;
            for cell in &row.cells {
                let name = cell.column.as_str();
                let known = self.all.iter().position(|column| column.name == name);
                let at = match known {
                    Some(at) => at,
                    // A broken cell makes no column.
                    None if cell.kind == CellKind::Broken => continue,
                    None if self.all.len() >= COLUMNS_MAX => continue,
                    None => {
                        let at = before.map_or(self.all.len(), |before: usize| before + 1);
                        let is_out = filter.is_some_and(|f| f.spans(name.as_bytes(), 1).is_empty());
                        self.all.insert(
                            at,
                            Column {
                                name: name.to_owned(),
                                natural: width_within(name, NATURAL_MAX).max(1),
                                is_numeric: true,
                                is_out,
                                ..Column::default()
                            },
                        );
                        at
                    }
                };
                before = Some(at);
                let Some(column) = self.all.get_mut(at) else {
                    continue;
                };
                column.natural = column.natural.max(width_within(&cell.text, NATURAL_MAX));
                column.is_numeric &= matches!(cell.kind, CellKind::Number | CellKind::Null);
                column.is_nested |= cell.kind == CellKind::Nested;
            }
        }
    }

    /// Positions of the columns that are not hidden.
    pub(in crate::tui) fn visible(&self) -> Vec<usize> {
        let all = self.all.iter().enumerate();
        all.filter(|(_, c)| !c.is_hidden && !c.is_out)
            .map(|(n, _)| n)
            .collect()
    }

    pub(in crate::tui) fn current(&self) -> Option<&Column> {
        self.all.get(self.cursor)
    }

    /// Moves the cursor over visible columns.
    pub(in crate::tui::model) fn step(&mut self, by: i64) {
        let visible = self.visible();
        let at = visible
            .iter()
            .position(|n| *n >= self.cursor)
            .unwrap_or(visible.len());
        let last = visible.len().saturating_sub(1) as i64;
        let to = (at as i64).saturating_add(by).clamp(0, last.max(0));
        let to = usize::try_from(to).unwrap_or_default();
        self.cursor = visible.get(to).copied().unwrap_or_default();
    }

    /// Moves the left edge until the cursor is in view.
    pub(in crate::tui::model) fn follow(&mut self, room: u16) {
        if self.cursor >= self.all.len() {
            self.cursor = self.all.len().saturating_sub(1);
        }
        let is_visible = self.current().is_some_and(|c| !c.is_hidden && !c.is_out);
        if !is_visible {
            self.step(0);
        }
        if self.cursor < self.frozen {
            return;
        }
        self.left = self.left.max(self.frozen).min(self.cursor);
        while self.left < self.cursor {
            let shown = self.layout(room);
            let found = shown.iter().find(|s| s.column == self.cursor);
            let wanted = self.current().map_or(0, |c| c.natural.min(USUAL_MAX));
            if found.is_some_and(|s| s.width >= wanted.min(room / 2)) {
                return;
            }
            self.left += 1;
        }
    }

    /// Places the columns on `room` screen columns.
    pub(in crate::tui) fn layout(&self, room: u16) -> Vec<Shown> {
        let visible = self.visible();
        let frozen = visible.iter().filter(|n| **n < self.frozen);
        let others = visible.iter().filter(|n| **n >= self.frozen.max(self.left));
        let order: Vec<usize> = frozen.chain(others).copied().collect();
        let width = |n: &usize| {
            let column = self.all.get(*n);
            column.map_or(1, |c| c.chosen.unwrap_or(c.natural.min(USUAL_MAX)).max(1))
        };
        let mut shown: Vec<Shown> = Vec::new();
        let mut x = 0_u16;
        for n in &order {
            if x >= room {
                break;
            }
            let width = width(n).min(room - x);
            shown.push(Shown {
                column: *n,
                x,
                width,
            });
            x = x.saturating_add(width).saturating_add(GAP);
        }
        self.spread(&mut shown, room, order.len());
        shown
    }

    /// Gives the room that is left to the columns that would take more.
    fn spread(&self, shown: &mut [Shown], room: u16, all: usize) {
        if shown.len() < all {
            return;
        }
        let used = shown.last().map_or(0, |last| last.x + last.width);
        let mut left = room.saturating_sub(used);
        let wanted = |one: &Shown| {
            let column = self
                .all
                .get(one.column)
                .filter(|column| column.chosen.is_none());
            column.map_or(0, |column| column.natural.saturating_sub(one.width))
        };
        // Each gets the same, until it has enough.
        loop {
            let hungry = shown.iter().filter(|one| wanted(one) > 0).count();
            let hungry = u16::try_from(hungry).unwrap_or(u16::MAX);
            if hungry == 0 || left == 0 {
                break;
            }
            let portion = (left / hungry).max(1);
            for one in shown.iter_mut() {
                let more = wanted(one).min(portion).min(left);
                one.width += more;
                left -= more;
            }
        }
        let mut x = 0;
        for one in shown {
            one.x = x;
            x += one.width + GAP;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(widths: &[u16]) -> Columns {
        let all = widths.iter().enumerate().map(|(n, natural)| Column {
            name: format!("c{n}"),
            natural: *natural,
            ..Column::default()
        });
        Columns {
            all: all.collect(),
            ..Columns::default()
        }
    }

    #[test]
    fn wide_columns_take_the_room_that_is_left() {
        let shown = columns(&[4, 100, 4]).layout(80);
        let widths: Vec<u16> = shown.iter().map(|s| s.width).collect();
        assert_eq!(widths, [4, 68, 4]);
        assert_eq!(shown.last().map(|s| s.x + s.width), Some(80));
    }

    #[test]
    fn wide_columns_share_the_room() {
        let shown = columns(&[100, 100, 40]).layout(130);
        let widths: Vec<u16> = shown.iter().map(|s| s.width).collect();
        assert_eq!(widths, [43, 43, 40]);
    }

    #[test]
    fn cursor_behind_the_edge_moves_the_left_column() {
        let mut columns = columns(&[20; 10]);
        columns.frozen = 1;
        columns.cursor = 9;
        columns.follow(60);
        let shown = columns.layout(60);
        assert_eq!(shown.first().map(|s| s.column), Some(0));
        assert!(shown.iter().any(|s| s.column == 9));
    }

    #[test]
    fn layout_of_any_room_stays_inside() {
        let columns = columns(&[1, 50, 3, 120, 9]);
        for room in 0..200 {
            for shown in columns.layout(room) {
                assert!(shown.x + shown.width <= room, "{room}");
            }
        }
    }

    #[test]
    fn cursor_steps_over_hidden_columns() {
        let mut columns = columns(&[5; 4]);
        columns.all[1].is_hidden = true;
        columns.step(1);
        assert_eq!(columns.cursor, 2);
        columns.step(-1);
        assert_eq!(columns.cursor, 0);
        columns.step(i64::MAX);
        assert_eq!(columns.cursor, 3);
    }
}
