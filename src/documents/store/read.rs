//! Documents by id, and in the order of the log.

use std::sync::Arc;

use crate::documents::Document;
use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::Scan;
use crate::documents::disk::data_file::DataFile;
use crate::documents::disk::load::load;
use crate::documents::disk::loaded::Place;
use crate::documents::format::quick_id;
use crate::documents::store::state::Unwritten;

/// Number of bytes of the log that a scan reads at once.
const RUN_BYTES: u64 = 1 << 20;
/// Number of bytes between two documents that a scan rather reads than begins anew.
const GAP_BYTES: u64 = 16 << 10;

impl FastStore {
    /// Returns a document. Also one that was put by this handle and is not durable yet.
    ///
    /// # Errors
    /// [`DocumentError::NoDocument`]; [`DocumentError::Changed`] if the log was edited meanwhile.
    pub fn get(&self, id: &str) -> Result<Document, DocumentError> {
        let missing = || DocumentError::NoDocument(id.chars().take(80).collect());
        let (bytes, place) = {
            let state = self.read_state()?;
            let place = *state.places.get(id).ok_or_else(missing)?;
            if let Some(line) = state.pending.line(place) {
                return Ok(Document::of_line(line.to_vec()));
            }
            let bytes = Bytes {
                data: state.data.clone(),
                unwritten: [state.in_flight.clone(), None],
            };
            (bytes, place)
        };
        let line = bytes.line(place, self)?;
        self.check_id(id, &line)?;
        Ok(Document::of_line(line))
    }

    /// Returns documents in the order of the ids, `None` where there is none. Reads the log in its order.
    ///
    /// # Errors
    /// As [`FastStore::get`].
    pub fn get_many(&self, ids: &[&str]) -> Result<Vec<Option<Document>>, DocumentError> {
        let (bytes, mut places) = {
            let state = self.read_state()?;
            let places = ids.iter().enumerate();
            let places = places.filter_map(|(n, id)| Some((*state.places.get(*id)?, n, *id)));
            (self.bytes_now(&state), places.collect::<Vec<_>>())
        };
        places.sort_unstable();
        let mut found = vec![None; ids.len()];
        for (place, n, id) in places {
            let line = bytes.line(place, self)?;
            self.check_id(id, &line)?;
            if let Some(slot) = found.get_mut(n) {
                *slot = Some(Document::of_line(line));
            }
        }
        Ok(found)
    }

    fn check_id(&self, id: &str, line: &[u8]) -> Result<(), DocumentError> {
        match quick_id(line).is_ok_and(|found| found == id) {
            true => Ok(()),
            false => Err(DocumentError::Changed(self.layout.data_file())),
        }
    }

    /// Returns true if there is a document with this id.
    pub fn exists(&self, id: &str) -> bool {
        self.read_state().is_ok_and(|s| s.places.contains_key(id))
    }

    /// Returns the number of documents.
    pub fn len(&self) -> usize {
        self.read_state().map_or(0, |state| state.places.len())
    }

    /// Returns true if there is no document.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the ids in the order of the log: of the last put of each document.
    pub fn doc_ids(&self) -> Vec<String> {
        let Ok(state) = self.read_state() else {
            return Vec::new();
        };
        let mut ids: Vec<(&Place, &str)> = state
            .places
            .iter()
            .map(|(id, p)| (p, id.as_ref()))
            .collect();
        ids.sort_unstable();
        ids.into_iter().map(|(_, id)| id.to_owned()).collect()
    }

    /// Returns the documents in the order of the log, as they are now: changes during the iteration do not
    /// show in it.
    ///
    /// # Errors
    /// [`DocumentError::Failed`].
    pub fn iter(&self) -> Result<Documents, DocumentError> {
        let state = self.read_state()?;
        let mut places: Vec<Place> = state.places.values().copied().collect();
        places.sort_unstable();
        Ok(Documents {
            bytes: self.bytes_now(&state),
            path: self.layout.data_file(),
            places: places.into_iter(),
            run_at: 0,
            run: Vec::new(),
        })
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
        let chosen = self.iter()?.filter_map(|document| match document {
            Ok(document) => match choice.apply(document.into_bytes()) {
                Ok(Some(bytes)) => Some(Ok(Document::of_line(bytes))),
                Ok(None) => None,
                Err(e) => Some(Err(e)),
            },
            Err(e) => Some(Err(e)),
        });
        Ok(chosen.take(limit.unwrap_or(usize::MAX)))
    }

    /// Returns the lines of all live documents, in the order of the log.
    ///
    /// # Errors
    /// As [`FastStore::get`].
    pub fn read_jsonl_blob(&self) -> Result<Vec<u8>, DocumentError> {
        let mut blob = Vec::new();
        for document in self.iter()? {
            blob.extend_from_slice(document?.as_bytes());
            blob.push(b'\n');
        }
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
        state.live_bytes = loaded.places.values().map(|p| u64::from(p.length)).sum();
        state.pending.start = loaded.end;
        state.pending.last_line = loaded.last_line;
        state.unreadable = loaded.unreadable;
        (state.data, state.places) = (loaded.data, loaded.places);
        Ok(())
    }

    fn bytes_now(&self, state: &super::state::State) -> Bytes {
        let pending = &state.pending;
        let open = (!pending.bytes.is_empty()).then(|| Unwritten {
            start: pending.start,
            bytes: Arc::new(pending.bytes.clone()),
        });
        Bytes {
            data: state.data.clone(),
            unwritten: [state.in_flight.clone(), open],
        }
    }
}

/// The log with what is not on the device yet.
#[derive(Debug)]
struct Bytes {
    data: DataFile,
    unwritten: [Option<Unwritten>; 2],
}

impl Bytes {
    fn unwritten_line(&self, place: Place) -> Option<Vec<u8>> {
        self.unwritten.iter().flatten().find_map(|unwritten| {
            let at = usize::try_from(place.offset.checked_sub(unwritten.start)?).ok()?;
            let line = unwritten
                .bytes
                .get(at..at.checked_add(place.length as usize)?)?;
            Some(line.to_vec())
        })
    }

    fn line(&self, place: Place, store: &FastStore) -> Result<Vec<u8>, DocumentError> {
        if let Some(line) = self.unwritten_line(place) {
            return Ok(line);
        }
        let read = self.data.read(place.offset, place.length.into());
        read.map_err(|e| changed(&store.layout.data_file(), e))
    }
}

/// The error of a log that cannot be read where a document was.
fn changed(path: &std::path::Path, error: std::io::Error) -> DocumentError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => DocumentError::Changed(path.to_owned()),
        _ => DocumentError::file("read", path, error),
    }
}

/// The documents of a collection in the order of the log.
#[derive(Debug)]
pub struct Documents {
    bytes: Bytes,
    path: std::path::PathBuf,
    places: std::vec::IntoIter<Place>,
    run_at: u64,
    run: Vec<u8>,
}

impl Documents {
    fn read(&mut self, place: Place) -> Result<Document, DocumentError> {
        if let Some(line) = self.bytes.unwritten_line(place) {
            return Ok(Document::of_line(line));
        }
        let run_end = self.run_at + self.run.len() as u64;
        let end = place.offset + u64::from(place.length);
        if place.offset < self.run_at || end > run_end {
            let end = self.run_end(place);
            let read = self.bytes.data.read(place.offset, end - place.offset);
            self.run = read.map_err(|e| changed(&self.path, e))?;
            self.run_at = place.offset;
        }
        let start = usize::try_from(place.offset - self.run_at).unwrap_or(usize::MAX);
        let line = self
            .run
            .get(start..start.saturating_add(place.length as usize));
        let line = line.ok_or_else(|| DocumentError::Changed(self.path.clone()))?;
        Ok(Document::of_line(line.to_vec()))
    }

    /// Returns the end of the documents that are worth reading together with the first one.
    fn run_end(&self, first: Place) -> u64 {
        let start = first.offset;
        let mut end = start + u64::from(first.length);
        for place in self.places.as_slice() {
            let after = place.offset + u64::from(place.length);
            let is_near = place.offset <= end + GAP_BYTES && after - start <= RUN_BYTES;
            if !is_near || self.bytes.unwritten_line(*place).is_some() {
                break;
            }
            end = after;
        }
        end
    }
}

impl Iterator for Documents {
    type Item = Result<Document, DocumentError>;

    fn next(&mut self) -> Option<Self::Item> {
        let place = self.places.next()?;
        Some(self.read(place))
    }
}
