//! Hashes the files of a dataset in one pass over its bytes.

use crate::ident::ContentId;
use crate::manifest::FileEntry;

/// Hashes files whose bytes arrive in order.
pub(crate) struct FileHasher {
    /// Ends of the files in the dataset.
    ends: Vec<u64>,
    position: u64,
    hasher: blake3::Hasher,
    ids: Vec<ContentId>,
}

impl FileHasher {
    /// Starts at an offset of the dataset, at which the first of the files begins.
    pub(crate) fn new(files: &[(u64, &FileEntry)], start: u64) -> Self {
        let mut hashing = Self {
            ends: files.iter().map(|(at, f)| at + f.size_bytes).collect(),
            position: start,
            hasher: blake3::Hasher::new(),
            ids: Vec::with_capacity(files.len()),
        };
        hashing.end_files();
        hashing
    }

    /// Returns the ids of the files that have ended.
    pub(crate) fn into_ids(self) -> Vec<ContentId> {
        self.ids
    }

    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while let Some(end) = self.ends.get(self.ids.len()) {
            let left = end.saturating_sub(self.position);
            let take = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let (now, later) = bytes.split_at(take);
            self.hasher.update(now);
            self.position += take as u64;
            bytes = later;
            self.end_files();
            if bytes.is_empty() {
                return;
            }
        }
    }

    /// Ends the current file at this offset, and empty files after it.
    fn end_files(&mut self) {
        while let Some(end) = self.ends.get(self.ids.len()) {
            if *end != self.position {
                return;
            }
            self.ids
                .push(ContentId::new(*self.hasher.finalize().as_bytes()));
            self.hasher.reset();
        }
    }
}
