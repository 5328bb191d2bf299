//! Row writers: JSON Lines, CSV, TSV, Parquet, Arrow, or plain lines. A format with columns first
//! needs a [`OutputPlan`] of all rows. Rows of columnar files go into columnar files unchanged.
//!
//! Open `row_writer.rs` for the writer, `plan.rs` and `kinds.rs` for the columns of the output, `check.rs` for rows that cannot be
//! written, `jsonl.rs`, `delimited.rs` and `batches.rs` for the formats, `schemas.rs` for several
//! columnar inputs.

mod batches;
mod check;
mod columns;
mod delimited;
mod error;
mod format;
mod jsonl;
mod kinds;
mod parquet_types;
mod plan;
mod row_writer;
mod schemas;
#[cfg(test)]
mod tests;

pub use check::NanRule;
pub use check::Refusal;
pub use check::RowCheck;
pub use columns::BatchBuilder;
pub use error::PushError;
pub use format::OutputFormat;
pub use kinds::ColumnKind;
pub use plan::OutputPlan;
pub use plan::TooManyColumns;
pub use row_writer::RowWriter;
pub use schemas::common_columns;
pub use schemas::conform;
pub use schemas::without_dictionaries;
