//! Rows of files: read within budgets, and shown as tables, records, chats and figures.
//!
//! - `read.rs`, `budget.rs`: pages of rows, searches and samples
//! - `table.rs`, `record.rs`, `chat.rs`, `figures.rs`, `chart.rs`: their markup

mod budget;
mod chart;
mod chat;
mod figures;
mod read;
mod record;
mod table;

pub(super) use chat::chat;
pub(super) use chat::chats;
pub(super) use figures::figures;
pub(super) use read::FoundRows;
pub(super) use read::RowQuestion;
pub(super) use read::Stop;
pub(super) use read::read_rows;
pub(super) use read::sample_figures;
pub(super) use record::record;
pub(super) use table::table;
