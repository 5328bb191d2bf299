//! Schemas as bytes: the encapsulated Arrow IPC message that other programs read, without the
//! metadata that programs leave for themselves.

use arrow_ipc::convert::try_schema_from_ipc_buffer;
use arrow_ipc::writer::DictionaryTracker;
use arrow_ipc::writer::IpcDataGenerator;
use arrow_ipc::writer::IpcWriteOptions;
use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::Fields;
use arrow_schema::Schema;

use crate::panics::caught;
use crate::wire::Writer;
use crate::wire::limits::SCHEMA_BYTES_MAX;

/// The bytes of a schema. The same schema gives the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaMessage(Vec<u8>);

impl SchemaMessage {
    /// The message of a schema; `None` when it would be too long to keep.
    pub fn of(schema: &Schema) -> Option<Self> {
        let plain = Schema::new(without_metadata(schema.fields()));
        let message = caught(|| {
            IpcDataGenerator::default()
                .schema_to_bytes_with_dictionary_tracker(
                    &plain,
                    &mut DictionaryTracker::new(false),
                    &IpcWriteOptions::default(),
                )
                .ipc_message
        })
        .ok()?;
        let padded = message.len().next_multiple_of(8);
        if padded > SCHEMA_BYTES_MAX {
            return None;
        }
        let mut w = Writer::new();
        w.u32(u32::MAX).u32(u32::try_from(padded).ok()?);
        w.bytes(&message).bytes(&vec![0; padded - message.len()]);
        Some(Self(w.into_bytes()))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// BLAKE3 of the bytes, as file tables keep it.
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.0).as_bytes()
    }

    /// Reads a schema that anybody may have made; `None` when the bytes are none.
    pub fn read(bytes: &[u8]) -> Option<Schema> {
        let read = || try_schema_from_ipc_buffer(bytes).ok();
        let fits = bytes.len() <= SCHEMA_BYTES_MAX + 8;
        fits.then(|| caught(read).ok().flatten()).flatten()
    }
}

/// Fields whose metadata is only what gives their type a meaning.
fn without_metadata(fields: &Fields) -> Fields {
    fields.iter().map(|f| plain_field(f)).collect()
}

fn plain_field(field: &Field) -> Field {
    let mut kept = field.metadata().clone();
    kept.retain(|key, _| key.starts_with("ARROW:extension:"));
    let data_type = match field.data_type() {
        DataType::Struct(fields) => DataType::Struct(without_metadata(fields)),
        DataType::List(item) => DataType::List(plain_field(item).into()),
        DataType::LargeList(item) => DataType::LargeList(plain_field(item).into()),
        DataType::FixedSizeList(item, n) => DataType::FixedSizeList(plain_field(item).into(), *n),
        DataType::Map(item, sorted) => DataType::Map(plain_field(item).into(), *sorted),
        other => other.clone(),
    };
    Field::new(field.name(), data_type, field.is_nullable()).with_metadata(kept)
}

/// The schema of a dataset of several files: that of all of them, where one has every field that
/// the others have and types agree or widen. Files of different tables have none in common.
pub fn common_schema<'a>(schemas: impl IntoIterator<Item = &'a Schema>) -> Option<Schema> {
    let mut schemas = schemas.into_iter();
    let mut common = schemas.next()?.clone();
    for schema in schemas {
        if schema == &common {
            continue;
        }
        if !has_all(&common, schema) && !has_all(schema, &common) {
            return None;
        }
        common = Schema::try_merge([common, schema.clone()]).ok()?;
    }
    Some(common)
}

fn has_all(schema: &Schema, of: &Schema) -> bool {
    of.fields()
        .iter()
        .all(|f| schema.column_with_name(f.name()).is_some())
}
