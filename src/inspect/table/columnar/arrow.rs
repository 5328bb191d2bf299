//! Arrow IPC files and streams as tables. Messages are decoded one after the other, since
//! dictionaries come in between; their rows are rendered by all threads.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use arrow_array::ArrayRef;
use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::CompressionType;
use arrow_ipc::Message;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::read_dictionary;
use arrow_ipc::reader::read_record_batch;
use arrow_ipc::root_as_footer;
use arrow_ipc::root_as_message;
use arrow_schema::ArrowError;
use arrow_schema::Schema;

use crate::inspect::arrow::CONTINUATION;
use crate::inspect::arrow::FILE_MAGIC;
use crate::inspect::arrow::limited;
use crate::inspect::arrow::message_at;
use crate::inspect::parquet::exactly;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Columnar;
use crate::inspect::table::Decoded;
use crate::inspect::table::Next;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::Table;
use crate::inspect::table::TableError;
use crate::inspect::table::columnar::RowsBatch;
use crate::inspect::table::columnar::batch_rows;
use crate::inspect::table::columnar::guarded;
use crate::inspect::table::columnar::names::repeated_fields;
use crate::inspect::table::columnar::names::unique_fields;
use crate::inspect::table::columnar::render::check;
use crate::inspect::table::columnar::render::with_utc;
use crate::read_at::ReadAt;
use crate::wire::limits::ARROW_BODY_BYTES_MAX;

/// Messages that are looked at when a stream is opened, to count its rows.
const MESSAGES_COUNTED: usize = 4096;
/// What a buffer under compression says where it is not compressed after all.
const NOT_COMPRESSED: i64 = -1;

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
    check(&shown)?;
    let mut table = ArrowTable {
        source,
        schema: Arc::new(shown),
        columnar: Columnar {
            schema: Arc::new(schema.clone()),
            metadata: Vec::new(),
            repeated,
        },
        messages,
        rows: None,
    };
    table.rows = table.count()?;
    Ok((Arc::new(table), schema))
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
    columnar: Columnar,
    messages: Messages,
    rows: Option<u64>,
}

/// A place among the messages.
#[derive(Clone, Copy)]
enum Cursor {
    Number(usize),
    Offset(u64),
}

/// A message without its body.
struct Header {
    bytes: Vec<u8>,
    body_at: u64,
    body_bytes: u64,
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
        let fields = self.schema.fields().iter().enumerate();
        let wanted = fields.filter(|(_, field)| is_wanted(field.name()));
        (!columns.is_empty()).then(|| wanted.map(|(n, _)| n).collect())
    }
}

impl Header {
    fn message(&self) -> Result<Message<'_>, ArrowError> {
        root_as_message(&self.bytes).map_err(|e| ArrowError::ParseError(e.to_string()))
    }

    /// Rows of a batch; `None` for other messages.
    fn rows(&self) -> Result<Option<u64>, ArrowError> {
        let batch = self.message()?.header_as_record_batch();
        let rows = batch.map(|batch| u64::try_from(batch.length())).transpose();
        rows.map_err(|_| ArrowError::ParseError("it has less than no rows".to_owned()))
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
                Decoded::No => Arc::clone(&self.schema),
                Decoded::Beside | Decoded::Alone => Arc::clone(&self.columnar.schema),
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
        look_at_buffers(header, &body)?;
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

fn too_long() -> TableError {
    TableError::Limit(format!(
        "a message has more than {ARROW_BODY_BYTES_MAX} bytes (`arrow_body_bytes_max`)"
    ))
}

/// Looks at the lengths that compressed buffers claim, before a library allocates them.
fn look_at_buffers(header: &Header, body: &[u8]) -> Result<(), TableError> {
    let claims = guarded(|| {
        let message = header.message()?;
        let dictionary = message.header_as_dictionary_batch().and_then(|d| d.data());
        let Some(batch) = message.header_as_record_batch().or(dictionary) else {
            return Ok((None, 0));
        };
        let Some(compression) = batch.compression() else {
            return Ok((None, 0));
        };
        let mut sum = 0_u64;
        for buffer in batch.buffers().into_iter().flatten() {
            let at = usize::try_from(buffer.offset()).ok();
            let rest = at.and_then(|at| body.get(at..)).unwrap_or_default();
            let Some((claim, _)) = rest.split_first_chunk::<8>() else {
                continue;
            };
            let claim = i64::from_le_bytes(*claim);
            if claim == NOT_COMPRESSED || buffer.length() == 0 {
                continue;
            }
            let claim = u64::try_from(claim);
            let claim = claim.map_err(|_| ArrowError::ParseError("a length below 0".to_owned()))?;
            // A byte of a length stands for 255.
            let packed = u64::try_from(buffer.length()).unwrap_or_default();
            if claim > packed.saturating_mul(256)
                && compression.codec() == CompressionType::LZ4_FRAME
            {
                return Err(ArrowError::ParseError("a length beyond reason".to_owned()));
            }
            sum = sum.saturating_add(claim);
        }
        Ok::<_, ArrowError>((Some(compression.codec()), sum))
    })?;
    match claims {
        (Some(codec), _) if codec != CompressionType::LZ4_FRAME => Err(TableError::Unsupported(
            "its messages are compressed with zstd; write it with lz4 or without".to_owned(),
        )),
        (_, sum) if sum > ARROW_BODY_BYTES_MAX as u64 => Err(too_long()),
        _ => Ok(()),
    }
}
