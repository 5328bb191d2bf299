//! Description of a file while its bytes stream by: format, row count and schema.

use arrow_schema::Schema;

use crate::inspect::dialect;
use crate::inspect::dialect::ReadOptions;
use crate::inspect::format::arrow_header;
use crate::inspect::format::decompress;
use crate::inspect::format::detect::Compression;
use crate::inspect::format::detect::ExtensionFormat;
use crate::inspect::format::detect::FileFormat;
use crate::inspect::format::detect::Format;
use crate::inspect::format::detect::ending;
use crate::inspect::format::encoding::TextEncoding;
use crate::inspect::format::encoding::Transcoder;
use crate::inspect::format::json_rows;
use crate::inspect::format::json_rows::ArrayCounter;
use crate::inspect::format::parquet_footer;
use crate::inspect::format::row_counter::RecordCounter;
use crate::inspect::format::row_counter::RowCounter;
use crate::inspect::format::schema::HEAD_BYTES;
use crate::inspect::json::columns::JsonColumns;
use crate::inspect::json::columns::may_be_columns;
use crate::inspect::table::JsonSplitter;
use crate::inspect::table::RowSplitter;
use crate::inspect::table::SchemaFrom;
use crate::panics::caught;
use crate::read_at::ReadAt;
use crate::wire::limits::ROW_BYTES_MAX;

/// Bytes that decide the character encoding.
const FRONT_BYTES: usize = 4;
/// Bytes converted to UTF-8 at a time.
const TRANSCODED_BYTES: usize = 64 << 10;

/// Description of a file.
#[derive(Clone, Debug)]
pub struct Description {
    /// The format. A file that contradicts its name counts as plain bytes.
    pub format: FileFormat,
    /// Row count, for a format with rows.
    pub rows: Option<u64>,
    /// Schema of the rows.
    pub schema: Option<Schema>,
    /// Origin of the schema.
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

/// Describes a file from its bytes, in order.
#[derive(Debug)]
pub struct Describer {
    ending: ExtensionFormat,
    text: TextDescriber,
}

/// Counts the rows of a text and keeps its beginning.
#[derive(Debug)]
struct TextDescriber {
    /// The first bytes, until they decide the encoding. Then the transcoder to UTF-8.
    front: Vec<u8>,
    transcoder: Option<Transcoder>,
    head: Vec<u8>,
    seen_bytes: u64,
    counter: RowCounting,
}

#[derive(Debug)]
enum RowCounting {
    None,
    Lines(RowCounter),
    /// Records of this format, whose dialect is still undecided.
    Undecided(Format),
    Records(RecordCounter),
    /// Only white space so far.
    Json,
    Array(ArrayCounter),
}

impl Describer {
    /// Creates a describer for a path; only the file name extension counts.
    pub fn new(path: &str) -> Self {
        let ending = ending(path);
        let text = ending
            .text
            .filter(|_| ending.compression == Compression::None);
        Self {
            ending,
            text: TextDescriber::new(text),
        }
    }

    /// Feeds the next bytes.
    pub fn push(&mut self, piece: &[u8]) {
        self.text.push(piece);
    }

    /// Ends the description. `source` is the same file; the describer reads its footer from it, or
    /// all of it if it is compressed.
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
    let mut text = TextDescriber::new(Some(format));
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

/// The only list of an object. Its elements need a second pass over the bytes, because the object
/// is known only after the first.
struct MemberList {
    at: usize,
    transcoder: Transcoder,
    schema: Option<Schema>,
    schema_from: SchemaFrom,
}

impl MemberList {
    fn count(mut self, pieces: impl FnOnce(&mut dyn FnMut(&[u8])) -> bool) -> Description {
        let mut splitter = JsonSplitter::array().of_member();
        let (mut seen, mut count, mut is_right) = (0_u64, 0, true);
        let (mut text, mut found) = (Vec::new(), Vec::new());
        let mut mark = Some(Vec::new());
        let mut look = |piece: &[u8]| {
            let before = usize::try_from(seen).unwrap_or(usize::MAX);
            let skipped = self.at.saturating_sub(before).min(piece.len());
            let rest = piece.get(skipped..).unwrap_or_default();
            let at = seen + skipped as u64;
            seen += piece.len() as u64;
            is_right = is_right && splitter.scan(rest, at, usize::MAX, &mut found).is_ok();
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
        let is_closed = is_whole && is_right && splitter.finish(seen, &mut last).is_ok();
        if !is_closed {
            return Description::BYTES;
        }
        Description {
            format: FileFormat {
                format: Format::JsonArray,
                compression: Compression::None,
            },
            rows: Some(count),
            schema: self.schema,
            schema_from: self.schema_from,
        }
    }
}

impl TextDescriber {
    /// Returns the description. `again` shows the bytes of the file once more.
    fn described(
        self,
        format: Format,
        again: impl FnOnce(&mut dyn FnMut(&[u8])) -> bool,
    ) -> Description {
        if let Some(list) = self.only_list(format) {
            return list.count(again);
        }
        if self.may_be_columns(format) {
            self.by_columns(again).unwrap_or(Description::BYTES)
        } else {
            self.finish(format)
        }
    }

    /// Returns true if the text may be column-oriented JSON, and is short enough for it.
    fn may_be_columns(&self, format: Format) -> bool {
        let whole = self.seen_bytes == self.head.len() as u64;
        format == Format::JsonArray
            && matches!(self.counter, RowCounting::Lines(_))
            && self.seen_bytes <= ROW_BYTES_MAX as u64
            && !json_rows::looks_like_lines(&self.head, whole)
            && may_be_columns(&self.head, whole)
    }

    fn by_columns(self, again: impl FnOnce(&mut dyn FnMut(&[u8])) -> bool) -> Option<Description> {
        let whole = self.seen_bytes == self.head.len() as u64;
        let text = if whole {
            self.head
        } else {
            let mut transcoder = Transcoder::new(self.transcoder?.encoding());
            let mut text = Vec::new();
            again(&mut |piece| transcoder.push(piece, &mut text)).then_some(())?;
            transcoder.finish(&mut text);
            if text.starts_with(b"\xef\xbb\xbf") {
                text.drain(..3);
            }
            text
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

    /// Returns the only list of the object, if the text is an object with one.
    fn only_list(&self, format: Format) -> Option<MemberList> {
        if format != Format::JsonArray || !matches!(self.counter, RowCounting::Lines(_)) {
            return None;
        }
        let whole = self.seen_bytes == self.head.len() as u64;
        if json_rows::looks_like_lines(&self.head, whole)
            || (whole && !json_rows::is_json(&self.head))
        {
            return None;
        }
        let list = json_rows::only_list(&self.head, whole)?;
        Some(MemberList {
            at: list.at,
            transcoder: Transcoder::new(self.transcoder.as_ref()?.encoding()),
            schema: json_rows::array_schema(self.head.get(list.at..)?),
            schema_from: if whole {
                SchemaFrom::WholeFile
            } else {
                SchemaFrom::Front(self.head.len() as u64)
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
                Some(Format::Jsonl) => RowCounting::Lines(RowCounter::default()),
                Some(Format::JsonArray) => RowCounting::Json,
                Some(Format::Csv | Format::Tsv) => {
                    RowCounting::Undecided(format.unwrap_or(Format::Csv))
                }
                _ => RowCounting::None,
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
        for part in piece.chunks(TRANSCODED_BYTES) {
            text.clear();
            if let Some(transcoder) = &mut self.transcoder {
                transcoder.push(part, &mut text);
            }
            self.push_text(&text);
        }
    }

    /// Decides the encoding from the front, and skips a byte order mark.
    fn begin(&mut self) {
        let front = std::mem::take(&mut self.front);
        let is_text = !matches!(self.counter, RowCounting::None);
        let (encoding, mark) = match TextEncoding::of_mark(&front) {
            _ if !is_text => (TextEncoding::Utf8, 0),
            TextEncoding::Utf8 if front.starts_with(b"\xef\xbb\xbf") => (TextEncoding::Utf8, 3),
            TextEncoding::Utf8 => (TextEncoding::Utf8, 0),
            other => (other, 2),
        };
        self.transcoder = Some(Transcoder::new(encoding));
        self.push(front.get(mark..).unwrap_or_default());
    }

    /// Ends the input.
    fn end(&mut self) {
        if self.transcoder.is_none() {
            self.begin();
        }
        let mut text = Vec::new();
        if let Some(transcoder) = &mut self.transcoder {
            transcoder.finish(&mut text);
        }
        self.push_text(&text);
        if let RowCounting::Undecided(format) = self.counter {
            self.decide(format, true);
        }
    }

    fn push_text(&mut self, piece: &[u8]) {
        // Other files are recognised by their first few bytes.
        let wanted = match self.counter {
            RowCounting::None => 16,
            _ => HEAD_BYTES,
        };
        let take = wanted.saturating_sub(self.head.len()).min(piece.len());
        self.head
            .extend_from_slice(piece.get(..take).unwrap_or_default());
        self.seen_bytes += piece.len() as u64;
        if matches!(self.counter, RowCounting::Json) {
            self.choose(piece);
        }
        if let RowCounting::Undecided(format) = self.counter {
            if self.head.len() == HEAD_BYTES {
                self.decide(format, false);
                let rest = piece.get(take..).unwrap_or_default();
                return self.count_records(rest);
            }
            return;
        }
        match &mut self.counter {
            RowCounting::None | RowCounting::Json | RowCounting::Undecided(_) => {}
            RowCounting::Lines(counter) => counter.push(piece),
            RowCounting::Records(counter) => counter.push(piece),
            RowCounting::Array(counter) => counter.push(piece),
        }
    }

    /// Decides the dialect from the beginning.
    fn decide(&mut self, format: Format, is_whole: bool) {
        let options = ReadOptions::default();
        let marks = dialect::detect_marks(format, &self.head, is_whole, &options);
        let mut records = RecordCounter::new(marks);
        records.push(&self.head);
        self.counter = RowCounting::Records(records);
    }

    fn count_records(&mut self, piece: &[u8]) {
        if let RowCounting::Records(counter) = &mut self.counter {
            counter.push(piece);
        }
    }

    /// Decides if a `.json` file is an array or lines, by its first byte that is not white space.
    fn choose(&mut self, piece: &[u8]) {
        let blank = |b: &&u8| !b.is_ascii_whitespace() && !matches!(b, 0xef | 0xbb | 0xbf);
        match piece.iter().find(blank) {
            Some(b'[') => self.counter = RowCounting::Array(ArrayCounter::default()),
            Some(b'{') => self.counter = RowCounting::Lines(RowCounter::default()),
            Some(_) => self.counter = RowCounting::None,
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
            schema_from: if whole {
                SchemaFrom::WholeFile
            } else {
                SchemaFrom::Front(head.len() as u64)
            },
        };
        match self.counter {
            RowCounting::Lines(counter) => {
                if format != Format::Jsonl && !json_rows::looks_like_lines(head, whole) {
                    return Description::BYTES;
                }
                let schema = json_rows::lines_schema(head, whole);
                plain(Format::Jsonl, counter.finish(), schema)
            }
            RowCounting::Array(counter) => {
                match counter
                    .finish()
                    .filter(|_| !whole || json_rows::is_json(head))
                {
                    Some(rows) => plain(Format::JsonArray, rows, json_rows::array_schema(head)),
                    None => Description::BYTES,
                }
            }
            RowCounting::Records(counter) => {
                let table = dialect::detect_table(format, head, whole, &ReadOptions::default());
                let has_header = table.dialect.has_header;
                let rows = counter.finish().saturating_sub(u64::from(has_header));
                plain(format, rows, table.schema)
            }
            RowCounting::None | RowCounting::Json | RowCounting::Undecided(_) => Description::BYTES,
        }
    }
}
