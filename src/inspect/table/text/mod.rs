//! Tables over text: lines (`lines.rs`), sequential streams (`stream.rs`, `table.rs`),
//! column-oriented JSON, and the splitter that finds row boundaries.

pub(crate) mod by_columns;
pub(crate) mod lines;
pub(crate) mod splitter;
pub(crate) mod stream;
pub(crate) mod table;
