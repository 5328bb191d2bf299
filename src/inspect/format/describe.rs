//! What a file is, found while its bytes pass by: format, rows, schema.

use arrow_schema::Schema;

use crate::inspect::dialect;
use crate::inspect::dialect::ReadOptions;
use crate::inspect::format::arrow_header;
use crate::inspect::format::decompress;
use crate::inspect::format::detect::Compression;
use crate::inspect::format::detect::Ending;
use crate::inspect::format::detect::FileFormat;
use crate::inspect::format::detect::Format;
use crate::inspect::format::detect::ending;
use crate::inspect::format::encoding::TextEncoding;
use crate::inspect::format::encoding::Transcoder;
use crate::inspect::format::json_rows;
use crate::inspect::format::json_rows::ArrayCounter;
use crate::inspect::format::parquet_footer;
use crate::inspect::format::row_counter::RowCounter;
use crate::inspect::json::columns::JsonColumns;
use crate::inspect::json::columns::may_be_columns;
use crate::inspect::table::Cutter;
use crate::inspect::table::DelimitedCutter;
use crate::inspect::table::Found;
use crate::inspect::table::JsonCutter;
use crate::inspect::table::SchemaFrom;
use crate::panics::caught;
use crate::read_at::ReadAt;
use crate::wire::limits::ROW_BYTES_MAX;

/// Bytes that tell how a text is written.
const FRONT_BYTES: usize = 4;
/// Schemas of text come from this much of a file's beginning.
pub(crate) const HEAD_BYTES: usize = 1 << 20;

/// What a file is.
#[derive(Clone, Debug)]
pub struct Description {
    /// Its format. A file that is not what its name says is plain bytes.
    pub format: FileFormat,
    /// Its rows, where the format has rows.
    pub rows: Option<u64>,
    /// The type of its rows.
    pub schema: Option<Schema>,
    /// What that was made from.
    pub schema_from: SchemaFrom,
}

impl Description {
    const BYTES: Self = Self {
        format: FileFormat::BYTES,
        rows: None,
        schema: None,
        schema_from: SchemaFrom::Metadata,
    };
}

/// Describes a file whose bytes are shown to it in order.
#[derive(Debug)]
pub struct Describer {
    ending: Ending,
    text: Text,
}

/// Counts the rows of text and keeps its beginning.
#[derive(Debug)]
struct Text {
    /// The first bytes, until they say how the text is written; and what makes UTF-8 of it then.
    front: Vec<u8>,
    transcoder: Option<Transcoder>,
    head: Vec<u8>,
    seen_bytes: u64,
    counter: Counter,
}

#[derive(Debug)]
enum Counter {
    None,
    Lines(RowCounter),
    /// Records of this format, of which nothing is known before their beginning is there.
    Undecided(Format),
    Records(Records),
    /// Nothing but white space so far.
    Json,
    Array(ArrayCounter),
}

/// Counts records.
#[derive(Debug)]
struct Records {
    cutter: DelimitedCutter,
    at: u64,
    count: u64,
    found: Vec<Found>,
}

impl Records {
    fn new((separator, quote): (u8, Option<u8>)) -> Self {
        Self {
            cutter: DelimitedCutter::new(separator, quote),
            at: 0,
            count: 0,
            found: Vec::new(),
        }
    }

    fn push(&mut self, piece: &[u8]) {
        for part in piece.chunks(RECORDS_BYTES) {
            // Any bytes are records.
            let _ = self.cutter.scan(part, self.at, usize::MAX, &mut self.found);
            self.at += part.len() as u64;
            self.count += self.found.drain(..).len() as u64;
        }
    }

    fn finish(self) -> u64 {
        self.count + u64::from(self.cutter.open_from().is_some())
    }
}

/// Bytes whose records are found at a time.
const RECORDS_BYTES: usize = 64 << 10;

impl Describer {
    /// A describer of the file at a path; only its ending counts.
    pub fn new(path: &str) -> Self {
        let ending = ending(path);
        let text = ending
            .text
            .filter(|_| ending.compression == Compression::None);
        Self {
            ending,
            text: Text::new(text),
        }
    }

    /// Shows it the next bytes.
    pub fn push(&mut self, piece: &[u8]) {
        self.text.push(piece);
    }

    /// What the file is; `source` is the same file again, of which a footer or, where it is
    /// compressed, everything is read.
    pub fn finish(self, source: &dyn ReadAt) -> Description {
        let Self { ending, mut text } = self;
        text.end();
        let plain = |format, found: Option<(Schema, u64)>| match found {
            Some((schema, rows)) => Description {
                format: FileFormat {
                    format,
                    compression: Compression::None,
                },
                rows: Some(rows),
                schema: Some(schema),
                schema_from: SchemaFrom::Metadata,
            },
            None => Description::BYTES,
        };
        let head = text.head.as_slice();
        if head.starts_with(parquet_footer::MAGIC) {
            plain(Format::Parquet, parquet_footer::describe(source))
        } else if head.starts_with(arrow_header::FILE_MAGIC) {
            plain(Format::ArrowFile, arrow_header::describe_file(source))
        } else if head.starts_with(&arrow_header::CONTINUATION) || ending.arrow {
            plain(Format::ArrowStream, arrow_header::describe_stream(source))
        } else if ending.compression != Compression::None {
            ending
                .text
                .and_then(|format| inside(format, ending.compression, source))
                .unwrap_or(Description::BYTES)
        } else {
            let Some(format) = ending.text else {
                return Description::BYTES;
            };
            let again = |each: &mut dyn FnMut(&[u8])| {
                decompress::each_piece(Compression::None, source, each)
            };
            text.described(format, again)
        }
    }
}

/// Describes the text inside a compressed file.
fn inside(format: Format, compression: Compression, source: &dyn ReadAt) -> Option<Description> {
    let mut text = Text::new(Some(format));
    let whole = caught(|| decompress::each_piece(compression, source, &mut |p| text.push(p)));
    if whole != Ok(true) {
        return None;
    }
    text.end();
    let again = |each: &mut dyn FnMut(&[u8])| {
        caught(|| decompress::each_piece(compression, source, each)) == Ok(true)
    };
    let mut found = text.described(format, again);
    if found.format.format == Format::Bytes {
        return None;
    }
    found.format.compression = compression;
    Some(found)
}

/// The only list of an object, whose elements are counted in the bytes once more: that it is one
/// was known only when they had passed.
struct List {
    at: usize,
    transcoder: Transcoder,
    schema: Option<Schema>,
    schema_from: SchemaFrom,
}

impl List {
    fn count(mut self, pieces: impl FnOnce(&mut dyn FnMut(&[u8])) -> bool) -> Description {
        let mut cutter = JsonCutter::array().of_member();
        let (mut seen, mut count, mut is_right) = (0_u64, 0, true);
        let (mut text, mut found) = (Vec::new(), Vec::new());
        let mut mark = Some(Vec::new());
        let mut look = |piece: &[u8]| {
            let before = usize::try_from(seen).unwrap_or(usize::MAX);
            let skipped = self.at.saturating_sub(before).min(piece.len());
            let rest = piece.get(skipped..).unwrap_or_default();
            let at = seen + skipped as u64;
            seen += piece.len() as u64;
            is_right = is_right && cutter.scan(rest, at, usize::MAX, &mut found).is_ok();
            count += found.drain(..).len() as u64;
        };
        let is_whole = pieces(&mut |piece| {
            text.clear();
            self.transcoder.push(piece, &mut text);
            // A byte order mark is no part of the text.
            match mark.take() {
                None => look(&text),
                Some(mut front) => {
                    front.extend_from_slice(&text);
                    if front.len() < 3 {
                        mark = Some(front);
                        return;
                    }
                    look(front.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&front));
                }
            }
        });
        let mut last = Vec::new();
        let is_closed = is_whole && is_right && cutter.finish(seen, &mut last).is_ok();
        match is_closed {
            true => Description {
                format: FileFormat {
                    format: Format::JsonArray,
                    compression: Compression::None,
                },
                rows: Some(count),
                schema: self.schema,
                schema_from: self.schema_from,
            },
            false => Description::BYTES,
        }
    }
}

impl Text {
    /// What it is. `again` shows the bytes of the file once more.
    fn described(
        self,
        format: Format,
        again: impl FnOnce(&mut dyn FnMut(&[u8])) -> bool,
    ) -> Description {
        if let Some(list) = self.only_list(format) {
            return list.count(again);
        }
        match self.may_be_columns(format) {
            true => self.by_columns(again).unwrap_or(Description::BYTES),
            false => self.finish(format),
        }
    }

    /// Whether it may be JSON that is written by columns, and is not too long for that.
    fn may_be_columns(&self, format: Format) -> bool {
        let whole = self.seen_bytes == self.head.len() as u64;
        format == Format::JsonArray
            && matches!(self.counter, Counter::Lines(_))
            && self.seen_bytes <= ROW_BYTES_MAX as u64
            && !json_rows::looks_like_lines(&self.head, whole)
            && may_be_columns(&self.head, whole)
    }

    fn by_columns(self, again: impl FnOnce(&mut dyn FnMut(&[u8])) -> bool) -> Option<Description> {
        let whole = self.seen_bytes == self.head.len() as u64;
        let text = match whole {
            true => self.head,
            false => {
                let mut transcoder = Transcoder::new(self.transcoder?.encoding());
                let mut text = Vec::new();
                again(&mut |piece| transcoder.push(piece, &mut text)).then_some(())?;
                transcoder.finish(&mut text);
                if text.starts_with(b"\xef\xbb\xbf") {
                    text.drain(..3);
                }
                text
            }
        };
        let columns = JsonColumns::read(&text)?;
        let (schema, schema_from) = columns.schema(&text);
        Some(Description {
            format: FileFormat {
                format: Format::JsonArray,
                compression: Compression::None,
            },
            rows: Some(columns.rows()),
            schema,
            schema_from,
        })
    }

    /// The only list of the object that the text is, where it is one.
    fn only_list(&self, format: Format) -> Option<List> {
        if format != Format::JsonArray || !matches!(self.counter, Counter::Lines(_)) {
            return None;
        }
        let whole = self.seen_bytes == self.head.len() as u64;
        if json_rows::looks_like_lines(&self.head, whole)
            || (whole && !json_rows::is_json(&self.head))
        {
            return None;
        }
        let list = json_rows::only_list(&self.head, whole)?;
        Some(List {
            at: list.at,
            transcoder: Transcoder::new(self.transcoder.as_ref()?.encoding()),
            schema: json_rows::array_schema(self.head.get(list.at..)?),
            schema_from: match whole {
                true => SchemaFrom::WholeFile,
                false => SchemaFrom::Front(self.head.len() as u64),
            },
        })
    }

    fn new(format: Option<Format>) -> Self {
        Self {
            front: Vec::new(),
            transcoder: None,
            head: Vec::new(),
            seen_bytes: 0,
            counter: match format {
                Some(Format::Jsonl) => Counter::Lines(RowCounter::default()),
                Some(Format::JsonArray) => Counter::Json,
                Some(Format::Csv | Format::Tsv) => {
                    Counter::Undecided(format.unwrap_or(Format::Csv))
                }
                _ => Counter::None,
            },
        }
    }

    fn push(&mut self, piece: &[u8]) {
        let Some(transcoder) = &mut self.transcoder else {
            let more = FRONT_BYTES.saturating_sub(self.front.len());
            let (front, rest) = piece.split_at_checked(more).unwrap_or((piece, &[]));
            self.front.extend_from_slice(front);
            if self.front.len() == FRONT_BYTES {
                self.begin();
                self.push(rest);
            }
            return;
        };
        if transcoder.encoding() == TextEncoding::Utf8 {
            return self.push_text(piece);
        }
        let mut text = Vec::new();
        for part in piece.chunks(RECORDS_BYTES) {
            text.clear();
            if let Some(transcoder) = &mut self.transcoder {
                transcoder.push(part, &mut text);
            }
            self.push_text(&text);
        }
    }

    /// The front says how the text is written; a byte order mark is no part of it.
    fn begin(&mut self) {
        let front = std::mem::take(&mut self.front);
        let is_text = !matches!(self.counter, Counter::None);
        let (encoding, mark) = match TextEncoding::of_mark(&front) {
            _ if !is_text => (TextEncoding::Utf8, 0),
            TextEncoding::Utf8 if front.starts_with(b"\xef\xbb\xbf") => (TextEncoding::Utf8, 3),
            TextEncoding::Utf8 => (TextEncoding::Utf8, 0),
            other => (other, 2),
        };
        self.transcoder = Some(Transcoder::new(encoding));
        self.push(front.get(mark..).unwrap_or_default());
    }

    /// There are no more bytes.
    fn end(&mut self) {
        if self.transcoder.is_none() {
            self.begin();
        }
        let mut text = Vec::new();
        if let Some(transcoder) = &mut self.transcoder {
            transcoder.finish(&mut text);
        }
        self.push_text(&text);
        if let Counter::Undecided(format) = self.counter {
            self.decide(format, true);
        }
    }

    fn push_text(&mut self, piece: &[u8]) {
        // Other files are recognised by their first few bytes.
        let wanted = match self.counter {
            Counter::None => 16,
            _ => HEAD_BYTES,
        };
        let take = wanted.saturating_sub(self.head.len()).min(piece.len());
        self.head
            .extend_from_slice(piece.get(..take).unwrap_or_default());
        self.seen_bytes += piece.len() as u64;
        if matches!(self.counter, Counter::Json) {
            self.choose(piece);
        }
        if let Counter::Undecided(format) = self.counter {
            if self.head.len() == HEAD_BYTES {
                self.decide(format, false);
                let rest = piece.get(take..).unwrap_or_default();
                return self.count_records(rest);
            }
            return;
        }
        match &mut self.counter {
            Counter::None | Counter::Json | Counter::Undecided(_) => {}
            Counter::Lines(counter) => counter.push(piece),
            Counter::Records(counter) => counter.push(piece),
            Counter::Array(counter) => counter.push(piece),
        }
    }

    /// The beginning says what separates and quotes fields.
    fn decide(&mut self, format: Format, is_whole: bool) {
        let options = ReadOptions::default();
        let marks = dialect::marks(format, &self.head, is_whole, &options);
        let mut records = Records::new(marks);
        records.push(&self.head);
        self.counter = Counter::Records(records);
    }

    fn count_records(&mut self, piece: &[u8]) {
        if let Counter::Records(counter) = &mut self.counter {
            counter.push(piece);
        }
    }

    /// A `.json` file is an array, or lines, by the first byte that is not white space.
    fn choose(&mut self, piece: &[u8]) {
        let blank = |b: &&u8| !b.is_ascii_whitespace() && !matches!(b, 0xef | 0xbb | 0xbf);
        match piece.iter().find(blank) {
            Some(b'[') => self.counter = Counter::Array(ArrayCounter::default()),
            Some(b'{') => self.counter = Counter::Lines(RowCounter::default()),
            Some(_) => self.counter = Counter::None,
            None => {}
        }
    }

    fn finish(self, format: Format) -> Description {
        let head = self.head.as_slice();
        let whole = self.seen_bytes == head.len() as u64;
        let plain = |format, rows, schema| Description {
            format: FileFormat {
                format,
                compression: Compression::None,
            },
            rows: Some(rows),
            schema,
            schema_from: match whole {
                true => SchemaFrom::WholeFile,
                false => SchemaFrom::Front(head.len() as u64),
            },
        };
        match self.counter {
            Counter::Lines(counter) => {
                if format != Format::Jsonl && !json_rows::looks_like_lines(head, whole) {
                    return Description::BYTES;
                }
                let schema = json_rows::lines_schema(head, whole);
                plain(Format::Jsonl, counter.finish(), schema)
            }
            Counter::Array(counter) => {
                match counter
                    .finish()
                    .filter(|_| !whole || json_rows::is_json(head))
                {
                    Some(rows) => plain(Format::JsonArray, rows, json_rows::array_schema(head)),
                    None => Description::BYTES,
                }
            }
            Counter::Records(counter) => {
                let table = dialect::table(format, head, whole, &ReadOptions::default());
                let has_header = table.dialect.has_header;
                let rows = counter.finish().saturating_sub(u64::from(has_header));
                plain(format, rows, table.schema)
            }
            Counter::None | Counter::Json | Counter::Undecided(_) => Description::BYTES,
        }
    }
}
