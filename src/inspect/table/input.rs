//! Text of a file from its front, decompressed and decoded.

use std::io;
use std::io::BufReader;
use std::io::Read;
use std::sync::Arc;
use std::sync::Mutex;

use crate::inspect::format::detect::Compression;
use crate::inspect::format::encoding::TextEncoding;
use crate::inspect::format::encoding::Transcoded;
use crate::inspect::format::gzip::Gzip;
use crate::inspect::table::TableError;
use crate::locks::lock;
use crate::panics::caught;
use crate::read_at::ReadAt;

/// Sequential reader of a text.
pub(super) struct Input {
    text: Box<dyn Read + Send>,
    compression: Compression,
    file: Arc<Mutex<InputPosition>>,
}

/// Position in the file.
struct InputPosition {
    at: u64,
    /// Error of the source, which decoders hide.
    failed: Option<TableError>,
}

impl Input {
    /// Opens the text at a file offset; a compressed file starts at its front.
    pub(super) fn open(source: Arc<dyn ReadAt>, compression: Compression, at: u64) -> Self {
        Self::open_as(source, (compression, TextEncoding::Utf8), at)
    }

    /// Opens a text in another encoding, from its front.
    pub(super) fn open_as(
        source: Arc<dyn ReadAt>,
        (compression, encoding): (Compression, TextEncoding),
        at: u64,
    ) -> Self {
        let file = Arc::new(Mutex::new(InputPosition { at, failed: None }));
        let raw = RawReader {
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

    /// Offset up to which the file was read.
    pub(super) fn file_at(&self) -> u64 {
        let place = lock(&self.file);
        place.at
    }

    /// Reads into the buffer; 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TableError> {
        loop {
            let read = caught(|| self.text.read(buffer));
            let mut place = lock(&self.file);
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

/// Sequential reader of the raw bytes.
struct RawReader {
    source: Arc<dyn ReadAt>,
    size: u64,
    place: Arc<Mutex<InputPosition>>,
}

impl Read for RawReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut place = lock(&self.place);
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
