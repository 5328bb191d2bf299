//! Many documents at once: threads check them and make their lines, and one thread appends those in order.

use std::sync::mpsc;
use std::thread;

use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::format::DocumentId;
use crate::documents::format::LineMaker;
use crate::documents::format::limits::LINE_BYTES_MAX;
use crate::documents::format::quick_id;
use crate::documents::store::commit::PENDING_BYTES_MAX;
use crate::documents::store::schemas::StrictSchema;
use crate::locks::threads;

/// Number of bytes that a thread makes lines of at once.
const PIECE_BYTES: usize = 1 << 20;
/// Number of documents of [`FastStore::put_many`] that are checked at once.
const GIVEN_AT_ONCE: usize = 64 << 10;
/// Number of documents for which a thread is worth its begin.
const GIVEN_MIN: usize = 500;
/// Number of pieces of a thread that wait to be appended.
const PIECES_AHEAD: usize = 2;

/// Lines that are ready to be appended.
#[derive(Default)]
struct Prepared {
    bytes: Vec<u8>,
    /// Ends of the lines in `bytes`.
    ends: Vec<usize>,
    /// The error of the document that cannot be stored, after those before it, and its line in the piece, from 0.
    fault: Option<(u64, DocumentError)>,
}

impl FastStore {
    /// Stores documents that are JSON Lines with an `_id` each, and makes them durable. Returns their number. Blank lines
    /// are left out.
    ///
    /// # Errors
    /// As [`FastStore::put`], for the first document that is refused, with the number of its line in place of the
    /// id. Those before it are stored.
    pub fn write_jsonl_blob(&self, blob: &[u8]) -> Result<u64, DocumentError> {
        if self.lock.is_none() {
            return Err(DocumentError::ReadOnly);
        }
        let pieces = pieces(blob);
        let workers = self.checkers().min(pieces.len()).max(1);
        let (mut stored, mut first_line) = (0, 1);
        let appended = thread::scope(|scope| {
            let lines: Vec<mpsc::Receiver<Prepared>> = (0..workers)
                .map(|worker| {
                    let (sender, receiver) = mpsc::sync_channel(PIECES_AHEAD);
                    let mine = pieces.iter().skip(worker).step_by(workers);
                    scope.spawn(move || {
                        for piece in mine {
                            // The other side ended at an error.
                            if sender.send(prepare(piece, self.strict.as_ref())).is_err() {
                                break;
                            }
                        }
                    });
                    receiver
                })
                .collect();
            for (number, piece) in pieces.iter().enumerate() {
                let receiver = lines.get(number % workers);
                // A thread that sends nothing has panicked, and the scope does so too.
                let Some(mut prepared) = receiver.and_then(|r| r.recv().ok()) else {
                    return Err(DocumentError::Failed(self.layout.data_file()));
                };
                stored += prepared.ends.len() as u64;
                let is_full = self.append(&prepared)?;
                if let Some((line, fault)) = prepared.fault.take() {
                    return Err(fault.at_line(first_line + line));
                }
                first_line += memchr::memchr_iter(b'\n', piece).count() as u64;
                if is_full {
                    self.flush()?;
                }
            }
            Ok(())
        });
        self.finish_many(appended)?;
        Ok(stored)
    }

    /// Stores documents and makes them durable. Returns their number.
    ///
    /// # Errors
    /// As [`FastStore::put`], for the first document that is refused. Those before it are stored.
    pub fn put_many<'a>(
        &self,
        documents: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<u64, DocumentError> {
        if self.lock.is_none() {
            return Err(DocumentError::ReadOnly);
        }
        let mut documents = documents.into_iter();
        let mut stored = 0;
        let appended = loop {
            let some: Vec<(&str, &[u8])> = documents.by_ref().take(GIVEN_AT_ONCE).collect();
            if some.is_empty() {
                break Ok(());
            }
            if let Err(e) = self.append_given(&some, &mut stored) {
                break Err(e);
            }
        };
        self.finish_many(appended)?;
        Ok(stored)
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

    fn append_given(
        &self,
        documents: &[(&str, &[u8])],
        stored: &mut u64,
    ) -> Result<(), DocumentError> {
        let strict = self.strict.as_ref();
        let workers = self.checkers().min(documents.len() / GIVEN_MIN).max(1);
        let parts = documents.chunks(documents.len().div_ceil(workers));
        let prepared: Vec<Prepared> = thread::scope(|scope| {
            let mut parts = parts;
            let first = parts.next().unwrap_or_default();
            let others: Vec<_> = parts
                .map(|part| scope.spawn(move || prepare_given(part, strict)))
                .collect();
            let mut all = vec![prepare_given(first, strict)];
            let join = |other: thread::ScopedJoinHandle<'_, Prepared>| {
                other
                    .join()
                    .unwrap_or_else(|e| std::panic::resume_unwind(e))
            };
            all.extend(others.into_iter().map(join));
            all
        });
        for mut part in prepared {
            *stored += part.ends.len() as u64;
            let is_full = self.append(&part)?;
            if let Some((_, fault)) = part.fault.take() {
                return Err(fault);
            }
            if is_full {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Adds lines to the pending ones. Returns true if a batch is full.
    fn append(&self, prepared: &Prepared) -> Result<bool, DocumentError> {
        let mut state = self.write_state()?;
        if state.needs_line_feed && !prepared.bytes.is_empty() {
            state.pending.bytes.push(b'\n');
            state.needs_line_feed = false;
        }
        let base = state.pending.end();
        state.pending.bytes.extend_from_slice(&prepared.bytes);
        if let Err(e) = state.put_pending(base, &prepared.ends) {
            // Lines without a place would be written.
            state.has_failed = true;
            return Err(self.fault(e));
        }
        if let Some(last) = prepared.ends.len().checked_sub(1) {
            let before = last.checked_sub(1).and_then(|at| prepared.ends.get(at));
            state.pending.last_line = base + before.copied().unwrap_or(0) as u64;
        }
        let count = prepared.ends.len();
        state.pending.puts += count;
        state.pending.accepted += count as u64;
        state.is_dirty |= count > 0;
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

/// Makes the lines of a piece, up to the first document that cannot be stored.
fn prepare(piece: &[u8], strict: Option<&StrictSchema>) -> Prepared {
    let mut prepared = Prepared {
        bytes: Vec::with_capacity(piece.len() + piece.len() / 8),
        ..Prepared::default()
    };
    let mut maker = LineMaker::default();
    for (number, document) in piece.split(|b| *b == b'\n').enumerate() {
        let document = document.trim_ascii();
        if document.is_empty() {
            continue;
        }
        let id = quick_id(document).map_err(|e| DocumentError::document("", e));
        let made = id.and_then(|id| prepare_line(&mut maker, &id, document, strict, &mut prepared));
        if let Err(fault) = made {
            prepared.fault = Some((number as u64, fault));
            break;
        }
    }
    prepared
}

/// Makes the lines of documents with their ids, up to the first one that cannot be stored.
fn prepare_given(documents: &[(&str, &[u8])], strict: Option<&StrictSchema>) -> Prepared {
    let bytes = documents
        .iter()
        .map(|(_, document)| document.len() + 32)
        .sum();
    let mut prepared = Prepared {
        bytes: Vec::with_capacity(bytes),
        ..Prepared::default()
    };
    let mut maker = LineMaker::default();
    for (number, (id, document)) in documents.iter().enumerate() {
        if let Err(fault) = prepare_line(&mut maker, id, document, strict, &mut prepared) {
            prepared.fault = Some((number as u64, fault));
            break;
        }
    }
    prepared
}

fn prepare_line(
    maker: &mut LineMaker,
    id: &str,
    document: &[u8],
    strict: Option<&StrictSchema>,
    prepared: &mut Prepared,
) -> Result<(), DocumentError> {
    let id = DocumentId::new(id).map_err(|e| DocumentError::id(id, e))?;
    let begin = prepared.bytes.len();
    let made = maker.line_into(&id, document, &mut prepared.bytes);
    made.map_err(|e| DocumentError::document(id.as_str(), e))?;
    let limit = LINE_BYTES_MAX;
    if prepared.bytes.len() - begin >= limit {
        prepared.bytes.truncate(begin);
        let id = id.as_str().to_owned();
        return Err(DocumentError::TooLong { id, limit });
    }
    if let Some(strict) = strict
        && let Err(e) = strict.check(id.as_str(), document)
    {
        prepared.bytes.truncate(begin);
        return Err(e);
    }
    prepared.ends.push(prepared.bytes.len());
    Ok(())
}
