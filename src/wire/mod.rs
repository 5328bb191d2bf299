//! Bytes in, values out, and back: a bounded cursor, integers of fixed width in little-endian
//! order, and LEB128 varints in their shortest form. Every decoder in the crate reads through
//! [`Reader`], so none can run past its input or allocate by a length somebody claimed.

pub mod limits;
mod reader;
mod writer;

pub use reader::DecodeError;
pub use reader::Reader;
pub use writer::Writer;

#[cfg(test)]
mod tests;
