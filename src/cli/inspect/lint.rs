//! `inspect lint`: faults of rows and files.

use clap::Args;
use clap::ValueEnum;
use serde::Serialize;

use crate::cli::exit::Failure;
use crate::cli::inspect::columns::require_columns;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::scan::thread_count;
use crate::cli::output::out::Out;
use crate::cli::output::text::escape_hidden;
use crate::cli::output::text::printable;
use crate::inspect::lint::LintOptions;
use crate::inspect::lint::LintReport;
use crate::inspect::lint::RULES;
use crate::inspect::lint::Rule;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::Severity;
use crate::inspect::lint::sarif;
use crate::registry::Target;

/// Find faults in rows
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect lint train.jsonl
  alimentar inspect lint train.jsonl --rule malformed-json --limit 100
  alimentar inspect lint my-dataset --format sarif > findings.sarif
  alimentar inspect lint --rules

Ends with code 1 when there are errors.")]
pub(crate) struct LintArgs {
    /// Paths, references to datasets, REF:path/in/dataset, or - for standard input; the rows of several
    /// follow each other
    #[arg(value_name = "TARGET")]
    target: Vec<String>,
    /// Only this rule; may be given several times
    #[arg(long, value_name = "R", value_parser = parse_rule)]
    rule: Vec<RuleId>,
    /// Not this rule; may be given several times
    #[arg(long, value_name = "R", value_parser = parse_rule)]
    without: Vec<RuleId>,
    /// The maximum number of examples of each rule
    #[arg(long, value_name = "N", default_value_t = 5)]
    limit: usize,
    /// Look at the text of this column alone; may be given several times
    #[arg(long, value_name = "C")]
    column: Vec<String>,
    /// The format of the output
    #[arg(long, value_name = "FORMAT")]
    format: Option<LintFormat>,
    /// List the rules instead
    #[arg(long)]
    rules: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LintFormat {
    /// For people, or with --json as JSON
    Text,
    /// SARIF 2.1.0
    Sarif,
}

fn parse_rule(name: &str) -> Result<RuleId, String> {
    Rule::named(name).map(|r| r.id).ok_or_else(|| {
        "there is no such rule; `alimentar inspect lint --rules` lists them".to_owned()
    })
}

#[derive(Serialize)]
struct LintOutput<'a> {
    checked: u64,
    errors: u64,
    warnings: u64,
    notes: u64,
    rules: Vec<RuleObject<'a>>,
}

#[derive(Serialize)]
struct RuleObject<'a> {
    rule: &'static str,
    severity: String,
    count: u64,
    examples: Vec<ExampleObject<'a>>,
}

#[derive(Serialize)]
struct ExampleObject<'a> {
    n: u64,
    byte: usize,
    line: usize,
    column: usize,
    field: Option<&'a str>,
    message: &'a str,
    excerpt: &'a str,
}

#[derive(Serialize)]
struct RulesOutput {
    rules: Vec<RuleSummary>,
}

#[derive(Serialize)]
struct RuleSummary {
    rule: &'static str,
    severity: String,
    summary: &'static str,
    help: &'static str,
}

pub(super) fn run(ctx: &InspectContext<'_>, args: &LintArgs) -> Result<(), Failure> {
    let out = ctx.base.out;
    if args.rules {
        return list_rules(out);
    }
    if args.target.is_empty() {
        return Err(Failure::usage(
            "give a TARGET, or --rules for the list of rules",
        ));
    }
    let target = ctx.open_verified_targets(&args.target)?;
    // Damage is a finding, and a damaged file cannot list its columns.
    if !args.column.is_empty() {
        require_columns(ctx.base, &target.without_damaged()?, &args.column)?;
    }
    let options = lint_options(args);
    let bar = ctx.base.progress_bar();
    let report = target.lint(&options, &bar)?;
    drop(bar);
    match args.format {
        Some(LintFormat::Sarif) => print_sarif(out, &target, &report)?,
        _ => {
            let found = report.rules.iter().filter(|r| r.count > 0);
            let ids: Vec<String> = found.map(|r| r.rule.name.to_owned()).collect();
            out.result(&LintOutput::of(&report), &ids, &format_report(&report, out))?;
        }
    }
    match report.errors {
        0 => Ok(()),
        n => Err(Failure::Findings(format!("{n} error(s) found"))),
    }
}

fn print_sarif(out: Out, target: &Target, report: &LintReport) -> Result<(), Failure> {
    let rows = match target.text_path() {
        Ok(Some(_)) => sarif::RowLocation::Lines,
        _ => sarif::RowLocation::Elsewhere,
    };
    let version = env!("CARGO_PKG_VERSION");
    let value = sarif::sarif(report, &to_uri(target.name()), rows, version);
    Ok(out.bytes(escape_hidden(format!("{value:#}\n")).as_bytes())?)
}

fn lint_options(args: &LintArgs) -> LintOptions {
    let mut options = match args.rule.as_slice() {
        [] => LintOptions::default(),
        some => LintOptions::only(some),
    };
    for rule in &args.without {
        options.set(*rule, None);
    }
    options.examples = args.limit;
    options.columns = args.column.clone();
    options.threads = thread_count();
    options
}

/// Formats a target's name as a relative reference (RFC 3986).
fn to_uri(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/:@".contains(&b);
    let escaped = name.bytes().map(|b| {
        if plain(b) {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        }
    });
    escaped.collect()
}

impl<'a> LintOutput<'a> {
    fn of(report: &'a LintReport) -> Self {
        let rules = report.rules.iter().map(|r| {
            let examples = r.examples.iter().map(|e| ExampleObject {
                n: e.row,
                byte: e.at,
                line: e.place.line,
                column: e.place.column,
                field: e.column.as_deref(),
                message: &e.message,
                excerpt: &e.excerpt,
            });
            RuleObject {
                rule: r.rule.name,
                severity: r.severity.to_string(),
                count: r.count,
                examples: examples.collect(),
            }
        });
        Self {
            checked: report.checked,
            errors: report.errors,
            warnings: report.warnings,
            notes: report.notes,
            rules: rules.collect(),
        }
    }
}

fn format_report(report: &LintReport, out: Out) -> String {
    let mut text = format!(
        "{} rows: {} error(s), {} warning(s), {} note(s)\n",
        report.checked, report.errors, report.warnings, report.notes,
    );
    for rule in report.rules.iter().filter(|r| r.count > 0) {
        let (on, off) = match (out.has_style(), rule.severity) {
            (false, _) => ("", ""),
            (_, Severity::Error) => ("\x1b[31m", "\x1b[0m"),
            (_, Severity::Warning) => ("\x1b[33m", "\x1b[0m"),
            (_, Severity::Note) => ("\x1b[36m", "\x1b[0m"),
        };
        text += &format!(
            "\n{on}{}{off} {}  {} row(s): {}\n",
            rule.severity, rule.rule.name, rule.count, rule.rule.short,
        );
        for e in &rule.examples {
            let field = e
                .column
                .as_ref()
                .map_or_else(String::new, |c| format!(" in {c}"));
            let excerpt = match e.excerpt.as_str() {
                "" => String::new(),
                said => format!(": {said}"),
            };
            let line = format!(
                "row {}, byte {}{field}: {}{excerpt}",
                e.row, e.at, e.message
            );
            text += &format!("  {}\n", printable(&line).replace('\n', " "));
        }
    }
    text
}

fn list_rules(out: Out) -> Result<(), Failure> {
    let rules = RULES.iter().map(|r| RuleSummary {
        rule: r.name,
        severity: r.severity.to_string(),
        summary: r.short,
        help: r.help,
    });
    let output = RulesOutput {
        rules: rules.collect(),
    };
    let row = |r: &RuleSummary| vec![r.rule.to_owned(), r.severity.clone(), r.summary.to_owned()];
    let rows: Vec<Vec<String>> = output.rules.iter().map(row).collect();
    let names: Vec<String> = RULES.iter().map(|r| r.name.to_owned()).collect();
    let text = out.table(&["RULE", "SEVERITY", "WHAT IT SAYS"], &rows);
    Ok(out.result(&output, &names, &text)?)
}
