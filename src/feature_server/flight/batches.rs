//! Batches and schemas as messages of Arrow.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::MessageHeader;
use arrow_ipc::reader::read_record_batch;
use arrow_ipc::writer::DictionaryTracker;
use arrow_ipc::writer::IpcDataGenerator;
use arrow_ipc::writer::IpcWriteContext;
use arrow_ipc::writer::IpcWriteOptions;
use arrow_ipc::writer::write_message;
use arrow_schema::Schema;
use arrow_schema::SchemaRef;
use hyper::body::Bytes;

use crate::feature_server::arrow_stream::check_header;
use crate::feature_server::arrow_stream::refused;
use crate::feature_server::flight::grpc::frames;
use crate::feature_server::flight::messages::FlightData;
use crate::feature_server::flight::messages::encode_data_head;
use crate::feature_server::refusal::Refusal;

/// Returns the message of a schema.
fn schema_message(schema: &Schema) -> Vec<u8> {
    let mut tracker = DictionaryTracker::new(true);
    let options = IpcWriteOptions::default();
    let generator = IpcDataGenerator::default();
    let made = generator.schema_to_bytes_with_dictionary_tracker(schema, &mut tracker, &options);
    made.ipc_message
}

/// Returns the frames of a schema, which begins a stream.
///
/// # Errors
/// A refusal for one that is too long, which does not happen.
pub(super) fn schema_frames(schema: &Schema) -> Result<Vec<Bytes>, Refusal> {
    frames(&encode_data_head(&schema_message(schema), 0), Vec::new())
}

/// Returns a schema with its length before it, as descriptions of flights have it.
///
/// # Errors
/// As [`schema_frames`].
pub(super) fn schema_bytes(schema: &Schema) -> Result<Vec<u8>, Refusal> {
    let mut out = Vec::new();
    let encoded = arrow_ipc::writer::EncodedData {
        ipc_message: schema_message(schema),
        arrow_data: Vec::new(),
    };
    write_message(&mut out, encoded, &IpcWriteOptions::default()).map_err(refused)?;
    Ok(out)
}

/// Returns the frames of a batch.
///
/// # Errors
/// A refusal for a batch that is too long.
pub(super) fn batch_frames(batch: &RecordBatch) -> Result<Vec<Bytes>, Refusal> {
    let mut tracker = DictionaryTracker::new(true);
    let mut context = IpcWriteContext::default();
    let generator = IpcDataGenerator::default();
    let options = IpcWriteOptions::default();
    let (_, made) = generator
        .encode(batch, &mut tracker, &options, &mut context)
        .map_err(refused)?;
    frames(
        &encode_data_head(&made.ipc_message, made.arrow_data.len()),
        made.arrow_data,
    )
}

/// A message of Arrow in a stream from a client.
pub(super) enum Received {
    Batch(RecordBatch),
    Schema(SchemaRef),
}

/// Reads a message; `None` for one without content.
///
/// # Errors
/// A refusal for a message that is damaged, compressed or a dictionary, and a batch before its schema.
pub(super) fn receive(
    data: &FlightData,
    schema: Option<&SchemaRef>,
) -> Result<Option<Received>, Refusal> {
    if data.header.is_empty() {
        return Ok(None);
    }
    if check_header(&data.header)? > data.body.len() {
        return Err(refused("it is cut off"));
    }
    let message = arrow_ipc::root_as_message(&data.header).map_err(refused)?;
    match message.header_type() {
        MessageHeader::Schema => {
            let schema = message
                .header_as_schema()
                .ok_or_else(|| refused("it has no schema"))?;
            let schema = arrow_ipc::convert::try_fb_to_schema(schema).map_err(refused)?;
            Ok(Some(Received::Schema(schema.into())))
        }
        MessageHeader::RecordBatch => {
            let batch = message.header_as_record_batch();
            let (Some(batch), Some(schema)) = (batch, schema) else {
                return Err(refused("a batch has no schema"));
            };
            let body = Buffer::from(data.body.clone());
            let schema = SchemaRef::clone(schema);
            let version = message.version();
            let none = HashMap::new();
            let read = read_record_batch(&body, batch, schema, &none, None, &version);
            Ok(Some(Received::Batch(read.map_err(refused)?)))
        }
        MessageHeader::NONE => Ok(None),
        _ => Err(refused("keys are plain columns, without dictionaries")),
    }
}
