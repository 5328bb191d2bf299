//! Counts of the schemas of documents.

use std::collections::BTreeMap;

use crate::documents::format::DocumentFault;
use crate::documents::format::schema_id;
use crate::documents::format::schema_text;

/// A schema and the number of documents that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaCount {
    /// BLAKE3 of the text, in hex.
    pub schema_id: String,
    /// The types as a canonical text.
    pub text: String,
    /// Number of live documents.
    pub documents: u64,
}

/// Number of documents by the canonical text of their types.
#[derive(Default)]
pub(in crate::documents) struct SchemaCounts(BTreeMap<String, u64>);

impl SchemaCounts {
    /// Counts a document.
    ///
    /// # Errors
    /// As [`schema_text`].
    pub(in crate::documents) fn add(&mut self, document: &[u8]) -> Result<(), DocumentFault> {
        *self.0.entry(schema_text(document)?).or_default() += 1;
        Ok(())
    }

    /// Returns the schemas, the most frequent first; those of one count by their text.
    pub(in crate::documents) fn most_frequent_first(self) -> Vec<SchemaCount> {
        let counts = self.0.into_iter();
        let mut schemas: Vec<SchemaCount> = counts
            .map(|(text, documents)| SchemaCount {
                schema_id: schema_id(&text),
                text,
                documents,
            })
            .collect();
        schemas.sort_by_key(|schema| std::cmp::Reverse(schema.documents));
        schemas
    }
}
