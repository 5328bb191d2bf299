//! A dataset that is read by ranges for clients that are no peers: its files, their bytes and their digests.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use sha1::Digest as _;
use sha1::Sha1;
use sha2::Sha256;

use crate::catalog::Dataset;
use crate::ident::ContentId;
use crate::ident::EnvelopeId;
use crate::locks::threads;
use crate::manifest::DatasetKind;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::progress::NoProgress;
use crate::read_at::read_range;
use crate::registry::LocalRegistry;
use crate::registry::Target;
use crate::registry::cache::files::CacheFiles;
use crate::registry::cache::files::CacheKind;
use crate::registry::error::Error;
use crate::registry::peers::LookOptions;
use crate::registry::peers::LookPeers;
use crate::registry::peers::PeerFinder;
use crate::registry::peers::Showing;
use crate::registry::peers::look::file::LookFile;
use crate::registry::peers::look::handle::Look;
use crate::registry::targets::places::dataset_file::DatasetFile;
use crate::registry::targets::places::file_bytes::io_error;
use crate::registry::targets::places::stored_file::StoredFile;
use crate::store::disk::BlobReader;
use crate::trust::Action;
use crate::trust::Consent;

/// Files whose digests are kept together. A page of a listing asks for about as many.
const DIGESTS_A_PART: usize = 1024;
/// Bytes that are hashed at a time: some records, so that few are unpacked twice.
const DIGEST_STEP: u64 = 8 << 20;
/// Bytes of the two digests of a file.
const DIGEST_BYTES: usize = 20 + 32;
/// The digests in the cache of a home.
const DIGESTS: CacheKind = CacheKind {
    name: "digests",
    files_max: 4096,
    bytes_max: 64 << 20,
    file_bytes_max: DIGESTS_A_PART * DIGEST_BYTES + 32,
};

/// Digests that clients of other programs compare files with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileDigests {
    /// SHA-1 of the file as a blob of git.
    pub(crate) git_sha1: [u8; 20],
    /// SHA-256 of the bytes.
    pub(crate) sha256: [u8; 32],
}

/// A dataset that is open for reading. While it lives, no collection removes its bytes.
pub(crate) struct ServedDataset {
    registry: LocalRegistry,
    manifest: Arc<Manifest>,
    table: FileTable,
    /// Offset of each file in the dataset.
    starts: Vec<u64>,
    source: Source,
}

/// The place of the bytes.
enum Source {
    /// The store has them all.
    Held(Arc<BlobReader>),
    /// Peers have the rest, which is fetched and kept.
    Elsewhere(Arc<Look>),
}

impl ServedDataset {
    /// Opens the dataset whose winning manifest has this envelope; `None` if it is not shown any more.
    ///
    /// # Errors
    /// [`Error`] when the index, `trust.toml` or the table of files cannot be read; and for a foreign dataset that
    /// expands beyond the limit of its stored bytes.
    pub(crate) fn open(
        registry: &LocalRegistry,
        id: &EnvelopeId,
        showing: Showing,
    ) -> Result<Option<Self>, Error> {
        match registry.peers().shown_by_envelope(id, showing)? {
            Some(dataset) => Self::of(registry, dataset).map(Some),
            None => Ok(None),
        }
    }

    fn of(registry: &LocalRegistry, dataset: Dataset) -> Result<Self, Error> {
        let reader = registry.reader_of(&dataset)?;
        if let Some(beyond) = registry.maintenance().expansion(&dataset)? {
            return Err(beyond.refused(&dataset.manifest));
        }
        let table = registry.files_by(&reader, &dataset.manifest)?;
        let starts = table.with_offsets().map(|(start, _)| start).collect();
        Ok(Self {
            registry: registry.clone(),
            manifest: Arc::new(dataset.manifest),
            table,
            starts,
            source: Source::Held(Arc::new(reader)),
        })
    }

    /// Opens a dataset that is not here, or not whole, and that this node names to peers. `None` if it does not any more.
    ///
    /// # Errors
    /// [`Error`] when no peer has it, or when its manifest is not accepted without a person.
    pub(crate) fn look(
        registry: &LocalRegistry,
        id: &EnvelopeId,
        finder: Box<dyn PeerFinder>,
    ) -> Result<Option<Self>, Error> {
        let named = registry.peers().named_elsewhere()?;
        if !named.iter().any(|l| l.dataset.envelope_id == *id) {
            return Ok(None);
        }
        let Some(offer) = registry.peers().known_offer(id)? else {
            return Ok(None);
        };
        let accepted = offer.accept(Action::Fetch, Consent::NotAsked)?;
        let peers = LookPeers::Found(finder);
        let look = registry
            .peers()
            .look(&accepted, peers, LookOptions::default(), &NoProgress)?;
        let (manifest, table) = (Arc::new(look.manifest().clone()), look.table().clone());
        let starts = table.with_offsets().map(|(start, _)| start).collect();
        Ok(Some(Self {
            registry: registry.clone(),
            manifest,
            table,
            starts,
            source: Source::Elsewhere(Arc::new(look)),
        }))
    }

    /// Makes what was fetched of it so far durable.
    pub(crate) fn save(&self) {
        if let Source::Elsewhere(look) = &self.source {
            look.save();
        }
    }

    /// Returns the manifest.
    pub(crate) fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// Returns the files, in the order of the bytes of their paths.
    pub(crate) fn files(&self) -> &[FileEntry] {
        self.table.files()
    }

    /// Returns a file as a source of rows; `None` beyond the last.
    pub(crate) fn target(&self, index: usize) -> Option<Target> {
        let (start, entry) = self.entry(index)?;
        let file: Arc<dyn StoredFile> = match &self.source {
            Source::Held(reader) => Arc::new(self.held_file(reader, start, entry)),
            Source::Elsewhere(look) => {
                Arc::new(LookFile::new(Arc::clone(look), start, entry.clone()))
            }
        };
        let place = (self.manifest.name.as_str(), self.registry.home());
        Some(Target::of_stored(file, entry, place))
    }

    fn entry(&self, index: usize) -> Option<(u64, &FileEntry)> {
        let entry = self.table.files().get(index)?;
        Some((*self.starts.get(index)?, entry))
    }

    fn held_file(&self, reader: &Arc<BlobReader>, start: u64, entry: &FileEntry) -> DatasetFile {
        let (reader, manifest) = (Arc::clone(reader), Arc::clone(&self.manifest));
        DatasetFile::new(reader, manifest, start, entry.clone())
    }

    /// Returns verified bytes of a file: those of the range that the file has.
    ///
    /// # Errors
    /// `InvalidData` for damage, and other errors of the store and of peers.
    pub(crate) fn bytes(&self, index: usize, range: Range<u64>) -> std::io::Result<Vec<u8>> {
        let none = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let (start, entry) = self.entry(index).ok_or_else(none)?;
        match &self.source {
            Source::Held(reader) => {
                let file = self.held_file(reader, start, entry);
                file.range(range).map_err(|e| io_error(&e))
            }
            Source::Elsewhere(look) => {
                let file = LookFile::new(Arc::clone(look), start, entry.clone());
                let end = range.end.min(entry.size_bytes);
                read_range(&file, &(range.start.min(end)..end))
            }
        }
    }

    /// Returns the content id of a file. Those of short files are computed.
    ///
    /// # Errors
    /// [`Error`] when the file is damaged.
    pub(crate) fn content_id(&self, index: usize) -> Result<Option<ContentId>, Error> {
        let Some(entry) = self.table.files().get(index) else {
            return Ok(None);
        };
        if entry.content_id.is_some() {
            return Ok(entry.content_id);
        }
        if self.manifest.dataset_kind == DatasetKind::File {
            return Ok(Some(self.manifest.content_id));
        }
        // It is short, since tables have the hashes of longer ones.
        let bytes = self.bytes(index, 0..entry.size_bytes);
        let bytes = bytes.map_err(|e| Error::machine("read a file of a dataset", e))?;
        Ok(Some(ContentId::new(*blake3::hash(&bytes).as_bytes())))
    }

    /// Returns digests of files. They are computed once, and kept in the cache of the home.
    ///
    /// # Errors
    /// [`Error`] when a file is damaged.
    pub(crate) fn digests(&self, files: Range<usize>) -> Result<Vec<FileDigests>, Error> {
        let mut found = Vec::new();
        let end = files.end.min(self.table.files().len());
        let mut at = files.start;
        while at < end {
            let part = at / DIGESTS_A_PART;
            let to = end.min((part + 1) * DIGESTS_A_PART);
            found.extend(self.digests_of_part(part, at..to)?);
            at = to;
        }
        Ok(found)
    }

    /// Returns digests of files of one part.
    fn digests_of_part(&self, part: usize, files: Range<usize>) -> Result<Vec<FileDigests>, Error> {
        let cache = CacheFiles::new(self.registry.home(), DIGESTS);
        let mut key = self.manifest.content_id.as_bytes().to_vec();
        key.extend_from_slice(&(part as u64).to_le_bytes());
        let first = part * DIGESTS_A_PART;
        let count = DIGESTS_A_PART.min(self.table.files().len().saturating_sub(first));
        let kept = cache
            .read(&key)
            .and_then(|bytes| decode_part(&bytes, count));
        let mut digests = kept.unwrap_or_else(|| vec![None; count]);
        let missing: Vec<usize> = files
            .clone()
            .filter(|n| digests.get(n - first).is_some_and(Option::is_none))
            .collect();
        for (n, computed) in missing.iter().zip(self.compute(&missing)?) {
            if let Some(slot) = digests.get_mut(n - first) {
                *slot = Some(computed);
            }
        }
        if !missing.is_empty() {
            cache.write(&key, &encode_part(&digests));
        }
        let wanted = files.filter_map(|n| digests.get(n - first).copied().flatten());
        Ok(wanted.collect())
    }

    /// Computes digests on all cores, in the order of the files.
    fn compute(&self, files: &[usize]) -> Result<Vec<FileDigests>, Error> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            while let Some((n, index)) = take(files, &next) {
                done.push((n, self.compute_one(index)?));
            }
            Ok::<_, Error>(done)
        };
        let workers = threads().min(files.len());
        let results: Vec<_> = std::thread::scope(|scope| {
            let begun: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            begun
                .into_iter()
                .map(std::thread::ScopedJoinHandle::join)
                .collect()
        });
        let mut digests = Vec::with_capacity(files.len());
        for result in results {
            let ended = result.map_err(|_| {
                Error::machine("hash files", std::io::Error::other("a thread failed"))
            })?;
            digests.extend(ended?);
        }
        digests.sort_unstable_by_key(|(n, _)| *n);
        Ok(digests.into_iter().map(|(_, digest)| digest).collect())
    }

    fn compute_one(&self, index: usize) -> Result<FileDigests, Error> {
        let size = self.table.files().get(index).map_or(0, |e| e.size_bytes);
        let mut git = Sha1::new();
        git.update(format!("blob {size}\0"));
        let mut whole = Sha256::new();
        let mut at = 0;
        while at < size {
            let bytes = self.bytes(index, at..at + DIGEST_STEP);
            let bytes = bytes.map_err(|e| Error::machine("read a file of a dataset", e))?;
            if bytes.is_empty() {
                let cut = std::io::Error::from(std::io::ErrorKind::InvalidData);
                return Err(Error::machine("read a file of a dataset", cut));
            }
            git.update(&bytes);
            whole.update(&bytes);
            at += bytes.len() as u64;
        }
        Ok(FileDigests {
            git_sha1: git.finalize().into(),
            sha256: whole.finalize().into(),
        })
    }
}

/// Takes the next of the files, and its place among them.
fn take(files: &[usize], next: &AtomicUsize) -> Option<(usize, usize)> {
    let n = next.fetch_add(1, Ordering::Relaxed);
    files.get(n).map(|index| (n, *index))
}

/// Encodes the digests of a part: zeros for those that are unknown, and a checksum.
fn encode_part(digests: &[Option<FileDigests>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(digests.len() * DIGEST_BYTES + 32);
    for digest in digests {
        let (git, whole) = digest.map_or(([0; 20], [0; 32]), |d| (d.git_sha1, d.sha256));
        bytes.extend_from_slice(&git);
        bytes.extend_from_slice(&whole);
    }
    let sum = blake3::hash(&bytes);
    bytes.extend_from_slice(sum.as_bytes());
    bytes
}

/// Decodes the digests of a part; `None` if the bytes are of something else.
fn decode_part(bytes: &[u8], count: usize) -> Option<Vec<Option<FileDigests>>> {
    let (body, sum) = bytes.split_last_chunk::<32>()?;
    if body.len() != count * DIGEST_BYTES || blake3::hash(body).as_bytes() != sum {
        return None;
    }
    let digest = |entry: &[u8]| {
        let (git, whole) = entry.split_first_chunk::<20>()?;
        let sha256 = <[u8; 32]>::try_from(whole).ok()?;
        let is_known = sha256 != [0; 32];
        is_known.then_some(FileDigests {
            git_sha1: *git,
            sha256,
        })
    };
    Some(body.chunks_exact(DIGEST_BYTES).map(digest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_of_digests_survives_encoding_and_refuses_damage() {
        let known = FileDigests {
            git_sha1: [1; 20],
            sha256: [2; 32],
        };
        let digests = [Some(known), None];
        let bytes = encode_part(&digests);
        assert_eq!(decode_part(&bytes, 2).unwrap(), digests);
        assert!(decode_part(&bytes, 3).is_none());
        let mut damaged = bytes;
        damaged[3] ^= 1;
        assert!(decode_part(&damaged, 2).is_none());
    }
}
