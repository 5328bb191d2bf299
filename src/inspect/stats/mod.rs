//! Column statistics in one parallel pass. Memory depends on the number of columns, not on that of
//! rows.
//!
//! They cover types, distinct values, quantiles, lengths, scripts and frequent values.
//! `spec/statistics.md` defines each figure and its error. The results do not depend on the number
//! of threads: each figure is either order-independent, or merged in row order. Open `json_walk.rs`
//! for the walk over rows, `column.rs` for one column, `accumulate.rs` for the merge, `sketches/`
//! for the algorithms, `report.rs` for the result.

pub(crate) mod accumulate;
pub mod chart;
mod column;
pub(crate) mod json_walk;
mod lengths;
mod numbers;
mod options;
mod report;
mod run;
mod script;
pub(crate) mod sketches;
#[cfg(test)]
mod tests;
mod texts;

pub use crate::inspect::stats::sketches::hyperloglog::DISTINCT_ERROR;
#[cfg(feature = "tokens")]
pub(in crate::inspect) use lengths::Lengths;
pub use options::StatsOptions;
pub use report::Bin;
pub use report::ColumnStats;
pub use report::ColumnType;
pub use report::DistinctCount;
pub use report::LengthStats;
pub use report::Number;
pub use report::NumberStats;
pub use report::Quantile;
pub use report::StatsReport;
pub use report::TextStats;
pub use report::TopValue;
pub use report::TypeCounts;
pub use run::stats;
pub use script::Script;
