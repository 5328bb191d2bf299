//! A record as a tree of keys and values, which can be folded.

use crate::inspect::json::Event;
use crate::inspect::json::Scanner;
use crate::inspect::json::Text;
use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::tui::document::cells::unescaped;
use crate::tui::limits::RECORD_LINES_MAX;
use crate::tui::limits::STRING_BYTES_MAX;
use crate::tui::pane::Line;
use crate::tui::pane::Tone;
use crate::tui::text::human_bytes;
use crate::tui::text::lossy;
use crate::tui::work::layout::wrapping::add_wrapped;

/// Lays a row out as a tree.
pub(super) fn lines(shape: &Shape, row: &[u8], width: u16) -> Vec<Line> {
    if *shape == Shape::Json {
        let mut tree = Tree {
            width,
            lines: Vec::new(),
            open: Vec::new(),
        };
        tree.read(row);
        return tree.lines;
    }
    let mut lines = Vec::new();
    let mut scratch = Scratch::default();
    shape.each_cell(row, &mut scratch, &mut |name, cell| {
        let (tone, text) = match cell {
            Cell::Null => (Tone::Constant, "(empty)".to_owned()),
            Cell::Bool(_) => (Tone::Constant, lossy(cell.bytes(), 8)),
            Cell::Number(raw) => (Tone::Number, lossy(raw, 64)),
            Cell::Text(raw) | Cell::Nested(raw) => (Tone::Text, lossy(raw, STRING_BYTES_MAX)),
        };
        let head = Line::new(0).with(Tone::Key, name).with(Tone::Quiet, ": ");
        put_text(&mut lines, head, &text, (0, width), tone);
    });
    lines
}

/// Adds a value behind its key: on the same line if it fits, else below it.
fn put_text(
    lines: &mut Vec<Line>,
    mut head: Line,
    text: &str,
    (indent, width): (u16, u16),
    tone: Tone,
) {
    let used: usize = head
        .parts
        .iter()
        .map(|part| part.text.chars().count())
        .sum();
    let room = usize::from(width).saturating_sub(usize::from(indent) + used);
    let is_short = text.len() <= room && !text.contains('\n');
    if is_short {
        head.push(tone, text);
        lines.push(head);
        return;
    }
    let at = lines.len();
    lines.push(head);
    add_wrapped(lines, text, (indent + 4, width), tone);
    let end = lines.len() - 1;
    if let Some(head) = lines.get_mut(at) {
        head.fold_end = Some(end);
    }
}

/// A tree under construction.
struct Tree {
    width: u16,
    lines: Vec<Line>,
    /// Lines where the open objects and arrays begin, with the number of their members.
    open: Vec<(usize, usize)>,
}

impl Tree {
    fn indent(&self) -> u16 {
        u16::try_from(self.open.len() * 2)
            .unwrap_or(u16::MAX)
            .min(self.width / 2)
    }

    fn read(&mut self, row: &[u8]) {
        let mut scanner = Scanner::with_nan(row);
        let mut head = Line::new(0);
        loop {
            if self.lines.len() >= RECORD_LINES_MAX {
                return;
            }
            match scanner.next_event() {
                Ok(Some(Event::Key(key))) => {
                    head = self.member();
                    let (name, _) = unescaped(&key, 512);
                    head.push(Tone::Key, name);
                    head.push(Tone::Quiet, ": ");
                    continue;
                }
                Ok(Some(Event::Object)) => self.begin(std::mem::take(&mut head), "{"),
                Ok(Some(Event::Array)) => self.begin(std::mem::take(&mut head), "["),
                Ok(Some(Event::ObjectEnd)) => self.end("}"),
                Ok(Some(Event::ArrayEnd)) => self.end("]"),
                Ok(Some(event)) => {
                    let head = self.head(&mut head);
                    self.scalar(head, &event);
                }
                Ok(None) => return,
                Err(error) => {
                    let at = scanner.at();
                    self.lines.push(Line::of(
                        Tone::Error,
                        format!("not JSON from byte {at} on: {error}"),
                    ));
                    let rest = row.get(at..).unwrap_or_default();
                    add_wrapped(
                        &mut self.lines,
                        &lossy(rest, STRING_BYTES_MAX),
                        (0, self.width),
                        Tone::Plain,
                    );
                    return;
                }
            }
            head = Line::default();
        }
    }

    /// The line of a member or an element begins.
    fn member(&mut self) -> Line {
        if let Some((_, members)) = self.open.last_mut() {
            *members += 1;
        }
        Line::new(self.indent())
    }

    /// The line of a value: that of its key, or a new one.
    fn head(&mut self, head: &mut Line) -> Line {
        match head.parts.is_empty() {
            true => self.member(),
            false => std::mem::take(head),
        }
    }

    fn begin(&mut self, mut head: Line, sign: &str) {
        let mut head = self.head(&mut head);
        head.push(Tone::Quiet, sign);
        self.open.push((self.lines.len(), 0));
        self.lines.push(head);
    }

    fn end(&mut self, sign: &str) {
        let Some((at, members)) = self.open.pop() else {
            return;
        };
        let end = self.lines.len();
        let indent = self.indent();
        if members == 0 {
            // Nothing is inside: both signs stand on one line.
            if let Some(head) = self.lines.get_mut(at) {
                head.push(Tone::Quiet, sign);
            }
            return;
        }
        self.lines.push(Line::new(indent).with(Tone::Quiet, sign));
        if let Some(head) = self.lines.get_mut(at) {
            head.fold_end = Some(end);
            head.push(Tone::Quiet, format!(" {members}"));
        }
    }

    fn scalar(&mut self, mut head: Line, event: &Event<'_>) {
        match event {
            Event::String(text) => self.string(head, text),
            Event::Number(number) => {
                head.push(Tone::Number, lossy(number.raw, 512));
                self.lines.push(head);
            }
            Event::Bool(value) => {
                head.push(Tone::Constant, value.to_string());
                self.lines.push(head);
            }
            _ => {
                head.push(Tone::Constant, "null");
                self.lines.push(head);
            }
        }
    }

    fn string(&mut self, head: Line, text: &Text<'_>) {
        let (mut shown, is_cut) = unescaped(text, STRING_BYTES_MAX);
        if is_cut {
            let more = human_bytes((text.raw.len() - STRING_BYTES_MAX) as u64);
            shown += &format!("\n… {more} more");
        }
        let quoted = match shown.contains('\n') {
            true => shown,
            false => format!("\"{shown}\""),
        };
        let indent = head.indent;
        put_text(
            &mut self.lines,
            head,
            &quoted,
            (indent, self.width),
            Tone::Text,
        );
    }
}
