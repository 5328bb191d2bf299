//! Many documents with their ids at once: threads check them and make their lines, and one thread appends those in order.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;

use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::store::commit::PENDING_BYTES_MAX;
use crate::documents::store::prepare::NewLines;
use crate::documents::store::prepare::Placing;
use crate::documents::store::prepare::Preparer;
use crate::locks::threads;

/// Number of documents of [`FastStore::put_many`] that are checked at once, at most.
const GIVEN_AT_ONCE: usize = 64 << 10;
/// Number of documents that a thread checks before it takes the next ones.
const GIVEN_PART: usize = 500;

impl FastStore {
    /// Stores documents and makes them durable. Returns their number.
    ///
    /// # Errors
    /// As [`FastStore::put`], for the first document that is refused. Those before it are stored.
    pub fn put_many<'a>(
        &self,
        documents: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<u64, DocumentError> {
        let preparer = self.preparer()?;
        let mut documents = documents.into_iter();
        let (mut stored, mut some) = (0, Vec::new());
        loop {
            some.clear();
            let mut bytes = 0;
            while some.len() < GIVEN_AT_ONCE && bytes < PENDING_BYTES_MAX {
                let Some((id, document)) = documents.next() else {
                    break;
                };
                bytes += document.len();
                some.push((id, document));
            }
            if some.is_empty() {
                self.buffers.rest();
                // Puts that were accepted before become durable too.
                self.flush()?;
                return Ok(stored);
            }
            stored += self.put_given(preparer, &some)?;
        }
    }

    /// Returns the rules by which lines are made now.
    pub(super) fn preparer(&self) -> Result<Preparer<'_>, DocumentError> {
        if self.lock.is_none() {
            return Err(DocumentError::ReadOnly);
        }
        Ok(Preparer {
            strict: self.strict.as_ref(),
            buffers: &self.buffers,
            id: None,
            skips: false,
            key: self.read_state()?.index.table().key(),
        })
    }

    /// Returns the number of threads that check documents.
    pub(super) fn checkers(&self) -> usize {
        match self.strict {
            // The first document may set the schema for the others.
            Some(_) => 1,
            None => threads(),
        }
    }

    /// Makes documents durable, also those before one that is refused or cannot be read. The first error counts: one of a
    /// write makes all later ones fail.
    pub(super) fn finish_many(
        &self,
        appended: Result<(), DocumentError>,
    ) -> Result<(), DocumentError> {
        match appended {
            Err(e) if !e.is_of_input() => Err(e),
            appended => self.flush().and(appended),
        }
    }

    fn put_given(
        &self,
        preparer: Preparer<'_>,
        documents: &[(&str, &[u8])],
    ) -> Result<u64, DocumentError> {
        let parts: Vec<&[(&str, &[u8])]> = documents.chunks(GIVEN_PART).collect();
        let helpers = self.checkers().min(parts.len()).saturating_sub(1);
        if helpers == 0 {
            // It ends at the first document that is refused: those behind it must not set a schema.
            let new = vec![preparer.given(documents)];
            return self.put_prepared(new, &Placing::by_nobody());
        }
        let next = AtomicUsize::new(0);
        let prepare = || {
            let mut made = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(part) = parts.get(at) else {
                    return made;
                };
                made.push((at, preparer.given(part)));
            }
        };
        thread::scope(|scope| {
            let (give, given) = mpsc::channel();
            let (placing, told) = Placing::by_another();
            let mut told = Some(told);
            for _ in 0..helpers {
                let (give, told) = (give.clone(), told.take());
                scope.spawn(move || {
                    let _ = give.send(prepare());
                    drop(give);
                    // One of them has work while the lines are written.
                    if told.is_some_and(|told| told.recv().is_ok()) {
                        self.place_new();
                    }
                });
            }
            drop(give);
            let mut made = prepare();
            made.extend(given.iter().flatten());
            if made.len() != parts.len() {
                // A helper has panicked, and the scope does so too.
                return Err(DocumentError::Failed(self.layout.data_file()));
            }
            made.sort_unstable_by_key(|(at, _)| *at);
            let new = made.into_iter().map(|(_, new)| new).collect();
            self.put_prepared(new, &placing)
        })
    }

    /// Stores lines up to the first document that is refused. Returns their number.
    fn put_prepared(
        &self,
        mut new: Vec<NewLines>,
        placing: &Placing,
    ) -> Result<u64, DocumentError> {
        let faulty = new.iter().position(|part| part.fault.is_some());
        new.truncate(faulty.map_or(usize::MAX, |at| at + 1));
        let fault = new.last_mut().and_then(|part| part.fault.take());
        let stored = new.iter().map(|part| part.lines.len() as u64).sum();
        self.put_new(new, placing)?;
        fault.map_or(Ok(stored), |(_, fault)| Err(fault))
    }
}
