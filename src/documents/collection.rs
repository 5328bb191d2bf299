//! A collection of either kind: a log, or a file for each document.

use std::io;
use std::io::Read;

use crate::documents::CollectionStats;
use crate::documents::Document;
use crate::documents::DocumentError;
use crate::documents::Engine;
use crate::documents::FastStore;
use crate::documents::Layout;
use crate::documents::LineRules;
use crate::documents::LinesReport;
use crate::documents::Scan;
use crate::documents::SchemaCount;
use crate::documents::StoreOptions;
use crate::documents::SyncWriter;
use crate::documents::format::id_from_field;
use crate::documents::format::limits::LINE_BYTES_MAX;
use crate::documents::pieces::Pieces as _;
use crate::documents::pieces::ReaderPieces;
use crate::error_kind::Stopped;
use crate::progress::Progress;

/// A collection that is read. Where there is a log, it counts, as for other programs.
#[derive(Debug)]
pub enum Collection {
    /// A log of documents.
    Log(Box<FastStore>),
    /// A file for each document.
    Files(Engine),
}

/// Documents of a scan.
pub type Scanned<'a> = Box<dyn Iterator<Item = Result<Document, DocumentError>> + 'a>;

impl Collection {
    /// Opens a collection for reading.
    ///
    /// # Errors
    /// As [`FastStore::open_with`] for a reader.
    pub fn open(layout: Layout) -> Result<Self, DocumentError> {
        layout.require()?;
        match layout.has_files_only() {
            true => Engine::of_layout(layout).map(Self::Files),
            false => FastStore::open_with(layout, &StoreOptions::read())
                .map(|store| Self::Log(Box::new(store))),
        }
    }

    /// Returns the number of documents.
    pub fn len(&self) -> usize {
        match self {
            Self::Log(store) => store.len(),
            Self::Files(engine) => engine.len(),
        }
    }

    /// Returns true if there is no document.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a document.
    ///
    /// # Errors
    /// [`DocumentError::NoDocument`]; as [`FastStore::get`].
    pub fn get(&self, id: &str) -> Result<Document, DocumentError> {
        match self {
            Self::Log(store) => store.get(id),
            Self::Files(engine) => engine.get_document(id),
        }
    }

    /// Returns the documents that a choice has, in order.
    ///
    /// # Errors
    /// As [`FastStore::scan`].
    pub fn scan<'a>(&'a self, choice: &'a Scan) -> Result<Scanned<'a>, DocumentError> {
        Ok(match self {
            Self::Log(store) => Box::new(store.scan(choice)?),
            Self::Files(engine) => Box::new(engine.scan(choice)),
        })
    }

    /// Counts documents, bytes and schemas. Reads all documents.
    ///
    /// # Errors
    /// As [`FastStore::stats`].
    pub fn stats(&self) -> Result<CollectionStats, DocumentError> {
        match self {
            Self::Log(store) => store.stats(),
            Self::Files(engine) => engine.stats(),
        }
    }

    /// Returns the schemas of the documents, the most frequent first. Reads all documents.
    ///
    /// # Errors
    /// As [`FastStore::schemas`].
    pub fn schemas(&self) -> Result<Vec<SchemaCount>, DocumentError> {
        match self {
            Self::Log(store) => store.schemas(),
            Self::Files(engine) => engine.schemas(),
        }
    }
}

/// A collection that is written.
#[derive(Debug)]
pub enum CollectionWriter {
    /// A log of documents.
    Log(Box<FastStore>),
    /// A file for each document.
    Files(SyncWriter),
}

impl CollectionWriter {
    /// Opens a collection for writing, and makes a log where there is none. Waits for another writer.
    ///
    /// # Errors
    /// As [`FastStore::open_with`].
    pub fn open(layout: Layout, options: &StoreOptions) -> Result<Self, DocumentError> {
        match layout.has_files_only() {
            true => SyncWriter::of_layout(layout).map(Self::Files),
            false => FastStore::open_with(layout, options).map(|store| Self::Log(Box::new(store))),
        }
    }

    /// Stores a document that is JSON text. It is durable after [`CollectionWriter::finish`].
    ///
    /// # Errors
    /// As [`FastStore::put_raw`].
    pub fn put_raw(&mut self, id: &str, document: &[u8]) -> Result<(), DocumentError> {
        match self {
            Self::Log(store) => store.put_raw(id, document),
            Self::Files(writer) => writer.put_raw(id, document),
        }
    }

    /// Stores documents that are JSON Lines of a reader, as [`FastStore::put_lines`] does. A document in a file of its own
    /// is durable at once.
    ///
    /// # Errors
    /// As [`FastStore::put_lines`].
    pub fn put_lines(
        &mut self,
        from: impl Read,
        rules: &LineRules,
        progress: &dyn Progress,
    ) -> Result<LinesReport, DocumentError> {
        match self {
            Self::Log(store) => store.put_lines(from, rules, progress),
            Self::Files(writer) => put_files(writer, from, rules, progress),
        }
    }

    /// Deletes a document. Returns false if it was not there.
    ///
    /// # Errors
    /// As [`FastStore::delete`].
    pub fn delete(&mut self, id: &str) -> Result<bool, DocumentError> {
        match self {
            Self::Log(store) => store.delete(id),
            Self::Files(writer) => writer.delete(id),
        }
    }

    /// Makes everything durable, and the index of other programs current.
    ///
    /// # Errors
    /// As [`FastStore::checkpoint`].
    pub fn finish(mut self) -> Result<(), DocumentError> {
        match &mut self {
            Self::Log(store) => store.checkpoint(),
            Self::Files(writer) => writer.write_lists(),
        }
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// As [`FastStore::flush`].
    pub fn flush(&mut self) -> Result<(), DocumentError> {
        match self {
            Self::Log(store) => store.flush(),
            // Each change is durable already.
            Self::Files(_) => Ok(()),
        }
    }
}

/// Stores the documents of a reader as files.
fn put_files(
    writer: &mut SyncWriter,
    from: impl Read,
    rules: &LineRules,
    progress: &dyn Progress,
) -> Result<LinesReport, DocumentError> {
    let fail = |source| DocumentError::Input { source };
    let mut pieces = ReaderPieces::new(from, usize::MAX);
    let mut report = LinesReport::default();
    while let Some(piece) = pieces.next_piece(Vec::new).map_err(fail)? {
        for (number, document) in (piece.first_line..).zip(piece.bytes.split(|b| *b == b'\n')) {
            if progress.cancelled() {
                return Err(fail(io::Error::other(Stopped)));
            }
            progress.advance(document.len() as u64 + 1);
            let document = document.trim_ascii();
            let (id, limit) = (String::new(), LINE_BYTES_MAX);
            let stored = match document.is_empty() {
                true if !piece.is_too_long => continue,
                true => Err(DocumentError::TooLong { id, limit }),
                false => id_from_field(document, &rules.id)
                    .map_err(|e| DocumentError::document("", e))
                    .and_then(|id| writer.put_raw(&id, document)),
            };
            match stored {
                Ok(()) => report.stored += 1,
                Err(e) if !e.is_of_document() => return Err(e),
                Err(e) => {
                    report.refuse(number, e);
                    if !rules.skips_invalid {
                        return Ok(report);
                    }
                }
            }
        }
    }
    Ok(report)
}
