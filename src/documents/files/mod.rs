//! Collections with a file for each document: `docs/ID.json`. The directory is the truth; lists beside it
//! are made for other programs.
//!
//! - `engine` reads, `writer` writes

mod engine;
mod writer;

pub use engine::Engine;
pub use writer::BufferedWriter;
pub use writer::SyncWriter;
pub use writer::WriteConfig;
