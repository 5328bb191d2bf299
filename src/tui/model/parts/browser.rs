//! The browser of the registry: datasets, their versions, peers and what they have.

use crate::tui::browse::DatasetEntry;
use crate::tui::browse::PeerEntry;
use crate::tui::commands::score;
use crate::tui::pane::Line;

/// Lists of the browser, and the selection in the one that is shown.
#[derive(Debug, Default)]
pub(in crate::tui) struct Browser {
    pub list: BrowserList,
    pub datasets: Vec<DatasetEntry>,
    pub peers: Vec<PeerEntry>,
    pub offers: Vec<DatasetEntry>,
    /// Text that the entries must match.
    pub query: String,
    pub selected: usize,
    pub top: usize,
    /// Description of a dataset, by its reference.
    pub detail: Option<(String, Vec<Line>)>,
    /// The reference whose description was asked for last.
    pub asked: Option<String>,
    /// Version that another is compared with.
    pub marked: Option<String>,
    pub is_ready: bool,
}

/// The list that is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::tui) enum BrowserList {
    /// The newest version of each dataset here.
    #[default]
    Datasets,
    /// All versions of one dataset.
    Versions(String),
    Peers,
    /// Datasets of this peer.
    Offers(String),
}

impl Browser {
    /// Entries of the list that match the query, best first.
    pub(in crate::tui) fn entries(&self) -> Vec<&DatasetEntry> {
        let mut entries: Vec<&DatasetEntry> = match &self.list {
            BrowserList::Peers => Vec::new(),
            BrowserList::Offers(_) => self.offers.iter().collect(),
            BrowserList::Versions(name) => self
                .datasets
                .iter()
                .filter(|entry| entry.name == *name)
                .collect(),
            BrowserList::Datasets => {
                // The newest version of a name is the first.
                let mut before = None;
                let all = self.datasets.iter();
                all.filter(|entry| before.replace(entry.name.as_str()) != Some(&entry.name))
                    .collect()
            }
        };
        if !self.query.is_empty() {
            let scored = entries.into_iter().filter_map(|entry| {
                let text = format!("{} {} {}", entry.name, entry.tags, entry.publisher);
                Some((score(&self.query, &text)?, entry))
            });
            let mut scored: Vec<_> = scored.collect();
            scored.sort_by_key(|(score, _)| *score);
            entries = scored.into_iter().map(|(_, entry)| entry).collect();
        }
        entries
    }

    /// Peers that match the query.
    pub(in crate::tui) fn shown_peers(&self) -> Vec<&PeerEntry> {
        let text = |peer: &PeerEntry| format!("{} {}", peer.note, peer.address);
        let all = self.peers.iter();
        all.filter(|peer| score(&self.query, &text(peer)).is_some())
            .collect()
    }

    pub(in crate::tui::model) fn count(&self) -> usize {
        match self.list {
            BrowserList::Peers => self.shown_peers().len(),
            _ => self.entries().len(),
        }
    }

    pub(in crate::tui::model) fn scroll(&mut self, by: i64, fits: usize) {
        let last = self.count().saturating_sub(1) as i64;
        let to = (self.selected as i64).saturating_add(by).clamp(0, last);
        self.selected = usize::try_from(to).unwrap_or_default();
        let least = (self.selected + 1).saturating_sub(fits.max(1));
        self.top = self.top.min(self.selected).max(least);
    }

    pub(in crate::tui) fn current(&self) -> Option<&DatasetEntry> {
        self.entries().get(self.selected).copied()
    }

    pub(in crate::tui::model) fn show(&mut self, list: BrowserList) {
        self.list = list;
        (self.selected, self.top) = (0, 0);
        self.query.clear();
    }
}
