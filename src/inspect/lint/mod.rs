//! Linter: finds rows that harm the training of a model. Examples are rows that readers refuse,
//! rows unlike all others, broken chats, damaged text and secrets. `spec/lint.md` defines the rules
//! in [`RULES`].
//!
//! One parallel pass reads the rows in constant memory. Checks of single rows report at once.
//! Checks of the table count, keep the first rows of each kind, and judge at the end. Open
//! `rule_table.rs` for the rules, `checks/` for their code, `run.rs` and `scan/` for the pass, `report.rs` for
//! the result, `sarif.rs` for SARIF, and `mend/` for repairs.
//!
//! A new rule is a name in `rule.rs`, a row in `rule_table.rs` and in `spec/lint.md`, and a check in `checks/`.

pub(crate) mod checks;
pub mod mend;
mod options;
mod report;
mod rule;
pub(crate) mod rule_table;
mod run;
pub mod sarif;
pub(crate) mod scan;
#[cfg(test)]
mod tests;

pub use crate::inspect::lint::checks::secret_text::mask_secrets;
pub use crate::inspect::lint::checks::secret_text::secret_in;
pub use crate::inspect::lint::rule_table::RULES;
pub use options::LintOptions;
pub use report::Example;
pub use report::LintReport;
pub use report::RuleReport;
pub use rule::Rule;
pub use rule::RuleId;
pub use rule::Severity;
pub use run::lint;
pub use run::lint_files;
