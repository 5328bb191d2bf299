//! Arrow IPC, file and stream: the schema, and the rows that the messages' headers say. Bodies are
//! never read.

use arrow_ipc::Message;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::root_as_footer;
use arrow_ipc::root_as_message;
use arrow_schema::Schema;

use crate::inspect::format::parquet_footer::exactly;
use crate::panics::caught;
use crate::read_at::ReadAt;
use crate::wire::limits::ARROW_METADATA_BYTES_MAX;

/// The first and last bytes of a file.
pub(crate) const FILE_MAGIC: &[u8] = b"ARROW1";
/// What a message in a stream begins with since format version 5.
pub(crate) const CONTINUATION: [u8; 4] = [0xff; 4];

/// The schema and rows of a file; `None` when it is none, or damaged.
pub(crate) fn describe_file(source: &dyn ReadAt) -> Option<(Schema, u64)> {
    caught(|| file(source)).ok().flatten()
}

/// The schema and rows of a stream; `None` when it is none, or damaged.
pub(crate) fn describe_stream(source: &dyn ReadAt) -> Option<(Schema, u64)> {
    caught(|| stream(source)).ok().flatten()
}

fn file(source: &dyn ReadAt) -> Option<(Schema, u64)> {
    let tail = exactly(source, source.len().checked_sub(10)?, 10)?;
    let (length, magic) = tail.split_first_chunk::<4>()?;
    if magic != FILE_MAGIC {
        return None;
    }
    let length = positive(i32::from_le_bytes(*length))?;
    let start = source.len().checked_sub(10)?.checked_sub(length)?;
    let bytes = limited(source, start, length)?;
    let footer = root_as_footer(&bytes).ok()?;
    let schema = try_fb_to_schema(footer.schema()?).ok()?;
    let mut rows = 0_u64;
    // Batches that share their headers are no file of anybody's, and could be read for ever.
    let mut left = source.len();
    for block in footer.recordBatches()? {
        let offset = u64::try_from(block.offset()).ok()?;
        let (message, _) = message_at(source, offset)?;
        left = left.checked_sub(message.len() as u64)?;
        rows = rows.checked_add(batch_rows(&root_as_message(&message).ok()?)?)?;
    }
    Some((schema, rows))
}

fn stream(source: &dyn ReadAt) -> Option<(Schema, u64)> {
    let (first, mut at) = message_at(source, 0)?;
    let first = root_as_message(&first).ok()?;
    let schema = try_fb_to_schema(first.header_as_schema()?).ok()?;
    let mut rows = 0_u64;
    // A stream ends with an empty message, or just ends.
    while let Some((bytes, next)) = message_at(source, at) {
        let message = root_as_message(&bytes).ok()?;
        // Dictionaries come in between.
        rows = rows.checked_add(batch_rows(&message).unwrap_or(0))?;
        at = next.checked_add(u64::try_from(message.bodyLength()).ok()?)?;
        if at > source.len() {
            return None;
        }
    }
    Some((schema, rows))
}

fn batch_rows(message: &Message<'_>) -> Option<u64> {
    u64::try_from(message.header_as_record_batch()?.length()).ok()
}

/// The message at an offset and where its body begins.
pub(crate) fn message_at(source: &dyn ReadAt, at: u64) -> Option<(Vec<u8>, u64)> {
    let first: [u8; 4] = exactly(source, at, 4)?.try_into().ok()?;
    let (length, start) = if first == CONTINUATION {
        let length: [u8; 4] = exactly(source, at.checked_add(4)?, 4)?.try_into().ok()?;
        (length, at.checked_add(8)?)
    } else {
        (first, at.checked_add(4)?)
    };
    let length = positive(i32::from_le_bytes(length))?;
    Some((limited(source, start, length)?, start.checked_add(length)?))
}

fn positive(length: i32) -> Option<u64> {
    u64::try_from(length).ok().filter(|n| *n > 0)
}

pub(crate) fn limited(source: &dyn ReadAt, at: u64, length: u64) -> Option<Vec<u8>> {
    let length = usize::try_from(length).ok()?;
    let fits = length <= ARROW_METADATA_BYTES_MAX;
    fits.then(|| exactly(source, at, length)).flatten()
}
