//! Schemas of a dataset's files, and their common schema.

use std::collections::BTreeMap;

use arrow_schema::Schema;

use crate::inspect::SchemaMessage;
use crate::inspect::common_schema;
use crate::manifest::Manifest;
use crate::registry::views::Descriptions;

/// Maximum number of different schemas. Beyond it there is no common schema.
const DIFFERENT_MAX: usize = 256;

/// Set of distinct schemas.
#[derive(Debug, Default)]
pub(crate) struct SchemaSet {
    different: BTreeMap<[u8; 32], Schema>,
    /// Hashes in the order of the files, so that fields keep their order.
    order: Vec<[u8; 32]>,
    too_many: bool,
}

impl SchemaSet {
    /// Adds a file's schema and returns the hash of its message, or `None` if it is too long.
    pub(crate) fn add(&mut self, schema: Schema) -> Option<[u8; 32]> {
        let hash = SchemaMessage::of(&schema)?.hash();
        if !self.different.contains_key(&hash) {
            if self.different.len() < DIFFERENT_MAX {
                self.different.insert(hash, schema);
                self.order.push(hash);
            } else {
                self.too_many = true;
            }
        }
        Some(hash)
    }

    /// Returns the message of the common schema, or an empty message if there is none.
    pub(crate) fn common(&self) -> Vec<u8> {
        let all = self.order.iter().filter_map(|h| self.different.get(h));
        let common = (!self.too_many).then(|| common_schema(all)).flatten();
        let message = common.as_ref().and_then(SchemaMessage::of);
        message.map_or_else(Vec::new, |m| m.as_bytes().to_vec())
    }
}

impl Descriptions<'_> {
    /// Returns the row schema in a manifest, or `None` if it has no readable one.
    pub fn schema(manifest: &Manifest) -> Option<Schema> {
        SchemaMessage::read(&manifest.schema)
    }
}
