//! Reading of one file: first the bytes that are here, then the rest from elsewhere.

use std::io;
use std::io::Read;

use crate::error_kind::Classify as _;
use crate::error_kind::KindedError;
use crate::read_at::ReadAt as _;
use crate::registry::intake::source::FileSource;
use crate::registry::intake::source::SourceItem;
use crate::registry::targets::places::dataset_file::DatasetFile;

/// A file that is read from its front to its end.
pub(super) struct ItemRead<'a> {
    source: &'a dyn FileSource,
    number: usize,
    size_bytes: Option<u64>,
    here: Option<DatasetFile>,
    remote: Option<Box<dyn Read + Send>>,
    at: u64,
    fetched_bytes: u64,
}

impl<'a> ItemRead<'a> {
    /// Begins with the bytes that are here, if there are some. No connection is made before others
    /// are needed.
    pub(super) fn new(
        source: &'a dyn FileSource,
        number: usize,
        item: &SourceItem,
        here: Option<DatasetFile>,
    ) -> Self {
        Self {
            source,
            number,
            size_bytes: item.size_bytes,
            here,
            remote: None,
            at: 0,
            fetched_bytes: 0,
        }
    }

    /// Returns the number of bytes that came from elsewhere.
    pub(super) fn fetched_bytes(&self) -> u64 {
        self.fetched_bytes
    }

    fn read_here(&mut self, buf: &mut [u8]) -> Option<usize> {
        let here = self.here.as_ref()?;
        match here.read_at(buf, self.at) {
            Ok(n) if n > 0 => Some(n),
            // At their end. Bytes that cannot be read any more are fetched.
            _ => {
                self.here = None;
                None
            }
        }
    }

    fn read_remote(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let remote = match &mut self.remote {
            Some(remote) => remote,
            none => {
                let opened = self.source.read(self.number, self.at);
                none.insert(opened.map_err(|e| {
                    let kind = e.kind();
                    io::Error::other(KindedError::new(kind, e.to_string()))
                })?)
            }
        };
        let n = remote.read(buf)?;
        self.fetched_bytes += n as u64;
        Ok(n)
    }

    fn wrong_size(&self, found: &str) -> io::Error {
        let promised = self.size_bytes.unwrap_or_default();
        let text = format!("it has {found} than the {promised} bytes that were promised");
        let kind = crate::error_kind::ErrorKind::Integrity;
        io::Error::other(KindedError::new(kind, text))
    }
}

impl Read for ItemRead<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() || self.size_bytes == Some(self.at) && self.is_end_known() {
            return Ok(0);
        }
        let n = match self.read_here(buf) {
            Some(n) => n,
            None => self.read_remote(buf)?,
        };
        self.at += n as u64;
        match self.size_bytes {
            Some(size) if n == 0 && self.at < size => Err(self.wrong_size("fewer bytes")),
            Some(size) if self.at > size => Err(self.wrong_size("more bytes")),
            _ => Ok(n),
        }
    }
}

impl ItemRead<'_> {
    /// Returns true if nothing can follow the promised size. A body that goes on is read once more,
    /// to find it.
    fn is_end_known(&self) -> bool {
        self.remote.is_none()
    }
}
