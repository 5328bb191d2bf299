//! The index that a rebuild replaces, as far as it can be read.

use std::fmt;

use crate::meta_store::MetaRead;

/// An index that is about to be replaced. Nobody else reads or writes it meanwhile.
pub struct OldIndex<'a> {
    /// Its tables. Where it is not whole, any of them may fail to be read.
    pub tables: &'a dyn MetaRead,
    /// Every page has its checksum, and the format is known: what it says is what was committed.
    pub is_whole: bool,
}

impl fmt::Debug for OldIndex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OldIndex")
            .field("is_whole", &self.is_whole)
            .finish_non_exhaustive()
    }
}
