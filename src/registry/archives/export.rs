//! Export: one thread reads blobs and makes the tar stream, worker threads compress its pieces, and
//! one thread writes them in order.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc;

use crate::archive::ArchiveError;
use crate::archive::ArchiveHeader;
use crate::archive::ArchivedDataset;
use crate::archive::BaseBytes;
use crate::archive::BaseDataset;
use crate::archive::BlobSource;
use crate::archive::EachChunk;
use crate::archive::EntryName;
use crate::archive::EntryWriter;
use crate::archive::RecentBlobs;
use crate::archive::TreeStats;
use crate::archive::compress_frame;
use crate::archive::put_tree;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::catalog;
use crate::catalog::Dataset;
use crate::file_io::IfExists;
use crate::file_io::Place;
use crate::file_io::place_of;
use crate::ident::BlobId;
use crate::ident::ContentId;
use crate::ident::PublisherKey;
use crate::ident::TreeId;
use crate::locks::lock;
use crate::locks::threads;
use crate::manifest::ChunkEntry;
use crate::manifest::Envelope;
use crate::progress::NoProgress;
use crate::progress::Progress;
use crate::registry::archives::Archives;
use crate::registry::archives::alignment;
use crate::registry::archives::alignment::ExportAlignment;
use crate::registry::archives::base::KnownBase;
use crate::registry::archives::options::ExportOptions;
use crate::registry::archives::output::ArchiveOutput;
use crate::registry::error::Error;
use crate::registry::error::checkout::CheckoutError;
use crate::registry::error::dataset::DatasetError;
use crate::registry::error::transfer::TransferError;
use crate::registry::step::Step;
use crate::store::disk::BlobReader;
use crate::trust::Statement;
use crate::trust::StatementBody;

/// Result of an export.
#[derive(Clone, Debug)]
pub struct ExportReport {
    /// The written files, in order.
    pub paths: Vec<PathBuf>,
    /// Total size of the files in bytes.
    pub bytes: u64,
    /// Number of chunks in the archive.
    pub chunks: u64,
    /// Datasets that the receiver must hold.
    pub base: Vec<Dataset>,
}

/// Minimum size of a volume: one frame and the trailer.
const SPLIT_BYTES_MIN: u64 = 9 << 20;

impl Archives<'_> {
    /// Writes datasets into one archive. Its bytes depend only on the datasets and the options.
    ///
    /// # Errors
    /// [`Error`] when a dataset is damaged, the disk is full, or `dest` exists.
    pub fn export(
        &self,
        datasets: &[Dataset],
        dest: &Path,
        options: &ExportOptions,
        progress: &dyn Progress,
    ) -> Result<ExportReport, Error> {
        let _step = Step::begin("export to", dest.display());
        let place = place_of(dest).map_err(|e| Error::output(dest, e))?;
        match place {
            Place::Free(_) => {}
            Place::Plain(_) if options.if_exists == IfExists::Replace => {}
            Place::Plain(_) | Place::Directory => {
                return Err(Error::Checkout(CheckoutError::Exists(dest.to_owned())));
            }
            Place::Through | Place::StandardOutput if options.split.is_none() => {}
            Place::Through | Place::StandardOutput => {
                let why =
                    std::io::Error::other("volumes are several files, and this is one stream");
                return Err(Error::output(dest, why));
            }
        }
        if options.split.is_some_and(|n| n < SPLIT_BYTES_MIN) {
            return Err(Error::Transfer(TransferError::SplitTooSmall(
                SPLIT_BYTES_MIN,
            )));
        }
        let reader = BlobReader::new(&self.registry.store)?;
        let mut datasets = datasets.to_vec();
        datasets.sort_by_key(|d| d.envelope_id);
        datasets.dedup_by_key(|d| d.envelope_id);
        let mut candidates = options.since.clone();
        for held in self.registry.list()? {
            if options.receipt.contains(&held.manifest.chunk_tree_root) {
                candidates.push(held);
            }
        }
        candidates.sort_by_key(|d| d.envelope_id);
        candidates.dedup_by_key(|d| d.envelope_id);
        let base = KnownBase::find(&reader, &datasets, candidates)?;
        let alignment = ExportAlignment::find(&reader, &datasets, &base)?;
        let contents = self.contents(&reader, &datasets, &base, !alignment.is_empty())?;
        let total: u64 = datasets.iter().map(|d| d.manifest.size_bytes).sum();
        let is_delta = !base.datasets.is_empty();
        progress.phase("exporting", (!is_delta).then_some(total));
        let output = ArchiveOutput::new(dest, options);
        let mut source = StoredBlobs {
            reader: &reader,
            base: &base,
            alignment: &alignment,
            progress,
        };
        let (written, output) = compressed(output, |writer| {
            contents.write(writer)?;
            let mut written = TreeStats::default();
            let mut recent = RecentBlobs::default();
            for dataset in &datasets {
                let m = &dataset.manifest;
                for root in [m.file_table_root, m.chunk_tree_root] {
                    let tree = put_tree(writer, &mut source, &mut recent, root)?;
                    written.chunks += tree.chunks;
                }
            }
            Ok(written)
        })?;
        let (paths, bytes) = output.finish()?;
        Ok(ExportReport {
            paths,
            bytes,
            chunks: written.chunks,
            base: base.datasets,
        })
    }

    /// Returns true if the receiver already holds everything that an archive of these datasets
    /// would contain: their current revisions and the statements of their publishers.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn has_nothing_new(
        &self,
        datasets: &[Dataset],
        options: &ExportOptions,
    ) -> Result<bool, Error> {
        let is_known = |d: &Dataset| {
            let is_since = options.since.iter().any(|s| s.envelope_id == d.envelope_id);
            is_since || options.known.contains(d.envelope_id.as_bytes())
        };
        if !datasets.iter().all(is_known) {
            return Ok(false);
        }
        let statements = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::statements(t)?))?;
        let mut theirs = statements
            .iter()
            .filter(|s| datasets.iter().any(|d| d.manifest.signer == Some(s.by)));
        Ok(theirs.all(|s| options.known.contains(s.id().as_bytes())))
    }

    /// Writes every dataset with one of these content ids into one archive.
    ///
    /// # Errors
    /// [`DatasetError::NotFound`], or as [`Archives::export`].
    pub fn export_batch(&self, ids: &[ContentId], dest: &Path) -> Result<PathBuf, Error> {
        let mut datasets = Vec::new();
        for id in ids {
            let found = self.registry.get(id)?;
            datasets
                .push(found.ok_or_else(|| Error::Dataset(DatasetError::NotFound(id.to_string())))?);
        }
        self.export(&datasets, dest, &ExportOptions::default(), &NoProgress)?;
        Ok(dest.to_owned())
    }

    /// Collects the parts of an archive that come before the trees.
    fn contents(
        &self,
        reader: &BlobReader,
        datasets: &[Dataset],
        base: &KnownBase,
        may_hold_deltas: bool,
    ) -> Result<ArchiveContents, Error> {
        let held = datasets
            .iter()
            .map(|d| ArchivedDataset::of(&d.manifest, &d.envelope_id));
        let needed = base.datasets.iter().map(|d| BaseDataset::of(&d.manifest));
        let header = ArchiveHeader::new(held.collect(), needed.collect(), may_hold_deltas);
        let (envelopes, mut statements) = self.registry.store.read(|t| {
            let envelopes = datasets
                .iter()
                .map(|d| catalog::envelope(t, &d.envelope_id))
                .collect::<Result<Vec<_>, _>>()?;
            Ok::<_, Error>((envelopes, catalog::statements(t)?))
        })?;
        // Statements of the signers, and the key rotations that lead to their keys.
        let mut signers: BTreeSet<PublisherKey> =
            datasets.iter().filter_map(|d| d.manifest.signer).collect();
        loop {
            let before = signers.len();
            for s in &statements {
                if matches!(&s.body, StatementBody::Rotation { to } if signers.contains(to)) {
                    signers.insert(s.by);
                }
            }
            if signers.len() == before {
                break;
            }
        }
        statements.retain(|s| signers.contains(&s.by));
        statements.sort_by_key(Statement::id);
        let card = |d: &Dataset| {
            let key = d.manifest.card.map(|id| BlobKey {
                kind: BlobKind::Card,
                id,
            });
            key.map(|key| reader.get(&key)).transpose()
        };
        let cards = datasets.iter().map(card).collect::<Result<Vec<_>, _>>()?;
        Ok(ArchiveContents {
            header,
            statements,
            datasets: envelopes.into_iter().zip(cards).collect(),
        })
    }
}

struct ArchiveContents {
    header: ArchiveHeader,
    statements: Vec<Statement>,
    /// The datasets, each with its card.
    datasets: Vec<(Envelope, Option<Vec<u8>>)>,
}

impl ArchiveContents {
    fn write(&self, writer: &mut EntryWriter<'_>) -> Result<(), ArchiveError> {
        writer.entry(&EntryName::Header, &self.header.encode()?)?;
        for s in &self.statements {
            writer.entry(&EntryName::Statement(s.id()), s.encode())?;
        }
        let is_only = self.datasets.len() == 1;
        for (envelope, card) in &self.datasets {
            let slot = (!is_only).then(|| envelope.id());
            writer.entry(&EntryName::Manifest(slot), &envelope.manifest)?;
            if let Some(s) = &envelope.signature {
                let bytes = [s.key.as_bytes().as_slice(), &s.bytes].concat();
                writer.entry(&EntryName::Signature(slot), &bytes)?;
            }
            if let Some(card) = card {
                writer.entry(&EntryName::Card(slot), card)?;
            }
        }
        Ok(())
    }
}

/// Reads blobs from the store.
struct StoredBlobs<'a> {
    reader: &'a BlobReader,
    base: &'a KnownBase,
    alignment: &'a ExportAlignment,
    progress: &'a dyn Progress,
}

impl BlobSource for StoredBlobs<'_> {
    type Error = Error;

    fn node(&mut self, id: TreeId) -> Result<Vec<u8>, Error> {
        if self.progress.cancelled() {
            return Err(Error::Interrupted);
        }
        let key = BlobKey::new(BlobKind::Node, *id.as_bytes());
        Ok(self.reader.get(&key)?)
    }

    fn chunks(
        &mut self,
        wanted: &[ChunkEntry],
        each: &mut EachChunk<'_, Error>,
    ) -> Result<(), Error> {
        let key_of = |c: &ChunkEntry| BlobKey::new(BlobKind::Chunk, *c.id.as_bytes());
        let keys: Vec<BlobKey> = wanted.iter().map(key_of).collect();
        for ((chunk, key), at) in wanted.iter().zip(&keys).zip(self.reader.locate(&keys)?) {
            let missing = || Error::from(crate::blob_store::BlobError::Missing(*key));
            let at = at.ok_or_else(missing)?;
            let record = self.reader.record(key, &at)?;
            let bytes = record.item(key, at.item);
            let whole = bytes.filter(|b| BlobId::of(b) == key.id);
            let corrupt = || Error::from(crate::blob_store::BlobError::Corrupt(*key));
            each(chunk, whole.ok_or_else(corrupt)?)?;
            self.progress.advance(u64::from(chunk.bytes));
        }
        Ok(())
    }

    fn receiver_has(&self, key: &BlobKey) -> bool {
        self.base.has(key)
    }

    fn similar_bytes(&self, chunk: &ChunkEntry) -> Option<BaseBytes> {
        self.alignment.of(chunk)
    }

    fn delta(&mut self, raw: &[u8], base: BaseBytes) -> Result<Option<Vec<u8>>, Error> {
        alignment::frame(self.reader, self.base, raw, base)
    }
}

type NumberedFrame = (u64, Vec<u8>);

/// Runs `make` with a writer. All cores compress its pieces, which go to `output` in order.
fn compressed<T>(
    output: ArchiveOutput,
    make: impl FnOnce(&mut EntryWriter<'_>) -> Result<T, Error>,
) -> Result<(T, ArchiveOutput), Error> {
    let workers = threads();
    let (pieces, inbox) = mpsc::sync_channel::<NumberedFrame>(1);
    let (outbox, frames) = mpsc::sync_channel::<NumberedFrame>(workers);
    let inbox = Mutex::new(inbox);
    std::thread::scope(|scope| {
        let compressors: Vec<_> = (0..workers)
            .map(|_| {
                let (inbox, outbox) = (&inbox, outbox.clone());
                scope.spawn(move || compress_all(inbox, &outbox))
            })
            .collect();
        drop(outbox);
        let written = scope.spawn(move || write_all(output, frames));
        let mut number = 0;
        let mut sink = |piece| {
            // If the receiving thread has ended, its error is the one to return.
            let _ = pieces.send((number, piece));
            number += 1;
            Ok(())
        };
        let mut writer = EntryWriter::new(&mut sink);
        let made = make(&mut writer);
        let made = made.and_then(|value| Ok(writer.finish().map(|()| value)?));
        drop(pieces);
        let panicked = |_| Error::WorkerPanicked("worker");
        let mut worked = Ok(());
        for worker in compressors {
            worked = worked.and(worker.join().map_err(panicked)?);
        }
        let output = written.join().map_err(panicked)?;
        let value = made?;
        worked?;
        Ok((value, output?))
    })
}

fn compress_all(
    inbox: &Mutex<mpsc::Receiver<NumberedFrame>>,
    outbox: &mpsc::SyncSender<NumberedFrame>,
) -> Result<(), Error> {
    let mut failed = Ok(());
    loop {
        let next = lock(inbox).recv();
        let Ok((number, piece)) = next else {
            return failed;
        };
        if failed.is_ok() {
            match compress_frame(&piece) {
                Ok(frame) => drop(outbox.send((number, frame))),
                Err(error) => failed = Err(error.into()),
            }
        }
    }
}

fn write_all(
    mut output: ArchiveOutput,
    frames: mpsc::Receiver<NumberedFrame>,
) -> Result<ArchiveOutput, Error> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    let mut written = Ok(());
    for (number, frame) in frames {
        early.insert(number, frame);
        while let Some(frame) = early.remove(&next) {
            // After an error the remaining frames are dropped.
            if written.is_ok() {
                written = output.frame(&frame);
            }
            next += 1;
        }
    }
    written.map(|()| output)
}
