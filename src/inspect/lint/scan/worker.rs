//! Lint worker: one thread's pass over the rows of a batch.

use crate::inspect::json::Reason;
use crate::inspect::lint::LintOptions;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::checks::columns::ColumnNote;
use crate::inspect::lint::checks::columns::LintColumns;
use crate::inspect::lint::checks::columns::RowExamples;
use crate::inspect::lint::checks::columns::ValueType;
use crate::inspect::lint::checks::columns::is_null_word;
use crate::inspect::lint::checks::csv::CsvRecord;
use crate::inspect::lint::checks::csv::is_number;
use crate::inspect::lint::checks::json::JsonRows;
use crate::inspect::lint::checks::json::RowChecks;
use crate::inspect::lint::checks::lengths::LengthHistogram;
use crate::inspect::lint::checks::text::Suspects;
use crate::inspect::lint::checks::text::TextChecks;
use crate::inspect::lint::checks::text::TextPiece;
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

/// Results of a batch. Row numbers count from its first row.
#[derive(Debug)]
pub(in crate::inspect::lint) struct LintedBatch {
    pub(in crate::inspect::lint) checked: u64,
    pub(in crate::inspect::lint) findings: Findings,
    pub(in crate::inspect::lint) columns: LintColumns,
    pub(in crate::inspect::lint) lengths: LengthHistogram,
    pub(in crate::inspect::lint) feeds: RowExamples,
    pub(in crate::inspect::lint) returns: RowExamples,
    pub(in crate::inspect::lint) typing: Typing,
}

/// State of one thread.
pub(in crate::inspect::lint) struct LintWorker<'a> {
    options: &'a LintOptions,
    checks: &'a TextChecks,
    json: JsonRows,
    scratch: Scratch,
}

impl LintedBatch {
    pub(in crate::inspect::lint) fn new(options: &LintOptions) -> Self {
        Self {
            checked: 0,
            findings: Findings::new(options),
            columns: LintColumns::new(options.examples),
            lengths: LengthHistogram::default(),
            feeds: RowExamples::default(),
            returns: RowExamples::default(),
            typing: Typing::default(),
        }
    }

    /// Appends the results of a later batch whose first row has number `first`.
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

impl<'a> LintWorker<'a> {
    pub(in crate::inspect::lint) fn new(options: &'a LintOptions, checks: &'a TextChecks) -> Self {
        Self {
            options,
            checks,
            json: JsonRows::default(),
            scratch: Scratch::default(),
        }
    }

    /// Checks all rows of a batch.
    pub(in crate::inspect::lint) fn batch(&mut self, batch: &Batch) -> LintedBatch {
        let mut made = LintedBatch::new(self.options);
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

    fn row(&mut self, batch: &Batch, row: Row<'_>, made: &mut LintedBatch) {
        let kept = self.options.examples;
        made.lengths.add(row.index, row.text.len(), kept);
        if row.text.len() >= ROW_BYTES_MAX && batch.truncated() > 0 {
            made.findings.record(RuleId::CutRow, row.text, 0, || {
                format!("more than {ROW_BYTES_MAX} bytes")
            });
            return;
        }
        line_end(batch, row, made);
        if !matches!(batch.shape(), Shape::Delimited(_))
            && let Some(at) = memchr::memchr(b'\r', row.text).filter(|_| batch.is_lines())
        {
            made.findings
                .record(RuleId::LineSeparator, row.text, at, || {
                    "a carriage return within the row".to_owned()
                });
        }
        let (mut text, mut passed) = (row.text, 0);
        if let Some(behind) = text.strip_prefix(b"\xef\xbb\xbf") {
            made.findings.record(RuleId::ByteOrderMark, text, 0, || {
                "a byte order mark before the row".to_owned()
            });
            if matches!(batch.shape(), Shape::Json) {
                // Every reader refuses such a row.
                made.findings.record(RuleId::MalformedJson, text, 0, || {
                    Reason::ByteOrderMark.to_string()
                });
            }
            passed = text.len() - behind.len();
            text = behind;
        }
        match batch.shape() {
            Shape::Json => {
                let wanted = RowChecks {
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

    /// Checks a raw text of a row.
    fn plain(&self, row: &[u8], at: usize, text: &[u8], found: &mut Findings) {
        let piece = TextPiece {
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

    fn record(&mut self, text: &[u8], shape: &Shape, header: &Header, made: &mut LintedBatch) {
        let found = &mut made.findings;
        let record = CsvRecord::of(text, header.separator, header.quote);
        let names = header.names.len();
        if record.fields != names && !text.trim_ascii().is_empty() {
            found.record(RuleId::FieldCount, text, 0, || {
                format!("{} fields, where the header has {names}", record.fields)
            });
        }
        if let Some((at, what)) = record.stray {
            found.record(RuleId::StrayQuote, text, at, || what.to_owned());
        }
        let wanted = &self.options.columns;
        let piece = TextPiece {
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
            let content = cell.bytes();
            let is_blank = content.trim_ascii().is_empty();
            is_empty &= is_blank;
            let of = match cell {
                Cell::Null => ValueType::Null,
                _ if is_number(content) => ValueType::Number,
                _ => ValueType::Text,
            };
            if let Some(column) = columns.column_in_row(name.as_bytes()) {
                columns.value(column, of, found.row(), text, 0);
                if is_blank {
                    columns.add_empty(column, found.row(), text, 0);
                }
                if of == ValueType::Text && is_null_word(content.trim_ascii()) {
                    columns.add_placeholder(column, found.row(), text, 0);
                }
            }
            let piece = TextPiece {
                row: text,
                text: content,
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
            found.record(RuleId::EmptyRow, text, 0, || "an empty record".to_owned());
        }
    }
}

fn utf8(piece: TextPiece<'_>, found: &mut Findings) {
    if let Err(error) = std::str::from_utf8(piece.text) {
        found.record(RuleId::BadUtf8, piece.row, error.valid_up_to(), || {
            "not UTF-8".to_owned()
        });
    }
}

/// Records lines that are no rows.
fn blank_lines(rows: std::ops::Range<u64>, found: &mut Findings) {
    for row in rows {
        found.begin(row);
        found.record(RuleId::BlankLine, b"", 0, || "a blank line".to_owned());
    }
}

/// Records the line end of the row.
fn line_end(batch: &Batch, row: Row<'_>, made: &mut LintedBatch) {
    let behind = batch.text().get(row.at + row.text.len()..);
    let kept = made.findings.kept;
    let group = match behind.unwrap_or_default() {
        [b'\r', b'\n', ..] => &mut made.returns,
        [b'\n', ..] => &mut made.feeds,
        [] if batch.is_lines() => {
            let at = row.text.len();
            made.findings
                .record(RuleId::MissingFinalNewline, row.text, at, || {
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
