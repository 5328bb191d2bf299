//! The window over the rows: those that are held, their columns, and the cursor.

pub(in crate::tui) mod columns;
mod loading;
mod motion;
mod reshaping;
pub(in crate::tui) mod table;
