//! Opening a file as a table: what it is, by its first bytes and its name's ending, and nothing
//! of it is read but its front and a footer.

use std::sync::Arc;

use arrow_schema::Schema;

use crate::inspect::arrow;
use crate::inspect::csv;
use crate::inspect::describe::HEAD_BYTES;
use crate::inspect::format::Compression;
use crate::inspect::format::FileFormat;
use crate::inspect::format::Format;
use crate::inspect::format::ending;
use crate::inspect::json;
use crate::inspect::parquet;
use crate::inspect::table::GrowingIndex;
use crate::inspect::table::Header;
use crate::inspect::table::Lines;
use crate::inspect::table::RowIndex;
use crate::inspect::table::RowKind;
use crate::inspect::table::Shape;
use crate::inspect::table::Table;
use crate::inspect::table::TableError;
use crate::inspect::table::columnar::open_arrow;
use crate::inspect::table::columnar::open_parquet;
use crate::inspect::table::input::Input;
use crate::inspect::table::names::repeated_names;
use crate::inspect::table::text::Rows;
use crate::inspect::table::text::TextTable;
use crate::inspect::table::unique_names;
use crate::read_at::ReadAt;
use crate::wire::limits::ROW_BYTES_MAX;

/// What is known of a file that is opened.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Its format, where somebody looked before; plain bytes are looked at again.
    pub format: Option<FileFormat>,
    /// A row of a file of lines that is not compressed, and the byte at which it begins.
    pub known: Option<(u64, u64)>,
    /// Where rows begin, from an earlier look at the same file.
    pub index: Option<RowIndex>,
}

/// A file with its rows.
pub struct Opened {
    /// The rows.
    pub table: Arc<dyn Table>,
    /// What they are in; plain bytes for text that is no format with rows, and for a `.json` file
    /// that is neither an array nor lines: its rows are the JSON values in it, mostly one.
    pub format: FileFormat,
    /// Where rows begin, for formats that are read from the front; it grows while rows are read.
    pub index: Option<GrowingIndex>,
    schema: Known,
}

/// Where the schema comes from.
enum Known {
    Schema(Schema),
    Head(Head),
}

/// Opens a file. Of its path only the ending counts.
///
/// # Errors
/// [`TableError::Unsupported`] for what has no rows that could be read,
/// [`TableError::Damaged`] where a footer is not what it should be, and those of the source.
pub fn open_table(
    source: Arc<dyn ReadAt>,
    path: &str,
    options: OpenOptions,
) -> Result<Opened, TableError> {
    let magic = first_bytes(Input::open(Arc::clone(&source), Compression::None, 0), 16)?;
    let known = options.format.filter(|f| f.format != Format::Bytes);
    let format = known.map_or_else(|| recognise(&magic, path), Ok)?;
    match format.format {
        Format::Parquet => {
            let (table, schema) = open_parquet(source)?;
            Ok(Opened::columnar(table, format, schema))
        }
        Format::ArrowFile | Format::ArrowStream => {
            let (table, schema) = open_arrow(source, format.format == Format::ArrowFile)?;
            Ok(Opened::columnar(table, format, schema))
        }
        _ => open_text(source, format, options),
    }
}

impl Opened {
    /// The type of its rows: as the file says, or as the values at its front are.
    ///
    /// Names of the columns of delimited text are those of its header.
    pub fn schema(&self) -> Option<Schema> {
        let head = match &self.schema {
            Known::Schema(schema) => return Some(schema.clone()),
            Known::Head(head) => head,
        };
        match self.format.format {
            Format::Jsonl => json::lines_schema(&head.text, head.is_whole),
            Format::JsonArray => json::array_schema(&head.text),
            Format::Csv | Format::Tsv => {
                csv::table(self.format.format, &head.text, head.is_whole).schema
            }
            _ => None,
        }
    }

    /// Names of the columns that the file says it has: in a header, or in a schema of its own.
    pub fn column_names(&self) -> Vec<String> {
        match (self.table.columnar(), self.table.shape()) {
            (Some(columnar), _) => {
                let fields = columnar.schema.fields().iter();
                fields.map(|field| field.name().clone()).collect()
            }
            (None, Shape::Delimited(header)) => header.names.clone(),
            (None, Shape::Json | Shape::Text) => Vec::new(),
        }
    }

    /// Names that the file has twice, for columns that got others.
    pub fn repeated_names(&self) -> Vec<String> {
        match (self.table.columnar(), self.table.shape()) {
            (Some(columnar), _) => columnar.repeated.clone(),
            (None, Shape::Delimited(header)) => header.repeated.clone(),
            (None, Shape::Json | Shape::Text) => Vec::new(),
        }
    }

    fn columnar(table: Arc<dyn Table>, format: FileFormat, schema: Schema) -> Self {
        Self {
            table,
            format,
            index: None,
            schema: Known::Schema(schema),
        }
    }
}

/// What the first bytes and the ending say. Text is plain bytes unless the ending names a format.
fn recognise(magic: &[u8], path: &str) -> Result<FileFormat, TableError> {
    let ending = ending(path);
    let plain = |format| {
        Ok(FileFormat {
            format,
            compression: Compression::None,
        })
    };
    if magic.starts_with(parquet::MAGIC) {
        return plain(Format::Parquet);
    }
    if magic.starts_with(arrow::FILE_MAGIC) {
        return plain(Format::ArrowFile);
    }
    if magic.starts_with(&arrow::CONTINUATION) || (ending.arrow && !magic.is_empty()) {
        return plain(Format::ArrowStream);
    }
    if let Some((_, what)) = NO_ROWS.iter().find(|(m, _)| magic.starts_with(m)) {
        return Err(TableError::Unsupported((*what).to_owned()));
    }
    let compression = if magic.starts_with(&[0x1f, 0x8b]) {
        Compression::Gzip
    } else if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || (ending.compression == Compression::Zstd && is_skippable(magic))
    {
        Compression::Zstd
    } else {
        Compression::None
    };
    Ok(FileFormat {
        format: ending.text.unwrap_or(Format::Bytes),
        compression,
    })
}

/// A Zstandard frame without content (RFC 8878, 3.1.2).
fn is_skippable(magic: &[u8]) -> bool {
    matches!(magic, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// What a file without a name is, by its first bytes: columnar, JSON, or records, where the first
/// lines have the same number of a separator. None for plain text.
///
/// # Errors
/// As [`open_table`].
pub fn sniff(source: &Arc<dyn ReadAt>) -> Result<Option<FileFormat>, TableError> {
    let magic = first_bytes(Input::open(Arc::clone(source), Compression::None, 0), 16)?;
    let found = recognise(&magic, "")?;
    if found.format != Format::Bytes {
        return Ok(Some(found));
    }
    let head = Head::read(source, found.compression, HEAD_BYTES)?;
    let first = head.text.iter().find(|b| !b.is_ascii_whitespace());
    let format = match first {
        Some(b'[' | b'{') => Format::JsonArray,
        _ if is_records(&head) => Format::Csv,
        _ => return Ok(None),
    };
    Ok(Some(FileFormat { format, ..found }))
}

/// Lines that are compared.
const SNIFFED_LINES: usize = 64;

fn is_records(head: &Head) -> bool {
    let lines = head.text.split(|b| *b == b'\n').take(SNIFFED_LINES);
    let mut lines: Vec<&[u8]> = lines.collect();
    // The last may not be whole, and is empty behind a newline.
    lines.pop();
    let count = |line: &[u8], separator: u8| {
        let mut quoted = false;
        let outside = line.iter().filter(|b| {
            quoted ^= **b == b'"';
            !quoted && **b == separator
        });
        outside.count()
    };
    let agree = |separator: u8| {
        let first = lines.first().map_or(0, |line| count(line, separator));
        first > 0 && lines.iter().all(|line| count(line, separator) == first)
    };
    lines.len() > 1 && [b',', b'\t', b';', b'|'].into_iter().any(agree)
}

fn open_text(
    source: Arc<dyn ReadAt>,
    format: FileFormat,
    options: OpenOptions,
) -> Result<Opened, TableError> {
    let mut head = Head::read(&source, format.compression, HEAD_BYTES)?;
    if format.compression != Compression::None
        && (head.text.starts_with(parquet::MAGIC) || head.text.starts_with(arrow::FILE_MAGIC))
    {
        let why = "it is a columnar file inside of a compressed one; decompress it first";
        return Err(TableError::Unsupported(why.to_owned()));
    }
    let (rows, inner) = rows_in(format.format, &head);
    let shape = match rows {
        Rows::Records => {
            let (shape, longer) = delimited(inner, head, &source)?;
            head = longer;
            shape
        }
        Rows::Elements | Rows::Values => Shape::Json,
        Rows::Lines if inner == Format::Jsonl => Shape::Json,
        Rows::Lines => Shape::Text,
    };
    let format = FileFormat {
        format: inner,
        compression: format.compression,
    };
    let compression = head.compression;
    let front = head.front;
    let is_random = compression == Compression::None;
    if rows == Rows::Lines && is_random {
        let mut lines = Lines::new(source, shape).with_front(front);
        if let Some((row, offset)) = options.known {
            lines = lines.with_known(row, offset);
        }
        return Ok(Opened::text(Arc::new(lines), format, None, head));
    }
    let kind = match rows {
        Rows::Lines => None,
        Rows::Elements => Some(RowKind::Elements),
        Rows::Records => Some(RowKind::Records),
        Rows::Values => Some(RowKind::Values),
    };
    let index = kind.filter(|_| is_random);
    let index = index.map(|kind| GrowingIndex::new(kind, options.index.unwrap_or_default()));
    let table = TextTable {
        source,
        compression,
        rows,
        shape,
        front,
        index: index.clone(),
    };
    Ok(Opened::text(Arc::new(table), format, index, head))
}

impl Opened {
    fn text(
        table: Arc<dyn Table>,
        format: FileFormat,
        index: Option<GrowingIndex>,
        head: Head,
    ) -> Self {
        Self {
            table,
            format,
            index,
            schema: Known::Head(head),
        }
    }
}

/// How rows are written, and the format that the text turns out to be.
fn rows_in(format: Format, head: &Head) -> (Rows, Format) {
    match format {
        Format::Jsonl => (Rows::Lines, Format::Jsonl),
        Format::Csv | Format::Tsv => (Rows::Records, format),
        Format::JsonArray => {
            let mut bytes = head.text.iter().filter(|b| !b.is_ascii_whitespace());
            match bytes.next() {
                Some(b'[') => (Rows::Elements, Format::JsonArray),
                Some(b'{') if json::looks_like_lines(&head.text, head.is_whole) => {
                    (Rows::Lines, Format::Jsonl)
                }
                _ => (Rows::Values, Format::Bytes),
            }
        }
        _ => (Rows::Lines, Format::Bytes),
    }
}

/// What the columns are called. More is read where the first record is longer than the front.
fn delimited(
    format: Format,
    mut head: Head,
    source: &Arc<dyn ReadAt>,
) -> Result<(Shape, Head), TableError> {
    let mut most = HEAD_BYTES;
    let table = loop {
        let table = csv::table(format, &head.text, head.is_whole);
        if head.is_whole || !table.names.is_empty() {
            break table;
        }
        if most >= ROW_BYTES_MAX {
            return Err(TableError::Limit(format!(
                "its first record has more than {ROW_BYTES_MAX} bytes (`row_bytes_max`)"
            )));
        }
        most = (most * 8).min(ROW_BYTES_MAX);
        head = Head::read(source, head.compression, most)?;
    };
    let shape = Shape::Delimited(Arc::new(Header {
        repeated: repeated_names(&table.names),
        names: unique_names(table.names),
        separator: table.separator,
        is_in_file: table.has_header,
    }));
    Ok((shape, head))
}

/// The beginning of the text, without a byte order mark.
struct Head {
    text: Vec<u8>,
    /// There is no more text than this.
    is_whole: bool,
    front: u64,
    compression: Compression,
}

impl Head {
    /// At most so many bytes of it.
    fn read(
        source: &Arc<dyn ReadAt>,
        compression: Compression,
        most: usize,
    ) -> Result<Self, TableError> {
        let input = Input::open(Arc::clone(source), compression, 0);
        let mut text = first_bytes(input, most + 1)?;
        let is_whole = text.len() <= most;
        text.truncate(most);
        let mut front = 0;
        if text.starts_with(b"\xef\xbb\xbf") {
            text.drain(..3);
            front = 3;
        }
        Ok(Self {
            text,
            is_whole,
            front,
            compression,
        })
    }
}

/// As many bytes as there are, up to `most`. What a decoder says only later is not asked for.
fn first_bytes(mut input: Input, most: usize) -> Result<Vec<u8>, TableError> {
    let mut bytes = Vec::new();
    let mut piece = vec![0; most.min(64 << 10)];
    while bytes.len() < most {
        match input.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => bytes.extend_from_slice(piece.get(..n).unwrap_or_default()),
            // The rows before it are to be had.
            Err(TableError::Damaged(_)) if !bytes.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(most);
    Ok(bytes)
}

/// What the first bytes of files are whose rows nobody reads.
const NO_ROWS: [(&[u8], &str); 6] = [
    (b"PARE", "its footer is encrypted"),
    (b"PK\x03\x04", "it is a ZIP archive; unpack it first"),
    (b"BZh", "it is compressed with bzip2; decompress it first"),
    (
        b"\xfd7zXZ\0",
        "it is compressed with xz; decompress it first",
    ),
    (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive; unpack it first"),
    (b"Rar!\x1a\x07", "it is a RAR archive; unpack it first"),
];

/// Whether a path's ending is that of a format with rows.
pub fn has_rows(path: &str) -> bool {
    let ending = ending(path);
    ending.text.is_some() || ending.arrow || path.to_ascii_lowercase().ends_with(".parquet")
}
