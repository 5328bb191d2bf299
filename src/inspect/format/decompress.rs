//! Text under gzip or zstd, decompressed piece by piece.

use std::io::BufReader;
use std::io::Read;

use crate::inspect::format::detect::Compression;
use crate::inspect::format::gzip::Gzip;
use crate::read_at::ReadAt;
use crate::wire::limits::DECOMPRESSION_RATIO_MAX;

/// Output that is allowed whatever the input's length.
const FREE_BYTES: u64 = 64 << 20;

/// Hands the decompressed bytes to `each` piece by piece; `false` when the file is damaged or
/// expands beyond reason.
pub(crate) fn each_piece(
    compression: Compression,
    source: &dyn ReadAt,
    each: &mut dyn FnMut(&[u8]),
) -> bool {
    let input = Sequential { source, at: 0 };
    let mut decoder = decoder(compression, Box::new(input));
    let mut left = FREE_BYTES.saturating_add(source.len().saturating_mul(DECOMPRESSION_RATIO_MAX));
    let mut piece = vec![0; 256 << 10];
    loop {
        match decoder.read(&mut piece) {
            Ok(0) => return true,
            Ok(n) if n as u64 <= left => {
                left -= n as u64;
                each(piece.get(..n).unwrap_or_default());
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            _ => return false,
        }
    }
}

/// The text under a compression.
pub(crate) fn decoder<'a>(
    compression: Compression,
    input: Box<dyn Read + 'a>,
) -> Box<dyn Read + 'a> {
    match compression {
        Compression::None => input,
        Compression::Gzip => Box::new(Gzip::new(BufReader::new(input))),
        Compression::Zstd => Box::new(zrip::FrameDecoder::new(input)),
    }
}

/// Reads a source from its beginning.
struct Sequential<'a> {
    source: &'a dyn ReadAt,
    at: u64,
}

impl Read for Sequential<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.source.read_at(buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
