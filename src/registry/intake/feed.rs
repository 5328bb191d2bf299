//! Feeds the files of a source into the pipeline, in order: bytes that are here first, then the rest
//! from elsewhere. Several threads read small files, because waiting for answers takes most of the time.

use std::io;
use std::io::Read;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::inspect::Describer;
use crate::progress::Progress;
use crate::registry::error::Error;
use crate::registry::error::skipped::SkipReason;
use crate::registry::error::skipped::Skipped;
use crate::registry::host;
use crate::registry::index::homes::is_key_file;
use crate::registry::index::read::Secrets;
use crate::registry::index::secrets::SecretWarning;
use crate::registry::index::secrets::suspicion;
use crate::registry::intake::error::IntakeError;
use crate::registry::intake::fed_file::FedFile;
use crate::registry::intake::fed_file::StreamedFile;
use crate::registry::intake::fed_file::fed_file;
use crate::registry::intake::fed_file::warning_of;
use crate::registry::intake::item_read::ItemRead;
use crate::registry::intake::journal::FileNote;
use crate::registry::intake::journal::Journal;
use crate::registry::intake::journal::encode_part;
use crate::registry::intake::promise::PromiseCheck;
use crate::registry::intake::reuse::bases::Bases;
use crate::registry::intake::reuse::known::KnownFile;
use crate::registry::intake::source::FileSource;
use crate::registry::intake::source::SourceItem;
use crate::registry::store_pipeline::chunker::Chunker;

/// Small files that one thread reads before it passes them on.
const GROUP_FILES: usize = 4;
/// Threads that read small files. They wait for a server most of the time.
const READERS: usize = 8;
/// Bytes of one read of a large file, and pieces that may wait for the pipeline.
const PIECE_BYTES: usize = 256 << 10;
const PIECES_WAITING: usize = 32;
/// Chunks that are passed on at a time.
const KNOWN_CHUNKS: usize = 256;
/// Time after which there is a checkpoint.
const CHECKPOINT_PAUSE: Duration = Duration::from_secs(3);

/// Result of feeding all files.
#[derive(Default)]
pub(super) struct Fed {
    pub(super) files: Vec<FedFile>,
    pub(super) secrets: Secrets,
    /// Bytes of the file that may be the card.
    pub(super) card: Option<Vec<u8>>,
    pub(super) fetched_files: u64,
    pub(super) fetched_bytes: u64,
    /// Bytes of files that were not read.
    pub(super) kept_bytes: u64,
}

/// The files to feed, and everything that feeding needs.
pub(super) struct Feed<'a> {
    pub(super) source: &'a dyn FileSource,
    /// The files, as numbers in the list of the source.
    pub(super) numbers: &'a [usize],
    pub(super) bases: &'a Bases,
    pub(super) journal: &'a Journal,
    /// Path of the file that may be the card, and the most bytes that it may have.
    pub(super) card: (&'a str, usize),
    /// New bytes after which there is a checkpoint.
    pub(super) checkpoint_bytes: u64,
    pub(super) progress: &'a dyn Progress,
}

impl Feed<'_> {
    /// Feeds all files.
    ///
    /// # Errors
    /// [`Error`] when a file cannot be read, or is not the promised one.
    pub(super) fn run(&self, chunker: &mut Chunker<'_>) -> Result<Fed, Error> {
        let mut state = FeedState::new(self.journal, self.checkpoint_bytes);
        let fed = self.feed_all(chunker, &mut state);
        if let Err(error) = fed {
            // The next run does not fetch the received bytes again.
            state.mark(chunker);
            return Err(error);
        }
        state.notes.flush_to(self.journal);
        Ok(state.fed)
    }

    fn feed_all(&self, chunker: &mut Chunker<'_>, state: &mut FeedState<'_>) -> Result<(), Error> {
        let numbered = self.numbers.iter().map(|n| Ok((*n, self.item(*n)?)));
        let numbered: Vec<(usize, &SourceItem)> = numbered.collect::<Result<_, Error>>()?;
        for run in numbered.chunk_by(|a, b| is_small(a.1) && is_small(b.1)) {
            match run {
                [(number, item)] if !is_small(item) => {
                    self.feed_alone(chunker, state, *number)?;
                }
                _ => self.feed_small(chunker, state, run)?,
            }
        }
        Ok(())
    }

    /// Feeds a file that is large, or of unknown size.
    fn feed_alone(
        &self,
        chunker: &mut Chunker<'_>,
        state: &mut FeedState<'_>,
        number: usize,
    ) -> Result<(), Error> {
        let item = self.item(number)?;
        if item.size_bytes.is_none() {
            return self.feed_unknown(chunker, state, number);
        }
        let is_card = item.path == self.card.0;
        if let Some(known) = self.bases.known(item).filter(|_| !is_card) {
            return self.keep(chunker, state, (item, known));
        }
        // A large file starts and ends at a cut, so that it has the same chunks in every dataset.
        chunker.end_region();
        let reading = ItemRead::new(self.source, number, item, self.bases.find(item));
        self.feed_stream(chunker, state, (number, Vec::new(), reading))?;
        chunker.end_region();
        Ok(())
    }

    /// Takes over the chunks and the entry of a file that was taken in before.
    fn keep(
        &self,
        chunker: &mut Chunker<'_>,
        state: &mut FeedState<'_>,
        (item, known): (&SourceItem, KnownFile),
    ) -> Result<(), Error> {
        state.begin(item);
        chunker.end_region();
        for chunks in known.chunks.chunks(KNOWN_CHUNKS) {
            self.check_running(chunker)?;
            chunker.append_known(chunks);
        }
        let size = known.described.0.entry.size_bytes;
        state.fed_bytes += size;
        state.fed.kept_bytes += size;
        self.progress.advance(size);
        state.append_described(known.described);
        Ok(())
    }

    /// Feeds a file whose size shows only at its end.
    fn feed_unknown(
        &self,
        chunker: &mut Chunker<'_>,
        state: &mut FeedState<'_>,
        number: usize,
    ) -> Result<(), Error> {
        let item = self.item(number)?;
        let mut reading = ItemRead::new(self.source, number, item, self.bases.find(item));
        let mut front = Vec::new();
        let wanted = CHUNK_BYTES_MAX as u64;
        let read = (&mut reading).take(wanted).read_to_end(&mut front);
        read.map_err(|e| fetch_error(item, e))?;
        if (front.len() as u64) < wanted {
            let small = self.read_whole(number, front, reading.fetched_bytes())?;
            return state.append_small(chunker, self, small);
        }
        chunker.end_region();
        self.feed_stream(chunker, state, (number, front, reading))?;
        chunker.end_region();
        Ok(())
    }

    /// Feeds the rest of a file behind its front, while another thread reads ahead.
    fn feed_stream(
        &self,
        chunker: &mut Chunker<'_>,
        state: &mut FeedState<'_>,
        (number, front, mut reading): (usize, Vec<u8>, ItemRead<'_>),
    ) -> Result<(), Error> {
        let item = self.item(number)?;
        state.begin(item);
        let (card, most) = self.card;
        let card_bytes_max = (item.path == card).then_some(most);
        let mut file = StreamedFile::new(item, card_bytes_max);
        let is_over = AtomicBool::new(false);
        let (pieces, arrived) = mpsc::sync_channel::<io::Result<Vec<u8>>>(PIECES_WAITING);
        std::thread::scope(|scope| {
            let (is_over, reading) = (&is_over, &mut reading);
            scope.spawn(move || read_ahead(reading, &pieces, is_over));
            let mut feed = |piece: &[u8]| {
                file.push(piece);
                chunker.append(piece);
                state.fed_bytes += piece.len() as u64;
                self.progress.advance(piece.len() as u64);
                state.mark_if_due(chunker);
                self.check_running(chunker)
            };
            let fed = feed(&front).and_then(|()| {
                loop {
                    match arrived.recv_timeout(CHECKPOINT_PAUSE) {
                        Ok(piece) => feed(&piece.map_err(|e| fetch_error(item, e))?)?,
                        // During a pause of the source, the received bytes become durable.
                        Err(mpsc::RecvTimeoutError::Timeout) => feed(&[])?,
                        Err(mpsc::RecvTimeoutError::Disconnected) => break Ok(()),
                    }
                }
            });
            drop(arrived);
            is_over.store(true, Ordering::Relaxed);
            fed
        })?;
        let fetched = reading.fetched_bytes();
        state.fed.fetched_bytes += fetched;
        state.fed.fetched_files += u64::from(fetched > 0);
        if card_bytes_max.is_some() && file.front.len() as u64 == file.size_bytes {
            state.fed.card = Some(file.front.clone());
        }
        state.append_described(file.finish(item, self.source.has_md5(number))?);
        Ok(())
    }

    /// Feeds a run of small files, which several threads read in groups.
    fn feed_small(
        &self,
        chunker: &mut Chunker<'_>,
        state: &mut FeedState<'_>,
        run: &[(usize, &SourceItem)],
    ) -> Result<(), Error> {
        let groups: Vec<&[(usize, &SourceItem)]> = run.chunks(GROUP_FILES).collect();
        let readers = READERS.min(groups.len());
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            // Reader number n takes every n-th group, so that groups arrive in order and no reader
            // runs far ahead.
            let queues: Vec<mpsc::Receiver<_>> = (0..readers)
                .map(|first| {
                    let (queue, read) = mpsc::sync_channel(1);
                    let own = groups.iter().skip(first).step_by(readers);
                    let is_over = &is_over;
                    scope.spawn(move || {
                        for group in own {
                            let done = self.read_group(group, is_over);
                            let is_failed = done.is_err();
                            // The receiver is gone after another reader failed.
                            if queue.send(done).is_err() || is_failed {
                                break;
                            }
                        }
                    });
                    read
                })
                .collect();
            let fed = queues
                .iter()
                .cycle()
                .take(groups.len())
                .try_for_each(|queue| {
                    let panicked = |_| Error::WorkerPanicked("reading");
                    for small in queue.recv().map_err(panicked)?? {
                        self.check_running(chunker)?;
                        state.append_small(chunker, self, small)?;
                    }
                    Ok(())
                });
            is_over.store(true, Ordering::Relaxed);
            // Readers that wait to send end when the queues go.
            drop(queues);
            fed
        })
    }

    fn read_group(
        &self,
        group: &[(usize, &SourceItem)],
        is_over: &AtomicBool,
    ) -> Result<Vec<SmallFile>, Error> {
        let mut files = Vec::with_capacity(group.len());
        for (number, item) in group {
            if is_over.load(Ordering::Relaxed) || self.progress.cancelled() {
                return Err(Error::Interrupted);
            }
            let mut reading = ItemRead::new(self.source, *number, item, self.bases.find(item));
            let mut bytes = Vec::new();
            let read = reading.read_to_end(&mut bytes);
            read.map_err(|e| fetch_error(item, e))?;
            files.push(self.read_whole(*number, bytes, reading.fetched_bytes())?);
        }
        Ok(files)
    }

    /// Checks the bytes of a small file against its promise.
    fn read_whole(
        &self,
        number: usize,
        bytes: Vec<u8>,
        fetched_bytes: u64,
    ) -> Result<SmallFile, Error> {
        let item = self.item(number)?;
        let mut check = PromiseCheck::new(&item.promise, Some(bytes.len() as u64));
        check.push(&bytes);
        let kept = check.finish(self.source.has_md5(number));
        kept.map_err(|hashes| IntakeError::broken_promise(&item.path, hashes))?;
        Ok(SmallFile {
            note: note_of(item, 0),
            bytes,
            fetched_bytes,
        })
    }

    fn check_running(&self, chunker: &Chunker<'_>) -> Result<(), Error> {
        // Where the pipeline stopped, it returns its own error in place of this one.
        if self.progress.cancelled() || chunker.is_stopped() {
            Err(Error::Interrupted)
        } else {
            Ok(())
        }
    }

    fn item(&self, number: usize) -> Result<&SourceItem, Error> {
        // Numbers come from the list itself.
        self.source.items().get(number).ok_or(Error::Interrupted)
    }
}

/// Sends the bytes of a file in pieces, until its end or an error.
fn read_ahead(
    reading: &mut ItemRead<'_>,
    pieces: &mpsc::SyncSender<io::Result<Vec<u8>>>,
    is_over: &AtomicBool,
) {
    while !is_over.load(Ordering::Relaxed) {
        let mut piece = vec![0; PIECE_BYTES];
        let read = loop {
            match reading.read(&mut piece) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let piece = match read {
            Ok(0) => return,
            Ok(n) => {
                piece.truncate(n);
                Ok(piece)
            }
            Err(error) => Err(error),
        };
        let is_last = piece.is_err();
        // The receiver is gone after an error of its own.
        if pieces.send(piece).is_err() || is_last {
            return;
        }
    }
}

/// Returns true if the file is known to share chunks with its neighbours.
fn is_small(item: &SourceItem) -> bool {
    item.size_bytes
        .is_some_and(|size| size < CHUNK_BYTES_MAX as u64)
}

fn fetch_error(item: &SourceItem, error: io::Error) -> Error {
    IntakeError::fetch(&item.path, error).into()
}

/// A small file with its bytes.
struct SmallFile {
    note: FileNote,
    bytes: Vec<u8>,
    fetched_bytes: u64,
}

fn note_of(item: &SourceItem, start: u64) -> FileNote {
    FileNote {
        path: item.path.clone(),
        start,
        size_bytes: item.size_bytes,
        promise: item.promise.clone(),
    }
}

/// Results so far, and what the next checkpoint has to record.
struct FeedState<'a> {
    fed: Fed,
    fed_bytes: u64,
    notes: Notes,
    journal: &'a Journal,
    checkpoint_bytes: u64,
    marked_at: Instant,
    marked_bytes: u64,
}

#[derive(Default)]
struct Notes(Vec<FileNote>);

impl Notes {
    fn flush_to(&mut self, journal: &Journal) {
        let notes = std::mem::take(&mut self.0);
        if !notes.is_empty() {
            journal.add(encode_part(&notes));
        }
    }
}

impl<'a> FeedState<'a> {
    fn new(journal: &'a Journal, checkpoint_bytes: u64) -> Self {
        Self {
            fed: Fed::default(),
            fed_bytes: 0,
            notes: Notes::default(),
            journal,
            checkpoint_bytes,
            marked_at: host::instant(),
            marked_bytes: 0,
        }
    }

    fn begin(&mut self, item: &SourceItem) {
        self.notes.0.push(note_of(item, self.fed_bytes));
    }

    fn append_small(
        &mut self,
        chunker: &mut Chunker<'_>,
        feed: &Feed<'_>,
        small: SmallFile,
    ) -> Result<(), Error> {
        let SmallFile {
            mut note,
            bytes,
            fetched_bytes,
        } = small;
        self.fed.fetched_bytes += fetched_bytes;
        self.fed.fetched_files += u64::from(fetched_bytes > 0);
        feed.progress.advance(bytes.len() as u64);
        let name = note.path.rsplit('/').next().unwrap_or_default();
        if is_key_file(name, &bytes) {
            self.fed.secrets.keys.push(Skipped {
                path: note.path.into(),
                why: SkipReason::KeyFile,
            });
            return Ok(());
        }
        let (card, most) = feed.card;
        if note.path == card && bytes.len() <= most {
            self.fed.card = Some(bytes.clone());
        }
        note.start = self.fed_bytes;
        let item = SourceItem {
            path: note.path.clone(),
            size_bytes: note.size_bytes,
            promise: note.promise.clone(),
        };
        self.notes.0.push(note);
        chunker.append(&bytes);
        self.fed_bytes += bytes.len() as u64;
        let mut describer = Describer::new(&item.path);
        describer.push(&bytes);
        let found = describer.finish(&bytes);
        let hash = *blake3::hash(&bytes).as_bytes();
        let file = fed_file(&item, (bytes.len() as u64, hash), found, false);
        let warning = suspicion(&item.path, &bytes);
        self.append_described((file, warning.map(|reason| warning_of(&item, reason))));
        self.mark_if_due(chunker);
        Ok(())
    }

    fn append_described(&mut self, (file, warning): (FedFile, Option<SecretWarning>)) {
        self.fed.files.push(file);
        self.fed.secrets.warnings.extend(warning);
    }

    /// Asks for a checkpoint, if there was none for long.
    fn mark_if_due(&mut self, chunker: &mut Chunker<'_>) {
        let is_due = self.fed_bytes - self.marked_bytes >= self.checkpoint_bytes
            || self.marked_at.elapsed() >= CHECKPOINT_PAUSE;
        if is_due && self.fed_bytes > self.marked_bytes {
            self.mark(chunker);
        }
    }

    /// Asks for a checkpoint.
    fn mark(&mut self, chunker: &mut Chunker<'_>) {
        self.notes.flush_to(self.journal);
        chunker.mark();
        self.marked_at = host::instant();
        self.marked_bytes = self.fed_bytes;
    }
}
