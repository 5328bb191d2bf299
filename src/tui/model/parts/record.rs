//! The record pane: one row as a tree, a text, tokens, a chat or bytes.

use std::collections::BTreeSet;

use crate::tui::document::RowPlace;
use crate::tui::job::RecordForm;
use crate::tui::pane::PaneText;

/// A row in a pane.
#[derive(Debug)]
pub(in crate::tui) struct RecordPane {
    pub place: RowPlace,
    pub number: Option<u64>,
    pub form: RecordForm,
    /// True if the form was chosen; a chat is shown as one otherwise.
    pub is_chosen: bool,
    pub text: PaneText,
    /// True once the text is there.
    pub is_ready: bool,
    pub folded: BTreeSet<usize>,
    /// First line in view, and the line of the cursor, among those not folded away.
    pub top: usize,
    pub cursor: usize,
    /// Token of the cursor.
    pub token: usize,
    /// Lines not folded away.
    pub visible: Vec<usize>,
}

impl RecordPane {
    /// Takes the laid out record.
    pub(in crate::tui::model) fn set_text(&mut self, text: PaneText) {
        let starts = text
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.starts_folded);
        self.folded = starts.map(|(n, _)| n).collect();
        self.text = text;
        self.is_ready = true;
        self.unfold();
    }

    /// Lists the lines that are not folded away.
    fn unfold(&mut self) {
        let (mut visible, mut n) = (Vec::new(), 0);
        while n < self.text.lines.len() {
            visible.push(n);
            let end = self.text.lines.get(n).and_then(|line| line.fold_end);
            n = match end.filter(|_| self.folded.contains(&n)) {
                Some(end) => end + 1,
                None => n + 1,
            };
        }
        self.visible = visible;
        self.cursor = self.cursor.min(self.visible.len().saturating_sub(1));
    }

    /// Folds or unfolds what begins on the line of the cursor, or what the line is in.
    pub(in crate::tui::model) fn toggle(&mut self) {
        let Some(line) = self.visible.get(self.cursor).copied() else {
            return;
        };
        let begins = |n: &usize| {
            self.text
                .lines
                .get(*n)
                .is_some_and(|line| line.fold_end.is_some_and(|end| end >= *n))
        };
        let holds = |n: &usize| {
            let end = self.text.lines.get(*n).and_then(|l| l.fold_end);
            end.is_some_and(|end| end >= line)
        };
        let own = begins(&line).then_some(line);
        let Some(at) = own.or_else(|| (0..line).rev().find(holds)) else {
            return;
        };
        if !self.folded.remove(&at) {
            self.folded.insert(at);
        }
        self.unfold();
        self.cursor = self.visible.partition_point(|n| *n < at);
    }

    /// Folds everything below the first level, or unfolds it.
    pub(in crate::tui::model) fn toggle_all(&mut self) {
        if self.folded.is_empty() {
            let all = self.text.lines.iter().enumerate().skip(1);
            self.folded = all
                .filter(|(_, line)| line.fold_end.is_some())
                .map(|(n, _)| n)
                .collect();
        } else {
            self.folded.clear();
        }
        self.unfold();
    }

    pub(in crate::tui::model) fn scroll(&mut self, by: i64, fits: usize) {
        let last = self.visible.len().saturating_sub(1) as i64;
        let to = (self.cursor as i64).saturating_add(by).clamp(0, last);
        self.cursor = usize::try_from(to).unwrap_or_default();
        self.follow(fits);
    }

    /// Keeps the cursor in view.
    pub(in crate::tui::model) fn follow(&mut self, fits: usize) {
        let least = (self.cursor + 1).saturating_sub(fits.max(1));
        self.top = self.top.min(self.cursor).max(least);
    }

    /// Moves the cursor over tokens.
    pub(in crate::tui::model) fn step_token(&mut self, by: i64) {
        let last = self.text.tokens.len().saturating_sub(1) as i64;
        let to = (self.token as i64).saturating_add(by).clamp(0, last);
        self.token = usize::try_from(to).unwrap_or_default();
        if let Some(token) = self.text.tokens.get(self.token) {
            self.cursor = self.visible.partition_point(|n| *n < token.line);
        }
    }
}
