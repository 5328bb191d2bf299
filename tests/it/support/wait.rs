//! Waiting for what other processes do. Times only say when to give up.

use std::time::Duration;
use std::time::Instant;

/// Longer than anything in these tests takes on the slowest machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Waits until something holds. Fails the test, with `what`, where it does not in time.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    until_some(|| {
        if holds() {
            Ok(())
        } else {
            Err(what.to_owned())
        }
    });
}

/// Waits until a look succeeds, and returns what it found. Fails the test, with the last error, where
/// it does not in time.
pub fn until_some<T>(mut look: impl FnMut() -> Result<T, String>) -> T {
    let began = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(why) => assert!(began.elapsed() < PATIENCE, "still not so: {why}"),
        }
        std::thread::sleep(PAUSE);
    }
}

/// Waits until changes from now on have another time of modification than those before.
pub fn settle() {
    std::thread::sleep(Duration::from_millis(50));
}
