//! Values of the browser of the registry: what it asks for, and what it is told.

use crate::progress::Progress;
use crate::tui::pane::Line;

/// Work for the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BrowseJob {
    /// List the datasets of this registry.
    Datasets,
    /// Describe a dataset: card, schema, trust.
    Detail(String),
    /// List the peers.
    Peers,
    /// List what a peer has.
    Offers(String),
    /// Pull a dataset of a peer.
    Pull { peer: String, reference: String },
    /// Compare two versions by rows.
    Compare { old: String, new: String },
}

/// Answers for the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BrowseAnswer {
    Datasets(Vec<DatasetEntry>),
    Detail { reference: String, lines: Vec<Line> },
    Peers(Vec<PeerEntry>),
    Offers(Vec<DatasetEntry>),
    Pulled(String),
    Compared { title: String, lines: Vec<Line> },
}

/// A dataset in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatasetEntry {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The text that names exactly this version.
    pub reference: String,
    /// Number of rows.
    pub rows: u64,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Trust in its publisher, in a word.
    pub trust: String,
    /// The publisher, by name or key.
    pub publisher: String,
    /// Tags, with blanks between them.
    pub tags: String,
    /// True if it may be opened without a question.
    pub is_trusted: bool,
}

/// A peer in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerEntry {
    /// Its address.
    pub address: String,
    /// Its name, and what is known of it.
    pub note: String,
}

/// The way to other nodes, which the program brings along.
pub trait Peers: Send + Sync {
    /// Lists the known peers.
    ///
    /// # Errors
    /// A message for people.
    fn peers(&self) -> Result<Vec<PeerEntry>, String>;

    /// Lists the datasets that a peer shows.
    ///
    /// # Errors
    /// A message for people.
    fn offers(&self, peer: &str) -> Result<Vec<DatasetEntry>, String>;

    /// Pulls a dataset of a peer, if the trust policy takes it without a question. Returns its
    /// reference here.
    ///
    /// # Errors
    /// A message for people.
    fn pull(&self, peer: &str, reference: &str, progress: &dyn Progress) -> Result<String, String>;
}
