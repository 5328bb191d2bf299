//! `inspect lines`.

use std::io;
use std::io::BufWriter;
use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_inspect::LinesArgs;
use crate::cli::bar::Bar;
use crate::cli::commands::home_of;
use crate::cli::exit::Failure;
use crate::cli::inspect::targets;
use crate::cli::inspect::tell_truncated;
use crate::cli::interrupt;
use crate::cli::out::Out;
use crate::cli::out::json_text;
use crate::cli::out::printable;
use crate::inspect::line_index::LinePart;
use crate::inspect::line_index::LineSpan;
use crate::inspect::table::Batch;
use crate::inspect::table::NextBatch;
use crate::inspect::table::Selection;
use crate::registry::Error;
use crate::registry::Target;
use crate::registry::TextFile;

pub(crate) fn run(args: &LinesArgs, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let target = targets(&args.target, cli, out)?;
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
        Some(path) => lines(path, args, (cli, out), &mut printer)?,
        None => rows(&target, args, out, &mut printer)?,
    };
    if shown == Shown::Nothing && args.count > 0 && !out.is_json() && !out.is_quiet() {
        let has = target.count(&Bar::new(out.is_quiet()))?;
        out.diagnostic(&format!("there is no row {}: it has {has}", args.start));
    }
    Ok(printer.to.flush()?)
}

/// Whether there was a row to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Nothing,
    Rows,
}

/// Shows lines of a file, none of which is ever in memory as a whole.
fn lines<W: Write>(
    path: &Path,
    args: &LinesArgs,
    (cli, out): (&Cli, &Out),
    printer: &mut Printer<W>,
) -> Result<Shown, Failure> {
    // Lines are shown as soon as it is known where they are; what is counted meanwhile is kept.
    let mut file = TextFile::open(path, &home_of(cli)?)?.in_background();
    let bar = Bar::new(out.is_quiet());
    let start = file.start_of(args.start, &bar)?;
    // It is off the screen before the first line is on it.
    drop(bar);
    let Some(start) = start else {
        return Ok(Shown::Nothing);
    };
    file.lines((args.start, start), args.count, &mut |part| {
        if interrupt::was_asked_for() {
            return Err(Error::Interrupted);
        }
        printer.part(part).map_err(unwritten)
    })?;
    // Before the file is closed, which keeps what was counted.
    printer.to.flush()?;
    Ok(Shown::Rows)
}

/// Shows rows of anything else.
fn rows<W: Write>(
    target: &Target,
    args: &LinesArgs,
    out: &Out,
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
            if interrupt::was_asked_for() {
                return Err(Error::Interrupted.into());
            }
            if !row.text.is_empty() {
                printer.part(LinePart::Text(row.text)).map_err(unwritten)?;
            }
            let line = LineSpan {
                number,
                offset: batch.offset() + row.at as u64,
                bytes: row.text.len() as u64,
            };
            printer.part(LinePart::End(line)).map_err(unwritten)?;
            (number, left) = (number + 1, left - 1);
        }
    }
    tell_truncated(truncated, out);
    Ok(if number > args.start {
        Shown::Rows
    } else {
        Shown::Nothing
    })
}

fn unwritten(error: io::Error) -> Error {
    Error::machine("write to standard output", error)
}

/// How lines are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// As they are, each ended by a newline.
    Bytes,
    /// An object a line.
    Json,
    /// With nothing in them that a terminal would obey.
    Screen,
}

/// Writes lines that come in pieces, and keeps none.
struct Printer<W: Write> {
    to: W,
    style: Style,
    text: Utf8,
    /// Of the line that comes.
    number: u64,
    /// Some of the line was written.
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
            let quoted = json_text(&json!(text));
            let inside = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"'));
            to.write_all(inside.unwrap_or_default().as_bytes())
        }
        _ => to.write_all(printable(text).as_bytes()),
    }
}

/// Text out of bytes that come in pieces; what is not UTF-8 becomes U+FFFD.
#[derive(Debug, Default)]
struct Utf8 {
    /// The beginning of a character whose end did not come yet: 3 bytes at most.
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
        let mut rest = match joined.is_empty() {
            true => bytes,
            false => {
                joined.extend_from_slice(bytes);
                joined.as_slice()
            }
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
    fn a_line_is_the_same_whatever_its_pieces() {
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
