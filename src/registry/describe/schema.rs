//! The schemas of a dataset's files, and the one they have in common.

use std::collections::BTreeMap;

use arrow_schema::Schema;

use crate::inspect::SchemaMessage;
use crate::inspect::common_schema;
use crate::manifest::Manifest;
use crate::registry::LocalRegistry;

/// Files of more different schemas than this have none in common.
const DIFFERENT_MAX: usize = 256;

/// Collects schemas, each once.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    different: BTreeMap<[u8; 32], Schema>,
    /// In the order of the files, so that fields keep theirs.
    order: Vec<[u8; 32]>,
    too_many: bool,
}

impl Schemas {
    /// Adds a file's schema and returns the hash of its message; `None` when it is too long.
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

    /// The message of the schema that all of them have in common; empty where there is none.
    pub(crate) fn common(&self) -> Vec<u8> {
        let all = self.order.iter().filter_map(|h| self.different.get(h));
        let common = (!self.too_many).then(|| common_schema(all)).flatten();
        let message = common.as_ref().and_then(SchemaMessage::of);
        message.map_or_else(Vec::new, |m| m.as_bytes().to_vec())
    }
}

impl LocalRegistry {
    /// The schema that a manifest says its rows have; `None` where it has none that can be read.
    pub fn schema(manifest: &Manifest) -> Option<Schema> {
        SchemaMessage::read(&manifest.schema)
    }
}
