//! A peer during a pull: what came from it, and whether it is asked again after a failure.

use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use crate::ident::NodeId;
use crate::registry::error::Error;
use crate::registry::peers::fetch::AsksDifferences;
use crate::registry::peers::fetch::Filled;
use crate::registry::peers::fetch::Filler;
use crate::registry::peers::fetch::NotFilled;
use crate::registry::peers::fetch::Window;
use crate::sync::ChunkSource;
use crate::sync::PeerError;
use crate::sync::RefusalCode;

/// How often a peer may say that it is too much at once.
const BUSY_TRIES: u32 = 50;

/// Before each try to connect again; so many without anything coming in between.
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
pub(crate) struct Supply<'a> {
    pub(crate) source: &'a dyn ChunkSource,
    pub(crate) report: Mutex<SourceReport>,
    pub(crate) asks_differences: AsksDifferences,
    /// How often its connection was made anew, or tried to be.
    revivals: Mutex<usize>,
}

impl<'a> Supply<'a> {
    pub(crate) fn new(source: &'a dyn ChunkSource) -> Self {
        Self {
            source,
            asks_differences: AsksDifferences::default(),
            revivals: Mutex::new(0),
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

    /// After a lost connection, which is not the peer's fault: whether it came back.
    pub(crate) fn survives(&self) -> bool {
        let mut revivals = self.revivals.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(pause) = REVIVAL_PAUSES.get(*revivals) {
            *revivals += 1;
            std::thread::sleep(*pause);
            match self.source.revive() {
                Ok(()) => return true,
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
        if let Ok(mut revivals) = self.revivals.try_lock() {
            *revivals = 0;
        }
    }

    /// Gives a peer up, and says why.
    pub(crate) fn give_up(&self, error: &PeerError) {
        self.report().gave_up.get_or_insert(error.to_string());
    }
}

/// Asks again, a little later, where the peer says that it is too much at once.
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
pub(super) fn retried_fill(
    filler: &Filler<'_, '_>,
    window: &Window,
    source: &dyn ChunkSource,
    mut buffer: Vec<u8>,
) -> Result<Filled, NotFilled> {
    let mut failed_here = None;
    let filled = retried(
        || match filler.fill(window, source, std::mem::take(&mut buffer)) {
            Ok(filled) => Ok(Some(filled)),
            Err(NotFilled::Peer(error)) => Err(error),
            Err(NotFilled::Here(error)) => {
                failed_here = Some(error);
                Ok(None)
            }
        },
    )?;
    match (filled, failed_here) {
        (Some(filled), _) => Ok(filled),
        (None, Some(error)) => Err(NotFilled::Here(error)),
        (None, None) => Err(PeerError::Stopped.into()),
    }
}

/// The error for a pull that nobody is left to answer.
pub(super) fn no_peer_left(last: Option<(String, PeerError)>) -> Error {
    match last {
        Some((address, source)) => Error::Peer { address, source },
        None => Error::NoPeer,
    }
}
