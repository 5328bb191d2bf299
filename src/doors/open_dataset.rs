//! A dataset that is open: its files, and verified blocks of them.

use std::future::Future;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use hyper::body::Bytes;
use tokio::sync::Semaphore;

use crate::doors::blocks::BlockKey;
use crate::doors::blocks::Blocks;
use crate::doors::error::DoorError;
use crate::doors::limits::BLOCK_BYTES;
use crate::doors::shown::ShownDataset;
use crate::doors::work::run_blocking;
use crate::ident::ContentId;
use crate::ident::to_hex;
use crate::manifest::FileEntry;
use crate::manifest::Manifest;
use crate::registry::Error;
use crate::registry::Target;
use crate::registry::served::ServedDataset;

/// Digests that clients of other programs compare files with, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digests {
    /// SHA-1 of the file as a blob of git.
    pub(super) git_sha1: String,
    pub(super) sha256: String,
}

/// A dataset that is open. While it lives, no collection removes its bytes.
pub(super) struct OpenDataset {
    pub(super) dataset: Arc<ShownDataset>,
    pub(super) manifest: Arc<Manifest>,
    served: Arc<ServedDataset>,
    blocks: Arc<Blocks>,
    work: Arc<Semaphore>,
    ahead: Arc<Semaphore>,
}

impl OpenDataset {
    pub(super) fn new(
        dataset: Arc<ShownDataset>,
        served: ServedDataset,
        blocks: Arc<Blocks>,
        (work, ahead): (Arc<Semaphore>, Arc<Semaphore>),
    ) -> Self {
        Self {
            dataset,
            manifest: Arc::clone(served.manifest()),
            served: Arc::new(served),
            blocks,
            work,
            ahead,
        }
    }

    /// Makes what was fetched of it so far durable. It blocks.
    pub(super) fn save(&self) {
        self.served.save();
    }

    /// Returns the files, in the order of the bytes of their paths.
    pub(super) fn files(&self) -> &[FileEntry] {
        self.served.files()
    }

    /// Returns the place of a file.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        let found = self.files().binary_search_by(|f| f.path.as_str().cmp(path));
        found.ok()
    }

    /// Returns the files whose paths begin with a text.
    pub(super) fn below(&self, prefix: &str) -> Range<usize> {
        let files = self.files();
        let from = files.partition_point(|f| f.path.as_str() < prefix);
        let rest = files.get(from..).unwrap_or_default();
        let count = rest.partition_point(|f| f.path.starts_with(prefix));
        from..from + count
    }

    /// Returns the content id of a file.
    ///
    /// # Errors
    /// [`DoorError::Failed`] for damage, and [`DoorError::NotFound`] beyond the last file.
    pub(super) async fn content_id(&self, index: usize) -> Result<ContentId, DoorError> {
        if let Some(known) = self.files().get(index).and_then(|f| f.content_id) {
            return Ok(known);
        }
        let served = Arc::clone(&self.served);
        let found = run_blocking(&self.work, move || served.content_id(index)).await??;
        found.ok_or_else(|| DoorError::NotFound("there is no such file".to_owned()))
    }

    /// Returns the content ids of files, in the same order. Those that are computed are one piece of work.
    ///
    /// # Errors
    /// As [`OpenDataset::content_id`].
    pub(super) async fn content_ids(&self, files: Vec<usize>) -> Result<Vec<ContentId>, DoorError> {
        let known = |n: &usize| self.files().get(*n).and_then(|f| f.content_id);
        if let Some(known) = files.iter().map(known).collect() {
            return Ok(known);
        }
        let served = Arc::clone(&self.served);
        let compute = move || files.iter().map(|n| served.content_id(*n)).collect();
        let found: Result<Option<Vec<ContentId>>, Error> =
            run_blocking(&self.work, compute).await?;
        found?.ok_or_else(|| DoorError::NotFound("there is no such file".to_owned()))
    }

    /// Returns digests of files. The first request reads the files; later ones do not.
    ///
    /// # Errors
    /// [`DoorError::Failed`] for damage.
    pub(super) async fn digests(&self, files: Range<usize>) -> Result<Vec<Digests>, DoorError> {
        let served = Arc::clone(&self.served);
        let found = run_blocking(&self.work, move || served.digests(files)).await??;
        let shown = found.iter().map(|d| Digests {
            git_sha1: to_hex(&d.git_sha1),
            sha256: to_hex(&d.sha256),
        });
        Ok(shown.collect())
    }

    /// Returns a file.
    pub(super) fn file(self: &Arc<Self>, index: usize) -> OpenFile {
        let length = self.files().get(index).map_or(0, |f| f.size_bytes);
        OpenFile {
            dataset: Arc::clone(self),
            index,
            length,
        }
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// [`DoorError::TooLarge`] beyond the limit, and [`DoorError::Failed`] for damage.
    pub(super) async fn read_whole(
        self: &Arc<Self>,
        index: usize,
        limit: u64,
    ) -> Result<Bytes, DoorError> {
        let file = self.file(index);
        if file.length > limit {
            return Err(DoorError::TooLarge(format!(
                "the file is beyond {limit} bytes"
            )));
        }
        let served = Arc::clone(&self.served);
        let read = run_blocking(&self.work, move || served.bytes(index, 0..file.length));
        Ok(read.await??.into())
    }
}

/// A file of a dataset that is open.
#[derive(Clone)]
pub(super) struct OpenFile {
    dataset: Arc<OpenDataset>,
    index: usize,
    length: u64,
}

impl OpenFile {
    /// Returns the length in bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Returns the file as a source of rows, for the page. Its reads block.
    pub(super) fn target(&self) -> Option<Target> {
        self.dataset.served.target(self.index)
    }

    /// Returns the dataset and the path, for a log.
    pub(super) fn label(&self) -> String {
        let path = self.dataset.files().get(self.index);
        let path = path.map_or("", |f| f.path.as_str());
        format!("{}/{path}", self.dataset.dataset.key_prefix())
    }

    /// Returns the verified bytes of a range within one block.
    ///
    /// # Errors
    /// `InvalidData` for damage, and other errors of the store.
    pub(super) async fn block(&self, range: Range<u64>) -> io::Result<Bytes> {
        let number = range.start / BLOCK_BYTES;
        let read = || self.read_block(number);
        let block = self.dataset.blocks.get(self.key(number), read).await?;
        // The manifest promises more bytes than the chunks have.
        part_of(&block, number, &range).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Returns the same, if the block is kept.
    pub(super) fn kept_block(&self, range: &Range<u64>) -> Option<Bytes> {
        let number = range.start / BLOCK_BYTES;
        let block = self.dataset.blocks.kept(self.key(number))?;
        part_of(&block, number, range)
    }

    fn key(&self, number: u64) -> BlockKey {
        (self.dataset.dataset.content_id, self.index, number)
    }

    /// Returns the room for blocks that are read ahead.
    pub(super) fn ahead(&self) -> Arc<Semaphore> {
        Arc::clone(&self.dataset.ahead)
    }

    fn read_block(&self, number: u64) -> impl Future<Output = io::Result<Bytes>> + use<> {
        let (served, index) = (Arc::clone(&self.dataset.served), self.index);
        let range = number * BLOCK_BYTES..(number + 1) * BLOCK_BYTES;
        let work = Arc::clone(&self.dataset.work);
        async move {
            let read = run_blocking(&work, move || served.bytes(index, range)).await;
            let bytes = read.map_err(|e| io::Error::other(e.message().to_owned()))?;
            bytes.map(Bytes::from)
        }
    }
}

/// Returns the offset at which the block of an offset ends, in a file that goes on.
pub(super) const fn block_end(offset: u64) -> u64 {
    (offset / BLOCK_BYTES + 1).saturating_mul(BLOCK_BYTES)
}

/// Returns a range of the file that lies in a block; `None` if the block is shorter.
fn part_of(block: &Bytes, number: u64, range: &Range<u64>) -> Option<Bytes> {
    let start = number * BLOCK_BYTES;
    let place = |n: u64| usize::try_from(n.saturating_sub(start)).unwrap_or(usize::MAX);
    let (from, to) = (place(range.start), place(range.end));
    (from < to && to <= block.len()).then(|| block.slice(from..to))
}
