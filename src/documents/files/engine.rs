//! Reading of collections with a file for each document.

use std::collections::HashSet;
use std::path::Path;

use crate::documents::CollectionManifest;
use crate::documents::CollectionStats;
use crate::documents::Document;
use crate::documents::DocumentError;
use crate::documents::Layout;
use crate::documents::Scan;
use crate::documents::disk::layout::is_absent;
use crate::documents::format::document_into;
use crate::documents::format::is_safe_file_stem;
use crate::documents::format::limits::INDEX_BYTES_MAX;
use crate::documents::format::limits::LINE_BYTES_MAX;
use crate::documents::schema_counts::SchemaCount;
use crate::documents::schema_counts::SchemaCounts;
use crate::file_io::read_own;
use crate::file_io::read_own_text;

/// A collection whose documents are files of their own.
#[derive(Debug)]
pub struct Engine {
    layout: Layout,
    ids: Vec<String>,
}

impl Engine {
    /// Opens a collection that is there. Its documents are the files of `docs`, in the order of `order.ids`;
    /// files that it does not name follow, sorted.
    ///
    /// # Errors
    /// [`DocumentError::NoStore`], [`DocumentError::NoCollection`], [`DocumentError::File`].
    pub fn open(root: impl AsRef<Path>, collection: &str) -> Result<Self, DocumentError> {
        Self::of_layout(Layout::new(root, collection)?)
    }

    /// Opens the collection of a layout.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn of_layout(layout: Layout) -> Result<Self, DocumentError> {
        layout.require()?;
        let mut there = ids_there(&layout)?;
        let mut ids = Vec::with_capacity(there.len());
        for id in order(&layout)? {
            if there.remove(&id) {
                ids.push(id);
            }
        }
        let mut rest: Vec<String> = there.into_iter().collect();
        rest.sort_unstable();
        ids.append(&mut rest);
        Ok(Self { layout, ids })
    }

    /// Returns the ids in order.
    pub fn doc_ids(&self) -> &[String] {
        &self.ids
    }

    /// Returns the number of documents.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Returns true if there is no document.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Returns a document. `_id` is the name of its file.
    ///
    /// # Errors
    /// [`DocumentError::NoDocument`], also for an id that is no name of a file; [`DocumentError::Damaged`].
    pub fn get_document(&self, id: &str) -> Result<Document, DocumentError> {
        let missing = || DocumentError::NoDocument(id.chars().take(80).collect());
        if !is_safe_file_stem(id) {
            return Err(missing());
        }
        let path = self.layout.docs_dir().join(format!("{id}.json"));
        let bytes = match read_own(&path, LINE_BYTES_MAX) {
            Err(e) if is_absent(&e) => return Err(missing()),
            other => other.map_err(|e| DocumentError::file("read", &path, e))?,
        };
        let mut document = Vec::with_capacity(bytes.len());
        document_into(id, &bytes, &mut document).map_err(|fault| DocumentError::Damaged {
            path,
            reason: fault.to_string(),
        })?;
        Ok(Document::of_line(document))
    }

    /// Returns the document at a position, from 0.
    ///
    /// # Errors
    /// As [`Engine::get_document`].
    pub fn get_document_at(&self, position: usize) -> Result<Document, DocumentError> {
        let id = self.ids.get(position);
        let missing = || DocumentError::NoDocument(format!("at position {position}"));
        self.get_document(id.ok_or_else(missing)?)
    }

    /// Returns the documents that a choice has, in order. A file that is no document is an error of its item.
    pub fn scan<'a>(
        &'a self,
        choice: &'a Scan,
    ) -> impl Iterator<Item = Result<Document, DocumentError>> + 'a {
        let limit = choice.limit.and_then(|n| usize::try_from(n).ok());
        let chosen = self.ids.iter().filter_map(|id| {
            let document = self.get_document(id);
            match document.and_then(|d| choice.apply(d.as_bytes())) {
                Ok(bytes) => Some(Ok(Document::of_line(bytes?))),
                Err(e) => Some(Err(e)),
            }
        });
        chosen.take(limit.unwrap_or(usize::MAX))
    }

    /// Counts documents, bytes and schemas. Reads all documents.
    ///
    /// # Errors
    /// As [`Engine::get_document`].
    pub fn stats(&self) -> Result<CollectionStats, DocumentError> {
        let mut bytes = 0;
        for id in &self.ids {
            let path = self.layout.docs_dir().join(format!("{id}.json"));
            let meta = path.metadata();
            bytes += meta
                .map_err(|e| DocumentError::file("read", &path, e))?
                .len();
        }
        let manifest = CollectionManifest::read(&self.layout)?;
        Ok(CollectionStats {
            documents: self.ids.len() as u64,
            live_bytes: bytes,
            file_bytes: bytes,
            schemas: self.schemas()?.len() as u64,
            is_strict: manifest.is_some_and(|m| m.strict),
        })
    }

    /// Returns the schemas of the documents, the most frequent first. Reads all documents.
    ///
    /// # Errors
    /// As [`Engine::get_document`].
    pub fn schemas(&self) -> Result<Vec<SchemaCount>, DocumentError> {
        let mut counts = SchemaCounts::default();
        for id in &self.ids {
            let counted = counts.add(self.get_document(id)?.as_bytes());
            counted.map_err(|e| DocumentError::document(id, e))?;
        }
        Ok(counts.most_frequent_first())
    }

    /// Returns the layout of the collection.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// Returns the ids that have a file.
fn ids_there(layout: &Layout) -> Result<HashSet<String>, DocumentError> {
    let dir = layout.docs_dir();
    let entries = match std::fs::read_dir(&dir) {
        Err(e) if is_absent(&e) => return Ok(HashSet::new()),
        other => other.map_err(|e| DocumentError::file("list", &dir, e))?,
    };
    let mut ids = HashSet::new();
    for entry in entries {
        let entry = entry.map_err(|e| DocumentError::file("list", &dir, e))?;
        let name = entry.file_name();
        let id = name.to_str().and_then(|n| n.strip_suffix(".json"));
        ids.extend(id.filter(|id| is_safe_file_stem(id)).map(str::to_owned));
    }
    Ok(ids)
}

/// Returns the ids of `order.ids`, each once.
fn order(layout: &Layout) -> Result<Vec<String>, DocumentError> {
    let path = layout.order_file();
    let text = match read_own_text(&path, INDEX_BYTES_MAX) {
        Err(e) if is_absent(&e) => return Ok(Vec::new()),
        other => other.map_err(|e| DocumentError::file("read", &path, e))?,
    };
    let lines = text.lines().map(str::trim).filter(|id| !id.is_empty());
    Ok(lines.map(str::to_owned).collect())
}
