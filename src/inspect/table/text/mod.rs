//! Tables over text: lines, streams, and the splitter that finds where rows end.

pub(crate) mod by_columns;
pub(crate) mod lines;
pub(crate) mod splitter;
pub(crate) mod stream;
pub(crate) mod table;
