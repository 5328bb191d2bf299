//! Lines of new documents, made and checked before the state of a handle is locked.

use std::borrow::Cow;
use std::sync::mpsc;

use crate::documents::DocumentError;
use crate::documents::format::DocumentId;
use crate::documents::format::LineMaker;
use crate::documents::format::id_from_field;
use crate::documents::format::limits::LINE_BYTES_MAX;
use crate::documents::format::quick_id;
use crate::documents::pieces::Piece;
use crate::documents::store::buffers::Buffers;
use crate::documents::store::schemas::StrictSchema;
use crate::documents::table::HashKey;
use crate::documents::table::hash_id;

/// Number of refused lines that a report lists.
pub(super) const REFUSED_MAX: usize = 100_000;

/// A line that is ready to be appended.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewLine {
    /// Offset after it in the bytes of all.
    pub(super) end: usize,
    /// Hash of its id.
    pub(super) hash: u64,
}

/// Lines that are ready to be appended.
#[derive(Debug)]
pub(super) struct NewLines {
    pub(super) bytes: Vec<u8>,
    pub(super) lines: Vec<NewLine>,
    /// Key of the hashes.
    pub(super) key: HashKey,
    /// The error of the document that cannot be stored, after those before it, and its line in the piece, from 0.
    pub(super) fault: Option<(u64, DocumentError)>,
    /// The errors of documents that were skipped, the first [`REFUSED_MAX`] of them.
    pub(super) skipped: Vec<(u64, DocumentError)>,
    /// Number of documents that were skipped.
    pub(super) skipped_count: u64,
}

/// The rules by which a thread makes lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Preparer<'a> {
    pub(super) buffers: &'a Buffers,
    pub(super) strict: Option<&'a StrictSchema>,
    pub(super) key: HashKey,
    /// Path of the field that is the id of a line; `None` for `_id`.
    pub(super) id: Option<&'a str>,
    /// True if documents that cannot be stored are left out.
    pub(super) skips: bool,
}

impl Preparer<'_> {
    /// Makes the lines of a piece of JSON Lines, up to the first document that cannot be stored. The error of one without
    /// an id has none.
    pub(super) fn piece(&self, piece: &Piece<'_>) -> NewLines {
        let text = piece.bytes.as_ref();
        let mut new = self.none(text.len() + text.len() / 8);
        if piece.is_too_long {
            let (id, limit) = (String::new(), LINE_BYTES_MAX);
            self.refuse(0, DocumentError::TooLong { id, limit }, &mut new);
            return new;
        }
        let mut maker = LineMaker::default();
        for (number, document) in text.split(|b| *b == b'\n').enumerate() {
            let document = document.trim_ascii();
            if document.is_empty() {
                continue;
            }
            let id = match self.id {
                None => quick_id(document),
                Some(path) => id_from_field(document, path).map(Cow::Owned),
            };
            let id = id.map_err(|e| DocumentError::document("", e));
            let made = id.and_then(|id| self.line(&mut maker, &id, document, &mut new));
            if let Err(fault) = made
                && !self.refuse(number as u64, fault, &mut new)
            {
                break;
            }
        }
        new
    }

    /// Notes an error. Returns false if nothing behind the document counts.
    fn refuse(&self, number: u64, fault: DocumentError, new: &mut NewLines) -> bool {
        if !self.skips || !fault.is_of_document() {
            new.fault = Some((number, fault));
            return false;
        }
        new.skipped_count += 1;
        if new.skipped.len() < REFUSED_MAX {
            new.skipped.push((number, fault));
        }
        true
    }

    /// Makes the lines of documents with their ids, up to the first one that cannot be stored.
    pub(super) fn given(&self, documents: &[(&str, &[u8])]) -> NewLines {
        let lengths = documents.iter().map(|(_, document)| document.len() + 32);
        let mut new = self.none(lengths.sum());
        new.lines.reserve(documents.len());
        let mut maker = LineMaker::default();
        for (number, (id, document)) in documents.iter().enumerate() {
            if let Err(fault) = self.line(&mut maker, id, document, &mut new) {
                new.fault = Some((number as u64, fault));
                break;
            }
        }
        new
    }

    fn none(&self, bytes: usize) -> NewLines {
        NewLines {
            bytes: self.buffers.take(bytes),
            lines: Vec::new(),
            key: self.key,
            fault: None,
            skipped: Vec::new(),
            skipped_count: 0,
        }
    }

    fn line(
        &self,
        maker: &mut LineMaker,
        id: &str,
        document: &[u8],
        new: &mut NewLines,
    ) -> Result<(), DocumentError> {
        let id = DocumentId::new(id).map_err(|e| DocumentError::id(id, e))?;
        let begin = new.bytes.len();
        let made = maker.line_into(&id, document, &mut new.bytes);
        made.map_err(|e| DocumentError::document(id.as_str(), e))?;
        let limit = LINE_BYTES_MAX;
        if new.bytes.len() - begin >= limit {
            new.bytes.truncate(begin);
            let id = id.as_str().to_owned();
            return Err(DocumentError::TooLong { id, limit });
        }
        if let Some(strict) = self.strict
            && let Err(e) = strict.check(id.as_str(), document)
        {
            new.bytes.truncate(begin);
            return Err(e);
        }
        new.lines.push(NewLine {
            end: new.bytes.len(),
            hash: hash_id(&self.key, id.as_str()),
        });
        Ok(())
    }
}

/// Tells a helping thread that lines wait for their places.
#[derive(Debug)]
pub(super) struct Placing(Option<mpsc::Sender<()>>);

impl Placing {
    /// Makes one that tells a thread, and what that thread waits for.
    pub(super) fn by_another() -> (Self, mpsc::Receiver<()>) {
        let (tell, told) = mpsc::channel();
        (Self(Some(tell)), told)
    }

    /// Makes one that tells nobody.
    pub(super) fn by_nobody() -> Self {
        Self(None)
    }

    /// Tells it.
    pub(super) fn begin(&self) {
        // A thread that has ended leaves the work to the one that writes.
        let _ = self.0.as_ref().map(|tell| tell.send(()));
    }
}
