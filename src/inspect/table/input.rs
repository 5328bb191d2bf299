//! The text of a file from its front, decompressed where it is compressed.

use std::io;
use std::io::BufReader;
use std::io::Read;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::inspect::format::detect::Compression;
use crate::inspect::format::encoding::TextEncoding;
use crate::inspect::format::encoding::Transcoded;
use crate::inspect::format::gzip::Gzip;
use crate::inspect::table::TableError;
use crate::panics::caught;
use crate::read_at::ReadAt;

/// Text that is read in order.
pub(super) struct Input {
    text: Box<dyn Read + Send>,
    compression: Compression,
    file: Arc<Mutex<Place>>,
}

/// How far the file was read.
struct Place {
    at: u64,
    /// What the source failed with; decoders hide it.
    failed: Option<TableError>,
}

impl Input {
    /// The text from a place in the file on; where it is compressed, that is its front.
    pub(super) fn open(source: Arc<dyn ReadAt>, compression: Compression, at: u64) -> Self {
        Self::open_as(source, (compression, TextEncoding::Utf8), at)
    }

    /// The same of text in another encoding, which begins at its front.
    pub(super) fn open_as(
        source: Arc<dyn ReadAt>,
        (compression, encoding): (Compression, TextEncoding),
        at: u64,
    ) -> Self {
        let file = Arc::new(Mutex::new(Place { at, failed: None }));
        let raw = Raw {
            size: source.len(),
            source,
            place: Arc::clone(&file),
        };
        let text: Box<dyn Read + Send> = match compression {
            Compression::None => Box::new(raw),
            Compression::Gzip => Box::new(Gzip::new(BufReader::with_capacity(64 << 10, raw))),
            Compression::Zstd => Box::new(zrip::FrameDecoder::new(raw)),
        };
        let text: Box<dyn Read + Send> = match encoding {
            TextEncoding::Utf8 => text,
            other => Box::new(Transcoded::new(text, other)),
        };
        Self {
            text,
            compression,
            file,
        }
    }

    /// How far the file was read.
    pub(super) fn file_at(&self) -> u64 {
        let place = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        place.at
    }

    /// Fills some of the buffer; 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TableError> {
        loop {
            let read = caught(|| self.text.read(buffer));
            let mut place = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(failed) = place.failed.take() {
                return Err(failed);
            }
            drop(place);
            return match read {
                Ok(Ok(n)) => Ok(n),
                Ok(Err(e)) if e.kind() == io::ErrorKind::Interrupted => continue,
                Ok(Err(e)) => Err(self.damaged(&e.to_string())),
                Err(_) => Err(self.damaged("the decoder gave up")),
            };
        }
    }

    fn damaged(&self, why: &str) -> TableError {
        let kind = match self.compression {
            Compression::None => "text",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        };
        TableError::Damaged(format!("{kind} before byte {}: {why}", self.file_at()))
    }
}

/// The bytes of the file in order.
struct Raw {
    source: Arc<dyn ReadAt>,
    size: u64,
    place: Arc<Mutex<Place>>,
}

impl Read for Raw {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let left = usize::try_from(self.size.saturating_sub(place.at)).unwrap_or(usize::MAX);
        let wanted = left.min(buf.len());
        let read = self
            .source
            .read_at(buf.get_mut(..wanted).unwrap_or_default(), place.at);
        match read {
            Ok(0) if wanted > 0 => {
                place.failed = Some(TableError::Shrunk);
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(n) => {
                place.at += n as u64;
                Ok(n)
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Err(e),
            Err(e) => {
                let kind = e.kind();
                place.failed = Some(e.into());
                Err(kind.into())
            }
        }
    }
}
