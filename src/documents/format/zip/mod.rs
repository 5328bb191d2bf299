//! `.zds` archives: ZIP files with DEFLATE or stored entries, read from a source of bytes and written in
//! order.

mod error;
mod headers;
mod read;
mod write;

pub use error::ZipError;
pub use read::ZipArchive;
pub use read::ZipEntry;
pub use write::ZipWriter;
