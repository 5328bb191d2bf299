//! Nesting of open arrays and objects, one bit each.

use crate::wire::limits::JSON_DEPTH_MAX;

/// Stack of open arrays and objects, outermost first. One word holds the innermost 64 levels, so
/// ordinary rows need no allocation.
#[derive(Clone, Debug, Default)]
pub(in crate::inspect::json) struct Nesting {
    depth: usize,
    /// The innermost level is the lowest bit; 1 stands for an object.
    innermost: u64,
    /// Value of `innermost` at each 64th level.
    outer: Vec<u64>,
}

impl Nesting {
    pub(in crate::inspect::json) fn depth(&self) -> usize {
        self.depth
    }

    /// Returns true if the innermost level is an object; `None` at the top level.
    pub(in crate::inspect::json) fn innermost(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.innermost & 1 == 1)
    }

    /// Opens a level; false if that exceeds the depth limit.
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

    /// Closes the innermost level.
    pub(in crate::inspect::json) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.innermost >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.innermost = self.outer.pop().unwrap_or_default();
        }
    }
}
