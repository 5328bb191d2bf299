//! `inspect search`.

use std::io;
use std::io::BufWriter;
use std::io::IsTerminal;
use std::io::Write;

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_inspect::SearchArgs;
use crate::cli::bar::Bar;
use crate::cli::exit::Failure;
use crate::cli::inspect::Ended;
use crate::cli::inspect::require_columns;
use crate::cli::inspect::scan;
use crate::cli::inspect::scan_with;
use crate::cli::inspect::targets;
use crate::cli::inspect::tell_truncated;
use crate::cli::out::Out;
use crate::cli::out::json_text;
use crate::cli::out::printable;
use crate::inspect::search::Hit;
use crate::inspect::search::Pattern;
use crate::inspect::search::PatternOptions;
use crate::inspect::search::count_matches;
use crate::inspect::search::find_matches;
use crate::inspect::table::Selection;
use crate::registry::Error;
use crate::registry::host;

pub(crate) fn run(args: &SearchArgs, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let pattern = pattern(
        &args.pattern,
        args.column.as_ref(),
        args.ignore_case,
        args.invert,
    )?;
    let target = targets(&args.target, cli, out)?;
    require_columns(&target, args.column.as_slice(), out)?;
    let selection = Selection {
        from: 0,
        columns: args.column.iter().cloned().collect(),
        ..Selection::default()
    };
    let began = host::instant();
    let what = ("searching", out);
    if args.count {
        let found = scan(&target, &selection, what, |s| match args.limit {
            None => Ok(count_matches(s, &pattern)?),
            Some(limit) => find_matches::<Ended>(s, &pattern, limit, &mut |_| Ok(())),
        })?;
        tell_truncated(found.truncated, out);
        let answer = json!({
            "matches": found.matches,
            "rows_scanned": found.rows,
            "seconds": began.elapsed().as_secs_f64(),
        });
        let count = found.matches.to_string();
        let line = format!("{count}\n");
        return Ok(out.result(&answer, &[count], &line)?);
    }
    let stdout = io::stdout();
    let is_terminal = stdout.is_terminal();
    let mut to = BufWriter::with_capacity(1 << 16, stdout);
    // On a terminal what is found is the progress.
    let bar = Bar::new(out.is_quiet() || is_terminal);
    let found = scan_with(&bar, &target, &selection, "searching", |s| {
        find_matches::<Ended>(s, &pattern, args.limit.unwrap_or(u64::MAX), &mut |hit| {
            print(&hit, (out, is_terminal), &mut to)?;
            // Somebody who looks on sees each as it is found.
            if is_terminal { Ok(to.flush()?) } else { Ok(()) }
        })
    })?;
    to.flush()?;
    tell_truncated(found.truncated, out);
    Ok(())
}

/// The pattern that was typed.
pub(super) fn pattern(
    text: &str,
    column: Option<&String>,
    ignores_case: bool,
    is_inverted: bool,
) -> Result<Pattern, Failure> {
    let options = PatternOptions {
        ignores_case,
        column: column.cloned(),
        is_inverted,
    };
    let made = Pattern::new(text, options);
    Ok(made.map_err(|source| Error::Regex {
        pattern: text.to_owned(),
        source,
    })?)
}

fn print(hit: &Hit, (out, is_terminal): (&Out, bool), to: &mut dyn Write) -> io::Result<()> {
    if out.is_json() {
        let mut line = json!({
            "n": hit.number,
            "text": String::from_utf8_lossy(&hit.text),
            "spans": hit.spans,
        });
        if let (Some(cell), Some(line)) = (&hit.cell, line.as_object_mut()) {
            line.insert("cell".to_owned(), json!(String::from_utf8_lossy(cell)));
        }
        return writeln!(to, "{}", json_text(&line));
    }
    if out.is_quiet() {
        return writeln!(to, "{}", hit.number);
    }
    let searched = hit.cell.as_deref().unwrap_or(&hit.text);
    if !is_terminal {
        to.write_all(searched)?;
        return to.write_all(b"\n");
    }
    let shown = excerpt(searched, &hit.spans, *out);
    writeln!(to, "{:>8}  {shown}", hit.number)
}

/// What a terminal shows of a row: the first match and what is around it, the matches marked.
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
