//! Messages of Arrow IPC and their buffers, which may be compressed.

use arrow_ipc::CompressionType;
use arrow_ipc::Message;
use arrow_ipc::root_as_message;
use arrow_schema::ArrowError;

use crate::inspect::table::TableError;
use crate::inspect::table::columnar::guarded;
use crate::wire::limits::ARROW_BODY_BYTES_MAX;

/// What a buffer under compression says where it is not compressed after all.
const NOT_COMPRESSED: i64 = -1;

/// A message without its body.
pub(super) struct Header {
    pub(super) bytes: Vec<u8>,
    pub(super) body_at: u64,
    pub(super) body_bytes: u64,
}

impl Header {
    pub(super) fn message(&self) -> Result<Message<'_>, ArrowError> {
        root_as_message(&self.bytes).map_err(|e| ArrowError::ParseError(e.to_string()))
    }

    /// Rows of a batch; `None` for other messages.
    pub(super) fn rows(&self) -> Result<Option<u64>, ArrowError> {
        let batch = self.message()?.header_as_record_batch();
        let rows = batch.map(|batch| u64::try_from(batch.length())).transpose();
        rows.map_err(|_| ArrowError::ParseError("it has less than no rows".to_owned()))
    }
}

pub(super) fn too_long() -> TableError {
    TableError::Limit(format!(
        "a message has more than {ARROW_BODY_BYTES_MAX} bytes (`arrow_body_bytes_max`)"
    ))
}

/// Looks at the lengths that compressed buffers claim, before a library allocates them. Whether
/// they have to be unpacked first: the library has no Zstandard.
pub(super) fn look_at_buffers(header: &Header, body: &[u8]) -> Result<bool, TableError> {
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
        (_, sum) if sum > ARROW_BODY_BYTES_MAX as u64 => Err(too_long()),
        (codec, _) => Ok(codec.is_some_and(|codec| codec != CompressionType::LZ4_FRAME)),
    }
}

/// The same message with buffers as they are under no compression: each behind a length of
/// [`NOT_COMPRESSED`], which is what a writer puts there that found one not to become shorter. Their
/// places in the header are written over.
pub(super) fn unpacked(header: &Header, body: &[u8]) -> Result<(Header, Vec<u8>), TableError> {
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
