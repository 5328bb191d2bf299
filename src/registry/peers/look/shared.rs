//! The parts of a look that its threads share.

use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::locks::lock;
use crate::manifest::DistinctBytes;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::protocol::TreeKind;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::error::Error;
use crate::registry::integrity::claims::attribute_to_signer;
use crate::registry::peers::client::offers::Offer;
use crate::registry::peers::look::keep::Keeping;
use crate::registry::peers::look::nodes::CachedNodes;
use crate::registry::peers::look::nodes::LookNodes;
use crate::registry::peers::look::peers::PeerPool;
use crate::registry::peers::look::state::LookState;
use crate::registry::peers::look::tree_cursor::TreeCursor;
use crate::registry::sizes::Sizes;
use crate::store::disk::BlobReader;

/// Longest wait of a thread before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Counts of what was planned, under the lock of the one thread that plans.
#[derive(Default)]
pub(super) struct Planning {
    /// Bytes of all windows, each occurrence of a chunk once.
    pub(super) planned_bytes: u64,
    pub(super) distinct: DistinctBytes,
}

/// A look, as its threads see it.
pub(super) struct LookShared {
    /// For threads that are started later.
    pub(super) me: Weak<LookShared>,
    pub(super) offer: Offer,
    pub(super) keeping: Keeping,
    pub(super) reader: BlobReader,
    pub(super) similarity: SimilarityIndex,
    pub(super) peers: PeerPool,
    pub(super) cache: CachedNodes,
    pub(super) cursor: TreeCursor,
    pub(super) sizes: Sizes,
    /// Set if a person accepts a dataset that is far larger than its distinct chunks.
    pub(super) allow_large: bool,
    pub(super) planning: Mutex<Planning>,
    pub(super) state: Mutex<LookState>,
    pub(super) news: Condvar,
    pub(super) begun: Instant,
    pub(super) threads: Mutex<Vec<JoinHandle<()>>>,
}

impl LookShared {
    pub(super) fn manifest(&self) -> &Manifest {
        self.offer.manifest()
    }

    pub(super) fn envelope(&self) -> &Envelope {
        self.offer.verified().envelope()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, LookState> {
        lock(&self.state)
    }

    pub(super) fn wait<'a>(&self, state: MutexGuard<'a, LookState>) -> MutexGuard<'a, LookState> {
        let waited = self.news.wait_timeout(state, LOOK_AGAIN);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Returns true once the look ends.
    pub(super) fn is_over(&self) -> bool {
        self.lock().is_closing
    }

    /// Ends all reads that need more than what is ready.
    pub(super) fn fail(&self, error: Error) {
        let error = self.blamed(error);
        self.lock().failed.get_or_insert(Arc::new(error));
        self.news.notify_all();
    }

    /// Attributes a false claim of the manifest to its signer.
    pub(super) fn blamed(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::Integrity => attribute_to_signer(error, self.offer.listed.publisher()),
            _ => error,
        }
    }

    /// Calls `find` with the nodes of the data tree.
    pub(super) fn with_nodes<T>(
        &self,
        find: impl FnOnce(&LookNodes<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let is_over = || self.is_over();
        find(&LookNodes {
            manifest: self.manifest(),
            envelope: self.offer.envelope_id(),
            tree: TreeKind::Data,
            keeping: &self.keeping,
            reader: &self.reader,
            peers: &self.peers,
            cache: &self.cache,
            is_over: &is_over,
        })
    }

    /// Makes a checkpoint if one is due.
    pub(super) fn save_if_due(&self) {
        let dataset = (self.manifest(), self.envelope());
        let is_private = self.peers.is_listed();
        self.keeping.checkpoint_if_due(dataset, is_private);
    }

    /// Makes the last checkpoint.
    pub(super) fn save(&self) {
        let dataset = (self.manifest(), self.envelope());
        self.keeping.checkpoint(dataset, self.peers.is_listed());
    }
}
