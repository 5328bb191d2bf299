//! The reader for browsers: archives and files with rows, in a worker of a page, read by ranges.
//!
//! - `session`: open files by number, and requests as JSON; `face` hands it to JavaScript
//! - `table`, `search`: files with rows; `archive`, `trust`: archives; `export`: archives of rows
//! - `find`: search over summaries; `source`, `limits`, `failure`: below them

mod archive;
mod export;
#[cfg(target_arch = "wasm32")]
mod face;
mod failure;
mod find;
mod limits;
mod search;
mod session;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod trust;

pub use export::Exported;
pub use failure::Failure;
pub use session::Session;
