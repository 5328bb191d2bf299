//! The lint pass over all rows, and the report from its results.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::inspect::lint::LintOptions;
use crate::inspect::lint::LintReport;
use crate::inspect::lint::RULES;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::RuleReport;
use crate::inspect::lint::Severity;
use crate::inspect::lint::checks::text::TextChecks;
use crate::inspect::lint::checks::whole_table;
use crate::inspect::lint::checks::whole_table::RuleFindings;
use crate::inspect::lint::scan::worker::LintWorker;
use crate::inspect::lint::scan::worker::LintedBatch;
use crate::inspect::table::Batches;
use crate::inspect::table::Chain;
use crate::inspect::table::Scan;
use crate::inspect::table::TableError;
use crate::progress::Progress;

/// Lints all rows. Damage that ends the table is a finding after those of the rows before it.
///
/// # Errors
/// Errors of reading the rows, except damage while [`RuleId::DamagedFile`] is on. Faults of rows
/// are in the report.
pub fn lint(
    batches: &dyn Batches,
    options: &LintOptions,
    progress: &dyn Progress,
) -> Result<LintReport, TableError> {
    let checks = TextChecks::new(options);
    let mut looked = LintedRows::new(options);
    looked.add_rows(batches, &checks, options, progress)?;
    Ok(report(looked.made, options))
}

/// Lints the rows of several files. `open` returns the rows of the files from a number on. After
/// damage, the next file follows.
///
/// # Errors
/// As [`lint`].
pub fn lint_files(
    open: &dyn Fn(usize) -> Arc<Chain>,
    options: &LintOptions,
    progress: &dyn Progress,
) -> Result<LintReport, TableError> {
    let checks = TextChecks::new(options);
    let mut looked = LintedRows::new(options);
    let mut first = 0;
    loop {
        let chain = open(first);
        let is_whole = looked.add_rows(&*chain, &checks, options, progress)?;
        match chain.failed() {
            Some(file) if !is_whole => first += file + 1,
            _ => return Ok(report(looked.made, options)),
        }
    }
}

/// Results of the rows so far.
struct LintedRows {
    made: LintedBatch,
    /// Number of rows so far.
    rows: u64,
}

impl LintedRows {
    fn new(options: &LintOptions) -> Self {
        Self {
            made: LintedBatch::new(options),
            rows: 0,
        }
    }

    /// Lints further rows; false if damage ended them.
    fn add_rows(
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
            || LintWorker::new(options, checks),
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
                findings.record(RuleId::DamagedFile, b"", 0, || error.full_message());
                Ok(false)
            }
            done => done.map(|()| true),
        }
    }
}

fn report(made: LintedBatch, options: &LintOptions) -> LintReport {
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

fn judge(rule: RuleId, made: &LintedBatch, options: &LintOptions) -> RuleFindings {
    match rule {
        RuleId::MissingKey | RuleId::UnexpectedKey
            if made.typing == whole_table::Typing::Written =>
        {
            whole_table::keys(&made.columns, rule)
        }
        RuleId::MissingKey | RuleId::UnexpectedKey => RuleFindings::default(),
        RuleId::TypeDrift => whole_table::types(&made.columns, made.typing),
        RuleId::NullWord => whole_table::null_words(&made.columns),
        RuleId::KeyCase => whole_table::key_cases(&made.columns),
        RuleId::EmptyField => whole_table::empty_fields(&made.columns),
        RuleId::ExtremeLength => whole_table::lengths(&made.lengths, options.examples),
        RuleId::MixedLineEnds => whole_table::line_ends(&made.feeds, &made.returns),
        _ => {
            let own = made.findings.examples.iter().filter(|(r, _)| *r == rule);
            RuleFindings {
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
