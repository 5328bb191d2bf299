//! Bytes of a segment: an immutable, checksummed file with the rows of a table in the order of their hashes.
//! `spec/features.md` is the specification.
//!
//! - `head.rs`: the first page; `description.rs`: the schema, the parts and the origin as JSON
//! - `hash.rs`: the keyed hash of keys; `cell.rs`: the directory; `row_layout.rs`: bytes of a row
//! - `checks.rs`: checksums of blocks; `assemble.rs`: segments of any content, for tests

mod assemble;
mod cell;
mod checks;
mod description;
mod hash;
mod head;
mod row_layout;
#[cfg(test)]
mod tests;

#[doc(hidden)]
pub use crate::features::segment::assemble::assemble_segment;
#[cfg(test)]
pub(crate) use crate::features::segment::assemble::take_apart;
pub(crate) use crate::features::segment::cell::CELL_BYTES;
pub(crate) use crate::features::segment::cell::Cell;
pub(crate) use crate::features::segment::cell::ROWS_PER_CELL;
pub(crate) use crate::features::segment::checks::BLOCK_BYTES;
pub(crate) use crate::features::segment::checks::CHECK_BYTES;
pub(crate) use crate::features::segment::checks::block_check;
pub(crate) use crate::features::segment::description::ColumnDescription;
pub(crate) use crate::features::segment::description::Description;
pub use crate::features::segment::description::Origin;
pub(crate) use crate::features::segment::description::Part;
pub(crate) use crate::features::segment::hash::KeyHash;
pub(crate) use crate::features::segment::hash::part_of;
pub(crate) use crate::features::segment::hash::put_key_text;
pub(crate) use crate::features::segment::hash::put_key_word;
pub(crate) use crate::features::segment::hash::share_of;
pub(crate) use crate::features::segment::head::Area;
pub(crate) use crate::features::segment::head::HEAD_BYTES;
pub(crate) use crate::features::segment::head::Head;
pub(crate) use crate::features::segment::row_layout::ColumnFacts;
pub(crate) use crate::features::segment::row_layout::RowLayout;
pub(crate) use crate::features::segment::row_layout::Slot;
pub(crate) use crate::features::segment::row_layout::Storage;
