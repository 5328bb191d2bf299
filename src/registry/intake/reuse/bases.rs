//! Bytes that are here already: of an earlier run that did not finish, of the last finished one, and of
//! the version before. A file with the same promise is read from there and not fetched.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha1::Sha1;
use sha2::Digest as _;
use sha2::Sha256;

use crate::ident::ContentId;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::SeriesId;
use crate::ident::TreeId;
use crate::manifest::DatasetKind;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::read_at::ReadAt as _;
use crate::registry::intake::journal::FileNote;
use crate::registry::intake::journal::RecordedRun;
use crate::registry::intake::promise::Promise;
use crate::registry::intake::reuse::known::KnownFile;
use crate::registry::intake::reuse::known::RecordedFiles;
use crate::registry::intake::source::SourceItem;
use crate::registry::targets::places::dataset_file::DatasetFile;
use crate::store::disk::BlobReader;

/// Size of a piece of a file that is hashed.
const PIECE_BYTES: usize = 1 << 20;

/// Bytes of one tree that may be those of files elsewhere.
pub(in crate::registry::intake) struct Base {
    manifest: Arc<Manifest>,
    files: BTreeMap<String, BaseFile>,
}

/// A file, or the first part of one.
struct BaseFile {
    start: u64,
    available: u64,
    size_bytes: Option<u64>,
    /// `None` for a file that was not taken in with a promise, and that has to be hashed.
    promise: Option<Promise>,
}

impl Base {
    /// Returns the files that a recorded run has.
    pub(in crate::registry::intake) fn of_run(run: RecordedRun) -> Self {
        let end = run.head.bytes;
        let notes = files_between(run.files, end).into_iter();
        let trusted = notes.filter(|(note, _)| !run.distrusted.contains(&note.path));
        let files = trusted.map(|(note, available)| {
            let file = BaseFile {
                start: note.start,
                available,
                size_bytes: note.size_bytes,
                promise: Some(note.promise),
            };
            (note.path, file)
        });
        Self {
            files: files.collect(),
            manifest: Arc::new(tree_alone(run.head.root, end)),
        }
    }

    /// Returns the files of a version that is here.
    pub(in crate::registry::intake) fn of_version(manifest: &Manifest, table: &FileTable) -> Self {
        let file = |(start, entry): (u64, &FileEntry)| {
            let file = BaseFile {
                start,
                available: entry.size_bytes,
                size_bytes: Some(entry.size_bytes),
                promise: None,
            };
            (entry.path.clone(), file)
        };
        Self {
            files: table.with_offsets().map(file).collect(),
            manifest: Arc::new(manifest.clone()),
        }
    }

    /// Returns the bytes of a file that are here. They may be its first ones only.
    pub(in crate::registry::intake) fn find(
        &self,
        item: &SourceItem,
        reader: &Arc<BlobReader>,
    ) -> Option<DatasetFile> {
        let file = self.files.get(&item.path)?;
        let sizes = (file.size_bytes, item.size_bytes);
        if matches!(sizes, (Some(a), Some(b)) if a != b) || file.available == 0 {
            return None;
        }
        let bytes = self.open(&item.path, file, reader);
        match &file.promise {
            Some(promise) => promise.is_same(&item.promise).then_some(bytes),
            None => has_hash(&bytes, &item.promise).then_some(bytes),
        }
    }

    fn open(&self, path: &str, file: &BaseFile, reader: &Arc<BlobReader>) -> DatasetFile {
        let entry = FileEntry {
            path: path.to_owned(),
            size_bytes: file.available,
            content_id: None,
            format: 0,
            rows: None,
            schema: None,
        };
        let (reader, manifest) = (Arc::clone(reader), Arc::clone(&self.manifest));
        DatasetFile::new(reader, manifest, file.start, entry)
    }
}

/// Returns the files with the number of their bytes before `end`.
fn files_between(notes: Vec<FileNote>, end: u64) -> Vec<(FileNote, u64)> {
    let starts: Vec<u64> = notes.iter().map(|note| note.start).collect();
    let nexts = starts.iter().skip(1).copied().chain([end]);
    let nexts: Vec<u64> = nexts.collect();
    let all = notes.into_iter().zip(nexts);
    all.map(|(note, next)| {
        let room = next.min(end).saturating_sub(note.start);
        let available = note.size_bytes.map_or(room, |size| size.min(room));
        (note, available)
    })
    .collect()
}

/// Returns true if bytes have a promised hash. Bytes that cannot be read have none.
fn has_hash(bytes: &DatasetFile, promise: &Promise) -> bool {
    let hash = |push: &mut dyn FnMut(&[u8])| {
        let mut buffer = vec![0; PIECE_BYTES];
        let mut at = 0;
        while at < bytes.len() {
            let read = bytes.read_at(&mut buffer, at);
            let Some(piece) = read.ok().and_then(|n| buffer.get(..n)) else {
                return false;
            };
            if piece.is_empty() {
                return false;
            }
            push(piece);
            at += piece.len() as u64;
        }
        true
    };
    if let Some(wanted) = &promise.sha256 {
        let mut hasher = Sha256::new();
        return hash(&mut |piece| hasher.update(piece)) && hasher.finalize()[..] == wanted[..];
    }
    if let Some(wanted) = &promise.git_sha1 {
        let mut hasher = Sha1::new_with_prefix(format!("blob {}\0", bytes.len()));
        return hash(&mut |piece| hasher.update(piece)) && hasher.finalize()[..] == wanted[..];
    }
    false
}

/// Returns a manifest that stands for a tree which belongs to no dataset yet.
pub(in crate::registry::intake) fn tree_alone(root: TreeId, size_bytes: u64) -> Manifest {
    Manifest {
        name: DatasetName::suggest("taken-in"),
        dataset_version: DatasetVersion::first(),
        dataset_kind: DatasetKind::Directory,
        content_id: ContentId::new([0; 32]),
        chunk_tree_root: root,
        file_table_root: root,
        file_table_bytes: 0,
        num_files: 0,
        schema: Vec::new(),
        num_rows: 0,
        size_bytes,
        description: None,
        license: None,
        tags: Vec::new(),
        card: None,
        series: SeriesId::new([0; 16]),
        seq: 1,
        prev: Vec::new(),
        clock: BTreeMap::new(),
        created_at: crate::clock::Timestamp(0),
        signer: None,
        source: None,
    }
}

/// All places with bytes that are here.
#[derive(Default)]
pub(in crate::registry::intake) struct Bases {
    all: Vec<Base>,
    recorded: Vec<RecordedFiles>,
    reader: Option<Arc<BlobReader>>,
}

impl Bases {
    /// Collects the places. The first one that has a file with the most bytes is used.
    pub(in crate::registry::intake) fn new(
        all: Vec<Base>,
        recorded: Vec<RecordedFiles>,
        reader: BlobReader,
    ) -> Self {
        Self {
            all,
            recorded,
            reader: Some(Arc::new(reader)),
        }
    }

    /// Returns a file that need not be read at all, because its promise is the recorded one.
    pub(in crate::registry::intake) fn known(&self, item: &SourceItem) -> Option<KnownFile> {
        let reader = self.reader.as_ref()?;
        let mut recorded = self.recorded.iter();
        recorded.find_map(|files| files.find(item, reader))
    }

    /// Returns the bytes of a file that are here: as many as any place has.
    pub(in crate::registry::intake) fn find(&self, item: &SourceItem) -> Option<DatasetFile> {
        let reader = self.reader.as_ref()?;
        let mut best: Option<DatasetFile> = None;
        for base in &self.all {
            let is_whole = best
                .as_ref()
                .is_some_and(|b| Some(b.len()) == item.size_bytes);
            if is_whole {
                break;
            }
            let found = base.find(item, reader);
            let is_better =
                |found: &DatasetFile| best.as_ref().is_none_or(|best| found.len() > best.len());
            if let Some(found) = found.filter(is_better) {
                best = Some(found);
            }
        }
        best
    }
}
