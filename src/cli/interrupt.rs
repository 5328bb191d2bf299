//! Ctrl-C: the first one asks running work to stop and clean up, the second ends the program.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGTERM;
use signal_hook::flag;

static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Begins to listen.
pub(crate) fn listen() {
    let asked = ASKED.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM] {
        // Where the system refuses, a signal ends the program at once, as it does by default.
        let _ = flag::register_conditional_shutdown(signal, 130, asked.clone());
        let _ = flag::register(signal, asked.clone());
    }
}

/// Whether to stop.
pub(crate) fn was_asked_for() -> bool {
    ASKED
        .get()
        .is_some_and(|asked| asked.load(Ordering::Relaxed))
}
