//! Opening a file as a table: what it is, by its first bytes and its name's ending, and nothing
//! of it is read but its front and a footer.

use std::fmt;
use std::sync::Arc;

use arrow_schema::Schema;

use crate::inspect::dialect;
use crate::inspect::dialect::Dialect;
use crate::inspect::dialect::ReadOptions;
use crate::inspect::format::arrow_header;
use crate::inspect::format::describe::HEAD_BYTES;
use crate::inspect::format::detect::Compression;
use crate::inspect::format::detect::FileFormat;
use crate::inspect::format::detect::Format;
use crate::inspect::format::detect::ending;
use crate::inspect::format::encoding::TextEncoding;
use crate::inspect::format::json_rows;
use crate::inspect::format::json_rows::OnlyList;
use crate::inspect::format::parquet_footer;
use crate::inspect::json::columns::JsonColumns;
use crate::inspect::json::columns::Orient;
use crate::inspect::json::columns::may_be_columns;
use crate::inspect::table::GrowingIndex;
use crate::inspect::table::Header;
use crate::inspect::table::Lines;
use crate::inspect::table::RowIndex;
use crate::inspect::table::RowKind;
use crate::inspect::table::Shape;
use crate::inspect::table::TEXT_COLUMN;
use crate::inspect::table::Table;
use crate::inspect::table::TableError;
use crate::inspect::table::columnar::open_arrow;
use crate::inspect::table::columnar::open_parquet;
use crate::inspect::table::head::Head;
use crate::inspect::table::head::first_bytes;
use crate::inspect::table::input::Input;
use crate::inspect::table::no_rows::NAMED_BYTES;
use crate::inspect::table::no_rows::no_rows;
use crate::inspect::table::rows::names::repeated_names;
use crate::inspect::table::text::by_columns::ByColumns;
use crate::inspect::table::text::table::Rows;
use crate::inspect::table::text::table::TextTable;
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
    /// How its columns are written, where it is JSON that is written by columns.
    pub orient: Option<Orient>,
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
    /// Of a delimited file or one written by columns, and from how much of it.
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
    ///
    /// Names of the columns of delimited text are those of its header.
    pub fn schema(&self) -> Option<Schema> {
        let head = match &self.schema {
            Known::Schema(schema) => return Some(schema.clone()),
            Known::Columns(schema, _) => return schema.clone(),
            Known::Head(head) => head,
        };
        match self.format.format {
            Format::Jsonl => json_rows::lines_schema(&head.text, head.is_whole),
            Format::JsonArray => {
                let list = self.list.as_ref();
                let list = list.and_then(|_| json_rows::only_list(&head.text, head.is_whole));
                let at = list.map_or(0, |list| list.at);
                json_rows::array_schema(head.text.get(at..).unwrap_or_default())
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

    /// Names of the columns that the file says it has: in a header, or in a schema of its own.
    pub fn column_names(&self) -> Vec<String> {
        match (self.table.columnar(), self.table.shape()) {
            (Some(columnar), _) => {
                let fields = columnar.schema.fields().iter();
                fields.map(|field| field.name().clone()).collect()
            }
            (None, Shape::Delimited(header)) => header.names.clone(),
            (None, Shape::Text) => vec![TEXT_COLUMN.to_owned()],
            (None, Shape::Json) => Vec::new(),
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
            dialect: None,
            list: None,
            orient: None,
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
    if magic.starts_with(parquet_footer::MAGIC) {
        return plain(Format::Parquet);
    }
    if magic.starts_with(arrow_header::FILE_MAGIC) {
        return plain(Format::ArrowFile);
    }
    if magic.starts_with(&arrow_header::CONTINUATION) || (ending.arrow && !magic.is_empty()) {
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

/// What a file without a name is, by its first bytes: columnar, JSON, or records, where the first
/// lines have the same number of a separator. None for plain text.
///
/// # Errors
/// As [`open_table`].
pub fn sniff(source: &Arc<dyn ReadAt>) -> Result<Option<FileFormat>, TableError> {
    let magic = first_bytes(
        Input::open(Arc::clone(source), Compression::None, 0),
        NAMED_BYTES,
    )?;
    let found = recognise(&magic, "")?;
    if found.format != Format::Bytes {
        return Ok(Some(found));
    }
    let head = Head::read(source, found, &ReadOptions::default(), HEAD_BYTES)?;
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
    let mut head = Head::read(&source, format, &options.reading, HEAD_BYTES)?;
    if format.compression != Compression::None
        && (head.text.starts_with(parquet_footer::MAGIC)
            || head.text.starts_with(arrow_header::FILE_MAGIC))
    {
        let why = "it is a columnar file inside of a compressed one; decompress it first";
        return Err(TableError::Unsupported(why.to_owned()));
    }
    let (rows, inner, list) = rows_in(format.format, &head);
    if rows == Rows::Values
        && format.format == Format::JsonArray
        && may_be_columns(&head.text, head.is_whole)
        && let Some(opened) = by_columns(&source, format, &options.reading)?
    {
        return Ok(opened);
    }
    let columns = match rows {
        Rows::Records => {
            let found = FileFormat {
                format: inner,
                compression: format.compression,
            };
            let (table, longer) = columns_of(found, head, &source, &options.reading)?;
            head = longer;
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

/// The table of a file that is written by columns; `None` where it turns out not to be.
fn by_columns(
    source: &Arc<dyn ReadAt>,
    format: FileFormat,
    reading: &ReadOptions,
) -> Result<Option<Opened>, TableError> {
    let whole = Head::read(source, format, reading, ROW_BYTES_MAX)?;
    if !whole.is_whole {
        return Err(TableError::Limit(format!(
            "it is one JSON object of columns with more than {ROW_BYTES_MAX} bytes (`row_bytes_max`); write it as JSON Lines"
        )));
    }
    let Some(columns) = JsonColumns::read(&whole.text) else {
        return Ok(None);
    };
    let (schema, from) = columns.schema(&whole.text);
    let orient = columns.orient;
    let table = ByColumns {
        text: whole.text,
        columns,
        size: source.len(),
    };
    Ok(Some(Opened {
        table: Arc::new(table),
        format: FileFormat {
            format: Format::JsonArray,
            compression: format.compression,
        },
        index: None,
        dialect: None,
        list: None,
        orient: Some(orient),
        encoding: whole.encoding,
        schema: Known::Columns(schema, from),
    }))
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
            orient: None,
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
                Some(b'{') if json_rows::looks_like_lines(&head.text, head.is_whole) => {
                    (Rows::Lines, Format::Jsonl)
                }
                _ => match json_rows::only_list(&head.text, head.is_whole) {
                    Some(list) => return (Rows::Elements, Format::JsonArray, Some(list)),
                    None => (Rows::Values, Format::Bytes),
                },
            }
        }
        _ => (Rows::Lines, Format::Bytes),
    };
    (rows, format, None)
}

/// What is decided of a delimited file. More is read where the first record is longer than the front.
fn columns_of(
    format: FileFormat,
    mut head: Head,
    source: &Arc<dyn ReadAt>,
    reading: &ReadOptions,
) -> Result<(dialect::Table, Head), TableError> {
    let mut most = HEAD_BYTES;
    loop {
        let table = dialect::table(format.format, &head.text, head.is_whole, reading);
        if head.is_whole || !table.names.is_empty() {
            return Ok((table, head));
        }
        if most >= ROW_BYTES_MAX {
            return Err(TableError::Limit(format!(
                "its first record has more than {ROW_BYTES_MAX} bytes (`row_bytes_max`)"
            )));
        }
        most = (most * 8).min(ROW_BYTES_MAX);
        head = Head::read(source, format, reading, most)?;
    }
}

fn delimited(table: &dialect::Table) -> Shape {
    Shape::Delimited(Arc::new(Header {
        repeated: repeated_names(&table.names),
        names: unique_names(table.names.iter().cloned()),
        separator: table.dialect.separator,
        quote: table.dialect.quote,
        is_in_file: table.dialect.has_header,
    }))
}

/// Whether a path's ending is that of a format with rows.
pub fn has_rows(path: &str) -> bool {
    let ending = ending(path);
    ending.text.is_some() || ending.arrow || path.to_ascii_lowercase().ends_with(".parquet")
}
