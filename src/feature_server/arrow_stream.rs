//! Arrow streams in requests and answers.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::ArrowError;
use arrow_schema::Schema;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use hyper::body::Bytes;

use crate::feature_server::refusal::Refusal;
use crate::feature_server::text::facts;
use crate::features::Origin;
use crate::panics::Panicked;
use crate::panics::caught;

/// Type of the content of an Arrow stream.
pub(super) const ARROW_STREAM: &str = "application/vnd.apache.arrow.stream";

/// Begins the length of a message.
const CONTINUATION: u32 = 0xffff_ffff;

/// Returns the refusal for a stream that Arrow does not read.
pub(super) fn refused(error: impl std::fmt::Display) -> Refusal {
    Refusal::bad(format!("the Arrow stream: {error}"))
}

/// Reads a stream. Its batches share the bytes, so memory follows the length of the stream.
///
/// # Errors
/// A refusal for a stream that is damaged, ends early or is compressed, because the length after the compression
/// would be a claim.
pub(super) fn read_stream(bytes: &Bytes) -> Result<(SchemaRef, Vec<RecordBatch>), Refusal> {
    check_messages(bytes)?;
    // The library panics at some of the streams that are damaged.
    let given_up = || Err(refused("its decoder gave up"));
    caught(|| decode_stream(bytes)).unwrap_or_else(|Panicked| given_up())
}

fn decode_stream(bytes: &Bytes) -> Result<(SchemaRef, Vec<RecordBatch>), Refusal> {
    let mut decoder = StreamDecoder::new();
    let mut left = Buffer::from(bytes.clone());
    let mut batches = Vec::new();
    while !left.is_empty() {
        match decoder.decode(&mut left) {
            Ok(Some(batch)) => batches.push(batch),
            Ok(None) => {}
            // Bytes behind the end of the stream.
            Err(ArrowError::IpcError(why)) if why == "Unexpected EOS" => break,
            Err(error) => return Err(refused(error)),
        }
    }
    decoder.finish().map_err(refused)?;
    let schema = decoder
        .schema()
        .ok_or_else(|| refused("it has no schema"))?;
    Ok((schema, batches))
}

/// Reads a stream whose batches are one.
///
/// # Errors
/// As [`read_stream`].
pub(super) fn read_batch(bytes: &Bytes) -> Result<RecordBatch, Refusal> {
    let (schema, mut batches) = read_stream(bytes)?;
    match batches.len() {
        1 => Ok(batches.remove(0)),
        _ => concat_batches(&schema, &batches).map_err(refused),
    }
}

/// Checks that no message claims a body that is not there, or is compressed.
fn check_messages(bytes: &[u8]) -> Result<(), Refusal> {
    let number = |at: usize| {
        let four = bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(four.try_into().ok()?))
    };
    let mut at = 0;
    let cut = || refused("it is cut off");
    while at < bytes.len() {
        let mut size = number(at).ok_or_else(cut)?;
        at += 4;
        if size == CONTINUATION {
            size = number(at).ok_or_else(cut)?;
            at += 4;
        }
        if size == 0 {
            return Ok(());
        }
        let end = at.checked_add(size as usize).ok_or_else(cut)?;
        let header = bytes.get(at..end).ok_or_else(cut)?;
        let body = check_header(header)?;
        at = end
            .checked_add(body)
            .filter(|end| *end <= bytes.len())
            .ok_or_else(cut)?;
    }
    Ok(())
}

/// Checks the header of a message, and returns the length of its body.
///
/// # Errors
/// A refusal for a header that is none, and for a compressed body.
pub(super) fn check_header(header: &[u8]) -> Result<usize, Refusal> {
    let message = arrow_ipc::root_as_message(header).map_err(refused)?;
    let batch = message
        .header_as_record_batch()
        .or_else(|| message.header_as_dictionary_batch().and_then(|d| d.data()));
    if batch.is_some_and(|batch| batch.compression().is_some()) {
        return Err(refused("it is compressed, which requests are not"));
    }
    usize::try_from(message.bodyLength()).map_err(refused)
}

/// Returns a schema that tells the origin of the rows.
pub(super) fn with_origin(schema: &Schema, origin: &Origin) -> Schema {
    let metadata: HashMap<String, String> = facts(origin).into_iter().collect();
    Schema::new_with_metadata(schema.fields().clone(), metadata)
}

/// Writes a stream of one batch.
///
/// # Errors
/// A refusal for types that a stream does not have, which a table has none of.
pub(super) fn write_stream(batch: &RecordBatch, origin: &Origin) -> Result<Vec<u8>, Refusal> {
    // The messages around the values are longer for more columns.
    let room = batch.get_array_memory_size() + 1024 + 512 * batch.num_columns();
    let mut out = Vec::with_capacity(room);
    let schema = with_origin(batch.schema_ref(), origin);
    let mut writer = StreamWriter::try_new(&mut out, &schema).map_err(refused)?;
    writer.write(batch).map_err(refused)?;
    writer.finish().map_err(refused)?;
    drop(writer);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::Int64Array;
    use arrow_ipc::CompressionType;
    use arrow_ipc::writer::IpcWriteOptions;

    use super::*;

    fn batch() -> RecordBatch {
        let ids = Arc::new(Int64Array::from(vec![1, 2, 3]));
        RecordBatch::try_from_iter([("id", ids as _)]).unwrap()
    }

    #[test]
    fn stream_round_trips_with_its_origin() {
        let origin = Origin {
            partition: Some("2024-01-14".to_owned()),
            ..Origin::default()
        };
        let bytes = Bytes::from(write_stream(&batch(), &origin).unwrap());
        let (schema, batches) = read_stream(&bytes).unwrap();
        assert_eq!(schema.metadata()["partition"], "2024-01-14");
        assert_eq!(batches[0].column(0), batch().column(0));
    }

    #[test]
    fn stream_with_any_flipped_or_missing_byte_never_panics() {
        let whole = write_stream(&batch(), &Origin::default()).unwrap();
        for at in 0..whole.len() {
            for bit in [0, 3, 7] {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                let _ = crate::panics::caught(|| read_stream(&Bytes::from(bytes)));
            }
            let cut = Bytes::copy_from_slice(&whole[..at]);
            let _ = read_stream(&cut);
        }
    }

    #[test]
    fn compressed_stream_is_refused() {
        let options = IpcWriteOptions::default();
        let options = options
            .try_with_compression(Some(CompressionType::LZ4_FRAME))
            .unwrap();
        let mut out = Vec::new();
        let mut writer =
            StreamWriter::try_new_with_options(&mut out, &batch().schema(), options).unwrap();
        writer.write(&batch()).unwrap();
        writer.finish().unwrap();
        drop(writer);
        let refusal = read_stream(&Bytes::from(out)).unwrap_err();
        assert!(
            refusal.message.contains("compressed"),
            "{}",
            refusal.message
        );
    }
}
