//! `inspect search`: the rows that a regular expression matches.

use std::io;
use std::io::BufWriter;
use std::io::IsTerminal;
use std::io::Write;

use clap::Args;
use serde::Serialize;

use crate::cli::exit::Failure;
use crate::cli::inspect::columns::require_columns;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::context::TargetArgs;
use crate::cli::inspect::scan::ScanError;
use crate::cli::inspect::scan::scan_rows;
use crate::cli::inspect::scan::scan_rows_with_bar;
use crate::cli::inspect::scan::warn_about_truncation;
use crate::cli::output::out::Out;
use crate::cli::output::text::json_text;
use crate::cli::output::text::printable;
use crate::inspect::search::Hit;
use crate::inspect::search::Pattern;
use crate::inspect::search::PatternOptions;
use crate::inspect::search::count_matches;
use crate::inspect::search::find_matches;
use crate::inspect::table::Selection;
use crate::registry::Error;
use crate::registry::TargetError;
use crate::registry::host;

/// Find the rows that a regular expression matches
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect search train.jsonl 'quantum (computing|physics)' --limit 5
  alimentar inspect search train.parquet 'hello' -i --column text
  alimentar inspect search my-dataset '\\p{Greek}{3,}' --count

Without --column, the bytes of a row are searched, and with it the text of one column. Places of matches
(`spans`) count bytes of the searched text.")]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    targets: TargetArgs,
    /// Only print the number of rows that match
    #[arg(long)]
    count: bool,
    #[command(flatten)]
    pattern: PatternArgs,
    /// Stop after this number of rows
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

/// A regular expression for rows.
#[derive(Debug, Args)]
pub(super) struct PatternArgs {
    /// A regular expression
    #[arg(value_name = "REGEX")]
    pattern: String,
    /// Letters match in either case
    #[arg(short, long)]
    ignore_case: bool,
    /// Rows that do not match
    #[arg(long)]
    invert: bool,
    /// Search the text of this column; dots lead into nested columns
    #[arg(long, value_name = "C")]
    column: Option<String>,
}

#[derive(Serialize)]
struct CountOutput {
    matches: u64,
    rows_scanned: u64,
    seconds: f64,
}

#[derive(Serialize)]
struct HitObject<'a> {
    n: u64,
    text: &'a str,
    spans: &'a [(usize, usize)],
    #[serde(skip_serializing_if = "Option::is_none")]
    cell: Option<&'a str>,
}

pub(super) fn run(ctx: &InspectContext<'_>, args: &SearchArgs) -> Result<(), Failure> {
    let out = ctx.base.out;
    let pattern = args.pattern.compile()?;
    let target = ctx.open_targets(&args.targets.target)?;
    require_columns(ctx.base, &target, args.pattern.columns())?;
    let selection = Selection {
        from: 0,
        columns: args.pattern.columns().to_vec(),
        ..Selection::default()
    };
    let began = host::instant();
    if args.count {
        let found = scan_rows(ctx.base, &target, &selection, "searching", |s| {
            match args.limit {
                None => Ok(count_matches(s, &pattern)?),
                Some(limit) => find_matches::<ScanError>(s, &pattern, limit, &mut |_| Ok(())),
            }
        })?;
        warn_about_truncation(out, found.truncated);
        let output = CountOutput {
            matches: found.matches,
            rows_scanned: found.rows,
            seconds: began.elapsed().as_secs_f64(),
        };
        let count = found.matches.to_string();
        let line = format!("{count}\n");
        return Ok(out.result(&output, &[count], &line)?);
    }
    let stdout = io::stdout();
    let is_terminal = stdout.is_terminal();
    let mut to = BufWriter::with_capacity(1 << 16, stdout);
    // On a terminal the rows themselves show progress.
    let bar = ctx.base.progress_bar_if(!is_terminal);
    let limit = args.limit.unwrap_or(u64::MAX);
    let found = scan_rows_with_bar(&bar, &target, &selection, "searching", |s| {
        find_matches::<ScanError>(s, &pattern, limit, &mut |hit| {
            print_hit(out, &hit, is_terminal, &mut to)?;
            // A person sees each row at once.
            if is_terminal { Ok(to.flush()?) } else { Ok(()) }
        })
    })?;
    to.flush()?;
    warn_about_truncation(out, found.truncated);
    Ok(())
}

impl PatternArgs {
    /// Compiles the expression.
    ///
    /// # Errors
    /// [`TargetError::Regex`].
    pub(super) fn compile(&self) -> Result<Pattern, Failure> {
        let options = PatternOptions {
            ignores_case: self.ignore_case,
            column: self.column.clone(),
            is_inverted: self.invert,
        };
        let made = Pattern::new(&self.pattern, options);
        Ok(made.map_err(|source| {
            Error::Target(TargetError::Regex {
                pattern: self.pattern.clone(),
                source,
            })
        })?)
    }

    /// The column that is searched, if one is named.
    pub(super) fn columns(&self) -> &[String] {
        self.column.as_slice()
    }
}

fn print_hit(out: Out, hit: &Hit, is_terminal: bool, to: &mut dyn Write) -> io::Result<()> {
    if out.is_json() {
        let text = String::from_utf8_lossy(&hit.text);
        let cell = hit.cell.as_deref().map(String::from_utf8_lossy);
        let object = HitObject {
            n: hit.number,
            text: &text,
            spans: &hit.spans,
            cell: cell.as_deref(),
        };
        let value = serde_json::to_value(object).map_err(io::Error::other)?;
        return writeln!(to, "{}", json_text(&value));
    }
    if out.is_quiet() {
        return writeln!(to, "{}", hit.number);
    }
    let searched = hit.cell.as_deref().unwrap_or(&hit.text);
    if !is_terminal {
        to.write_all(searched)?;
        return to.write_all(b"\n");
    }
    let shown = excerpt(searched, &hit.spans, out);
    writeln!(to, "{:>8}  {shown}", hit.number)
}

/// The part of a row that a terminal shows: the first match and its surroundings, with marks.
fn excerpt(text: &[u8], spans: &[(usize, usize)], out: Out) -> String {
    let width = out.width().saturating_sub(12).max(20);
    let first = spans.first().map_or(0, |s| s.0);
    let start = if first + 8 > width {
        first.saturating_sub(width / 4)
    } else {
        0
    };
    let (on, off) = if out.has_style() {
        ("\x1b[1;31m", "\x1b[0m")
    } else {
        ("", "")
    };
    let mut shown = String::new();
    let (mut at, end) = (start, start.saturating_add(width).min(text.len()));
    let piece = |from: usize, to: usize| {
        let bytes = text.get(from..to.max(from)).unwrap_or_default();
        printable(&String::from_utf8_lossy(bytes)).replace('\n', " ")
    };
    if start > 0 {
        shown.push('…');
    }
    for (from, to) in spans
        .iter()
        .copied()
        .filter(|(from, to)| from < to && *from < end)
    {
        if from < at {
            continue;
        }
        shown += &piece(at, from);
        shown += on;
        shown += &piece(from, to.min(end));
        shown += off;
        at = to.min(end);
    }
    shown += &piece(at, end);
    if end < text.len() {
        shown.push('…');
    }
    shown
}
