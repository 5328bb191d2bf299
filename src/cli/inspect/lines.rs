//! `inspect lines`: rows by their numbers.

use std::io;
use std::io::BufWriter;
use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;

use clap::Args;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::context::TargetArgs;
use crate::cli::inspect::scan::warn_about_truncation;
use crate::cli::interrupt;
use crate::cli::output::text::json_text;
use crate::cli::output::text::printable;
use crate::inspect::line_index::LinePart;
use crate::inspect::line_index::LineSpan;
use crate::inspect::table::Batch;
use crate::inspect::table::NextBatch;
use crate::inspect::table::Selection;
use crate::registry::Error;
use crate::registry::Target;
use crate::registry::TextFile;

/// Print rows by their numbers, however large the file is
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect lines train.jsonl
  alimentar inspect lines train.jsonl --start 1000000 --count 3 --json
  alimentar inspect lines my-dataset@1.2.0:data/train.parquet --start 5000

Rows count from 0. Lines of text are rows, blank ones too; so are the records of CSV behind the header,
the elements of a JSON array, and the rows of Parquet and Arrow files, which are shown as JSON. The places
of lines and rows are kept in `cache` in the registry's directory.")]
pub(crate) struct LinesArgs {
    #[command(flatten)]
    targets: TargetArgs,
    /// The first row to print
    #[arg(long, value_name = "N", default_value_t = 0)]
    start: u64,
    /// The number of rows to print
    #[arg(long, value_name = "M", default_value_t = 10)]
    count: u64,
}

pub(super) fn run(ctx: &InspectContext<'_>, args: &LinesArgs) -> Result<(), Failure> {
    let out = ctx.base.out;
    let target = ctx.open_targets(&args.targets.target)?;
    let stdout = io::stdout();
    let style = match (out.is_json(), stdout.is_terminal()) {
        (true, _) => Style::Json,
        (false, true) => Style::Screen,
        (false, false) => Style::Bytes,
    };
    let mut printer = Printer {
        to: BufWriter::with_capacity(1 << 16, stdout.lock()),
        style,
        text: Utf8::default(),
        number: args.start,
        is_inside: false,
    };
    let shown = match target.text_path()? {
        Some(path) => print_lines(ctx.base, path, args, &mut printer)?,
        None => print_rows(ctx.base, &target, args, &mut printer)?,
    };
    if shown == Shown::Nothing && args.count > 0 && out.is_text() {
        let has = target.count(&ctx.base.progress_bar())?;
        out.diagnostic(&format!("there is no row {}: it has {has}", args.start));
    }
    Ok(printer.to.flush()?)
}

/// The extent of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Nothing,
    Rows,
}

/// Prints lines of a file. No line is ever in memory as a whole.
fn print_lines<W: Write>(
    ctx: &Context,
    path: &Path,
    args: &LinesArgs,
    printer: &mut Printer<W>,
) -> Result<Shown, Failure> {
    // The index of lines grows in the background, and is kept.
    let mut file = TextFile::open(path, &ctx.home()?)?.in_background();
    let bar = ctx.progress_bar();
    let start = file.start_of(args.start, &bar)?;
    // The bar must not mix with the first line.
    drop(bar);
    let Some(start) = start else {
        return Ok(Shown::Nothing);
    };
    file.lines((args.start, start), args.count, &mut |part| {
        if interrupt::is_requested() {
            return Err(Error::Interrupted);
        }
        printer.part(part).map_err(output_error)
    })?;
    // To close the file takes time: it keeps the index.
    printer.to.flush()?;
    Ok(Shown::Rows)
}

/// Prints rows of other formats.
fn print_rows<W: Write>(
    ctx: &Context,
    target: &Target,
    args: &LinesArgs,
    printer: &mut Printer<W>,
) -> Result<Shown, Failure> {
    let selection = Selection {
        from: args.start,
        ..Selection::default()
    };
    let batches = target.batches(&selection)?;
    let (mut batch, mut number, mut left) = (Batch::default(), args.start, args.count);
    let mut truncated = 0;
    while left > 0 {
        match batches.next(&mut batch).map_err(|e| target.blame(e))? {
            NextBatch::End(_) => break,
            NextBatch::Batch(_) => {}
        }
        truncated += batch.truncated();
        for row in batch
            .rows_and_blanks()
            .take(usize::try_from(left).unwrap_or(usize::MAX))
        {
            if interrupt::is_requested() {
                return Err(Error::Interrupted.into());
            }
            if !row.text.is_empty() {
                printer
                    .part(LinePart::Text(row.text))
                    .map_err(output_error)?;
            }
            let line = LineSpan {
                number,
                offset: batch.offset() + row.at as u64,
                bytes: row.text.len() as u64,
            };
            printer.part(LinePart::End(line)).map_err(output_error)?;
            (number, left) = (number + 1, left - 1);
        }
    }
    warn_about_truncation(ctx.out, truncated);
    Ok(if number > args.start {
        Shown::Rows
    } else {
        Shown::Nothing
    })
}

/// The error for output that cannot be written.
fn output_error(error: io::Error) -> Error {
    Error::machine("write to standard output", error)
}

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// The bytes of each line, and a newline.
    Bytes,
    /// An object a line.
    Json,
    /// Text without characters that a terminal would obey.
    Screen,
}

/// Writes lines that come in pieces.
struct Printer<W: Write> {
    to: W,
    style: Style,
    text: Utf8,
    /// The number of the next line.
    number: u64,
    /// A part of the line was written.
    is_inside: bool,
}

impl<W: Write> Printer<W> {
    fn part(&mut self, part: LinePart<'_>) -> io::Result<()> {
        if !std::mem::replace(&mut self.is_inside, true) && self.style == Style::Json {
            write!(self.to, "{{\"n\":{},\"text\":\"", self.number)?;
        }
        let (to, style) = (&mut self.to, self.style);
        match part {
            LinePart::Text(bytes) if style == Style::Bytes => to.write_all(bytes),
            LinePart::Text(bytes) => self.text.push(bytes, &mut |text| show(to, style, text)),
            LinePart::End(line) => self.end(line),
        }
    }

    fn end(&mut self, line: LineSpan) -> io::Result<()> {
        let (to, style) = (&mut self.to, self.style);
        self.text.end(&mut |text| show(to, style, text))?;
        let is_lossy = std::mem::take(&mut self.text.is_lossy);
        (self.number, self.is_inside) = (line.number + 1, false);
        if self.style != Style::Json {
            return self.to.write_all(b"\n");
        }
        let LineSpan { offset, bytes, .. } = line;
        writeln!(
            self.to,
            "\",\"offset\":{offset},\"bytes\":{bytes},\"lossy\":{is_lossy}}}"
        )
    }
}

fn show(to: &mut dyn Write, style: Style, text: &str) -> io::Result<()> {
    match style {
        Style::Json => {
            let quoted = json_text(&Value::from(text));
            let inside = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"'));
            to.write_all(inside.unwrap_or_default().as_bytes())
        }
        _ => to.write_all(printable(text).as_bytes()),
    }
}

/// Decodes UTF-8 that comes in pieces. Other bytes become U+FFFD.
#[derive(Debug, Default)]
struct Utf8 {
    /// The first bytes of a character whose rest is in the next piece: 3 at most.
    begun: Vec<u8>,
    is_lossy: bool,
}

impl Utf8 {
    fn push(
        &mut self,
        bytes: &[u8],
        sink: &mut dyn FnMut(&str) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut joined = std::mem::take(&mut self.begun);
        let mut rest = if joined.is_empty() {
            bytes
        } else {
            joined.extend_from_slice(bytes);
            joined.as_slice()
        };
        loop {
            let error = match std::str::from_utf8(rest) {
                Ok(text) => return sink(text),
                Err(error) => error,
            };
            let (text, behind) = rest.split_at(error.valid_up_to());
            sink(std::str::from_utf8(text).unwrap_or_default())?;
            let Some(bad) = error.error_len() else {
                self.begun = behind.to_vec();
                return Ok(());
            };
            self.is_lossy = true;
            sink("\u{fffd}")?;
            rest = behind.get(bad..).unwrap_or_default();
        }
    }

    fn end(&mut self, sink: &mut dyn FnMut(&str) -> io::Result<()>) -> io::Result<()> {
        if std::mem::take(&mut self.begun).is_empty() {
            return Ok(());
        }
        self.is_lossy = true;
        sink("\u{fffd}")
    }
}

#[cfg(test)]
mod tests {
    use super::Printer;
    use super::Style;
    use super::Utf8;
    use crate::inspect::line_index::LinePart;
    use crate::inspect::line_index::LineSpan;

    #[test]
    fn line_in_pieces_of_any_size_is_printed_alike() {
        let text = b"a\"\\\0\t\xc3\xa9\xf0\x9f\x92\xa9\xff\xe2\x82b\xf0\x9f";
        for size in 1..=text.len() {
            let mut printer = Printer {
                to: Vec::new(),
                style: Style::Json,
                text: Utf8::default(),
                number: 7,
                is_inside: false,
            };
            for piece in text.chunks(size) {
                printer.part(LinePart::Text(piece)).unwrap();
            }
            let line = LineSpan {
                number: 7,
                offset: 3,
                bytes: text.len() as u64,
            };
            printer.part(LinePart::End(line)).unwrap();
            let value: serde_json::Value = serde_json::from_slice(&printer.to).unwrap();
            assert_eq!(value["text"], *String::from_utf8_lossy(text), "{size}");
            assert_eq!((&value["n"], &value["lossy"]), (&7.into(), &true.into()));
        }
    }
}
