//! The switch that forbids connections of any kind in this process.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use crate::registry::Error;

static IS_OFFLINE: AtomicBool = AtomicBool::new(false);

/// Forbids connections from now on: to peers, to servers, and by multicast. Sockets that other programs
/// of this machine have in the home are no connections.
pub fn forbid_connections() {
    IS_OFFLINE.store(true, Ordering::Relaxed);
}

/// Returns true if connections are forbidden.
pub(in crate::net) fn is_offline() -> bool {
    IS_OFFLINE.load(Ordering::Relaxed)
}

/// Checks that connections are allowed. `task` is what needs one, as a verb.
///
/// # Errors
/// [`Error::Offline`].
pub(in crate::net) fn check(task: &'static str) -> Result<(), Error> {
    if is_offline() {
        return Err(Error::Offline(task));
    }
    Ok(())
}
