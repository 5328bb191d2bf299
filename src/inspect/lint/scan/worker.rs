//! One thread's way over the rows of a batch.

use crate::inspect::json::Reason;
use crate::inspect::lint::LintOptions;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::checks::columns::ColumnNote;
use crate::inspect::lint::checks::columns::Columns;
use crate::inspect::lint::checks::columns::Group;
use crate::inspect::lint::checks::columns::Type;
use crate::inspect::lint::checks::columns::is_null_word;
use crate::inspect::lint::checks::csv::Record;
use crate::inspect::lint::checks::csv::is_number;
use crate::inspect::lint::checks::json::JsonRows;
use crate::inspect::lint::checks::json::Wanted;
use crate::inspect::lint::checks::lengths::Lengths;
use crate::inspect::lint::checks::text::Piece;
use crate::inspect::lint::checks::text::Suspects;
use crate::inspect::lint::checks::text::TextChecks;
use crate::inspect::lint::checks::text::control;
use crate::inspect::lint::checks::text::repeated;
use crate::inspect::lint::checks::text::whole;
use crate::inspect::lint::checks::whole_table::Typing;
use crate::inspect::lint::scan::findings::Findings;
use crate::inspect::table::Batch;
use crate::inspect::table::Cell;
use crate::inspect::table::Header;
use crate::inspect::table::Row;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::wire::limits::ROW_BYTES_MAX;

/// What was made of a batch. Rows are numbered from its first.
#[derive(Debug)]
pub(in crate::inspect::lint) struct Made {
    pub(in crate::inspect::lint) checked: u64,
    pub(in crate::inspect::lint) findings: Findings,
    pub(in crate::inspect::lint) columns: Columns,
    pub(in crate::inspect::lint) lengths: Lengths,
    pub(in crate::inspect::lint) feeds: Group,
    pub(in crate::inspect::lint) returns: Group,
    pub(in crate::inspect::lint) typing: Typing,
}

/// One thread's state.
pub(in crate::inspect::lint) struct Worker<'a> {
    options: &'a LintOptions,
    checks: &'a TextChecks,
    json: JsonRows,
    scratch: Scratch,
}

impl Made {
    pub(in crate::inspect::lint) fn new(options: &LintOptions) -> Self {
        Self {
            checked: 0,
            findings: Findings::new(options),
            columns: Columns::new(options.examples),
            lengths: Lengths::default(),
            feeds: Group::default(),
            returns: Group::default(),
            typing: Typing::default(),
        }
    }

    /// Puts what was made of a later batch behind, whose first row has this number.
    pub(in crate::inspect::lint) fn append(&mut self, later: Self, first: u64) {
        let kept = self.findings.kept;
        self.checked += later.checked;
        self.findings.append(later.findings, first);
        self.columns.append(later.columns, first);
        self.lengths.append(later.lengths, first, kept);
        self.feeds.append(later.feeds, first, kept);
        self.returns.append(later.returns, first, kept);
        if later.checked > 0 {
            self.typing = later.typing;
        }
    }
}

impl<'a> Worker<'a> {
    pub(in crate::inspect::lint) fn new(options: &'a LintOptions, checks: &'a TextChecks) -> Self {
        Self {
            options,
            checks,
            json: JsonRows::default(),
            scratch: Scratch::default(),
        }
    }

    /// Looks over all rows of a batch.
    pub(in crate::inspect::lint) fn batch(&mut self, batch: &Batch) -> Made {
        let mut made = Made::new(self.options);
        if matches!(batch.shape(), Shape::Delimited(_)) {
            made.typing = Typing::Guessed;
        }
        let mut next = 0;
        for row in batch.rows() {
            blank_lines(next..row.index, &mut made.findings);
            next = row.index + 1;
            made.checked += 1;
            made.findings.begin(row.index);
            self.row(batch, row, &mut made);
        }
        blank_lines(next..batch.count(), &mut made.findings);
        made
    }

    fn row(&mut self, batch: &Batch, row: Row<'_>, made: &mut Made) {
        let kept = self.options.examples;
        made.lengths.add(row.index, row.text.len(), kept);
        if row.text.len() >= ROW_BYTES_MAX && batch.truncated() > 0 {
            made.findings.tell(RuleId::CutRow, row.text, 0, || {
                format!("more than {ROW_BYTES_MAX} bytes")
            });
            return;
        }
        line_end(batch, row, made);
        if !matches!(batch.shape(), Shape::Delimited(_))
            && let Some(at) = memchr::memchr(b'\r', row.text).filter(|_| batch.is_lines())
        {
            made.findings.tell(RuleId::LineSeparator, row.text, at, || {
                "a carriage return within the row".to_owned()
            });
        }
        let (mut text, mut passed) = (row.text, 0);
        if let Some(behind) = text.strip_prefix(b"\xef\xbb\xbf") {
            made.findings.tell(RuleId::ByteOrderMark, text, 0, || {
                "a byte order mark before the row".to_owned()
            });
            if matches!(batch.shape(), Shape::Json) {
                // Every reader of rows refuses it.
                made.findings.tell(RuleId::MalformedJson, text, 0, || {
                    Reason::ByteOrderMark.to_string()
                });
            }
            passed = text.len() - behind.len();
            text = behind;
        }
        match batch.shape() {
            Shape::Json => {
                let wanted = Wanted {
                    checks: self.checks,
                    columns: &self.options.columns,
                };
                let (columns, found) = (&mut made.columns, &mut made.findings);
                self.json.check(text, wanted, columns, found);
            }
            Shape::Delimited(header) => self.record(text, batch.shape(), header, made),
            Shape::Text => {
                self.plain(text, 0, text, &mut made.findings);
            }
        }
        let behind_mark = made.findings.of_row().filter(|_| passed > 0);
        for example in behind_mark.filter(|e| e.at > 0) {
            example.at += passed;
            example.place.column += 1;
        }
    }

    /// A text that stands in the row as it is.
    fn plain(&self, row: &[u8], at: usize, text: &[u8], found: &mut Findings) {
        let piece = Piece {
            row,
            text,
            at,
            is_raw: true,
        };
        let suspects = self.checks.look(piece, found);
        utf8(piece, found);
        control(piece, found);
        repeated(piece, found);
        whole(piece, suspects, found);
    }

    fn record(&mut self, text: &[u8], shape: &Shape, header: &Header, made: &mut Made) {
        let found = &mut made.findings;
        let record = Record::of(text, header.separator, header.quote);
        let names = header.names.len();
        if record.fields != names && !text.trim_ascii().is_empty() {
            found.tell(RuleId::FieldCount, text, 0, || {
                format!("{} fields, where the header has {names}", record.fields)
            });
        }
        if let Some((at, what)) = record.stray {
            found.tell(RuleId::StrayQuote, text, at, || what.to_owned());
        }
        let wanted = &self.options.columns;
        let piece = Piece {
            row: text,
            text,
            at: 0,
            is_raw: true,
        };
        utf8(piece, found);
        control(piece, found);
        let mut suspects = Suspects::default();
        if wanted.is_empty() {
            suspects = self.checks.look(piece, found);
        }
        let checks = self.checks;
        let columns = &mut made.columns;
        columns.begin_row();
        let mut is_empty = true;
        shape.each_cell(text, &mut self.scratch, &mut |name, cell| {
            let said = cell.bytes();
            let is_blank = said.trim_ascii().is_empty();
            is_empty &= is_blank;
            let of = match cell {
                Cell::Null => Type::Null,
                _ if is_number(said) => Type::Number,
                _ => Type::Text,
            };
            if let Some(column) = columns.enter(name.as_bytes()) {
                columns.value(column, of, found.row(), text, 0);
                if is_blank {
                    columns.empty(column, found.row(), text, 0);
                }
                if of == Type::Text && is_null_word(said.trim_ascii()) {
                    columns.nothing(column, found.row(), text, 0);
                }
            }
            let piece = Piece {
                row: text,
                text: said,
                at: 0,
                is_raw: false,
            };
            let mut suspects = suspects;
            if !wanted.is_empty() {
                if !wanted.iter().any(|c| c == name) {
                    return;
                }
                suspects = checks.look(piece, found);
            }
            repeated(piece, found);
            whole(piece, suspects, found);
        });
        columns.end_row(found.row(), text);
        if is_empty {
            found.tell(RuleId::EmptyRow, text, 0, || "an empty record".to_owned());
        }
    }
}

fn utf8(piece: Piece<'_>, found: &mut Findings) {
    if let Err(error) = std::str::from_utf8(piece.text) {
        found.tell(RuleId::BadUtf8, piece.row, error.valid_up_to(), || {
            "not UTF-8".to_owned()
        });
    }
}

/// Lines that are no rows.
fn blank_lines(rows: std::ops::Range<u64>, found: &mut Findings) {
    for row in rows {
        found.begin(row);
        found.tell(RuleId::BlankLine, b"", 0, || "a blank line".to_owned());
    }
}

/// How the row's line ends.
fn line_end(batch: &Batch, row: Row<'_>, made: &mut Made) {
    let behind = batch.text().get(row.at + row.text.len()..);
    let kept = made.findings.kept;
    let group = match behind.unwrap_or_default() {
        [b'\r', b'\n', ..] => &mut made.returns,
        [b'\n', ..] => &mut made.feeds,
        [] if batch.is_lines() => {
            let at = row.text.len();
            made.findings
                .tell(RuleId::MissingFinalNewline, row.text, at, || {
                    "no newline behind the last row".to_owned()
                });
            return;
        }
        _ => return,
    };
    group.add(kept, || ColumnNote {
        row: row.index,
        at: row.text.len(),
        shown: String::new(),
    });
}
