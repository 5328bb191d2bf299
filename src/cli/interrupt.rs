//! Signals: the first SIGINT or SIGTERM asks running work to stop, the second ends the program.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use signal_hook::consts::SIGHUP;
use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGTERM;
use signal_hook::flag;

use crate::file_io::stop_flag;
use crate::net::Stop;

/// The number of the last signal.
static SIGNAL: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// Starts to handle signals.
pub(crate) fn listen() {
    let asked = stop_flag();
    let last = SIGNAL.get_or_init(Arc::default);
    for (signal, number) in [(SIGINT, 2), (SIGTERM, 15)] {
        // Where the system refuses, a signal ends the program at once, as it does by default.
        let _ = flag::register_conditional_shutdown(signal, 128 + signal, asked.clone());
        let _ = flag::register_usize(signal, last.clone(), number);
        let _ = flag::register(signal, asked.clone());
    }
}

/// Starts to handle signals, without an end of the program by the second one, and with the end of the
/// terminal among them.
pub(crate) fn listen_without_haste() {
    let last = SIGNAL.get_or_init(Arc::default);
    for (signal, number) in [(SIGINT, 2), (SIGTERM, 15), (SIGHUP, 1)] {
        let _ = flag::register_usize(signal, last.clone(), number);
        let _ = flag::register(signal, stop_flag().clone());
    }
}

/// True if a signal has asked the command to stop.
pub(crate) fn is_requested() -> bool {
    stop_flag().load(Ordering::Relaxed)
}

/// A stop condition for work that waits for the network.
pub(crate) fn stop_condition() -> Stop {
    Stop::new(is_requested)
}

/// The exit code after a signal: 128 and the signal's number.
pub(crate) fn exit_code() -> u8 {
    match SIGNAL.get().map(|signal| signal.load(Ordering::Relaxed)) {
        Some(1) => 129,
        Some(15) => 143,
        _ => 130,
    }
}
