//! State of a peer during a pull: the chunks that it sent, its errors, and the retries left.

use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;
use std::time::Instant;

use crate::ident::NodeId;
use crate::locks::lock;
use crate::protocol::ChunkSource;
use crate::protocol::PeerError;
use crate::protocol::RefusalCode;
use crate::registry::error::Error;
use crate::registry::error::node::NodeError;
use crate::registry::host;
use crate::registry::peers::client::fetch::DeltaFlag;
use crate::registry::peers::client::fetch::FilledWindow;
use crate::registry::peers::client::fetch::WindowError;
use crate::registry::peers::client::fetch::WindowFiller;
use crate::registry::peers::client::source_ref::SourceRef;
use crate::registry::peers::client::window::Window;

/// Maximum number of retries after a peer reports that it is overloaded.
const BUSY_TRIES: u32 = 50;

/// Maximum number of stalls, in which a connected peer sends nothing.
const STALLS_MAX: u32 = 1;

/// Stalls that are noticed within this time count as one, because parallel requests notice the same
/// stall.
const ONE_STALL: Duration = Duration::from_secs(5);

/// Interval at which a waiting thread checks if it should still wait.
const LOOK_UP: Duration = Duration::from_millis(100);

/// Result of a pull for one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReport {
    /// The peer's node id.
    pub node_id: NodeId,
    /// The peer's address.
    pub address: String,
    /// Number of chunks received from it.
    pub chunks: u64,
    /// The error that ended its use, if any.
    pub gave_up: Option<String>,
}

/// A peer and its state during a pull.
pub(crate) struct PullPeer<'a> {
    pub(crate) source: SourceRef<'a>,
    pub(crate) report: Mutex<SourceReport>,
    pub(crate) asks_deltas: DeltaFlag,
    failures: Mutex<Failures>,
    /// Pauses before each attempt to reconnect. Received chunks reset the count.
    reconnect_pauses: [Duration; 4],
}

/// Failures since the last received chunks.
#[derive(Default)]
struct Failures {
    /// Number of attempts to reconnect.
    revivals: usize,
    /// Number of stalls, and the time of the last one.
    stalls: u32,
    stalled: Option<Instant>,
}

impl<'a> PullPeer<'a> {
    pub(crate) fn new(source: impl Into<SourceRef<'a>>, reconnect_pauses: [Duration; 4]) -> Self {
        let source = source.into();
        Self {
            asks_deltas: DeltaFlag::default(),
            failures: Mutex::default(),
            reconnect_pauses,
            report: Mutex::new(SourceReport {
                node_id: source.node_id(),
                address: source.address(),
                chunks: 0,
                gave_up: None,
            }),
            source,
        }
    }

    pub(crate) fn report(&self) -> MutexGuard<'_, SourceReport> {
        lock(&self.report)
    }

    pub(crate) fn is_usable(&self) -> bool {
        self.report().gave_up.is_none()
    }

    /// Reconnects after a lost connection. Returns true if the peer is back before `is_over` ends
    /// the wait. Misconduct is not retried.
    pub(crate) fn reconnected(&self, error: &PeerError, is_over: &dyn Fn() -> bool) -> bool {
        let mut failures = lock(&self.failures);
        if matches!(error, PeerError::Stalled(_)) {
            // Several requests wait at the same time, and all notice the same stall.
            let is_same = failures.stalled.is_some_and(|at| at.elapsed() < ONE_STALL);
            failures.stalls += u32::from(!is_same);
            failures.stalled = Some(host::instant());
            if failures.stalls > STALLS_MAX {
                return false;
            }
        }
        while let Some(pause) = self.reconnect_pauses.get(failures.revivals) {
            failures.revivals += 1;
            if !sleep_unless(*pause, is_over) {
                return false;
            }
            match self.source.reconnect(is_over) {
                Ok(()) => return true,
                Err(PeerError::Stopped) => return false,
                Err(error) if error.is_misconduct() => return false,
                Err(_) => {}
            }
        }
        false
    }

    /// Counts received chunks, and resets the retry limits.
    pub(crate) fn add_chunks(&self, chunks: u64) {
        self.report().chunks += chunks;
        // A thread that is reconnecting holds the lock and keeps its count.
        if let Ok(mut failures) = self.failures.try_lock() {
            *failures = Failures::default();
        }
    }

    /// Stops using a peer, and records the error.
    pub(crate) fn give_up(&self, error: &PeerError) {
        self.report().gave_up.get_or_insert(error.to_string());
    }
}

/// Sleeps until the pause ends or `is_over` returns true. Returns true if the pause ended.
fn sleep_unless(pause: Duration, is_over: &dyn Fn() -> bool) -> bool {
    let mut left = pause;
    while !left.is_zero() && !is_over() {
        let step = left.min(LOOK_UP);
        std::thread::sleep(step);
        left -= step;
    }
    left.is_zero()
}

/// Retries a request while the peer reports that it is overloaded. Any other response is returned.
pub(crate) fn retry_if_busy<T>(
    mut ask: impl FnMut() -> Result<T, PeerError>,
) -> Result<T, PeerError> {
    let mut tries = 0;
    loop {
        match ask() {
            Err(PeerError::Refused(refusal))
                if refusal.code == RefusalCode::TooMuch && tries < BUSY_TRIES =>
            {
                tries += 1;
                std::thread::sleep(Duration::from_millis(100));
            }
            other => return other,
        }
    }
}

/// Fills a window, and retries while the peer is overloaded.
pub(in crate::registry::peers) fn fill_with_retries(
    filler: &WindowFiller<'_>,
    window: &Window,
    source: &dyn ChunkSource,
    mut buffer: Vec<u8>,
) -> Result<FilledWindow, WindowError> {
    let mut failed_here = None;
    let filled =
        retry_if_busy(
            || match filler.fill(window, source, std::mem::take(&mut buffer)) {
                Ok(filled) => Ok(Some(filled)),
                Err(WindowError::Peer(error)) => Err(error),
                Err(WindowError::Here(error)) => {
                    failed_here = Some(error);
                    Ok(None)
                }
            },
        )?;
    match (filled, failed_here) {
        (Some(filled), _) => Ok(filled),
        (None, Some(error)) => Err(WindowError::Here(error)),
        (None, None) => Err(PeerError::Stopped.into()),
    }
}

/// Returns the error of a pull that has no usable peer left.
pub(in crate::registry::peers) fn no_peer_left(last: Option<(String, PeerError)>) -> Error {
    match last {
        Some((address, source)) => Error::Peer { address, source },
        None => Error::Node(NodeError::NoPeer),
    }
}
