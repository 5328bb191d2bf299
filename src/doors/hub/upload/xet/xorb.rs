//! Xorbs: blocks of compressed chunks, which clients upload before the files that are made of them.

use std::io;
use std::io::BufReader;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::ops::Range;

use lz4_flex::frame::FrameDecoder;

/// The version of the header of a chunk. Behind the last chunk other bytes may follow.
const VERSION: u8 = 0;
/// Bytes of the header of a chunk.
const HEADER_BYTES: usize = 8;
/// Bytes of a chunk, compressed or not. Clients cut them at 128 KiB.
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// A chunk in a xorb.
struct Header {
    stored: usize,
    scheme: u8,
    bytes: usize,
}

/// Returns the text of a hash, whose bytes stand in four groups that are numbers.
pub(super) fn hash_text(bytes: &[u8; 32]) -> String {
    let groups = bytes.chunks(8);
    let turned: Vec<u8> = groups.flat_map(|g| g.iter().rev().copied()).collect();
    crate::ident::to_hex(&turned)
}

/// Passes the bytes of the chunks of a range to `each`, in order.
///
/// # Errors
/// `InvalidData` for bytes of another form and for chunks that are not there.
pub(super) fn each_chunk(
    xorb: impl Read + Seek,
    chunks: Range<u32>,
    each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut from = BufReader::with_capacity(256 << 10, xorb);
    let mut number = 0;
    let mut stored = Vec::new();
    while number < chunks.end {
        let header = header(&mut from)?;
        if number < chunks.start {
            let skipped = i64::try_from(header.stored).map_err(|_| invalid())?;
            from.seek_relative(skipped)?;
        } else {
            stored.resize(header.stored, 0);
            from.read_exact(&mut stored).map_err(|_| invalid())?;
            each(&unpacked(&header, &stored)?)?;
        }
        number += 1;
    }
    Ok(())
}

/// Checks that a xorb has at least one chunk, and rewinds it.
///
/// # Errors
/// `InvalidData` for bytes of another form.
pub(super) fn check(xorb: &mut (impl Read + Seek)) -> io::Result<()> {
    xorb.seek(SeekFrom::Start(0))?;
    header(xorb).map(drop)
}

fn header(from: &mut impl Read) -> io::Result<Header> {
    let mut bytes = [0; HEADER_BYTES];
    from.read_exact(&mut bytes).map_err(|_| invalid())?;
    let [version, s0, s1, s2, scheme, b0, b1, b2] = bytes;
    let number =
        |low, middle, high| usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
    let header = Header {
        stored: number(s0, s1, s2),
        scheme,
        bytes: number(b0, b1, b2),
    };
    match version == VERSION && header.stored.max(header.bytes) <= CHUNK_BYTES_MAX {
        true => Ok(header),
        false => Err(invalid()),
    }
}

fn unpacked(header: &Header, stored: &[u8]) -> io::Result<Vec<u8>> {
    let bytes = match header.scheme {
        0 => stored.to_vec(),
        1 => unpacked_lz4(stored, header.bytes)?,
        2 => interleaved(&unpacked_lz4(stored, header.bytes)?),
        _ => return Err(invalid()),
    };
    match bytes.len() == header.bytes {
        true => Ok(bytes),
        false => Err(invalid()),
    }
}

fn unpacked_lz4(stored: &[u8], length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = length as u64 + 1;
    let read = FrameDecoder::new(stored).take(most).read_to_end(&mut bytes);
    read.map_err(|_| invalid())?;
    Ok(bytes)
}

/// Puts bytes in order that were sorted by their places in groups of four.
fn interleaved(sorted: &[u8]) -> Vec<u8> {
    let length = sorted.len();
    // The place of the first byte of each of the four parts.
    let part = |n: usize| n * (length / 4) + n.min(length % 4);
    let starts = [part(0), part(1), part(2), part(3)];
    let byte = |n: usize| {
        let start = starts.get(n % 4).copied().unwrap_or_default();
        sorted.get(start + n / 4).copied().unwrap_or_default()
    };
    (0..length).map(byte).collect()
}

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the xorb has another form")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use lz4_flex::frame::FrameEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = FrameEncoder::new(Vec::new());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn chunk(scheme: u8, stored: &[u8], bytes: usize) -> Vec<u8> {
        let [s0, s1, s2, ..] = u32::try_from(stored.len()).unwrap().to_le_bytes();
        let [b0, b1, b2, ..] = u32::try_from(bytes).unwrap().to_le_bytes();
        [&[0, s0, s1, s2, scheme, b0, b1, b2], stored].concat()
    }

    fn read(xorb: &[u8], chunks: Range<u32>) -> io::Result<Vec<u8>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(xorb).unwrap();
        check(&mut file)?;
        file.seek(SeekFrom::Start(0)).unwrap();
        let mut all = Vec::new();
        each_chunk(file, chunks, &mut |bytes| {
            all.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(all)
    }

    #[test]
    fn chunks_of_all_schemes_are_read_by_their_numbers() {
        for length in 0..9 {
            let bytes: Vec<u8> = (0..length).collect();
            let sorted: Vec<u8> = (0..4)
                .flat_map(|n| bytes.iter().skip(n).step_by(4).copied().collect::<Vec<_>>())
                .collect();
            assert_eq!(interleaved(&sorted), bytes, "{length}");
        }
        let sorted = b"aebfcgdh";
        let mut xorb = chunk(0, b"plain", 5);
        xorb.extend(chunk(1, &packed(b"packed"), 6));
        xorb.extend(chunk(2, &packed(sorted), 8));
        xorb.extend(b"XETBLOB");
        assert_eq!(read(&xorb, 0..3).unwrap(), b"plainpackedabcdefgh");
        assert_eq!(read(&xorb, 1..2).unwrap(), b"packed");
        let beyond = read(&xorb, 2..4).unwrap_err();
        assert_eq!(beyond.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn xorb_of_another_form_is_refused() {
        let bomb = packed(&vec![0; 1 << 19]);
        for xorb in [
            Vec::new(),
            b"\x01abcdefg".to_vec(),
            chunk(0, b"abc", 4),
            chunk(1, b"no frame", 4),
            chunk(7, b"abc", 3),
            chunk(1, &bomb, 100),
            chunk(0, &vec![0; CHUNK_BYTES_MAX + 1], CHUNK_BYTES_MAX + 1),
        ] {
            let error = read(&xorb, 0..1).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn text_of_a_hash_turns_its_groups() {
        let bytes: [u8; 32] = std::array::from_fn(|n| u8::try_from(n).unwrap());
        assert!(hash_text(&bytes).starts_with("07060504030201000f0e"));
    }
}
