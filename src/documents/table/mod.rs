//! The places of live documents: a hash table, and the file that holds it between two openings.
//!
//! - `live_index`: [`LiveIndex`], the documents and the dead lines of a log
//! - `hash_table`, `slots`, `slot`: the table in memory or in a mapped file
//! - `file`: the file is written and opened

mod file;
mod hash_table;
mod live_index;
mod slot;
mod slots;

#[cfg(test)]
mod tests;

pub(super) use file::StoredTable;
pub(super) use file::is_damaged_table;
pub(super) use file::write_table;
pub(super) use live_index::DeadSnapshot;
pub(super) use live_index::LineSource;
pub(super) use live_index::LiveIndex;
pub(super) use live_index::is_exact;
pub(super) use slot::HashKey;
pub(super) use slot::PackedSlot;
pub(super) use slot::Slot;
pub(super) use slot::hash_id;
