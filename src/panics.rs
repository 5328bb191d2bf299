//! Calls into libraries that may panic on damaged input: the panic becomes an error value.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// A call panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// Makes a call and catches its panic. The caller must then discard everything that the
/// call was changing.
///
/// # Errors
/// [`Panicked`] when the call panicked.
pub fn caught<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    let outer = GUARDED.replace(true);
    let called = catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(outer);
    called.map_err(|_| Panicked)
}

/// Returns true if [`caught`] would catch a panic on this thread now. A panic hook then stays silent.
pub fn panic_becomes_error() -> bool {
    GUARDED.get()
}
