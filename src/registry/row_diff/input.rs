//! Inputs of a comparison: a dataset that is here, one that is looked into at peers, or files at a URL.

use std::sync::Arc;

use crate::catalog::Dataset;
use crate::ident::ContentId;
use crate::ident::TreeId;
use crate::manifest::ChunkEntry;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::TreeWalk;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::peers::Look;
use crate::registry::peers::look::file::LookFile;
use crate::registry::row_diff::elsewhere::Elsewhere;
use crate::registry::targets::file::FileLocation;
use crate::registry::targets::places::dataset_file::DatasetFile;
use crate::remote::Remote;
use crate::remote::RemoteUrl;
use crate::store::disk::BlobReader;

/// Bytes of a small file that are hashed at a time.
const PIECE_BYTES: usize = 64 << 10;

/// A file and the offset of its first byte in the dataset.
pub(super) type PlacedFile<'a> = (u64, &'a FileEntry);

/// One side of a comparison, with its files and the chunks that its bytes have.
pub struct DiffInput {
    pub(super) table: FileTable,
    place: InputPlace,
}

enum InputPlace {
    Held(Box<Dataset>),
    Looked(Arc<Look>),
    Elsewhere(Elsewhere),
}

/// Chunks with their offsets.
type PlacedChunks<'a> = Box<dyn Iterator<Item = Result<(u64, ChunkEntry), Error>> + 'a>;

impl DiffInput {
    /// Returns a dataset that is here.
    ///
    /// # Errors
    /// [`Error`] when its table or a small file cannot be read.
    pub fn held(registry: &LocalRegistry, dataset: &Dataset) -> Result<Self, Error> {
        Ok(Self {
            // The hashes include those of small files, so that unchanged files are skipped.
            table: registry.files(&dataset.manifest)?,
            place: InputPlace::Held(Box::new(dataset.clone())),
        })
    }

    /// Returns a dataset that is looked into, after its tree was fetched. Chunks are fetched when they are
    /// read.
    ///
    /// # Errors
    /// As [`Look::fetch_tree`], and as its reads.
    pub fn looked(look: &Arc<Look>, progress: &dyn Progress) -> Result<Self, Error> {
        look.fetch_tree(progress)?;
        let mut table = look.table().clone();
        let files = look.table().with_offsets().enumerate();
        for (n, (start, entry)) in files.filter(|(_, (_, f))| f.content_id.is_none()) {
            let file = LookFile::new(Arc::clone(look), start, entry.clone());
            table.set_content_id(n, hash_of(&file, entry)?);
        }
        Ok(Self {
            table,
            place: InputPlace::Looked(Arc::clone(look)),
        })
    }

    /// Reads the files at a URL, and returns them with the chunks that they would have in a dataset.
    ///
    /// # Errors
    /// [`Error::Remote`], and errors of reading.
    pub fn elsewhere(
        remote: &Remote,
        url: &RemoteUrl,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let (table, files) = Elsewhere::read(remote, url, progress)?;
        Ok(Self {
            table,
            place: InputPlace::Elsewhere(files),
        })
    }

    /// Returns the content id of a dataset; `None` for files at a URL.
    pub fn content_id(&self) -> Option<ContentId> {
        match &self.place {
            InputPlace::Held(dataset) => Some(dataset.manifest.content_id),
            InputPlace::Looked(look) => Some(look.manifest().content_id),
            InputPlace::Elsewhere(_) => None,
        }
    }

    /// Returns the dataset, if all of it is here.
    pub(super) fn dataset(&self) -> Option<&Dataset> {
        match &self.place {
            InputPlace::Held(dataset) => Some(dataset),
            InputPlace::Looked(_) | InputPlace::Elsewhere(_) => None,
        }
    }

    fn manifest_tree(&self) -> Option<(TreeId, u64)> {
        let m = match &self.place {
            InputPlace::Held(dataset) => &dataset.manifest,
            InputPlace::Looked(look) => look.manifest(),
            InputPlace::Elsewhere(_) => return None,
        };
        Some((m.chunk_tree_root, m.size_bytes))
    }

    /// Returns the root of the tree of a dataset.
    pub(super) fn tree(&self) -> Option<TreeId> {
        self.manifest_tree().map(|(root, _)| root)
    }

    /// Returns the chunks from the one at an offset on, with their offsets.
    pub(super) fn chunks<'a>(
        &'a self,
        reader: &'a BlobReader,
        from: u64,
    ) -> Result<PlacedChunks<'a>, Error> {
        match (&self.place, self.manifest_tree()) {
            (InputPlace::Elsewhere(files), _) => {
                let chunks = files.chunks.iter().scan(0_u64, |next, chunk| {
                    let at = *next;
                    *next += u64::from(chunk.bytes);
                    Some((at, *chunk))
                });
                let is_behind = move |(at, c): &(u64, ChunkEntry)| at + u64::from(c.bytes) <= from;
                Ok(Box::new(chunks.skip_while(is_behind).map(Ok)))
            }
            (_, Some((root, size))) => {
                let walk = TreeWalk::new(reader, root, size, from)?;
                Ok(Box::new(walk.map(|placed| placed.map_err(Error::from))))
            }
            (_, None) => Ok(Box::new(std::iter::empty())),
        }
    }

    /// Returns the bytes of a file that is not here as a whole.
    pub(super) fn far_bytes(&self, file: PlacedFile<'_>) -> Result<Option<Arc<dyn ReadAt>>, Error> {
        let (start, entry) = file;
        Ok(match &self.place {
            InputPlace::Held(_) => None,
            InputPlace::Looked(look) => {
                let file = LookFile::new(Arc::clone(look), start, entry.clone());
                Some(Arc::new(file))
            }
            InputPlace::Elsewhere(files) => match files.place(&entry.path) {
                Some(place) => Some(Arc::new(place.file()?.clone())),
                None => None,
            },
        })
    }

    /// Returns the place of a file, as targets have it.
    pub(super) fn location(
        &self,
        reader: &Arc<BlobReader>,
        (start, entry): PlacedFile<'_>,
    ) -> Option<FileLocation> {
        match &self.place {
            InputPlace::Held(dataset) => {
                let manifest = Arc::new(dataset.manifest.clone());
                let file = DatasetFile::new(Arc::clone(reader), manifest, start, entry.clone());
                Some(FileLocation::Store(Arc::new(file)))
            }
            InputPlace::Looked(look) => {
                let file = LookFile::new(Arc::clone(look), start, entry.clone());
                Some(FileLocation::Store(Arc::new(file)))
            }
            InputPlace::Elsewhere(files) => {
                let place = files.place(&entry.path);
                place.map(|place| FileLocation::Remote(Arc::clone(place)))
            }
        }
    }
}

fn hash_of(file: &LookFile, entry: &FileEntry) -> Result<ContentId, Error> {
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut at = 0;
    while at < entry.size_bytes {
        let read = file.read_at(&mut piece, at);
        let n = read.map_err(|e| Error::file("read", &entry.path, e))?;
        if n == 0 {
            break;
        }
        hasher.update(piece.get(..n).unwrap_or_default());
        at += n as u64;
    }
    Ok(ContentId::new(*hasher.finalize().as_bytes()))
}
