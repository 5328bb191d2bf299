//! `inspect lint`.

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_inspect::LintArgs;
use crate::cli::args_inspect::LintFormat;
use crate::cli::bar::Bar;
use crate::cli::exit::Failure;
use crate::cli::inspect::require_columns;
use crate::cli::inspect::threads;
use crate::cli::inspect::verified_targets;
use crate::cli::out::Out;
use crate::cli::out::escaped;
use crate::cli::out::printable;
use crate::cli::out::table;
use crate::inspect::Format;
use crate::inspect::lint::LintOptions;
use crate::inspect::lint::LintReport;
use crate::inspect::lint::RULES;
use crate::inspect::lint::Rule;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::Severity;
use crate::inspect::lint::lint_files;
use crate::inspect::lint::sarif;
use crate::progress::Progress;
use crate::registry::Error;
use crate::registry::Target;

pub(crate) fn run(args: &LintArgs, cli: &Cli, out: &Out) -> Result<(), Failure> {
    if args.rules {
        return rules(out);
    }
    if args.target.is_empty() {
        return Err(Failure::usage(
            "give a TARGET, or --rules for the list of rules",
        ));
    }
    let target = verified_targets(&args.target, cli, out)?;
    // Damage is a finding, and there is no asking such a file for its columns.
    if !args.column.is_empty() {
        require_columns(&target.without_damaged()?, &args.column, out)?;
    }
    let options = options(args)?;
    let bar = Bar::new(out.is_quiet());
    bar.phase("looking over rows", Some(target.size_bytes()));
    let open = |first: usize| target.from_file(first);
    let report = lint_files(&open, &options, &bar);
    let mut report = report.map_err(|e| target.blame(e))?;
    drop(bar);
    if report.checked == 0 && is_document(&target) {
        report.miss_value();
    }
    match note_files(&target, &mut report) {
        Err(Failure::Library(Error::Rows { source, .. })) if source.is_damage() => {
            note_files(&target.without_damaged()?, &mut report)?;
        }
        noted => noted?,
    }
    match args.format {
        Some(LintFormat::Sarif) => {
            let rows = match target.text_path() {
                Ok(Some(_)) => sarif::RowLocation::Lines,
                _ => sarif::RowLocation::Elsewhere,
            };
            let version = env!("CARGO_PKG_VERSION");
            let value = sarif::sarif(&report, &uri_of(target.name()), rows, version);
            out.bytes(escaped(format!("{value:#}\n")).as_bytes())?;
        }
        _ => out.result(&object(&report), &ids(&report), &text(&report, *out))?,
    }
    match report.errors {
        0 => Ok(()),
        n => Err(Failure::Findings(format!("{n} error(s) found"))),
    }
}

/// What the files say of their columns: names that are there twice, and columns that are not those of
/// the first file.
fn note_files(target: &Target, report: &mut LintReport) -> Result<(), Failure> {
    let (notes, differing) = (target.column_notes()?, target.differing_columns()?);
    for name in notes.repeated {
        let message = format!("the name `{name}` is there twice");
        report.note_file(RuleId::DuplicateColumn, Some(&name), &message);
    }
    for (file, what) in differing {
        let message = format!("`{file}`: {what}");
        report.note_file(RuleId::FileColumns, None, &message);
    }
    Ok(())
}

fn options(args: &LintArgs) -> Result<LintOptions, Failure> {
    let mut options = match args.rule.as_slice() {
        [] => LintOptions::default(),
        some => LintOptions::only(some),
    };
    for rule in &args.without {
        options.set(*rule, None);
    }
    options.examples = args.limit;
    options.columns = args.column.clone();
    options.threads = threads();
    Ok(options)
}

/// Whether it is one file that should be one JSON text.
fn is_document(target: &Target) -> bool {
    let [only] = target.files() else { return false };
    // An array without elements is one.
    let is_array = only
        .describe()
        .is_ok_and(|(found, _)| found.format == Format::JsonArray);
    only.path().to_ascii_lowercase().ends_with(".json") && !is_array
}

/// A target's name as a relative reference (RFC 3986).
fn uri_of(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/:@".contains(&b);
    let escaped = name.bytes().map(|b| match plain(b) {
        true => char::from(b).to_string(),
        false => format!("%{b:02X}"),
    });
    escaped.collect()
}

fn object(report: &LintReport) -> serde_json::Value {
    let rules = report.rules.iter().map(|r| {
        let examples = r.examples.iter().map(|e| {
            json!({
                "n": e.row, "byte": e.at, "line": e.place.line, "column": e.place.column,
                "field": e.column, "message": e.message, "excerpt": e.excerpt,
            })
        });
        json!({
            "rule": r.rule.name, "severity": r.severity.to_string(), "count": r.count,
            "examples": examples.collect::<Vec<_>>(),
        })
    });
    json!({
        "checked": report.checked, "errors": report.errors, "warnings": report.warnings,
        "notes": report.notes, "rules": rules.collect::<Vec<_>>(),
    })
}

fn ids(report: &LintReport) -> Vec<String> {
    let found = report.rules.iter().filter(|r| r.count > 0);
    found.map(|r| r.rule.name.to_owned()).collect()
}

fn text(report: &LintReport, out: Out) -> String {
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

fn rules(out: &Out) -> Result<(), Failure> {
    let object = RULES.iter().map(|r| {
        json!({"rule": r.name, "severity": r.severity.to_string(), "summary": r.short, "help": r.help})
    });
    let rows: Vec<Vec<String>> = RULES
        .iter()
        .map(|r| {
            vec![
                r.name.to_owned(),
                r.severity.to_string(),
                r.short.to_owned(),
            ]
        })
        .collect();
    let names: Vec<String> = RULES.iter().map(|r| r.name.to_owned()).collect();
    let text = table(&["RULE", "SEVERITY", "WHAT IT SAYS"], &rows);
    let answer = json!({"rules": object.collect::<Vec<_>>()});
    Ok(out.result(&answer, &names, &text)?)
}

/// The rule of a name, for the command line.
pub(crate) fn rule_named(name: &str) -> Result<RuleId, String> {
    Rule::named(name).map(|r| r.id).ok_or_else(|| {
        "there is no such rule; `alimentar inspect lint --rules` lists them".to_owned()
    })
}
