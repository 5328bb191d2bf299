//! Panes over the table: help, statistics, frequent values, results.

use crate::tui::job::StatsFacts;
use crate::tui::pane::Line;

/// A pane over everything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tui) enum Pane {
    Help {
        top: usize,
    },
    /// Description of a column, or its frequent values.
    Stats {
        facts: Option<StatsFacts>,
        form: StatsForm,
        top: usize,
        selected: usize,
    },
    /// Any lines.
    Lines {
        title: String,
        lines: Vec<Line>,
        top: usize,
    },
}

/// Form of the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui) enum StatsForm {
    Description,
    Frequency,
}

impl Pane {
    /// Moves the lines in view, or the selection.
    pub(in crate::tui::model) fn scroll(&mut self, by: i64, lines: usize, fits: usize) {
        let step = |value: &mut usize, most: usize| {
            let moved = (*value as i64).saturating_add(by).clamp(0, most as i64);
            *value = usize::try_from(moved).unwrap_or_default();
        };
        match self {
            Self::Stats {
                facts,
                form: StatsForm::Frequency,
                selected,
                top,
            } => {
                let count = facts.as_ref().map_or(0, |facts| facts.values.len());
                step(selected, count.saturating_sub(1));
                *top = (*top)
                    .min(*selected)
                    .max((*selected + 1).saturating_sub(fits.max(1)));
            }
            Self::Help { top } | Self::Stats { top, .. } | Self::Lines { top, .. } => {
                step(top, lines.saturating_sub(fits));
            }
        }
    }
}
