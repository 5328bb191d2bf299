//! Arrow IPC files and streams as tables. Messages are decoded one after the other, since
//! dictionaries come in between; their rows are rendered by all threads.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use arrow_array::ArrayRef;
use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::read_dictionary;
use arrow_ipc::reader::read_record_batch;
use arrow_ipc::root_as_footer;
use arrow_ipc::root_as_message;
use arrow_schema::ArrowError;
use arrow_schema::Schema;

use crate::inspect::format::arrow_header::CONTINUATION;
use crate::inspect::format::arrow_header::FILE_MAGIC;
use crate::inspect::format::arrow_header::limited;
use crate::inspect::format::arrow_header::message_at;
use crate::inspect::format::parquet_footer::exactly;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Columnar;
use crate::inspect::table::Decoded;
use crate::inspect::table::Next;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::StoredColumn;
use crate::inspect::table::Table;
use crate::inspect::table::TableError;
use crate::inspect::table::UnreadColumn;
use crate::inspect::table::columnar::RowsBatch;
use crate::inspect::table::columnar::arrow_buffers::Header;
use crate::inspect::table::columnar::arrow_buffers::look_at_buffers;
use crate::inspect::table::columnar::arrow_buffers::too_long;
use crate::inspect::table::columnar::arrow_buffers::unpacked;
use crate::inspect::table::columnar::batch_rows;
use crate::inspect::table::columnar::guarded;
use crate::inspect::table::columnar::names::repeated_fields;
use crate::inspect::table::columnar::names::unique_fields;
use crate::inspect::table::columnar::render::check;
use crate::inspect::table::columnar::render::with_utc;
use crate::inspect::table::rows::stored::stored_columns;
use crate::read_at::ReadAt;
use crate::wire::limits::ARROW_BODY_BYTES_MAX;

/// Messages that are looked at when a stream is opened, to count its rows.
const MESSAGES_COUNTED: usize = 4096;

/// Opens an Arrow IPC file, or a stream; with it comes the schema.
pub(in crate::inspect::table) fn open_arrow(
    source: Arc<dyn ReadAt>,
    is_file: bool,
) -> Result<(Arc<dyn Table>, Schema), TableError> {
    let (schema, messages) = match is_file {
        true => guarded(|| file(&*source))?,
        false => guarded(|| stream(&*source))?,
    };
    let repeated = repeated_fields(&schema.fields);
    let schema = Schema::new_with_metadata(unique_fields(&schema.fields), schema.metadata);
    let shown = Schema::new(with_utc(&schema.fields));
    let readable = readable(&shown)?;
    let fields = shown.fields().iter().enumerate();
    let unread = fields.filter(|(n, _)| !readable.contains(n));
    let unread = unread.map(|(_, field)| UnreadColumn {
        name: field.name().clone(),
        kind: field.data_type().to_string(),
    });
    let unread: Vec<UnreadColumn> = unread.collect();
    let mut table = ArrowTable {
        stored: stored_columns(&schema.fields),
        source,
        schema: Arc::new(shown),
        full: Arc::new(schema.clone()),
        columnar: Columnar {
            schema: Arc::new(guarded(|| schema.project(&readable))?),
            metadata: Vec::new(),
            repeated,
            unread,
        },
        readable,
        messages,
        rows: None,
    };
    table.rows = table.count()?;
    Ok((Arc::new(table), schema))
}

/// Columns that can be shown, by number. One that cannot, such as a union, is left out of the rows.
fn readable(schema: &Schema) -> Result<Vec<usize>, TableError> {
    if check(schema).is_ok() {
        return Ok((0..schema.fields().len()).collect());
    }
    let (mut readable, mut last) = (Vec::new(), None);
    for (n, field) in schema.fields().iter().enumerate() {
        match check(&Schema::new(vec![Arc::clone(field)])) {
            Ok(()) => readable.push(n),
            Err(error) => last = Some(error),
        }
    }
    match (readable.is_empty(), last) {
        (true, Some(_)) => Err(TableError::Unsupported(
            "none of its columns has a type that is read".to_owned(),
        )),
        _ => Ok(readable),
    }
}

/// Where messages are.
enum Messages {
    /// At these places.
    At(Vec<u64>),
    /// One behind the other from here.
    From(u64),
}

fn file(source: &dyn ReadAt) -> Result<(Schema, Messages), ArrowError> {
    let bad = || ArrowError::ParseError("it does not end as an Arrow file".to_owned());
    let end = source.len().checked_sub(10).ok_or_else(bad)?;
    let tail = exactly(source, end, 10).ok_or_else(bad)?;
    let (length, magic) = tail.split_first_chunk::<4>().ok_or_else(bad)?;
    let length = u64::try_from(i32::from_le_bytes(*length)).map_err(|_| bad())?;
    if magic != FILE_MAGIC || length > end {
        return Err(bad());
    }
    let bytes = limited(source, end - length, length).ok_or_else(bad)?;
    let footer = root_as_footer(&bytes).map_err(|e| ArrowError::ParseError(e.to_string()))?;
    let schema = schema_of(footer.schema().ok_or_else(bad)?)?;
    let dictionaries = footer.dictionaries().into_iter().flatten();
    let batches = footer.recordBatches().into_iter().flatten();
    let places = dictionaries.chain(batches).map(|block| block.offset());
    let places: Result<Vec<u64>, _> = places.map(u64::try_from).collect();
    Ok((schema, Messages::At(places.map_err(|_| bad())?)))
}

fn stream(source: &dyn ReadAt) -> Result<(Schema, Messages), ArrowError> {
    let bad = || ArrowError::ParseError("it does not begin with a schema".to_owned());
    let (first, next) = message_at(source, 0).ok_or_else(bad)?;
    let first = root_as_message(&first).map_err(|_| bad())?;
    let schema = schema_of(first.header_as_schema().ok_or_else(bad)?)?;
    let body = u64::try_from(first.bodyLength()).map_err(|_| bad())?;
    let next = next.checked_add(body).ok_or_else(bad)?;
    Ok((schema, Messages::From(next)))
}

/// The library takes numbers of the other order for what they are not.
fn schema_of(schema: arrow_ipc::Schema<'_>) -> Result<Schema, ArrowError> {
    if schema.endianness() != arrow_ipc::Endianness::Little {
        let why = "its numbers are big-endian, which is not read";
        return Err(ArrowError::NotYetImplemented(why.to_owned()));
    }
    try_fb_to_schema(schema)
}

struct ArrowTable {
    source: Arc<dyn ReadAt>,
    /// With instants in UTC, as rows are shown.
    schema: Arc<Schema>,
    /// As the file says.
    full: Arc<Schema>,
    /// What the file says of the columns that can be shown.
    columnar: Columnar,
    /// What strings of rows stand for.
    stored: Arc<[StoredColumn]>,
    /// Their numbers.
    readable: Vec<usize>,
    messages: Messages,
    rows: Option<u64>,
}

/// A place among the messages.
#[derive(Clone, Copy)]
enum Cursor {
    Number(usize),
    Offset(u64),
}

impl ArrowTable {
    fn front(&self) -> Cursor {
        match self.messages {
            Messages::At(_) => Cursor::Number(0),
            Messages::From(at) => Cursor::Offset(at),
        }
    }

    /// The next message; `None` behind the last.
    fn message(&self, cursor: &mut Cursor) -> Result<Option<Header>, TableError> {
        let at = match (&self.messages, &*cursor) {
            (Messages::At(places), Cursor::Number(n)) => match places.get(*n) {
                Some(at) => *at,
                None => return Ok(None),
            },
            (_, Cursor::Offset(at)) if self.is_end(*at) => return Ok(None),
            (_, Cursor::Offset(at)) => *at,
            _ => return Ok(None),
        };
        let damaged = || TableError::Damaged(format!("no message at byte {at}"));
        let (bytes, body_at) = message_at(&*self.source, at).ok_or_else(damaged)?;
        let body_bytes = root_as_message(&bytes).map_err(|_| damaged())?.bodyLength();
        let body_bytes = u64::try_from(body_bytes).map_err(|_| damaged())?;
        let end = body_at.checked_add(body_bytes);
        let end = end.filter(|end| *end <= self.source.len());
        let end = end.ok_or_else(damaged)?;
        *cursor = match cursor {
            Cursor::Number(n) => Cursor::Number(*n + 1),
            Cursor::Offset(_) => Cursor::Offset(end),
        };
        Ok(Some(Header {
            bytes,
            body_at,
            body_bytes,
        }))
    }

    /// A stream ends with an empty message, or just ends.
    fn is_end(&self, at: u64) -> bool {
        let length = |at| {
            exactly(&*self.source, at, 4)
                .filter(|n| *n == [0; 4])
                .is_some()
        };
        if at >= self.source.len() || length(at) {
            return true;
        }
        let first = exactly(&*self.source, at, 4);
        first.is_some_and(|first| first == CONTINUATION) && length(at + 4)
    }

    /// Its rows, where there are not too many messages to look at; a damaged one is for those who
    /// read it.
    fn count(&self) -> Result<Option<u64>, TableError> {
        let (mut cursor, mut rows) = (self.front(), 0_u64);
        for _ in 0..MESSAGES_COUNTED {
            match self.message(&mut cursor) {
                Ok(Some(header)) => {
                    let more = guarded(|| header.rows())?.unwrap_or_default();
                    let Some(sum) = rows.checked_add(more) else {
                        return Ok(None);
                    };
                    rows = sum;
                }
                Ok(None) => return Ok(Some(rows)),
                Err(TableError::Damaged(_)) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn projection(&self, columns: &[String]) -> Option<Vec<usize>> {
        let is_wanted = |name: &str| {
            columns.iter().any(|path| {
                let rest = path.strip_prefix(name);
                rest.is_some_and(|rest| {
                    rest.is_empty() || rest.starts_with('.') || rest.starts_with("[]")
                })
            })
        };
        let fields = self.schema.fields();
        let is_all = columns.is_empty() && self.readable.len() == fields.len();
        let named = |n: &usize| {
            let field = fields.get(*n);
            columns.is_empty() || field.is_some_and(|field| is_wanted(field.name()))
        };
        (!is_all).then(|| self.readable.iter().copied().filter(named).collect())
    }
}

impl Table for ArrowTable {
    fn shape(&self) -> &Shape {
        &Shape::Json
    }

    fn columnar(&self) -> Option<&Columnar> {
        Some(&self.columnar)
    }

    fn rows(&self) -> Option<u64> {
        self.rows
    }

    fn batches(self: Arc<Self>, selection: &Selection) -> Result<Arc<dyn Batches>, TableError> {
        Ok(Arc::new(ArrowBatches {
            projection: self.projection(&selection.columns),
            schema: match selection.decoded {
                Decoded::No | Decoded::Shown => Arc::clone(&self.schema),
                Decoded::Beside | Decoded::Alone => Arc::clone(&self.full),
            },
            nan: selection.nan,
            decoded: selection.decoded,
            state: Mutex::new(State {
                cursor: self.front(),
                dictionaries: HashMap::new(),
                current: None,
                skip: selection.from,
                batches: 0,
                has_failed: false,
            }),
            table: self,
        }))
    }
}

struct ArrowBatches {
    table: Arc<ArrowTable>,
    projection: Option<Vec<usize>>,
    /// Of the rows as they are decoded.
    schema: Arc<Schema>,
    nan: bool,
    decoded: Decoded,
    state: Mutex<State>,
}

struct State {
    cursor: Cursor,
    dictionaries: HashMap<i64, ArrayRef>,
    current: Option<Current>,
    skip: u64,
    batches: u64,
    has_failed: bool,
}

/// A decoded message, of which rows are handed out.
#[derive(Clone)]
struct Current {
    rows: RecordBatch,
    at: usize,
    batch_rows: usize,
    body_bytes: u64,
}

impl Batches for ArrowBatches {
    fn next(&self, batch: &mut Batch) -> Result<Next, TableError> {
        let (rows, bytes, number) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.has_failed {
                return Ok(Next::End(state.batches));
            }
            match self.take(&mut state) {
                Ok(Some((rows, bytes))) => {
                    state.batches += 1;
                    (rows, bytes, state.batches - 1)
                }
                Ok(None) => return Ok(Next::End(state.batches)),
                Err(error) => {
                    state.has_failed = true;
                    return Err(error);
                }
            }
        };
        let options = RowsBatch {
            stored: &self.table.stored,
            bytes_read: bytes,
            nan: self.nan,
            decoded: self.decoded,
        };
        options.fill(batch, rows)?;
        Ok(Next::Batch(number))
    }
}

impl ArrowBatches {
    fn take(&self, state: &mut State) -> Result<Option<(RecordBatch, u64)>, TableError> {
        loop {
            if let Some(current) = &mut state.current {
                let left = current.rows.num_rows() - current.at;
                let n = left.min(current.batch_rows);
                if n > 0 {
                    let rows = current.rows.slice(current.at, n);
                    current.at += n;
                    let all = current.rows.num_rows() as u64;
                    let bytes = u128::from(current.body_bytes) * n as u128 / u128::from(all);
                    return Ok(Some((rows, u64::try_from(bytes).unwrap_or_default())));
                }
                state.current = None;
            }
            let Some(header) = self.table.message(&mut state.cursor)? else {
                return Ok(None);
            };
            self.see(state, &header)?;
        }
    }

    /// Takes in what a message brings.
    fn see(&self, state: &mut State, header: &Header) -> Result<(), TableError> {
        let rows = guarded(|| header.rows())?;
        if let Some(rows) = rows.filter(|rows| *rows <= state.skip) {
            state.skip -= rows;
            return Ok(());
        }
        let length = usize::try_from(header.body_bytes).unwrap_or(usize::MAX);
        if length > ARROW_BODY_BYTES_MAX {
            return Err(too_long());
        }
        let body = exactly(&*self.table.source, header.body_at, length);
        let body = body.ok_or(TableError::Shrunk)?;
        let plain = match look_at_buffers(header, &body)? {
            true => Some(unpacked(header, &body)?),
            false => None,
        };
        let (unpacked, body) = match plain {
            Some((header, body)) => (Some(header), body),
            None => (None, body),
        };
        let header = unpacked.as_ref().unwrap_or(header);
        let (body, schema) = (Buffer::from_vec(body), &self.schema);
        let decoded = guarded(|| {
            let message = header.message()?;
            if let Some(batch) = message.header_as_dictionary_batch() {
                let known = &mut state.dictionaries;
                read_dictionary(&body, batch, schema, known, &message.version())?;
                return Ok::<_, ArrowError>(None);
            }
            let Some(batch) = message.header_as_record_batch() else {
                return Ok(None);
            };
            let schema = Arc::clone(schema);
            let (known, columns) = (&state.dictionaries, self.projection.as_deref());
            read_record_batch(&body, batch, schema, known, columns, &message.version()).map(Some)
        })?;
        let Some(rows) = decoded else { return Ok(()) };
        let skipped = usize::try_from(state.skip).unwrap_or(usize::MAX);
        state.skip = 0;
        let count = rows.num_rows() as u64;
        let batch_rows = batch_rows(header.body_bytes, count);
        state.current = Some(Current {
            at: skipped.min(rows.num_rows()),
            rows,
            batch_rows: usize::try_from(batch_rows).unwrap_or(1),
            body_bytes: header.body_bytes,
        });
        Ok(())
    }
}
