//! Which arrays and objects are open, a bit for each.

use crate::wire::limits::JSON_DEPTH_MAX;

/// The open arrays and objects from the outermost in. The innermost 64 are in one word, so that
/// rows as people write them need no memory of their own.
#[derive(Clone, Debug, Default)]
pub(in crate::inspect::json) struct Nesting {
    depth: usize,
    /// The innermost is the lowest bit; 1 is an object.
    innermost: u64,
    /// What was in `innermost` at each 64th level.
    outer: Vec<u64>,
}

impl Nesting {
    pub(in crate::inspect::json) fn depth(&self) -> usize {
        self.depth
    }

    /// Whether the innermost is an object; `None` when nothing is open.
    pub(in crate::inspect::json) fn innermost(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.innermost & 1 == 1)
    }

    /// Opens one more; whether that many may be.
    pub(in crate::inspect::json) fn open(&mut self, object: bool) -> bool {
        if self.depth == JSON_DEPTH_MAX {
            return false;
        }
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.innermost);
        }
        self.innermost = self.innermost << 1 | u64::from(object);
        self.depth += 1;
        true
    }

    /// Closes the innermost.
    pub(in crate::inspect::json) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.innermost >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.innermost = self.outer.pop().unwrap_or_default();
        }
    }
}
