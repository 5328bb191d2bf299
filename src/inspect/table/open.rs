//! Opening a file as a table. The first bytes and the file name extension decide its format; only
//! the front and a footer are read.

use std::sync::Arc;

use arrow_schema::Schema;

use crate::inspect::dialect;
use crate::inspect::dialect::Dialect;
use crate::inspect::dialect::ReadOptions;
use crate::inspect::format::arrow_header;
use crate::inspect::format::detect::Compression;
use crate::inspect::format::detect::FileFormat;
use crate::inspect::format::detect::Format;
use crate::inspect::format::detect::ending;
use crate::inspect::format::encoding::TextEncoding;
use crate::inspect::format::json_rows;
use crate::inspect::format::json_rows::OnlyList;
use crate::inspect::format::parquet_footer;
use crate::inspect::format::schema::HEAD_BYTES;
use crate::inspect::json::columns::JsonColumns;
use crate::inspect::json::columns::Orient;
use crate::inspect::json::columns::may_be_columns;
use crate::inspect::table::GrowingIndex;
use crate::inspect::table::Header;
use crate::inspect::table::LineTable;
use crate::inspect::table::RowIndex;
use crate::inspect::table::RowKind;
use crate::inspect::table::SchemaFrom;
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
use crate::inspect::table::text::by_columns::ColumnarJson;
use crate::inspect::table::text::table::RowLayout;
use crate::inspect::table::text::table::TextTable;
use crate::inspect::table::unique_names;
use crate::read_at::ReadAt;
use crate::wire::limits::ROW_BYTES_MAX;

/// Options of opening a file.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct OpenOptions {
    /// Format, if known; plain bytes are detected again.
    pub format: Option<FileFormat>,
    /// Number and offset of one row, for an uncompressed file of lines.
    pub known: Option<(u64, u64)>,
    /// Row index from an earlier read of the same file.
    pub index: Option<RowIndex>,
    /// Reading options of the caller.
    pub reading: ReadOptions,
}

/// An open file with its rows.
pub struct Opened {
    /// The rows.
    pub table: Arc<dyn Table>,
    /// Format of the rows. It is plain bytes for text without a known format, and for a `.json`
    /// file that is neither an array nor lines. Rows of such a file are its JSON values, mostly
    /// one.
    pub format: FileFormat,
    /// Row index, for formats read from the front; it grows during reading.
    pub index: Option<GrowingIndex>,
    /// Dialect of a delimited file.
    pub dialect: Option<Dialect>,
    /// Key of the list whose elements are the rows, if it is a member of an object.
    pub list: Option<String>,
    /// Layout of column-oriented JSON.
    pub orient: Option<Orient>,
    /// Encoding of a text file.
    pub encoding: TextEncoding,
    schema: SchemaSource,
}

/// Source of the schema.
enum SchemaSource {
    Schema(Schema),
    /// Columns of a delimited or column-oriented file, with the origin of their types.
    Columns(Option<Schema>, SchemaFrom),
    Head(Head),
}

/// Opens a file. Only the extension of `path` counts.
///
/// # Errors
/// [`TableError::Unsupported`] for a file without readable rows, [`TableError::Damaged`] for a
/// damaged footer, and errors of the source.
pub fn open_table(
    source: Arc<dyn ReadAt>,
    path: &str,
    options: OpenOptions,
) -> Result<Opened, TableError> {
    let known = options.format.filter(|f| f.format != Format::Bytes);
    let format = match known {
        Some(format) => format,
        None => {
            let front = Input::open(Arc::clone(&source), Compression::None, 0);
            detect_format(&first_bytes(front, NAMED_BYTES)?, path)?
        }
    };
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
    /// Returns the schema of the rows: the declared one, or one inferred from values at the front.
    ///
    /// The columns of delimited text are named by its header.
    pub fn schema(&self) -> Option<Schema> {
        let head = match &self.schema {
            SchemaSource::Schema(schema) => return Some(schema.clone()),
            SchemaSource::Columns(schema, _) => return schema.clone(),
            SchemaSource::Head(head) => head,
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

    /// Origin of the schema.
    pub fn schema_from(&self) -> SchemaFrom {
        match &self.schema {
            SchemaSource::Schema(_) => SchemaFrom::Metadata,
            SchemaSource::Columns(_, from) => *from,
            SchemaSource::Head(head) => head.schema_from(),
        }
    }

    /// Names of the declared columns: from a header or a declared schema.
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

    /// Names that the file uses twice; the columns got unique ones.
    pub fn repeated_names(&self) -> Vec<String> {
        match (self.table.columnar(), self.table.shape()) {
            (Some(columnar), _) => columnar.repeated.clone(),
            (None, Shape::Delimited(header)) => header.repeated.clone(),
            (None, Shape::Json | Shape::Text) => Vec::new(),
        }
    }

    /// The number of columns, and the larger number of fields of a record at the beginning of the file.
    pub fn wider_records(&self) -> Option<(usize, usize)> {
        match self.table.shape() {
            Shape::Delimited(header) if header.widest > header.names.len() => {
                Some((header.names.len(), header.widest))
            }
            _ => None,
        }
    }

    /// Names of columns that are not UTF-8 in the file, as they are shown.
    pub fn names_not_utf8(&self) -> &[String] {
        match self.table.shape() {
            Shape::Delimited(header) => &header.not_utf8,
            Shape::Json | Shape::Text => &[],
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
            schema: SchemaSource::Schema(schema),
        }
    }
}

/// Detects the format from the first bytes and the extension. Text is plain bytes unless the
/// extension names a format.
fn detect_format(magic: &[u8], path: &str) -> Result<FileFormat, TableError> {
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

/// Returns true for a Zstandard skippable frame (RFC 8878, 3.1.2).
fn is_skippable(magic: &[u8]) -> bool {
    matches!(magic, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Detects the format of a file without a name: columnar, JSON, or records whose first lines have
/// equal numbers of a separator. Returns `None` for plain text.
///
/// # Errors
/// As [`open_table`].
pub fn sniff(source: &Arc<dyn ReadAt>) -> Result<Option<FileFormat>, TableError> {
    let magic = first_bytes(
        Input::open(Arc::clone(source), Compression::None, 0),
        NAMED_BYTES,
    )?;
    let found = detect_format(&magic, "")?;
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

/// Number of lines compared.
const SNIFFED_LINES: usize = 64;

fn is_records(head: &Head) -> bool {
    let lines = head.text.split(|b| *b == b'\n').take(SNIFFED_LINES);
    let mut lines: Vec<&[u8]> = lines.collect();
    // The last line may be incomplete, or empty after a newline.
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
    if rows == RowLayout::Values
        && format.format == Format::JsonArray
        && may_be_columns(&head.text, head.is_whole)
        && let Some(opened) = by_columns(&source, format, &options.reading)?
    {
        return Ok(opened);
    }
    let columns = match rows {
        RowLayout::Records => {
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
        RowLayout::Records => columns.as_ref().map_or(Shape::Text, delimited),
        RowLayout::Elements | RowLayout::Values => Shape::Json,
        RowLayout::Lines if inner == Format::Jsonl => Shape::Json,
        RowLayout::Lines => Shape::Text,
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
    if rows == RowLayout::Lines && is_random {
        let mut lines = LineTable::new(source, shape).with_front(front);
        if let Some((row, offset)) = options.known {
            lines = lines.with_known(row, offset);
        }
        return Ok(Opened::text(Arc::new(lines), format, None, known));
    }
    let kind = match rows {
        RowLayout::Lines => None,
        RowLayout::Elements => Some(RowKind::Elements),
        RowLayout::Records => Some(RowKind::Records),
        RowLayout::Values => Some(RowKind::Values),
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

/// Opens column-oriented JSON; `None` if the file is something else.
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
    let table = ColumnarJson {
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
        schema: SchemaSource::Columns(schema, from),
    }))
}

impl Opened {
    fn text(
        table: Arc<dyn Table>,
        format: FileFormat,
        index: Option<GrowingIndex>,
        (columns, head, list): (Option<dialect::DelimitedTable>, Head, Option<String>),
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
                Some(columns) => SchemaSource::Columns(columns.schema, head.schema_from()),
                None => SchemaSource::Head(head),
            },
        }
    }
}

/// Decides the layout of the rows, and the actual format of the text.
fn rows_in(format: Format, head: &Head) -> (RowLayout, Format, Option<OnlyList>) {
    let (rows, format) = match format {
        Format::Jsonl => (RowLayout::Lines, Format::Jsonl),
        Format::Csv | Format::Tsv => (RowLayout::Records, format),
        Format::JsonArray => {
            let mut bytes = head.text.iter().filter(|b| !b.is_ascii_whitespace());
            match bytes.next() {
                Some(b'[') => (RowLayout::Elements, Format::JsonArray),
                Some(b'{') if json_rows::looks_like_lines(&head.text, head.is_whole) => {
                    (RowLayout::Lines, Format::Jsonl)
                }
                _ => match json_rows::only_list(&head.text, head.is_whole) {
                    Some(list) => return (RowLayout::Elements, Format::JsonArray, Some(list)),
                    None => (RowLayout::Values, Format::Bytes),
                },
            }
        }
        _ => (RowLayout::Lines, Format::Bytes),
    };
    (rows, format, None)
}

/// Decides the dialect and columns of a delimited file. Reads more if the first record is longer
/// than the head.
fn columns_of(
    format: FileFormat,
    mut head: Head,
    source: &Arc<dyn ReadAt>,
    reading: &ReadOptions,
) -> Result<(dialect::DelimitedTable, Head), TableError> {
    let mut most = HEAD_BYTES;
    loop {
        let table = dialect::detect_table(format.format, &head.text, head.is_whole, reading);
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

fn delimited(table: &dialect::DelimitedTable) -> Shape {
    Shape::Delimited(Arc::new(Header {
        repeated: repeated_names(&table.names),
        not_utf8: table.not_utf8.clone(),
        widest: table.widest,
        names: unique_names(table.names.iter().cloned()),
        separator: table.dialect.separator,
        quote: table.dialect.quote,
        is_in_file: table.dialect.has_header,
    }))
}

/// Returns true if a path's extension is that of a format with rows.
pub fn has_rows(path: &str) -> bool {
    let ending = ending(path);
    ending.text.is_some() || ending.arrow || path.to_ascii_lowercase().ends_with(".parquet")
}
