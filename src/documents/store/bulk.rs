//! Many documents at once: threads check them and make their lines, and one thread appends those in order.

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

/// Number of bytes that a thread makes lines of at once.
const PIECE_BYTES: usize = 1 << 20;
/// Number of documents of [`FastStore::put_many`] that are checked at once, at most.
const GIVEN_AT_ONCE: usize = 64 << 10;
/// Number of documents that a thread checks before it takes the next ones.
const GIVEN_PART: usize = 500;
/// Length of the shortest document, `{"_id":"a"}` and a line feed.
const DOCUMENT_BYTES_MIN: usize = 12;
/// Number of pieces of a thread that wait to be appended.
const PIECES_AHEAD: usize = 2;

impl FastStore {
    /// Stores documents that are JSON Lines with an `_id` each, and makes them durable. Returns their number. Blank lines
    /// are left out.
    ///
    /// # Errors
    /// As [`FastStore::put`], for the first document that is refused, with the number of its line in place of the
    /// id. Those before it are stored.
    pub fn write_jsonl_blob(&self, blob: &[u8]) -> Result<u64, DocumentError> {
        let preparer = self.preparer()?;
        let pieces = pieces(blob);
        let workers = self.checkers().min(pieces.len()).max(1);
        // The table grows once. A line that is no new document makes it too large, until it is written.
        let lines = memchr::memchr_iter(b'\n', blob).count();
        let lines = lines.min(blob.len() / DOCUMENT_BYTES_MIN);
        let reserved = self.write_state()?.index.table_mut().reserve(lines);
        reserved.map_err(|e| self.fault(e))?;
        let mut stored = 0;
        let appended = thread::scope(|scope| {
            let lines: Vec<mpsc::Receiver<NewLines>> = (0..workers)
                .map(|worker| {
                    let (sender, receiver) = mpsc::sync_channel(PIECES_AHEAD);
                    let mine = pieces.iter().skip(worker).step_by(workers);
                    scope.spawn(move || {
                        for piece in mine {
                            let new = preparer.piece(piece);
                            // Nothing behind a refused document is stored, so it must not set a schema either.
                            let is_last = new.fault.is_some();
                            // The other side ended at an error.
                            if sender.send(new).is_err() || is_last {
                                break;
                            }
                        }
                    });
                    receiver
                })
                .collect();
            // A full batch is written while the next one is filled.
            let (full, batches) = mpsc::sync_channel::<()>(0);
            let writer = scope.spawn(move || batches.iter().try_for_each(|()| self.flush()));
            let appended = self.append_pieces(&pieces, &lines, &full, &mut stored);
            drop(full);
            let written = writer
                .join()
                .unwrap_or_else(|e| std::panic::resume_unwind(e));
            written.and(appended)
        });
        let finished = self.finish_many(appended);
        self.buffers.rest();
        finished.map(|()| stored)
    }

    /// Appends the lines of all pieces, in turns from the threads that make them.
    fn append_pieces(
        &self,
        pieces: &[&[u8]],
        lines: &[mpsc::Receiver<NewLines>],
        full: &mpsc::SyncSender<()>,
        stored: &mut u64,
    ) -> Result<(), DocumentError> {
        let mut first_line = 1;
        for (number, piece) in pieces.iter().enumerate() {
            let receiver = lines.get(number % lines.len().max(1));
            // A thread that sends nothing has panicked, and the scope does so too.
            let Some(mut new) = receiver.and_then(|r| r.recv().ok()) else {
                return Err(DocumentError::Failed(self.layout.data_file()));
            };
            *stored += new.lines.len() as u64;
            let fault = new.fault.take();
            let is_full = self.append(new)?;
            if let Some((line, fault)) = fault {
                return Err(fault.at_line(first_line + line));
            }
            first_line += memchr::memchr_iter(b'\n', piece).count() as u64;
            // The writer has ended if a write failed, and says why.
            if is_full && full.send(()).is_err() {
                break;
            }
        }
        Ok(())
    }

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
    fn preparer(&self) -> Result<Preparer<'_>, DocumentError> {
        if self.lock.is_none() {
            return Err(DocumentError::ReadOnly);
        }
        Ok(Preparer {
            strict: self.strict.as_ref(),
            buffers: &self.buffers,
            key: self.read_state()?.index.table().key(),
        })
    }

    /// Returns the number of threads that check documents.
    fn checkers(&self) -> usize {
        match self.strict {
            // The first document may set the schema for the others.
            Some(_) => 1,
            None => threads(),
        }
    }

    /// Makes documents durable, also those before one that is refused. The first error counts: one of a write makes all
    /// later ones fail.
    fn finish_many(&self, appended: Result<(), DocumentError>) -> Result<(), DocumentError> {
        match appended {
            Err(e) if !e.is_of_document() => Err(e),
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

    /// Adds lines to the pending ones. Returns true if a batch is full.
    fn append(&self, new: NewLines) -> Result<bool, DocumentError> {
        let mut state = self.write_state()?;
        if state.pending.bytes.capacity() == 0 {
            state.reserve(PENDING_BYTES_MAX + 2 * PIECE_BYTES, &self.buffers);
        }
        state.append(new, &self.buffers);
        state.place_new().map_err(|e| self.fault(e))?;
        Ok(state.pending.bytes.len() >= PENDING_BYTES_MAX)
    }
}

/// Cuts a blob behind line feeds.
fn pieces(blob: &[u8]) -> Vec<&[u8]> {
    let (mut pieces, mut rest) = (Vec::new(), blob);
    while !rest.is_empty() {
        let from = rest.len().min(PIECE_BYTES);
        let after = rest.get(from..).unwrap_or_default();
        let end = memchr::memchr(b'\n', after).map_or(rest.len(), |at| from + at + 1);
        let (piece, others) = rest.split_at(end);
        pieces.push(piece);
        rest = others;
    }
    pieces
}
