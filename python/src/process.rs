//! Values of one process. A forked child neither uses nor drops what its parent made: the threads behind it are not there,
//! its locks may be held by them, and to drop it would release what the parent still holds.

/// A value that only the process which made it uses.
#[derive(Debug)]
pub(crate) struct OfProcess<T> {
    pid: u32,
    value: Option<T>,
}

impl<T> OfProcess<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            pid: std::process::id(),
            value: Some(value),
        }
    }

    /// Returns the value, unless the process is a child of the one that made it.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.is_own())
    }

    /// Returns the value to change it, unless the process is a child of the one that made it.
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        let is_own = self.is_own();
        self.value.as_mut().filter(|_| is_own)
    }

    fn is_own(&self) -> bool {
        self.pid == std::process::id()
    }
}

impl<T> Drop for OfProcess<T> {
    fn drop(&mut self) {
        if !self.is_own() {
            std::mem::forget(self.value.take());
        }
    }
}
