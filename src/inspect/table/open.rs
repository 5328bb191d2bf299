//! Opening a file as a table: what it is, by its first bytes and its name's ending, and nothing
//! of it is read but its front and a footer.

use std::fmt;
use std::sync::Arc;

use arrow_schema::Schema;

use crate::inspect::arrow;
use crate::inspect::describe::HEAD_BYTES;
use crate::inspect::dialect;
use crate::inspect::dialect::Dialect;
use crate::inspect::dialect::ReadOptions;
use crate::inspect::encoding::TextEncoding;
use crate::inspect::format::Compression;
use crate::inspect::format::FileFormat;
use crate::inspect::format::Format;
use crate::inspect::format::ending;
use crate::inspect::json;
use crate::inspect::json::OnlyList;
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
use crate::inspect::table::no_rows::NAMED_BYTES;
use crate::inspect::table::no_rows::no_rows;
use crate::inspect::table::text::Rows;
use crate::inspect::table::text::TextTable;
use crate::read_at::ReadAt;

/// What is known of a file that is opened.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Its format, where somebody looked before; plain bytes are looked at again.
    pub format: Option<FileFormat>,
    /// A row of a file of lines that is not compressed, and the byte at which it begins.
    pub known: Option<(u64, u64)>,
    /// Where rows begin, from an earlier look at the same file.
    pub index: Option<RowIndex>,
    /// How it is written, as far as somebody said.
    pub reading: ReadOptions,
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
    /// How its fields are written, where it is delimited.
    pub dialect: Option<Dialect>,
    /// The key of the list whose elements are the rows, where that is a member of an object.
    pub list: Option<String>,
    /// How its characters are written, where it is text.
    pub encoding: TextEncoding,
    schema: Known,
}

/// What the schema of a file was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SchemaFrom {
    /// The file says it.
    Metadata,
    /// All of its rows.
    WholeFile,
    /// The rows in as many bytes of text at its front.
    Front(u64),
}

impl fmt::Display for SchemaFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metadata => f.write_str("metadata of the file"),
            Self::WholeFile => f.write_str("whole file"),
            Self::Front(bytes) => write!(f, "first {} MiB", bytes.div_ceil(1 << 20)),
        }
    }
}

/// Where the schema comes from.
enum Known {
    Schema(Schema),
    /// Of a delimited file, and from how much of it.
    Columns(Option<Schema>, SchemaFrom),
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
    let magic = first_bytes(
        Input::open(Arc::clone(&source), Compression::None, 0),
        NAMED_BYTES,
    )?;
    let known = options.format.filter(|f| f.format != Format::Bytes);
    let format = known.map_or_else(|| recognise(&magic, path), Ok)?;
    match format.format {
        Format::Parquet => {
            let (table, schema) = open_parquet(source, options.reading.verify)?;
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
    pub fn schema(&self) -> Option<Schema> {
        let head = match &self.schema {
            Known::Schema(schema) => return Some(schema.clone()),
            Known::Columns(schema, _) => return schema.clone(),
            Known::Head(head) => head,
        };
        match self.format.format {
            Format::Jsonl => json::lines_schema(&head.text, head.is_whole),
            Format::JsonArray => {
                let list = self.list.as_ref();
                let list = list.and_then(|_| json::only_list(&head.text, head.is_whole));
                let at = list.map_or(0, |list| list.at);
                json::array_schema(head.text.get(at..).unwrap_or_default())
            }
            _ => None,
        }
    }

    /// What the schema was made from.
    pub fn schema_from(&self) -> SchemaFrom {
        match &self.schema {
            Known::Schema(_) => SchemaFrom::Metadata,
            Known::Columns(_, from) => *from,
            Known::Head(head) => head.schema_from(),
        }
    }

    fn columnar(table: Arc<dyn Table>, format: FileFormat, schema: Schema) -> Self {
        Self {
            table,
            format,
            index: None,
            dialect: None,
            list: None,
            encoding: TextEncoding::Utf8,
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
    if let Some(what) = no_rows(magic, ending.text.is_some()) {
        return Err(TableError::Unsupported(what.to_owned()));
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

fn open_text(
    source: Arc<dyn ReadAt>,
    format: FileFormat,
    options: OpenOptions,
) -> Result<Opened, TableError> {
    let head = Head::read(&source, format, &options.reading)?;
    if format.compression != Compression::None
        && (head.text.starts_with(parquet::MAGIC) || head.text.starts_with(arrow::FILE_MAGIC))
    {
        let why = "it is a columnar file inside of a compressed one; decompress it first";
        return Err(TableError::Unsupported(why.to_owned()));
    }
    let (rows, inner, list) = rows_in(format.format, &head);
    let columns = match rows {
        Rows::Records => {
            let table = dialect::table(inner, &head.text, head.is_whole, &options.reading);
            Some(table)
        }
        _ => None,
    };
    let shape = match rows {
        Rows::Records => columns.as_ref().map_or(Shape::Text, delimited),
        Rows::Elements | Rows::Values => Shape::Json,
        Rows::Lines if inner == Format::Jsonl => Shape::Json,
        Rows::Lines => Shape::Text,
    };
    let format = FileFormat {
        format: inner,
        compression: format.compression,
    };
    let (encoding, compression) = (head.encoding, format.compression);
    let front = head.front + list.as_ref().map_or(0, |list| list.at as u64);
    let list = list.map(|list| list.key);
    let is_random = compression == Compression::None && encoding == TextEncoding::Utf8;
    let known = (columns, head, list.clone());
    if rows == Rows::Lines && is_random {
        let mut lines = Lines::new(source, shape).with_front(front);
        if let Some((row, offset)) = options.known {
            lines = lines.with_known(row, offset);
        }
        return Ok(Opened::text(Arc::new(lines), format, None, known));
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
        encoding,
        rows,
        is_member: list.is_some(),
        shape,
        front,
        index: index.clone(),
    };
    Ok(Opened::text(Arc::new(table), format, index, known))
}

impl Opened {
    fn text(
        table: Arc<dyn Table>,
        format: FileFormat,
        index: Option<GrowingIndex>,
        (columns, head, list): (Option<dialect::Table>, Head, Option<String>),
    ) -> Self {
        Self {
            table,
            format,
            index,
            dialect: columns.as_ref().map(|c| c.dialect),
            list,
            encoding: head.encoding,
            schema: match columns {
                Some(columns) => Known::Columns(columns.schema, head.schema_from()),
                None => Known::Head(head),
            },
        }
    }
}

/// How rows are written, and the format that the text turns out to be.
fn rows_in(format: Format, head: &Head) -> (Rows, Format, Option<OnlyList>) {
    let (rows, format) = match format {
        Format::Jsonl => (Rows::Lines, Format::Jsonl),
        Format::Csv | Format::Tsv => (Rows::Records, format),
        Format::JsonArray => {
            let mut bytes = head.text.iter().filter(|b| !b.is_ascii_whitespace());
            match bytes.next() {
                Some(b'[') => (Rows::Elements, Format::JsonArray),
                Some(b'{') if json::looks_like_lines(&head.text, head.is_whole) => {
                    (Rows::Lines, Format::Jsonl)
                }
                _ => match json::only_list(&head.text, head.is_whole) {
                    Some(list) => return (Rows::Elements, Format::JsonArray, Some(list)),
                    None => (Rows::Values, Format::Bytes),
                },
            }
        }
        _ => (Rows::Lines, Format::Bytes),
    };
    (rows, format, None)
}

fn delimited(table: &dialect::Table) -> Shape {
    Shape::Delimited(Arc::new(Header {
        names: table.names.clone(),
        separator: table.dialect.separator,
        quote: table.dialect.quote,
        is_in_file: table.dialect.has_header,
    }))
}

/// The beginning of the text, without a byte order mark.
struct Head {
    text: Vec<u8>,
    /// There is no more text than this.
    is_whole: bool,
    front: u64,
    encoding: TextEncoding,
}

impl Head {
    fn read(
        source: &Arc<dyn ReadAt>,
        format: FileFormat,
        options: &ReadOptions,
    ) -> Result<Self, TableError> {
        let bytes = |encoding, most| {
            let written = (format.compression, encoding);
            first_bytes(Input::open_as(Arc::clone(source), written, 0), most)
        };
        let mark = TextEncoding::of_mark(&bytes(TextEncoding::Utf8, MARK_BYTES)?);
        let is_16 = |e| matches!(e, TextEncoding::Utf16Le | TextEncoding::Utf16Be);
        let encoding = match options.encoding {
            // A mark knows better which half of a unit comes first.
            Some(said) if is_16(said) && is_16(mark) => mark,
            Some(said) => said,
            None => mark,
        };
        let head = Self::of(encoding, HEAD_BYTES, bytes)?;
        let is_guess = options.encoding.is_none() && format.format == Format::Bytes;
        // Two bytes are little to tell text by, where the name says nothing.
        let is_text = !head.text.contains(&0) && memchr::memmem::find(&head.text, FFFD).is_none();
        match is_guess && encoding != TextEncoding::Utf8 && !is_text {
            true => Self::of(TextEncoding::Utf8, HEAD_BYTES, bytes),
            false => Ok(head),
        }
    }

    fn of(
        encoding: TextEncoding,
        most: usize,
        bytes: impl Fn(TextEncoding, usize) -> Result<Vec<u8>, TableError>,
    ) -> Result<Self, TableError> {
        let mut text = bytes(encoding, most + MARK_BYTES)?;
        let mut front = 0;
        if text.starts_with(b"\xef\xbb\xbf") {
            text.drain(..3);
            front = 3;
        }
        let is_whole = text.len() <= most;
        text.truncate(most);
        Ok(Self {
            text,
            is_whole,
            front,
            encoding,
        })
    }

    fn schema_from(&self) -> SchemaFrom {
        match self.is_whole {
            true => SchemaFrom::WholeFile,
            false => SchemaFrom::Front(self.text.len() as u64),
        }
    }
}

/// Bytes that tell how a text is written.
const MARK_BYTES: usize = 4;
/// U+FFFD.
const FFFD: &[u8] = b"\xef\xbf\xbd";

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

/// Whether a path's ending is that of a format with rows.
pub fn has_rows(path: &str) -> bool {
    let ending = ending(path);
    ending.text.is_some() || ending.arrow || path.to_ascii_lowercase().ends_with(".parquet")
}
