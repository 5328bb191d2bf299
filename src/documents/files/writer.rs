//! Writing of collections with a file for each document.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;
use std::time::UNIX_EPOCH;

use serde_json::json;

use crate::documents::CollectionManifest;
use crate::documents::DocumentError;
use crate::documents::Engine;
use crate::documents::Layout;
use crate::documents::disk::layout::is_absent;
use crate::documents::disk::layout::sync_directory;
use crate::documents::disk::lock::WriterLock;
use crate::documents::format::DocumentId;
use crate::documents::format::is_safe_file_stem;
use crate::documents::format::limits::LINE_BYTES_MAX;
use crate::documents::format::line_into;
use crate::documents::format::nameless_into;
use crate::documents::format::schema_id;
use crate::documents::format::schema_text;
use crate::documents::store::schemas::StrictSchema;
use crate::documents::store::schemas::schema_line;
use crate::file_io::IfExists;
use crate::file_io::write_atomically;

/// A writer that makes each document durable before it returns.
#[derive(Debug)]
pub struct SyncWriter {
    layout: Layout,
    _lock: WriterLock,
    strict: Option<StrictSchema>,
    order: Vec<String>,
    is_dirty: bool,
}

impl SyncWriter {
    /// Opens a collection for writing, and makes it where it is missing. Waits for another writer.
    ///
    /// # Errors
    /// [`DocumentError::Name`]; [`DocumentError::File`].
    pub fn new(root: impl AsRef<Path>, collection: &str) -> Result<Self, DocumentError> {
        Self::of_layout(Layout::new(root, collection)?)
    }

    /// Opens the collection of a layout.
    ///
    /// # Errors
    /// As [`SyncWriter::new`].
    pub fn of_layout(layout: Layout) -> Result<Self, DocumentError> {
        layout.init_collection()?;
        let lock = WriterLock::acquire(&layout)?;
        let strict = match CollectionManifest::read(&layout)? {
            Some(manifest) if manifest.strict => Some(StrictSchema::read(&layout)?),
            _ => None,
        };
        let order = Engine::of_layout(layout.clone())?.doc_ids().to_vec();
        Ok(Self {
            layout,
            _lock: lock,
            strict,
            order,
            is_dirty: false,
        })
    }

    /// Stores a document, durably.
    ///
    /// # Errors
    /// [`DocumentError::Id`]; [`DocumentError::Document`]; [`DocumentError::Schema`];
    /// [`DocumentError::File`].
    pub fn put(&mut self, id: &str, document: &serde_json::Value) -> Result<(), DocumentError> {
        self.put_raw(id, document.to_string().as_bytes())
    }

    /// Stores a document that is JSON text, durably.
    ///
    /// # Errors
    /// As [`SyncWriter::put`].
    pub fn put_raw(&mut self, id: &str, document: &[u8]) -> Result<(), DocumentError> {
        let id = DocumentId::new(id).map_err(|e| DocumentError::id(id, e))?;
        let fault = |e| DocumentError::document(id.as_str(), e);
        // The same checks as for a line, so that a document fits both kinds of collections.
        line_into(&id, document, &mut Vec::new()).map_err(fault)?;
        let mut bytes = Vec::with_capacity(document.len());
        nameless_into(document, &mut bytes).map_err(fault)?;
        if bytes.len() >= LINE_BYTES_MAX {
            return Err(DocumentError::TooLong {
                id: id.to_string(),
                limit: LINE_BYTES_MAX,
            });
        }
        if let Some(strict) = &self.strict {
            strict.check(id.as_str(), document)?;
        }
        let path = self.path(id.as_str());
        let is_new = !path.exists();
        write_atomically(&path, &bytes, None, IfExists::Replace)
            .map_err(|e| DocumentError::file("write", &path, e))?;
        if is_new {
            self.order.push(id.to_string());
        }
        self.is_dirty = true;
        Ok(())
    }

    /// Deletes a document, durably. Returns false if it was not there.
    ///
    /// # Errors
    /// [`DocumentError::File`].
    pub fn delete(&mut self, id: &str) -> Result<bool, DocumentError> {
        if !is_safe_file_stem(id) {
            return Ok(false);
        }
        let path = self.path(id);
        match std::fs::remove_file(&path) {
            Err(e) if is_absent(&e) => return Ok(false),
            other => other.map_err(|e| DocumentError::file("remove", &path, e))?,
        }
        sync_directory(&self.layout.docs_dir())?;
        self.order.retain(|known| known != id);
        self.is_dirty = true;
        Ok(true)
    }

    /// Writes the lists that other programs read: the order, the index and the schemas. Reads all documents.
    ///
    /// # Errors
    /// [`DocumentError::File`]; [`DocumentError::Damaged`].
    pub fn write_lists(&mut self) -> Result<(), DocumentError> {
        let engine = Engine::of_layout(self.layout.clone())?;
        let (mut order, mut index) = (String::new(), String::new());
        let mut schemas: BTreeMap<String, u64> = BTreeMap::new();
        for id in &self.order {
            let text = schema_text(engine.get_document(id)?.as_bytes());
            let text = text.map_err(|e| DocumentError::document(id, e))?;
            let meta = self.path(id).metadata();
            let meta = meta.map_err(|e| DocumentError::file("read", &self.path(id), e))?;
            let modified = meta.modified().ok();
            let mtime = modified.and_then(|t| t.duration_since(UNIX_EPOCH).ok());
            let entry = json!({
                "doc_id": id,
                "schema_id": schema_id(&text),
                "size": meta.len(),
                "mtime": mtime.map_or(0, |t| t.as_secs()),
            });
            order += &format!("{id}\n");
            index += &format!("{entry}\n");
            *schemas.entry(text).or_default() += 1;
        }
        if order.is_empty() {
            // A list that is not empty tells that the collection has files.
            order.push('\n');
        }
        let schemas: String = schemas
            .iter()
            .map(|(text, n)| schema_line(text, *n))
            .collect();
        let mut lists = vec![
            (self.layout.order_file(), order),
            (self.layout.files_index(), index),
        ];
        // That of a strict collection is fixed.
        if self.strict.is_none() {
            lists.push((self.layout.schemas_file(), schemas));
        }
        for (path, text) in lists {
            write_atomically(&path, text.as_bytes(), None, IfExists::Replace)
                .map_err(|e| DocumentError::file("write", &path, e))?;
        }
        self.is_dirty = false;
        Ok(())
    }

    fn path(&self, id: &str) -> std::path::PathBuf {
        self.layout.docs_dir().join(format!("{id}.json"))
    }
}

impl Drop for SyncWriter {
    fn drop(&mut self) {
        if self.is_dirty {
            // The documents are durable; the lists are made anew by the next writer.
            let _ = self.write_lists();
        }
    }
}

/// Limits of what a [`BufferedWriter`] holds back.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WriteConfig {
    /// Number of changes.
    pub max_pending_ops: usize,
    /// Bytes of documents.
    pub max_pending_bytes: usize,
    /// Time since the last flush, in milliseconds. It is looked at with each change.
    pub flush_interval_ms: u64,
}

impl Default for WriteConfig {
    fn default() -> Self {
        Self {
            max_pending_ops: 1000,
            max_pending_bytes: 10 << 20,
            flush_interval_ms: 1000,
        }
    }
}

/// A writer that holds changes back and writes many at once.
#[derive(Debug)]
pub struct BufferedWriter {
    writer: SyncWriter,
    config: WriteConfig,
    /// Changes in order; a deletion has no document.
    pending: Vec<(String, Option<Vec<u8>>)>,
    pending_bytes: usize,
    flushed: Instant,
    written: usize,
}

impl BufferedWriter {
    /// Opens a collection for writing, and makes it where it is missing.
    ///
    /// # Errors
    /// As [`SyncWriter::new`].
    pub fn new(
        root: impl AsRef<Path>,
        collection: &str,
        config: WriteConfig,
    ) -> Result<Self, DocumentError> {
        Ok(Self {
            writer: SyncWriter::new(root, collection)?,
            config,
            pending: Vec::new(),
            pending_bytes: 0,
            flushed: Instant::now(),
            written: 0,
        })
    }

    /// Accepts a document.
    ///
    /// # Errors
    /// [`DocumentError::Id`]; those of [`BufferedWriter::flush`].
    pub fn put(&mut self, id: &str, document: &serde_json::Value) -> Result<(), DocumentError> {
        DocumentId::new(id).map_err(|e| DocumentError::id(id, e))?;
        let bytes = document.to_string().into_bytes();
        self.pending_bytes += bytes.len();
        self.pending.push((id.to_owned(), Some(bytes)));
        self.flush_if_full()
    }

    /// Accepts a deletion.
    ///
    /// # Errors
    /// Those of [`BufferedWriter::flush`].
    pub fn delete(&mut self, id: &str) -> Result<(), DocumentError> {
        self.pending.push((id.to_owned(), None));
        self.flush_if_full()
    }

    fn flush_if_full(&mut self) -> Result<(), DocumentError> {
        let interval = Duration::from_millis(self.config.flush_interval_ms);
        let is_full = self.pending.len() >= self.config.max_pending_ops
            || self.pending_bytes >= self.config.max_pending_bytes
            || self.flushed.elapsed() >= interval;
        match is_full {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Makes everything durable that was accepted. A change that fails stays pending, with those after it.
    ///
    /// # Errors
    /// As [`SyncWriter::put`].
    pub fn flush(&mut self) -> Result<(), DocumentError> {
        let mut done = 0;
        let mut failed = Ok(());
        for (id, document) in &self.pending {
            let written = match document {
                Some(document) => self.writer.put_raw(id, document),
                None => self.writer.delete(id).map(|_| ()),
            };
            if written.is_err() {
                failed = written;
                break;
            }
            done += 1;
        }
        self.written += done;
        self.pending.drain(..done);
        let bytes = self.pending.iter().filter_map(|(_, d)| d.as_ref());
        self.pending_bytes = bytes.map(Vec::len).sum();
        self.flushed = Instant::now();
        failed
    }

    /// Returns the number of changes that are durable.
    pub fn count(&self) -> usize {
        self.written
    }
}

impl Drop for BufferedWriter {
    fn drop(&mut self) {
        // Writes that were not flushed were not reported durable.
        let _ = self.flush();
    }
}
