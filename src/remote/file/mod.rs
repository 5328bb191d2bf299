//! Files that are elsewhere, as sources of bytes.
//!
//! - `opening`: the first request, which finds length and validator
//! - `ranged`: blocks by ranges; `flight`: one request under way; `streams`, `runs`: what to ask for
//! - `spooled`: files of servers without ranges

mod flight;
mod opening;
mod ranged;
mod runs;
mod spooled;
mod streams;

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use crate::locks::lock;
use crate::read_at::ReadAt;
use crate::read_at::Wanted;
use crate::remote::answer::Validator;
use crate::remote::client::Client;
use crate::remote::error::RemoteError;
use crate::remote::file::ranged::RangedFile;
use crate::remote::file::spooled::SpooledFile;
use crate::remote::url::RemoteUrl;

pub(crate) use opening::open;

/// A file that is elsewhere, opened. Clones share it.
#[derive(Clone)]
pub struct RemoteFile(Arc<Handle>);

struct Handle {
    client: Arc<Client>,
    url: RemoteUrl,
    /// The first URL of its requests, which may have secrets.
    origin: String,
    validator: Validator,
    commit: Option<String>,
    source: Source,
    /// The first error of reading.
    failure: Mutex<Option<RemoteError>>,
}

enum Source {
    Ranged(Arc<RangedFile>),
    Spooled(Arc<SpooledFile>),
    Whole(Vec<u8>),
}

impl RemoteFile {
    /// Returns the URL that it was opened with.
    pub fn url(&self) -> &RemoteUrl {
        &self.0.url
    }

    /// Returns its length, and the headers that tell its state from others.
    pub fn validator(&self) -> &Validator {
        &self.0.validator
    }

    /// Returns the commit that a hub says it belongs to, 40 hex digits.
    pub fn commit(&self) -> Option<&str> {
        self.0.commit.as_deref()
    }

    /// Returns an id of the present state of the file: equal ones mean equal bytes, as far as its server
    /// can be believed. `None` without a strong ETag.
    pub fn state_id(&self) -> Option<[u8; 32]> {
        let validator = &self.0.validator;
        let etag = validator.strong_etag()?;
        let mut hasher = blake3::Hasher::new_derive_key("alimentar 2026 state of a remote file");
        for part in [self.0.origin.as_str(), etag] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.update(&validator.size_bytes.to_le_bytes());
        Some(*hasher.finalize().as_bytes())
    }

    /// Returns true if its server knows ranges.
    pub fn has_ranges(&self) -> bool {
        !matches!(self.0.source, Source::Spooled(_))
    }

    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<usize, RemoteError> {
        if offset >= self.0.validator.size_bytes || buffer.is_empty() {
            return Ok(0);
        }
        match &self.0.source {
            Source::Ranged(file) => file.read(buffer, offset),
            Source::Spooled(file) => file.read(buffer, offset),
            Source::Whole(bytes) => {
                let read = bytes.as_slice().read_at(buffer, offset);
                Ok(read.unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for RemoteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteFile({}, {:?})", self.0.url, self.0.validator)
    }
}

impl ReadAt for RemoteFile {
    fn len(&self) -> u64 {
        self.0.validator.size_bytes
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.read(buffer, offset);
        read.map_err(|error| {
            lock(&self.0.failure).get_or_insert_with(|| error.clone());
            error.into_io()
        })
    }

    fn failure(&self) -> Option<io::Error> {
        lock(&self.0.failure).clone().map(RemoteError::into_io)
    }

    fn is_far(&self) -> bool {
        true
    }

    fn prefetch(&self, wanted: &[Wanted]) {
        if let Source::Ranged(file) = &self.0.source {
            file.prefetch(wanted);
        }
    }

    fn read_ranges(&self, ranges: &[Range<u64>]) -> io::Result<Vec<Vec<u8>>> {
        if let Source::Ranged(file) = &self.0.source {
            file.fetch(ranges);
        }
        let read = |range: &Range<u64>| crate::read_at::read_range(self, range);
        ranges.iter().map(read).collect()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        match &self.source {
            Source::Ranged(file) => {
                file.is_closed.store(true, Ordering::Relaxed);
                self.client.pool.forget(file.number);
                // A request that just brought them may still hold the file.
                if let Some(cache) = &file.cache {
                    cache.save_all();
                }
            }
            Source::Spooled(file) => file.is_closed.store(true, Ordering::Relaxed),
            Source::Whole(_) => {}
        }
    }
}
