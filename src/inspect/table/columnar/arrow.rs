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
use crate::inspect::table::Filled;
use crate::inspect::table::Next;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::Table;
use crate::inspect::table::TableError;
use crate::inspect::table::columnar::batch_rows;
use crate::inspect::table::columnar::guarded;
use crate::inspect::table::columnar::render::check;
use crate::inspect::table::columnar::render::render;
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
    let shown = Schema::new(with_utc(&schema.fields));
    let readable = readable(&shown)?;
    let mut table = ArrowTable {
        source,
        schema: Arc::new(shown),
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
    schema: Arc<Schema>,
    /// Columns that can be shown.
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
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
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

    fn rows(&self) -> Option<u64> {
        self.rows
    }

    fn batches(self: Arc<Self>, selection: &Selection) -> Result<Arc<dyn Batches>, TableError> {
        Ok(Arc::new(ArrowBatches {
            projection: self.projection(&selection.columns),
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
        let mut done = Ok(());
        batch.refill_lines(&Shape::Json, 0, |text| {
            let rendered = render(&rows, bytes, text);
            rendered.unwrap_or_else(|error| {
                done = Err(error);
                text.clear();
                Filled::default()
            })
        });
        done.map(|()| Next::Batch(number))
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
            let why = "a message has more bytes than are taken into memory";
            return Err(TableError::Unsupported(why.to_owned()));
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
        let (body, schema) = (Buffer::from_vec(body), &self.table.schema);
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

/// Looks at the lengths that compressed buffers claim, before a library allocates them. Whether
/// they have to be unpacked first: the library has no Zstandard.
fn look_at_buffers(header: &Header, body: &[u8]) -> Result<bool, TableError> {
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
        (_, sum) if sum > ARROW_BODY_BYTES_MAX as u64 => Err(TableError::Unsupported(
            "a message has more bytes than are taken into memory".to_owned(),
        )),
        (codec, _) => Ok(codec.is_some_and(|codec| codec != CompressionType::LZ4_FRAME)),
    }
}

/// The same message with buffers as they are under no compression: each behind a length of
/// [`NOT_COMPRESSED`], which is what a writer puts there that found one not to become shorter. Their
/// places in the header are written over.
fn unpacked(header: &Header, body: &[u8]) -> Result<(Header, Vec<u8>), TableError> {
    let (places, body) = guarded(|| unpacked_buffers(header, body))?;
    let mut bytes = header.bytes.clone();
    for (at, buffer) in places {
        let there = bytes.get_mut(at..at + buffer.len());
        let damaged = || TableError::Damaged("a buffer's place is no place".to_owned());
        there.ok_or_else(damaged)?.copy_from_slice(&buffer);
    }
    Ok((
        Header {
            bytes,
            body_at: header.body_at,
            body_bytes: header.body_bytes,
        },
        body,
    ))
}

/// Where the header has a buffer's place, and what stands there: its offset and its length.
type BufferPlaces = Vec<(usize, [u8; 16])>;

fn unpacked_buffers(header: &Header, body: &[u8]) -> Result<(BufferPlaces, Vec<u8>), ArrowError> {
    let wrong = |why: &str| ArrowError::ParseError(why.to_owned());
    let message = header.message()?;
    let dictionary = message.header_as_dictionary_batch().and_then(|d| d.data());
    let batch = message.header_as_record_batch().or(dictionary);
    let Some(buffers) = batch.and_then(|batch| batch.buffers()) else {
        return Ok((Vec::new(), Vec::new()));
    };
    let front = header.bytes.as_ptr().addr();
    let table = buffers.bytes().as_ptr().addr().checked_sub(front);
    let table = table.ok_or_else(|| wrong("a buffer's place is no place"))?;
    let (mut places, mut plain) = (Vec::new(), Vec::new());
    for (n, buffer) in buffers.iter().enumerate() {
        let packed = usize::try_from(buffer.offset())
            .ok()
            .zip(usize::try_from(buffer.length()).ok())
            .and_then(|(at, length)| body.get(at..at.checked_add(length)?));
        let packed = packed.ok_or_else(|| wrong("a buffer is beyond its message"))?;
        let at = plain.len();
        if let Some((claim, rest)) = packed.split_first_chunk::<8>() {
            plain.extend_from_slice(&NOT_COMPRESSED.to_le_bytes());
            match i64::from_le_bytes(*claim) {
                NOT_COMPRESSED => plain.extend_from_slice(rest),
                claim => {
                    let size = usize::try_from(claim).map_err(|_| wrong("a length below 0"))?;
                    let bytes = zrip::decompress_with_limit(rest, size);
                    let bytes = bytes.map_err(|e| wrong(&e.to_string()))?;
                    if bytes.len() != size {
                        return Err(wrong("a buffer of another length"));
                    }
                    plain.extend_from_slice(&bytes);
                }
            }
        }
        let length = plain.len() - at;
        let mut place = [0; 16];
        let (offset, bytes) = place.split_at_mut(8);
        offset.copy_from_slice(&(at as u64).to_le_bytes());
        bytes.copy_from_slice(&(length as u64).to_le_bytes());
        places.push((table + n * place.len(), place));
        plain.resize(plain.len().next_multiple_of(8), 0);
    }
    Ok((places, plain))
}
