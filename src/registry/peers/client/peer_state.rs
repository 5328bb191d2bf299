//! A peer during a pull: what came from it, and whether it is asked again after a failure.

use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::ident::NodeId;
use crate::protocol::ChunkSource;
use crate::protocol::PeerError;
use crate::protocol::RefusalCode;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::peers::client::fetch::AsksDeltas;
use crate::registry::peers::client::fetch::Filled;
use crate::registry::peers::client::fetch::Filler;
use crate::registry::peers::client::fetch::Window;
use crate::registry::peers::client::fetch::WindowError;

/// How often a peer may say that it is too much at once.
const BUSY_TRIES: u32 = 50;

/// A peer that is there and sends nothing is asked again so often.
const STALLS_MAX: u32 = 1;

/// Stalls that are noticed within this are one.
const ONE_STALL: Duration = Duration::from_secs(5);

/// How often whoever waits for a peer to come back looks whether it is still wanted.
const LOOK_UP: Duration = Duration::from_millis(100);

/// HeldParent each try to connect again; so many without anything coming in between.
const REVIVAL_PAUSES: [Duration; 4] = match cfg!(test) {
    true => [Duration::ZERO; 4],
    false => [
        Duration::from_millis(100),
        Duration::from_millis(500),
        Duration::from_secs(2),
        Duration::from_secs(4),
    ],
};

/// What came from one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReport {
    /// The peer.
    pub node_id: NodeId,
    /// Where it is.
    pub address: String,
    /// Chunks that came from it.
    pub chunks: u64,
    /// Why it was given up, if it was.
    pub gave_up: Option<String>,
}

/// A peer, and what is known of it during a pull.
pub(crate) struct PullPeer<'a> {
    pub(crate) source: &'a dyn ChunkSource,
    pub(crate) report: Mutex<SourceReport>,
    pub(crate) asks_deltas: AsksDeltas,
    trouble: Mutex<Trouble>,
}

/// What went wrong since something came last.
#[derive(Default)]
struct Trouble {
    /// How often the connection was made anew, or tried to be.
    revivals: usize,
    /// How often the peer was there and sent nothing, and when that was noticed last.
    stalls: u32,
    stalled: Option<Instant>,
}

impl<'a> PullPeer<'a> {
    pub(crate) fn new(source: &'a dyn ChunkSource) -> Self {
        Self {
            source,
            asks_deltas: AsksDeltas::default(),
            trouble: Mutex::default(),
            report: Mutex::new(SourceReport {
                node_id: source.id(),
                address: source.address(),
                chunks: 0,
                gave_up: None,
            }),
        }
    }

    pub(crate) fn report(&self) -> MutexGuard<'_, SourceReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_usable(&self) -> bool {
        self.report().gave_up.is_none()
    }

    /// After a lost connection, which is not the peer's fault: whether it came back before
    /// `is_over` says that nobody waits for it any more.
    pub(crate) fn survives(&self, error: &PeerError, is_over: &dyn Fn() -> bool) -> bool {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(error, PeerError::Stalled(_)) {
            // Several requests wait at once, and notice at once.
            let is_same = trouble.stalled.is_some_and(|at| at.elapsed() < ONE_STALL);
            trouble.stalls += u32::from(!is_same);
            trouble.stalled = Some(host::instant());
            if trouble.stalls > STALLS_MAX {
                return false;
            }
        }
        while let Some(pause) = REVIVAL_PAUSES.get(trouble.revivals) {
            trouble.revivals += 1;
            if !slept(*pause, is_over) {
                return false;
            }
            match self.source.revive(is_over) {
                Ok(()) => return true,
                Err(PeerError::Stopped) => return false,
                Err(error) if error.is_misconduct() => return false,
                Err(_) => {}
            }
        }
        false
    }

    /// Counts what came from it; so its connection may be lost as often as before.
    pub(crate) fn gave(&self, chunks: u64) {
        self.report().chunks += chunks;
        // Whoever is connecting again counts on.
        if let Ok(mut trouble) = self.trouble.try_lock() {
            *trouble = Trouble::default();
        }
    }

    /// Gives a peer up, and says why.
    pub(crate) fn give_up(&self, error: &PeerError) {
        self.report().gave_up.get_or_insert(error.to_string());
    }
}

/// Sleeps, unless it is over. Whether it slept to the end.
fn slept(pause: Duration, is_over: &dyn Fn() -> bool) -> bool {
    let mut left = pause;
    while !left.is_zero() && !is_over() {
        let step = left.min(LOOK_UP);
        std::thread::sleep(step);
        left -= step;
    }
    left.is_zero()
}

/// Asks again, a little later, where the peer says that it is too much at once. A peer that is not
/// wanted any more says something else.
pub(crate) fn retried<T>(mut ask: impl FnMut() -> Result<T, PeerError>) -> Result<T, PeerError> {
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

/// Fills a window, again where the peer may do better.
pub(in crate::registry::peers) fn retried_fill(
    filler: &Filler<'_, '_>,
    window: &Window,
    source: &dyn ChunkSource,
    mut buffer: Vec<u8>,
) -> Result<Filled, WindowError> {
    let mut failed_here = None;
    let filled = retried(
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

/// The error for a pull that nobody is left to answer.
pub(in crate::registry::peers) fn no_peer_left(last: Option<(String, PeerError)>) -> Error {
    match last {
        Some((address, source)) => Error::Peer { address, source },
        None => Error::NoPeer,
    }
}
