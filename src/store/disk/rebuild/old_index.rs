//! The old index in a rebuild, as far as it can be read.

use std::fmt;

use crate::meta_store::MetaRead;

/// An index that a rebuild replaces. No other code reads or writes it meanwhile.
pub struct OldIndex<'a> {
    /// Its tables. If it is not whole, reading any of them may fail.
    pub tables: &'a dyn MetaRead,
    /// Set if every page has its checksum and the format is known, so that its rows are as committed.
    pub is_whole: bool,
}

impl fmt::Debug for OldIndex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OldIndex")
            .field("is_whole", &self.is_whole)
            .finish_non_exhaustive()
    }
}
