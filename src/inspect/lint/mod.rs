//! Looking over rows for what is wrong with them before a model learns from them: rows that
//! readers will refuse, rows unlike all others, broken chats, damaged text, secrets. Each rule is
//! one of [`RULES`]; `spec/lint.md` says when it speaks.
//!
//! One pass over the rows on all cores, in memory that does not grow with them. What can be said
//! of a row alone is said when it is read; what needs all rows is counted, with the first rows of
//! each kind kept, and judged at the end.

pub(crate) mod checks;
mod options;
mod report;
mod rule;
pub(crate) mod rule_table;
pub mod sarif;
pub(crate) mod scan;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::sync::Arc;

pub use crate::inspect::lint::checks::secret_text::secret_in;
pub use crate::inspect::lint::rule_table::RULES;
pub use options::LintOptions;
pub use report::Example;
pub use report::LintReport;
pub use report::RuleReport;
pub use rule::Rule;
pub use rule::RuleId;
pub use rule::Severity;

use crate::inspect::lint::checks::text::TextChecks;
use crate::inspect::lint::checks::whole_table::Judged;
use crate::inspect::lint::scan::worker::Made;
use crate::inspect::lint::scan::worker::Worker;
use crate::inspect::table::Batches;
use crate::inspect::table::Chain;
use crate::inspect::table::Scan;
use crate::inspect::table::TableError;
use crate::progress::Progress;

/// Looks over all rows. Damage that ends them is a finding, behind those of the rows before it.
///
/// # Errors
/// Those of reading the rows, but for damage where [`RuleId::DamagedFile`] is on; what is wrong with
/// a row is in the report.
pub fn lint(
    batches: &dyn Batches,
    options: &LintOptions,
    progress: &dyn Progress,
) -> Result<LintReport, TableError> {
    let checks = TextChecks::new(options);
    let mut looked = Looked::new(options);
    looked.over(batches, &checks, options, progress)?;
    Ok(report(looked.made, options))
}

/// Looks over the rows of several files; `open` gives those of the files from a number on. Behind damage
/// the rows of the next file follow.
///
/// # Errors
/// As [`lint`].
pub fn lint_files(
    open: &dyn Fn(usize) -> Arc<Chain>,
    options: &LintOptions,
    progress: &dyn Progress,
) -> Result<LintReport, TableError> {
    let checks = TextChecks::new(options);
    let mut looked = Looked::new(options);
    let mut first = 0;
    loop {
        let chain = open(first);
        let is_whole = looked.over(&*chain, &checks, options, progress)?;
        match chain.failed() {
            Some(file) if !is_whole => first += file + 1,
            _ => return Ok(report(looked.made, options)),
        }
    }
}

/// What was made of the rows so far.
struct Looked {
    made: Made,
    /// How many they are, as far as they have numbers.
    rows: u64,
}

impl Looked {
    fn new(options: &LintOptions) -> Self {
        Self {
            made: Made::new(options),
            rows: 0,
        }
    }

    /// Looks over further rows; false where damage ended them.
    fn over(
        &mut self,
        batches: &dyn Batches,
        checks: &TextChecks,
        options: &LintOptions,
        progress: &dyn Progress,
    ) -> Result<bool, TableError> {
        let scan = Scan {
            batches,
            threads: options.threads,
            progress,
        };
        let before = self.rows;
        let done = scan.run(
            || Worker::new(options, checks),
            |worker, batch| Ok::<_, TableError>(worker.batch(batch)),
            |made| {
                let first = before + made.first;
                self.rows = first + made.rows;
                self.made.append(made.value, first);
                Ok(ControlFlow::Continue(()))
            },
        );
        match done {
            Err(error) if error.is_damage() && options.severity(RuleId::DamagedFile).is_some() => {
                let findings = &mut self.made.findings;
                findings.begin(self.rows);
                findings.tell(RuleId::DamagedFile, b"", 0, || error.in_words());
                Ok(false)
            }
            done => done.map(|()| true),
        }
    }
}

fn report(made: Made, options: &LintOptions) -> LintReport {
    let mut report = LintReport {
        checked: made.checked,
        errors: 0,
        warnings: 0,
        notes: 0,
        rules: Vec::new(),
    };
    for rule in RULES {
        let Some(severity) = options.severity(rule.id) else {
            continue;
        };
        let mut judged = judge(rule.id, &made, options);
        judged.examples.sort_by_key(|example| example.row);
        judged.examples.truncate(options.examples);
        *match severity {
            Severity::Error => &mut report.errors,
            Severity::Warning => &mut report.warnings,
            Severity::Note => &mut report.notes,
        } += judged.count;
        report.rules.push(RuleReport {
            rule,
            severity,
            count: judged.count,
            examples: judged.examples,
        });
    }
    report
}

fn judge(rule: RuleId, made: &Made, options: &LintOptions) -> Judged {
    match rule {
        RuleId::MissingKey | RuleId::UnexpectedKey
            if made.typing == crate::inspect::lint::checks::whole_table::Typing::Written =>
        {
            crate::inspect::lint::checks::whole_table::keys(&made.columns, rule)
        }
        RuleId::MissingKey | RuleId::UnexpectedKey => Judged::default(),
        RuleId::TypeDrift => {
            crate::inspect::lint::checks::whole_table::types(&made.columns, made.typing)
        }
        RuleId::NullWord => crate::inspect::lint::checks::whole_table::null_words(&made.columns),
        RuleId::KeyCase => crate::inspect::lint::checks::whole_table::key_cases(&made.columns),
        RuleId::EmptyField => {
            crate::inspect::lint::checks::whole_table::empty_fields(&made.columns)
        }
        RuleId::ExtremeLength => {
            crate::inspect::lint::checks::whole_table::lengths(&made.lengths, options.examples)
        }
        RuleId::MixedLineEnds => {
            crate::inspect::lint::checks::whole_table::line_ends(&made.feeds, &made.returns)
        }
        _ => {
            let own = made.findings.examples.iter().filter(|(r, _)| *r == rule);
            Judged {
                count: made
                    .findings
                    .counts
                    .get(rule.index())
                    .copied()
                    .unwrap_or_default(),
                examples: own.map(|(_, example)| example.clone()).collect(),
            }
        }
    }
}
