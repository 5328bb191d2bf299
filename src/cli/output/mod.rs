//! Output: results on stdout, remarks on stderr.
//!
//! - `out.rs`: where a result goes, as text, as ids or as JSON
//! - `text.rs`: text that is safe on a terminal, JSON without hidden characters, sizes
//! - `table.rs`, `markdown.rs`, `progress_bar.rs`: the looks of a terminal
//! - `fields.rs`: the columns of a schema
//! - `destination.rs`: files that a command writes
//! - `logging.rs`: the log on stderr

pub(crate) mod destination;
pub(crate) mod fields;
pub(crate) mod logging;
pub(crate) mod markdown;
pub(crate) mod out;
pub(crate) mod progress_bar;
pub(crate) mod table;
pub(crate) mod text;
