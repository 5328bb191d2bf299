//! What a file is, found while its bytes pass by: format, rows, schema.

use arrow_schema::Schema;

use crate::inspect::arrow;
use crate::inspect::compressed;
use crate::inspect::csv;
use crate::inspect::csv::RecordCounter;
use crate::inspect::format::Compression;
use crate::inspect::format::Ending;
use crate::inspect::format::FileFormat;
use crate::inspect::format::Format;
use crate::inspect::format::ending;
use crate::inspect::json;
use crate::inspect::json::ArrayCounter;
use crate::inspect::parquet;
use crate::inspect::rows::RowCounter;
use crate::panics::caught;
use crate::read_at::ReadAt;

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
}

impl Description {
    const BYTES: Self = Self {
        format: FileFormat::BYTES,
        rows: None,
        schema: None,
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
    head: Vec<u8>,
    seen_bytes: u64,
    counter: Counter,
}

#[derive(Debug)]
enum Counter {
    None,
    Lines(RowCounter),
    Records(RecordCounter),
    /// Nothing but white space so far.
    Json,
    Array(ArrayCounter),
}

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
        let Self { ending, text } = self;
        let plain = |format, found: Option<(Schema, u64)>| match found {
            Some((schema, rows)) => Description {
                format: FileFormat {
                    format,
                    compression: Compression::None,
                },
                rows: Some(rows),
                schema: Some(schema),
            },
            None => Description::BYTES,
        };
        let head = text.head.as_slice();
        if head.starts_with(parquet::MAGIC) {
            plain(Format::Parquet, parquet::describe(source))
        } else if head.starts_with(arrow::FILE_MAGIC) {
            plain(Format::ArrowFile, arrow::describe_file(source))
        } else if head.starts_with(&arrow::CONTINUATION) || ending.arrow {
            plain(Format::ArrowStream, arrow::describe_stream(source))
        } else if ending.compression != Compression::None {
            ending
                .text
                .and_then(|format| inside(format, ending.compression, source))
                .unwrap_or(Description::BYTES)
        } else {
            match ending.text {
                Some(format) => text.finish(format),
                None => Description::BYTES,
            }
        }
    }
}

/// Describes the text inside a compressed file.
fn inside(format: Format, compression: Compression, source: &dyn ReadAt) -> Option<Description> {
    let mut text = Text::new(Some(format));
    let whole = caught(|| compressed::each_piece(compression, source, &mut |p| text.push(p)));
    if whole != Ok(true) {
        return None;
    }
    let mut found = text.finish(format);
    if found.format.format == Format::Bytes {
        return None;
    }
    found.format.compression = compression;
    Some(found)
}

impl Text {
    fn new(format: Option<Format>) -> Self {
        Self {
            head: Vec::new(),
            seen_bytes: 0,
            counter: match format {
                Some(Format::Jsonl) => Counter::Lines(RowCounter::default()),
                Some(Format::JsonArray) => Counter::Json,
                Some(Format::Csv | Format::Tsv) => Counter::Records(RecordCounter::default()),
                _ => Counter::None,
            },
        }
    }

    fn push(&mut self, piece: &[u8]) {
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
        match &mut self.counter {
            Counter::None | Counter::Json => {}
            Counter::Lines(counter) => counter.push(piece),
            Counter::Records(counter) => counter.push(piece),
            Counter::Array(counter) => counter.push(piece),
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
        };
        match self.counter {
            Counter::Lines(counter) => {
                if format != Format::Jsonl && !json::looks_like_lines(head, whole) {
                    return Description::BYTES;
                }
                let schema = json::lines_schema(head, whole);
                plain(Format::Jsonl, counter.finish(), schema)
            }
            Counter::Array(counter) => {
                match counter.finish().filter(|_| !whole || json::is_json(head)) {
                    Some(rows) => plain(Format::JsonArray, rows, json::array_schema(head)),
                    None => Description::BYTES,
                }
            }
            Counter::Records(counter) => {
                let table = csv::table(format, head, whole);
                let rows = counter.finish().saturating_sub(u64::from(table.has_header));
                plain(format, rows, table.schema)
            }
            Counter::None | Counter::Json => Description::BYTES,
        }
    }
}
