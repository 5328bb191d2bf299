//! Encoding: a bounded cursor, fixed-width little-endian integers, and LEB128 varints in
//! their shortest form.
//! Every decoder in the crate reads through [`Reader`], so none can run past its input or allocate by a
//! claimed length.
//!
//! - `reader`, `writer`: the cursor and its counterpart
//! - `limits`: every limit of formats and protocols; `remote`, `mcp` and `tui` have tables of their own

pub mod limits;
mod reader;
mod writer;

pub use reader::DecodeError;
pub use reader::Reader;
pub use writer::Writer;

/// The first bytes of a file in the age format.
#[cfg(feature = "inspect")]
pub(crate) const AGE_MAGIC: &[u8] = b"age-encryption.org/v1\n";

#[cfg(test)]
mod tests;
