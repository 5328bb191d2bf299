//! The schema of a strict collection.

use std::sync::Mutex;

use serde_json::Value;
use serde_json::json;

use crate::documents::DocumentError;
use crate::documents::Layout;
use crate::documents::disk::layout::is_absent;
use crate::documents::format::limits::META_BYTES_MAX;
use crate::documents::format::schema_id;
use crate::documents::format::schema_text;
use crate::file_io::IfExists;
use crate::file_io::read_own;
use crate::file_io::write_atomically;
use crate::locks::lock;

/// The one schema that documents of a strict collection have: the first line of `schemas.jsonl`, or that of
/// the first document.
#[derive(Debug)]
pub(crate) struct StrictSchema {
    layout: Layout,
    /// Its canonical text.
    text: Mutex<Option<String>>,
}

impl StrictSchema {
    /// Reads the schema of a collection.
    pub(crate) fn read(layout: &Layout) -> Result<Self, DocumentError> {
        let path = layout.schemas_file();
        let bytes = match read_own(&path, META_BYTES_MAX) {
            Err(e) if is_absent(&e) => Vec::new(),
            other => other.map_err(|e| DocumentError::file("read", &path, e))?,
        };
        let first = bytes.split(|b| *b == b'\n').find(|line| !line.is_empty());
        let text = match first {
            None => None,
            Some(line) => Some(text_of_line(line).ok_or_else(|| DocumentError::Damaged {
                path,
                reason: "its first line has no `schema`".to_owned(),
            })?),
        };
        Ok(Self {
            layout: layout.clone(),
            text: Mutex::new(text),
        })
    }

    /// Checks a document; the first one sets the schema.
    pub(crate) fn check(&self, id: &str, document: &[u8]) -> Result<(), DocumentError> {
        let text = schema_text(document).map_err(|e| DocumentError::document(id, e))?;
        let mut known = lock(&self.text);
        match known.as_ref() {
            Some(expected) if *expected == text => Ok(()),
            Some(expected) => Err(DocumentError::Schema {
                id: id.to_owned(),
                found: text,
                expected: expected.clone(),
            }),
            None => {
                self.keep(&text)?;
                *known = Some(text);
                Ok(())
            }
        }
    }

    fn keep(&self, text: &str) -> Result<(), DocumentError> {
        let path = self.layout.schemas_file();
        let line = schema_line(text, 0);
        write_atomically(&path, line.as_bytes(), None, IfExists::Replace)
            .map_err(|e| DocumentError::file("write", &path, e))
    }
}

/// Returns a line of `schemas.jsonl`. The schema is a value in it, or a text if an unescaped key makes it no JSON.
pub(crate) fn schema_line(text: &str, count: u64) -> String {
    let schema = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    json!({"schema_id": schema_id(text), "schema": schema, "count": count}).to_string() + "\n"
}

fn text_of_line(line: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(line).ok()?;
    match value.get("schema")? {
        Value::String(text) => Some(text.clone()),
        schema => Some(schema.to_string()),
    }
}
