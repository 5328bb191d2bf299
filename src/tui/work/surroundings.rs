//! Surroundings of the jobs: the registry, the way to peers, the open target.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use crate::locks::lock;
use crate::registry::TargetOptions;
use crate::tui::browse::Peers;
use crate::tui::document::Document;
use crate::tui::document::DocumentError;

/// Surroundings of the jobs.
pub(in crate::tui) struct Surroundings {
    pub home: PathBuf,
    pub options: TargetOptions,
    pub peers: Option<Arc<dyn Peers>>,
    /// The open target.
    pub document: Mutex<Option<Arc<Document>>>,
}

impl Surroundings {
    /// Returns the open target.
    pub(in crate::tui) fn document(&self) -> Result<Arc<Document>, DocumentError> {
        let none = || DocumentError::Other("no target is open".to_owned());
        lock(&self.document).clone().ok_or_else(none)
    }
}
