//! Calls into libraries that may panic on damaged input: the panic becomes an error value.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// The call panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// Makes a call and catches its panic. What the call was changing must be thrown away then.
///
/// # Errors
/// [`Panicked`] when it did.
pub fn caught<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    let outer = GUARDED.replace(true);
    let called = catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(outer);
    called.map_err(|_| Panicked)
}

/// Whether a panic on this thread, now, would be caught and become an error: a panic hook has
/// nothing to say about it.
pub fn panic_becomes_error() -> bool {
    GUARDED.get()
}
