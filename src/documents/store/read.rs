//! Documents by id, and in the order of the log.

use std::io;
use std::ops::ControlFlow;
use std::sync::PoisonError;
use std::thread;

use crate::documents::Document;
use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::Scan;
use crate::documents::disk::live_lines::LiveLines;
use crate::documents::disk::load::load;
use crate::documents::format::quick_id;
use crate::locks::threads;

/// Number of documents for which a thread is worth its begin.
const PART_MIN: usize = 500;

impl FastStore {
    /// Returns a document. Also one that was put by this handle and is not durable yet.
    ///
    /// # Errors
    /// [`DocumentError::NoDocument`]; [`DocumentError::Changed`] if the log was edited meanwhile.
    pub fn get(&self, id: &str) -> Result<Document, DocumentError> {
        let state = self.read_state()?;
        let found = state.index.find(id, &state.lines(), <[u8]>::to_vec);
        match found.map_err(|e| self.fault(e))? {
            Some((_, line)) => Ok(Document::of_line(line)),
            None => Err(DocumentError::NoDocument(id.chars().take(80).collect())),
        }
    }

    /// Returns documents in the order of the ids, `None` where there is none. Many are looked for by several threads.
    ///
    /// # Errors
    /// As [`FastStore::get`].
    pub fn get_many(&self, ids: &[&str]) -> Result<Vec<Option<Document>>, DocumentError> {
        let state = self.read_state()?;
        let state = &*state;
        let workers = threads().min(ids.len() / PART_MIN).max(1);
        let part_length = ids.len().div_ceil(workers).max(1);
        let mut documents = vec![None; ids.len()];
        let found = thread::scope(|scope| {
            let mut parts = ids
                .chunks(part_length)
                .zip(documents.chunks_mut(part_length));
            let first = parts.next();
            let others: Vec<_> = parts
                .map(|(ids, to)| scope.spawn(move || state.get_some(ids, to)))
                .collect();
            let mut found = first.map_or(Ok(()), |(ids, to)| state.get_some(ids, to));
            for other in others {
                let other = other.join();
                found = found.and(other.unwrap_or_else(|e| std::panic::resume_unwind(e)));
            }
            found
        });
        found.map_err(|e| self.fault(e))?;
        Ok(documents)
    }

    /// Makes an error of a read of the log or of the table.
    pub(super) fn fault(&self, error: io::Error) -> DocumentError {
        fault(&self.layout, error)
    }

    /// Returns true if there is a document with this id.
    ///
    /// # Errors
    /// As [`FastStore::get`].
    pub fn exists(&self, id: &str) -> Result<bool, DocumentError> {
        let state = self.read_state()?;
        let found = state.index.find(id, &state.lines(), |_| ());
        Ok(found.map_err(|e| self.fault(e))?.is_some())
    }

    /// Returns the number of documents, as this handle knows it.
    pub fn len(&self) -> usize {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.index.len()
    }

    /// Returns true if there is no document.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the ids in the order of the log: of the last put of each document. Reads the log.
    ///
    /// # Errors
    /// As [`FastStore::get`].
    pub fn doc_ids(&self) -> Result<Vec<String>, DocumentError> {
        let id = |document: Result<Document, DocumentError>| {
            let document = document?;
            let id = quick_id(document.as_bytes());
            let id = id.map_err(|_| DocumentError::Changed(self.layout.data_file()))?;
            Ok(id.into_owned())
        };
        self.iter()?.map(id).collect()
    }

    /// Returns the documents in the order of the log, as they are now: changes during the iteration do not
    /// show in it.
    ///
    /// # Errors
    /// [`DocumentError::Failed`]; [`DocumentError::File`].
    pub fn iter(&self) -> Result<Documents, DocumentError> {
        let lines = self.read_state()?.live_lines(0);
        Ok(Documents {
            lines: lines.map_err(|e| self.fault(e))?,
            layout: self.layout.clone(),
        })
    }

    /// Calls `each` with the line of every document, without its line feed, in the order of the log, until it breaks.
    ///
    /// # Errors
    /// As [`FastStore::get`].
    pub fn for_each_raw(
        &self,
        mut each: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), DocumentError> {
        let lines = self.read_state()?.live_lines(0);
        let mut lines = lines.map_err(|e| self.fault(e))?;
        while let Some((_, _, line)) = lines.next().map_err(|e| self.fault(e))? {
            if each(line).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Returns the documents that a choice has, in the order of the log.
    ///
    /// # Errors
    /// [`DocumentError::Failed`]; each item as [`FastStore::get`].
    pub fn scan<'a>(
        &self,
        choice: &'a Scan,
    ) -> Result<impl Iterator<Item = Result<Document, DocumentError>> + use<'a>, DocumentError>
    {
        let limit = choice.limit.and_then(|n| usize::try_from(n).ok());
        let mut documents = self.iter()?;
        let chosen = std::iter::from_fn(move || documents.next_chosen(choice));
        Ok(chosen.take(limit.unwrap_or(usize::MAX)))
    }

    /// Returns the lines of all live documents, in the order of the log.
    ///
    /// # Errors
    /// As [`FastStore::get`].
    pub fn read_jsonl_blob(&self) -> Result<Vec<u8>, DocumentError> {
        let mut blob = Vec::new();
        self.for_each_raw(|line| {
            blob.extend_from_slice(line);
            blob.push(b'\n');
            ControlFlow::Continue(())
        })?;
        Ok(blob)
    }

    /// Reads the collection again, for documents that other processes have put. A writer needs no refresh.
    ///
    /// # Errors
    /// As [`FastStore::open_with`].
    pub fn refresh(&self) -> Result<(), DocumentError> {
        if self.lock.is_some() {
            return Ok(());
        }
        let loaded = load(&self.layout)?;
        let mut state = self.write_state()?;
        state.pending.start = loaded.end;
        state.pending.last_line = loaded.last_line;
        state.unreadable = loaded.unreadable;
        (state.data, state.index) = (loaded.data, loaded.index);
        Ok(())
    }
}

/// Makes an error of a read of the log or of the table.
fn fault(layout: &crate::documents::Layout, error: io::Error) -> DocumentError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => DocumentError::Changed(layout.data_file()),
        io::ErrorKind::InvalidData => DocumentError::Damaged {
            path: layout.table_file(),
            reason: "a checksum is wrong".to_owned(),
        },
        _ => DocumentError::file("read", &layout.data_file(), error),
    }
}

/// The documents of a collection in the order of the log.
#[derive(Debug)]
pub struct Documents {
    lines: LiveLines,
    layout: crate::documents::Layout,
}

impl Documents {
    /// Returns the next document that a choice has. The others are not copied.
    fn next_chosen(&mut self, choice: &Scan) -> Option<Result<Document, DocumentError>> {
        loop {
            let next = self.lines.next().map_err(|e| fault(&self.layout, e));
            let chosen = match next.transpose()? {
                Ok((_, _, line)) => choice.apply(line.trim_ascii_end()),
                Err(e) => return Some(Err(e)),
            };
            if let Some(bytes) = chosen.transpose() {
                return Some(bytes.map(Document::of_line));
            }
        }
    }
}

impl Iterator for Documents {
    type Item = Result<Document, DocumentError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.lines.next().map_err(|e| fault(&self.layout, e));
        let line = next.transpose()?;
        Some(line.map(|(_, _, line)| Document::of_line(line.to_vec())))
    }
}
