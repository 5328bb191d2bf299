//! Checking the whole registry, and saying which files damage is in.

use std::collections::HashSet;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::manifest::TreeWalk;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::store::disk::BlobReader;

/// A file that damage is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damaged {
    /// The dataset, as name@version.
    pub dataset: String,
    /// The file; empty where the dataset's own structures are damaged.
    pub file: String,
}

/// What a check of the registry found.
#[derive(Clone, Debug, Default)]
pub struct FsckReport {
    /// Blobs that were read and hashed.
    pub checked: u64,
    /// Damaged blobs.
    pub corrupt: Vec<BlobKey>,
    /// The files they are in. A damaged blob may be in none: something unindexed.
    pub files: Vec<Damaged>,
}

impl LocalRegistry {
    /// Reads everything and compares it with its hashes.
    ///
    /// # Errors
    /// [`Error`] when the index itself is damaged; damaged blobs are in the report.
    pub fn fsck(&self, progress: &dyn Progress) -> Result<FsckReport, Error> {
        let found = self.store.fsck(progress)?;
        let bad: HashSet<BlobKey> = found.corrupt.iter().copied().collect();
        let mut files = Vec::new();
        if !bad.is_empty() {
            let reader = BlobReader::new(&self.store)?;
            for dataset in self.list()? {
                let m = &dataset.manifest;
                let name = format!("{}@{}", m.name, m.dataset_version);
                let in_files = self.damaged_files(&reader, &dataset.manifest, &bad);
                let in_files = in_files.unwrap_or_else(|_| vec![String::new()]);
                files.extend(in_files.into_iter().map(|file| Damaged {
                    dataset: name.clone(),
                    file,
                }));
            }
        }
        Ok(FsckReport {
            checked: found.checked,
            corrupt: found.corrupt,
            files,
        })
    }

    fn damaged_files(
        &self,
        reader: &BlobReader,
        manifest: &crate::manifest::Manifest,
        bad: &HashSet<BlobKey>,
    ) -> Result<Vec<String>, Error> {
        let table = self.files_by(reader, manifest)?;
        let spans: Vec<(u64, u64, &str)> = table
            .with_offsets()
            .filter(|(_, f)| f.size_bytes > 0)
            .map(|(start, f)| (start, start + f.size_bytes, f.path.as_str()))
            .collect();
        let mut files: Vec<String> = Vec::new();
        for placed in TreeWalk::new(reader, manifest.chunk_tree_root, manifest.size_bytes, 0)? {
            let (at, chunk) = placed?;
            if !bad.contains(&BlobKey::new(BlobKind::Chunk, *chunk.id.as_bytes())) {
                continue;
            }
            let end = at + u64::from(chunk.bytes);
            let first = spans.partition_point(|(_, file_end, _)| *file_end <= at);
            let hit = spans
                .iter()
                .skip(first)
                .take_while(|(start, _, _)| *start < end);
            files.extend(hit.map(|(_, _, path)| (*path).to_owned()));
        }
        files.dedup();
        Ok(files)
    }
}
