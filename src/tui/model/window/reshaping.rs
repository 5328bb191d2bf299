//! Commands on columns.

use crate::tui::commands::Act;
use crate::tui::model::State;

impl State {
    /// Runs a command on the column of the cursor.
    pub(in crate::tui::model) fn run_column(&mut self, act: Act) {
        let room = self.columns_room();
        let columns = &mut self.table.columns;
        let at = columns.cursor;
        let shown = columns.layout(room).into_iter().find(|s| s.column == at);
        let width = shown.map_or(8, |shown| shown.width);
        if act == Act::Freeze {
            let upto = self
                .count
                .map_or(at + 1, |n| usize::try_from(n).unwrap_or(usize::MAX));
            columns.frozen = if columns.frozen == upto {
                0
            } else {
                upto.min(columns.all.len())
            };
            return;
        }
        match act {
            Act::ShowAll => columns
                .all
                .iter_mut()
                .for_each(|column| column.is_hidden = false),
            Act::Wrap => self.table.wraps = !self.table.wraps,
            Act::Expand | Act::Contract => self.expand(act),
            _ => {}
        }
        let columns = &mut self.table.columns;
        let visible = columns.visible().len();
        let Some(column) = columns.all.get_mut(at) else {
            return;
        };
        match act {
            Act::Hide if visible > 1 => {
                column.is_hidden = true;
                columns.step(0);
            }
            Act::Hide => self.say("the last column stays"),
            Act::Wider => column.chosen = Some(width.saturating_add(4).min(room.max(1))),
            Act::Narrower => column.chosen = Some(width.saturating_sub(4).max(2)),
            Act::Fit => {
                let natural = column.natural.min(room);
                column.chosen = (column.chosen != Some(natural)).then_some(natural);
            }
            _ => {}
        }
    }

    /// Makes columns of the keys of a nested column, or takes them back.
    fn expand(&mut self, act: Act) {
        let Some(column) = self.table.columns.current() else {
            return;
        };
        let name = column.name.clone();
        if act == Act::Expand {
            if !column.is_nested {
                return self.say("this column has no keys below it");
            }
            self.table.expanded.insert(name);
        } else {
            let parent = self
                .table
                .expanded
                .iter()
                .filter(|p| name.starts_with(&format!("{p}.")))
                .max();
            let Some(parent) = parent
                .cloned()
                .or_else(|| self.table.expanded.contains(&name).then_some(name))
            else {
                return self.say("this column was not expanded");
            };
            let below = format!("{parent}.");
            self.table
                .expanded
                .retain(|p| *p != parent && !p.starts_with(&below));
            self.table
                .columns
                .all
                .retain(|column| !column.name.starts_with(&below));
            let at = self
                .table
                .columns
                .all
                .iter()
                .position(|column| column.name == parent);
            self.table.columns.cursor = at.unwrap_or_default();
        }
        self.reload_rows();
    }
}
