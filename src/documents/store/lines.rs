//! Lines of documents from memory or from a reader: threads check them in turns, and one thread appends them in
//! their order.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::io::Read;
use std::sync::mpsc;
use std::thread;

use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::format::ID_KEY;
use crate::documents::pieces::BlobPieces;
use crate::documents::pieces::PIECE_BYTES;
use crate::documents::pieces::Piece;
use crate::documents::pieces::Pieces;
use crate::documents::pieces::ReaderPieces;
use crate::documents::store::commit::PENDING_BYTES_MAX;
use crate::documents::store::prepare::NewLines;
use crate::documents::store::prepare::Preparer;
use crate::documents::store::prepare::REFUSED_MAX;
use crate::error_kind::Stopped;
use crate::progress::NoProgress;
use crate::progress::Progress;

/// Length of the shortest document, `{"_id":"a"}` and a line feed.
const DOCUMENT_BYTES_MIN: usize = 12;
/// Number of pieces that a thread has before it.
const PIECES_AHEAD: usize = 3;
/// Bytes of pieces that threads have before them, unless one is longer.
const AHEAD_BYTES_MAX: u64 = 32 << 20;

/// Rules for lines of documents.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LineRules {
    /// Dotted path of the field that is the id.
    pub id: String,
    /// Store the other documents where some cannot be stored.
    pub skips_invalid: bool,
    /// Number of documents that are made durable together; `None` for 16 MiB of them.
    pub batch: Option<usize>,
}

impl Default for LineRules {
    fn default() -> Self {
        Self {
            id: ID_KEY.to_owned(),
            skips_invalid: false,
            batch: None,
        }
    }
}

/// Result of storing lines of documents.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct LinesReport {
    /// Number of documents that are stored.
    pub stored: u64,
    /// The first 100,000 lines that cannot be stored. Without [`LineRules::skips_invalid`], the one at which it ended.
    pub refused: Vec<RefusedLine>,
    /// Number of lines that cannot be stored.
    pub refused_lines: u64,
}

/// A line that cannot be stored.
#[derive(Debug)]
#[non_exhaustive]
pub struct RefusedLine {
    /// Its number, from 1.
    pub line: u64,
    /// The reason.
    pub error: DocumentError,
}

impl LinesReport {
    /// Notes a line that cannot be stored.
    pub(in crate::documents) fn refuse(&mut self, line: u64, error: DocumentError) {
        self.refused_lines += 1;
        if self.refused.len() < REFUSED_MAX {
            let error = error.or_at_line(line);
            self.refused.push(RefusedLine { line, error });
        }
    }
}

/// A thread that makes lines.
struct Checker<'a> {
    give: mpsc::SyncSender<Piece<'a>>,
    made: mpsc::Receiver<NewLines>,
}

/// A piece that a thread has.
struct Given {
    first_line: u64,
    taken: u64,
    is_last_for_now: bool,
}

/// The way of pieces into the log.
struct Course<'a, 'p, P> {
    store: &'a FastStore,
    pieces: P,
    rules: &'a LineRules,
    progress: &'a dyn Progress,
    checkers: Vec<Checker<'p>>,
    /// Told when a batch is full.
    full: mpsc::SyncSender<()>,
    given: VecDeque<Given>,
    /// Numbers of pieces that were given and taken back, to choose the next thread.
    turns: (usize, usize),
    report: LinesReport,
}

impl FastStore {
    /// Stores documents that are JSON Lines with an `_id` each, and makes them durable. Returns their number. Blank lines
    /// are left out.
    ///
    /// # Errors
    /// As [`FastStore::put`], for the first document that is refused, with the number of its line in place of the
    /// id. Those before it are stored.
    pub fn write_jsonl_blob(&self, blob: &[u8]) -> Result<u64, DocumentError> {
        self.preparer()?;
        // The table grows once. A line that is no new document makes it too large, until it is written.
        let lines = memchr::memchr_iter(b'\n', blob).count();
        let lines = lines.min(blob.len() / DOCUMENT_BYTES_MIN);
        let reserved = self.write_state()?.index.table_mut().reserve(lines);
        reserved.map_err(|e| self.fault(e))?;
        let workers = self.checkers().min(blob.len() / PIECE_BYTES + 1);
        let pieces = BlobPieces::new(blob);
        let rules = LineRules::default();
        let mut report = self.put_pieces(pieces, workers, &rules, &NoProgress)?;
        match report.refused.pop() {
            None => Ok(report.stored),
            Some(refused) => Err(refused.error.at_line(refused.line)),
        }
    }

    /// Stores documents that are JSON Lines of a reader, and makes them durable. Blank lines are left out.
    ///
    /// A document that cannot be stored is in the report. Unless it is skipped, nothing behind it is stored.
    ///
    /// # Errors
    /// [`DocumentError::Input`], also if `progress` asks to stop: what was read before is stored. As
    /// [`FastStore::flush`].
    pub fn put_lines(
        &self,
        from: impl Read,
        rules: &LineRules,
        progress: &dyn Progress,
    ) -> Result<LinesReport, DocumentError> {
        let pieces = ReaderPieces::new(from, rules.batch.unwrap_or(usize::MAX));
        self.put_pieces(pieces, self.checkers(), rules, progress)
    }

    fn put_pieces<'p>(
        &self,
        pieces: impl Pieces<'p>,
        checkers: usize,
        rules: &LineRules,
        progress: &dyn Progress,
    ) -> Result<LinesReport, DocumentError> {
        let preparer = Preparer {
            id: Some(rules.id.as_str()).filter(|path| *path != ID_KEY),
            skips: rules.skips_invalid,
            ..self.preparer()?
        };
        let mut report = LinesReport::default();
        let appended = thread::scope(|scope| {
            let checkers = (0..checkers.max(1)).map(|_| {
                let (give, given) = mpsc::sync_channel(PIECES_AHEAD);
                let (send, made) = mpsc::sync_channel(PIECES_AHEAD);
                scope.spawn(move || check(preparer, &given, &send));
                Checker { give, made }
            });
            let checkers = checkers.collect();
            // A full batch is written while the next one is filled.
            let (full, batches) = mpsc::sync_channel::<()>(0);
            let writer = scope.spawn(move || batches.iter().try_for_each(|()| self.flush()));
            let mut course = Course {
                store: self,
                pieces,
                rules,
                progress,
                checkers,
                full,
                given: VecDeque::new(),
                turns: (0, 0),
                report: LinesReport::default(),
            };
            let appended = course.run();
            report = course.report;
            drop((course.full, course.checkers));
            let written = writer
                .join()
                .unwrap_or_else(|e| std::panic::resume_unwind(e));
            // Of two flushes of one batch the other may have met the cause.
            match (written, appended) {
                (Err(DocumentError::Failed(_)), Err(cause)) => Err(cause),
                (written, appended) => written.and(appended),
            }
        });
        let finished = self.finish_many(appended);
        self.buffers.rest();
        finished.map(|()| report)
    }

    /// Adds lines to the pending ones. Returns true if a batch is full.
    fn append(&self, new: NewLines, batch: Option<usize>) -> Result<bool, DocumentError> {
        let mut state = self.write_state()?;
        if batch.is_none() && state.pending.bytes.capacity() == 0 {
            state.reserve(PENDING_BYTES_MAX + 2 * PIECE_BYTES, &self.buffers);
        }
        state.append(new, &self.buffers);
        state.place_new().map_err(|e| self.fault(e))?;
        let pending = &state.pending;
        let is_batch = batch.is_some_and(|n| pending.puts >= n);
        Ok(is_batch || pending.bytes.len() >= PENDING_BYTES_MAX)
    }
}

/// Makes the lines of pieces, up to the first document that ends the work: nothing behind it may set a schema.
fn check(
    preparer: Preparer<'_>,
    given: &mpsc::Receiver<Piece<'_>>,
    made: &mpsc::SyncSender<NewLines>,
) {
    for piece in given {
        let new = preparer.piece(&piece);
        if let Cow::Owned(bytes) = piece.bytes {
            preparer.buffers.give(bytes);
        }
        let is_last = new.fault.is_some();
        // The other side ended at an error.
        if made.send(new).is_err() || is_last {
            break;
        }
    }
}

impl<'p, P: Pieces<'p>> Course<'_, 'p, P> {
    /// Takes all pieces through the threads into the log, in their order.
    fn run(&mut self) -> Result<(), DocumentError> {
        let mut ended = None;
        loop {
            while ended.is_none() && self.has_room() {
                ended = self.give_next().transpose();
            }
            let Some(given) = self.given.pop_front() else {
                return ended.unwrap_or(Ok(()));
            };
            if !self.take_back(&given)? {
                return Ok(());
            }
        }
    }

    /// Returns true if another piece is to be read now.
    fn has_room(&self) -> bool {
        let taken: u64 = self.given.iter().map(|given| given.taken).sum();
        let is_waiting = self.given.back().is_some_and(|g| g.is_last_for_now);
        let is_free = self.given.len() < self.checkers.len() * PIECES_AHEAD;
        self.given.is_empty() || (is_free && !is_waiting && taken < AHEAD_BYTES_MAX)
    }

    /// Gives a piece to the thread whose turn it is. Returns `Some` at the end.
    fn give_next(&mut self) -> Result<Option<()>, DocumentError> {
        let fail = |source| DocumentError::Input { source };
        if self.progress.cancelled() {
            return Err(fail(io::Error::other(Stopped)));
        }
        let buffers = &self.store.buffers;
        let buffer = || buffers.take(PIECE_BYTES + PIECE_BYTES / 8);
        let Some(piece) = self.pieces.next_piece(buffer).map_err(fail)? else {
            return Ok(Some(()));
        };
        let given = Given {
            first_line: piece.first_line,
            taken: piece.taken,
            is_last_for_now: piece.is_last_for_now,
        };
        let checker = self.checkers.get(self.turns.0 % self.checkers.len());
        let is_given = checker.is_some_and(|checker| checker.give.send(piece).is_ok());
        self.turns.0 += 1;
        // A thread that takes nothing ended at a document that is refused, or has panicked: its lines tell.
        if is_given {
            self.given.push_back(given);
        }
        Ok((!is_given).then_some(()))
    }

    /// Appends the lines of the oldest piece. Returns false if nothing behind it counts.
    fn take_back(&mut self, given: &Given) -> Result<bool, DocumentError> {
        let checker = self.checkers.get(self.turns.1 % self.checkers.len());
        self.turns.1 += 1;
        // A thread that sends nothing has panicked, and the scope does so too.
        let Some(mut new) = checker.and_then(|checker| checker.made.recv().ok()) else {
            return Err(DocumentError::Failed(self.store.layout.data_file()));
        };
        self.report.stored += new.lines.len() as u64;
        let fault = new.fault.take();
        let unlisted = new.skipped_count - new.skipped.len() as u64;
        for (line, error) in new.skipped.drain(..) {
            self.report.refuse(given.first_line + line, error);
        }
        self.report.refused_lines += unlisted;
        let is_full = self.store.append(new, self.rules.batch)?;
        self.progress.advance(given.taken);
        if let Some((line, error)) = fault {
            if !error.is_of_document() {
                return Err(error);
            }
            self.report.refuse(given.first_line + line, error);
            return Ok(false);
        }
        match is_full {
            // Nobody knows when the next piece comes.
            true if given.is_last_for_now => self.store.flush().map(|()| true),
            // The writer has ended if a write failed, and says why.
            true => Ok(self.full.send(()).is_ok()),
            false => Ok(true),
        }
    }
}
