//! Requests: credentials for the first server alone, few redirects, repetition of what may be
//! repeated.
//!
//! - `origin`: first URLs and credentials; `exchange`: one request with its redirects and repetitions
//! - `body`: bodies of answers; `refusal`: statuses as errors

mod body;
mod exchange;
mod origin;
mod refusal;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::Weak;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::locks::lock;
use crate::remote::cache::BlockFile;
use crate::remote::cache::KeptBlocks;
use crate::remote::limits::MEMORY_BYTES_MAX;
use crate::remote::limits::REQUESTS_MAX;
use crate::remote::permits::Permits;
use crate::remote::pool::Pool;
use crate::remote::settings::RemoteSettings;
use crate::remote::stats::Counters;
use crate::remote::transport::Transport;

pub(crate) use body::Body;
pub(crate) use body::BodyError;
pub(crate) use exchange::Answer;
pub(crate) use exchange::Asked;
pub(crate) use exchange::Call;
pub(crate) use exchange::Redirected;
pub(crate) use origin::Origin;

/// Takes notes for the user.
pub type NoticeSink = dyn Fn(&str) + Send + Sync;

/// The state that all requests share.
pub(crate) struct Client {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) settings: RemoteSettings,
    pub(crate) pool: Pool,
    pub(crate) counters: Counters,
    pub(crate) permits: Arc<Permits>,
    pub(crate) notices: Arc<NoticeSink>,
    next_file: AtomicU64,
    /// The kept blocks of open files.
    kept: Mutex<Vec<Weak<KeptBlocks>>>,
}

impl Client {
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        settings: RemoteSettings,
        notices: Arc<NoticeSink>,
    ) -> Self {
        Self {
            transport,
            settings,
            pool: Pool::new(MEMORY_BYTES_MAX),
            counters: Counters::default(),
            permits: Permits::new(REQUESTS_MAX),
            notices,
            next_file: AtomicU64::new(0),
            kept: Mutex::default(),
        }
    }

    /// Returns a number that no other file has.
    pub(crate) fn file_number(&self) -> u64 {
        self.next_file.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the kept blocks of a file, which are written at the latest by [`Client::save`].
    pub(crate) fn keeping(&self, file: BlockFile) -> Arc<KeptBlocks> {
        let blocks = Arc::new(KeptBlocks::new(file));
        let mut kept = lock(&self.kept);
        kept.retain(|blocks| blocks.strong_count() > 0);
        kept.push(Arc::downgrade(&blocks));
        blocks
    }

    /// Writes the blocks that arrived and are not in the cache yet.
    pub(crate) fn save(&self) {
        let kept: Vec<Weak<KeptBlocks>> = lock(&self.kept).clone();
        for blocks in kept.iter().filter_map(Weak::upgrade) {
            blocks.save_all();
        }
    }
}
