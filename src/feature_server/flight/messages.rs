//! The messages of Arrow Flight that the server reads and writes. Fields that it does not know are passed over.

use hyper::body::Bytes;

use crate::feature_server::flight::protobuf::FieldValue;
use crate::feature_server::flight::protobuf::Fields;
use crate::feature_server::flight::protobuf::Malformed;
use crate::feature_server::flight::protobuf::push_bytes;
use crate::feature_server::flight::protobuf::push_integer;
use crate::feature_server::flight::protobuf::push_length;
use crate::feature_server::limits::PATH_PARTS_MAX;

/// The name of a flight: a path, or a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Descriptor {
    pub(super) command: Vec<u8>,
    pub(super) path: Vec<String>,
}

/// The kind of a descriptor with a path, on the wire.
const KIND_PATH: u64 = 1;
/// The kind of a descriptor with a command, on the wire.
const KIND_COMMAND: u64 = 2;

impl Descriptor {
    /// Reads a descriptor.
    ///
    /// # Errors
    /// [`Malformed`].
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut read = Self::default();
        let mut fields = Fields::of(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (2, FieldValue::Bytes(command)) => read.command = command.to_vec(),
                (3, FieldValue::Bytes(part)) => {
                    if read.path.len() == PATH_PARTS_MAX {
                        return Err(Malformed);
                    }
                    let part = std::str::from_utf8(part).map_err(|_| Malformed)?;
                    read.path.push(part.to_owned());
                }
                _ => {}
            }
        }
        Ok(read)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.command.is_empty() {
            push_integer(&mut out, 1, KIND_PATH);
            for part in &self.path {
                push_bytes(&mut out, 3, part.as_bytes());
            }
        } else {
            push_integer(&mut out, 1, KIND_COMMAND);
            push_bytes(&mut out, 2, &self.command);
        }
        out
    }
}

/// Reads a ticket.
///
/// # Errors
/// [`Malformed`].
pub(super) fn decode_ticket(bytes: &[u8]) -> Result<&[u8], Malformed> {
    let mut ticket: &[u8] = &[];
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.next()? {
        if let (1, FieldValue::Bytes(bytes)) = field {
            ticket = bytes;
        }
    }
    Ok(ticket)
}

/// A message of a stream of batches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FlightData {
    pub(super) descriptor: Option<Descriptor>,
    pub(super) header: Bytes,
    pub(super) body: Bytes,
}

impl FlightData {
    /// Reads a message, whose parts share its bytes.
    ///
    /// # Errors
    /// [`Malformed`].
    pub(super) fn decode(bytes: &Bytes) -> Result<Self, Malformed> {
        let mut read = Self::default();
        let mut fields = Fields::of(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (1, FieldValue::Bytes(part)) => read.descriptor = Some(Descriptor::decode(part)?),
                (2, FieldValue::Bytes(part)) => read.header = bytes.slice_ref(part),
                (1000, FieldValue::Bytes(part)) => read.body = bytes.slice_ref(part),
                _ => {}
            }
        }
        Ok(read)
    }
}

/// Returns the beginning of a message of a stream. The bytes of the body follow it.
pub(super) fn encode_data_head(header: &[u8], body_length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(header.len() + 32);
    push_bytes(&mut out, 2, header);
    if body_length > 0 {
        push_length(&mut out, 1000, body_length);
    }
    out
}

/// The description of a flight.
pub(super) struct FlightInfo {
    pub(super) schema: Vec<u8>,
    pub(super) descriptor: Descriptor,
    /// The ticket, if the flight is a lookup.
    pub(super) ticket: Option<Vec<u8>>,
    pub(super) records: Option<u64>,
    pub(super) bytes: Option<u64>,
}

impl FlightInfo {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        push_bytes(&mut out, 1, &self.schema);
        push_bytes(&mut out, 2, &self.descriptor.encode());
        if let Some(ticket) = &self.ticket {
            let (mut inner, mut endpoint) = (Vec::new(), Vec::new());
            push_bytes(&mut inner, 1, ticket);
            push_bytes(&mut endpoint, 1, &inner);
            push_bytes(&mut out, 3, &endpoint);
        }
        // A number that is not known is -1.
        push_integer(&mut out, 4, self.records.unwrap_or(u64::MAX));
        push_integer(&mut out, 5, self.bytes.unwrap_or(u64::MAX));
        out
    }
}

/// Returns the message of a schema.
pub(super) fn encode_schema_result(schema: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    push_bytes(&mut out, 1, schema);
    out
}

/// Reads bytes as each of the messages of Arrow Flight. For tests with random bytes.
#[doc(hidden)]
pub fn decode_message(bytes: &[u8]) {
    let _ = decode_ticket(bytes);
    if let Ok(descriptor) = Descriptor::decode(bytes) {
        let again = Descriptor::decode(&descriptor.encode());
        let is_path = descriptor.command.is_empty();
        debug_assert!(again.is_ok_and(
            |a| a.command == descriptor.command && (!is_path || a.path == descriptor.path)
        ));
    }
    let _ = FlightData::decode(&Bytes::copy_from_slice(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_round_trip() {
        for descriptor in [
            Descriptor {
                path: vec!["users".to_owned(), "age".to_owned()],
                ..Descriptor::default()
            },
            Descriptor {
                command: b"{}".to_vec(),
                ..Descriptor::default()
            },
        ] {
            assert_eq!(Descriptor::decode(&descriptor.encode()), Ok(descriptor));
        }
    }

    #[test]
    fn data_is_read_without_unknown_fields() {
        let mut bytes = encode_data_head(b"header", 4);
        bytes.extend_from_slice(b"body");
        push_bytes(&mut bytes, 77, b"later");
        let read = FlightData::decode(&Bytes::from(bytes)).unwrap();
        assert_eq!(
            (&read.header[..], &read.body[..]),
            (&b"header"[..], &b"body"[..])
        );
        assert_eq!(read.descriptor, None);
    }

    #[test]
    fn random_bytes_are_read_or_refused() {
        let mut state = 7_u64;
        for length in 0..400_usize {
            let bytes: Vec<u8> = (0..length % 40)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    state.to_le_bytes()[5]
                })
                .collect();
            decode_message(&bytes);
        }
    }
}
