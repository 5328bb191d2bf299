//! Content of one dataset in the order of its data: the claims about its chunks, the hashes of its
//! files, and the place of every byte, through which a file is read again.

use std::cell::OnceCell;
use std::io;
use std::sync::Arc;

use crate::archive::ArchiveError;
use crate::archive_check::blobs::ArchiveBlobs;
use crate::archive_check::blobs::ChunkPlace;
use crate::archive_check::claims;
use crate::archive_check::claims::CutCheck;
use crate::archive_check::error::CheckError;
use crate::archive_check::frames::Frames;
use crate::archive_check::hashing::FileHasher;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::TreeId;
use crate::manifest::ChildEntry;
use crate::manifest::ChunkEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::manifest::Node;
use crate::manifest::TreeError;
use crate::manifest::read_tree;
use crate::manifest::tree_totals;
use crate::read_at::ReadAt;

/// Places of the chunks of a dataset, in the order of the data.
pub(super) type Places = Vec<DataPlace>;

/// The place of a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct DataPlace {
    /// End of its bytes in the data.
    pub(super) end: u64,
    /// Offset of its bytes in the tar stream.
    pub(super) at: u64,
}

/// Bytes that a pass may read a second time while the archive comes, beside as many as came.
const AGAIN_BYTES: u64 = 64 << 20;

/// A pass over the data of a dataset. It follows the archive as its chunks come.
pub(super) struct ContentPass<'a> {
    manifest: &'a Manifest,
    table: &'a FileTable,
    walk: DataWalk,
    cuts: CutCheck<'a>,
    hashing: FileHasher,
    places: Places,
    /// Bytes that were read a second time.
    read_again: u64,
    has_totals: bool,
}

impl<'a> ContentPass<'a> {
    /// Reads the file table into an empty slot, and compares it with the manifest.
    ///
    /// # Errors
    /// [`CheckError`] with the first false claim.
    pub(super) fn begin(
        blobs: &ArchiveBlobs<'_>,
        m: &'a Manifest,
        slot: &'a OnceCell<FileTable>,
    ) -> Result<Self, CheckError> {
        let read = || {
            claims::check_totals(m, tree_totals(blobs, m.file_table_root)?)?;
            let bytes = read_tree(blobs, m.file_table_root, m.file_table_bytes)?;
            claims::table_of(&bytes, m)
        };
        let table = read().map_err(|e| match e {
            CheckError::Tree(source) if source.kind() == ErrorKind::Integrity => {
                CheckError::Corrupt {
                    dataset: m.name.to_string(),
                    file: "(file table)".to_owned(),
                    source: Box::new(source),
                }
            }
            other => other,
        })?;
        claims::check_table(m, &table)?;
        let table = slot.get_or_init(|| table);
        Ok(Self {
            walk: DataWalk::new(m.chunk_tree_root),
            cuts: CutCheck::new(m, table),
            hashing: FileHasher::new(&table.with_offsets().collect::<Vec<_>>(), 0),
            manifest: m,
            places: Vec::new(),
            read_again: 0,
            has_totals: false,
            table,
        })
    }

    /// Takes a chunk that has just come. It is passed over if it is not the next one of the data,
    /// which [`ContentPass::finish`] reads.
    ///
    /// # Errors
    /// [`CheckError`] with the first false claim.
    pub(super) fn follow(
        &mut self,
        blobs: &ArchiveBlobs<'_>,
        chunk: &ChunkEntry,
        bytes: &[u8],
    ) -> Result<(), CheckError> {
        self.check_totals(blobs)?;
        loop {
            let Some(next) = self.walk.peek(blobs) else {
                return Ok(());
            };
            let Some(place) = blobs.place_of(&next) else {
                return Ok(());
            };
            if next == *chunk {
                // Its newlines were counted when it came.
                return self.take(&next, place, bytes, true);
            }
            let more = self.read_again.saturating_add(u64::from(next.bytes));
            if more > AGAIN_BYTES.saturating_add(self.walk.offset / 2) {
                return Ok(());
            }
            self.read_again = more;
            self.take(&next, place, &blobs.chunk(place)?, false)?;
        }
    }

    /// Reads the rest of the data, and compares all hashes.
    ///
    /// # Errors
    /// [`CheckError`] with the first false claim.
    pub(super) fn finish(
        mut self,
        blobs: &ArchiveBlobs<'_>,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Places, CheckError> {
        self.check_totals(blobs)?;
        while let Some(next) = self.walk.peek(blobs) {
            let place = blobs.place_of(&next);
            let place = place.ok_or(TreeError::Mismatch(self.manifest.chunk_tree_root))?;
            self.take(&next, place, &blobs.chunk(place)?, false)?;
            if is_cancelled() {
                return Err(CheckError::Interrupted);
            }
        }
        let m = self.manifest;
        let mut whole = self.table.clone();
        let mismatch = |file: &str| CheckError::Mismatch {
            dataset: m.name.to_string(),
            file: file.to_owned(),
        };
        let ids = self.hashing.into_ids();
        for (n, (file, id)) in self.table.files().iter().zip(ids).enumerate() {
            if file.content_id.is_some_and(|claimed| claimed != id) {
                return Err(mismatch(&file.path));
            }
            whole.set_content_id(n, id);
        }
        if whole.content_id(m.dataset_kind) != Some(m.content_id) {
            // A single file must be the damaged one.
            return Err(match whole.files() {
                [only] => mismatch(&only.path),
                _ => mismatch("(file table)"),
            });
        }
        Ok(self.places)
    }

    /// Compares the totals of the data once its root has come.
    fn check_totals(&mut self, blobs: &ArchiveBlobs<'_>) -> Result<(), CheckError> {
        if !self.has_totals {
            let totals = tree_totals(blobs, self.manifest.chunk_tree_root)?;
            claims::check_totals(self.manifest, totals)?;
            self.has_totals = true;
        }
        Ok(())
    }

    fn take(
        &mut self,
        chunk: &ChunkEntry,
        place: ChunkPlace,
        bytes: &[u8],
        is_counted: bool,
    ) -> Result<(), CheckError> {
        let at = self.walk.offset;
        self.walk.skip(chunk);
        self.cuts.push(at, chunk)?;
        if !is_counted {
            claims::check_newlines(self.manifest, at, chunk, bytes)?;
        }
        self.hashing.push(bytes);
        self.places.push(DataPlace {
            end: self.walk.offset,
            at: place.at,
        });
        Ok(())
    }
}

/// A walk over the chunks of a tree whose nodes come later.
struct DataWalk {
    /// Ids of the nodes to visit, the next one last.
    nodes: Vec<TreeId>,
    leaf: std::vec::IntoIter<ChunkEntry>,
    offset: u64,
}

impl DataWalk {
    fn new(root: TreeId) -> Self {
        Self {
            nodes: vec![root],
            leaf: Vec::new().into_iter(),
            offset: 0,
        }
    }

    /// Returns the next chunk; `None` at the end, or if its node has not come.
    fn peek(&mut self, blobs: &ArchiveBlobs<'_>) -> Option<ChunkEntry> {
        loop {
            if let Some(next) = self.leaf.as_slice().first() {
                return Some(*next);
            }
            let bytes = blobs.nodes.get(self.nodes.last()?)?;
            self.nodes.pop();
            // Every node was decoded when it came.
            match Node::decode(bytes).ok()? {
                Node::Leaf(chunks) => self.leaf = chunks.into_iter(),
                Node::Inner { children, .. } => {
                    let ids = children.iter().rev().map(|child: &ChildEntry| child.id);
                    self.nodes.extend(ids);
                }
            }
        }
    }

    fn skip(&mut self, chunk: &ChunkEntry) {
        self.leaf.next();
        self.offset += u64::from(chunk.bytes);
    }
}

/// A file of a checked archive.
pub struct ArchiveFile {
    pub(super) frames: Arc<Frames>,
    pub(super) places: Arc<Places>,
    /// Offset of the file in the dataset.
    pub(super) start: u64,
    pub(super) bytes: u64,
}

impl ReadAt for ArchiveFile {
    fn len(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self.bytes.saturating_sub(offset);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let mut at = self.start + offset;
        let mut filled = 0;
        let mut number = self.places.partition_point(|place| place.end <= at);
        while filled < wanted {
            let Some(place) = self.places.get(number) else {
                return Err(io::ErrorKind::UnexpectedEof.into());
            };
            let before = number.checked_sub(1).and_then(|n| self.places.get(n));
            let inside = at - before.map_or(0, |place| place.end);
            let here = usize::try_from(place.end - at).unwrap_or(usize::MAX);
            let count = here.min(wanted - filled);
            let mut copy = |piece: &[u8]| {
                if let Some(to) = buf.get_mut(filled..filled + piece.len()) {
                    to.copy_from_slice(piece);
                }
                filled += piece.len();
            };
            let read = self.frames.each_piece(place.at + inside, count, &mut copy);
            read.map_err(|error| match error {
                ArchiveError::Io { source, .. } => source,
                other => io::Error::new(io::ErrorKind::InvalidData, other),
            })?;
            at += count as u64;
            number += 1;
        }
        Ok(filled)
    }
}
