//! Hashing the files of a dataset while its bytes pass by.

use crate::ident::ContentId;
use crate::manifest::FileEntry;

/// Hashes files whose bytes come in order.
pub(crate) struct Hashing<'a> {
    files: &'a [(u64, &'a FileEntry)],
    position: u64,
    hasher: blake3::Hasher,
    ids: Vec<ContentId>,
}

impl<'a> Hashing<'a> {
    /// Starts at an offset of the dataset, where the first of the files begins.
    pub(crate) fn new(files: &'a [(u64, &'a FileEntry)], start: u64) -> Self {
        let mut hashing = Self {
            files,
            position: start,
            hasher: blake3::Hasher::new(),
            ids: Vec::with_capacity(files.len()),
        };
        hashing.end_files();
        hashing
    }

    /// The ids of the files that have ended.
    pub(crate) fn into_ids(self) -> Vec<ContentId> {
        self.ids
    }

    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while let Some((at, file)) = self.files.get(self.ids.len()) {
            let left = (at + file.size_bytes).saturating_sub(self.position);
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

    /// Ends the file that ends here, and empty ones after it.
    fn end_files(&mut self) {
        while let Some((at, file)) = self.files.get(self.ids.len()) {
            if at + file.size_bytes != self.position {
                return;
            }
            self.ids
                .push(ContentId::new(*self.hasher.finalize().as_bytes()));
            self.hasher.reset();
        }
    }
}
