//! The zstd frames of an archive (RFC 8878, section 3.1).
//! This file parses and limits the headers, so that no claim of a frame causes an allocation. zrip
//! encodes and decodes the frames.

use std::io;
use std::io::Read;

use crate::archive::error::ArchiveError;
use crate::archive::layout::FRAME_BYTES;

const FRAME_MAGIC: u32 = 0xfd2f_b528;
/// The first of the 16 magic numbers of skippable frames, the one that volumes use.
const SKIPPABLE_MAGIC: u32 = 0x184d_2a50;
const SKIPPABLE_BYTES_MAX: u32 = 64 << 10;
const LEVEL: i32 = 4;
const BLOCK_BYTES_MAX: usize = 128 << 10;

/// Compresses a piece of the tar stream. The same piece gives the same bytes on every machine.
pub fn compress_frame(piece: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    zrip::compress(piece, LEVEL).map_err(|_| ArchiveError::Frame("it could not be compressed"))
}

/// Decompresses a frame that [`read_frame`] returned.
///
/// # Errors
/// [`ArchiveError::Frame`] when it is damaged.
pub fn decompress_frame(frame: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    zrip::decompress_with_limit(frame, FRAME_BYTES)
        .map_err(|_| ArchiveError::Frame("a zstd frame is damaged"))
}

/// Encodes a skippable frame around some bytes.
pub(super) fn skippable(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [
        &SKIPPABLE_MAGIC.to_le_bytes()[..],
        &length.to_le_bytes(),
        bytes,
    ]
    .concat()
}

/// Reads the next compressed frame; `None` at the end. It skips skippable frames.
///
/// # Errors
/// [`ArchiveError`] when the source fails, ends within a frame, or holds other frames
/// than archives have.
pub fn read_frame(source: &mut dyn Read) -> Result<Option<Vec<u8>>, ArchiveError> {
    loop {
        let mut frame = Vec::new();
        if !take(source, &mut frame, 4)? {
            return Ok(None);
        }
        match word(&frame, 0) {
            FRAME_MAGIC => {
                one_frame(source, &mut frame)?;
                return Ok(Some(frame));
            }
            magic if magic & !15 == SKIPPABLE_MAGIC => {
                must_take(source, &mut frame, 4)?;
                let length = word(&frame, 4);
                if length > SKIPPABLE_BYTES_MAX {
                    return Err(ArchiveError::Frame("a skippable frame is too long"));
                }
                // At most 64 KiB.
                must_take(source, &mut frame, length as usize)?;
            }
            _ => return Err(ArchiveError::Frame("it does not begin as zstd does")),
        }
    }
}

/// Reads the rest of a frame behind the magic number.
fn one_frame(source: &mut dyn Read, frame: &mut Vec<u8>) -> Result<(), ArchiveError> {
    must_take(source, frame, 1)?;
    let descriptor = frame.last().copied().unwrap_or(0);
    let (has_window, has_checksum) = (descriptor & 0x20 == 0, descriptor & 4 != 0);
    if descriptor & 0x0b != 0 {
        return Err(ArchiveError::Frame("a zstd frame needs a dictionary"));
    }
    if has_window {
        must_take(source, frame, 1)?;
    }
    let size_bytes = match (descriptor >> 6, has_window) {
        (0, true) => return Err(ArchiveError::Frame("a zstd frame does not say its size")),
        (0, false) => 1,
        (1, _) => 2,
        (2, _) => 4,
        _ => 8,
    };
    let at = frame.len();
    must_take(source, frame, size_bytes)?;
    let field = frame.get(at..).unwrap_or_default();
    let stored = field
        .iter()
        .rev()
        .fold(0_u64, |n, b| n << 8 | u64::from(*b));
    let size = if size_bytes == 2 {
        stored + 256
    } else {
        stored
    };
    if size > FRAME_BYTES as u64 {
        return Err(ArchiveError::Frame("a zstd frame is larger than 8 MiB"));
    }
    // Empty blocks could go on without end.
    let blocks_max = 2 + FRAME_BYTES / 1024;
    for _ in 0..blocks_max {
        let at = frame.len();
        must_take(source, frame, 3)?;
        let header = word(frame, at) & 0x00ff_ffff;
        let size = (header >> 3) as usize;
        if size > BLOCK_BYTES_MAX {
            return Err(ArchiveError::Frame("a zstd block is too long"));
        }
        let is_repeated = header >> 1 & 3 == 1;
        must_take(source, frame, if is_repeated { 1 } else { size })?;
        if header & 1 == 1 {
            return must_take(source, frame, if has_checksum { 4 } else { 0 });
        }
    }
    Err(ArchiveError::Frame("a zstd frame has too many blocks"))
}

/// Returns four bytes as a number; bytes past the end are zero.
fn word(bytes: &[u8], at: usize) -> u32 {
    let part = bytes.get(at..).unwrap_or_default().iter().take(4);
    part.rev().fold(0, |n, b| n << 8 | u32::from(*b))
}

fn must_take(source: &mut dyn Read, to: &mut Vec<u8>, n: usize) -> Result<(), ArchiveError> {
    if n == 0 || take(source, to, n)? {
        Ok(())
    } else {
        Err(ArchiveError::Truncated)
    }
}

/// Appends exactly `n` bytes. Returns `false` if the source is at its end.
fn take(source: &mut dyn Read, to: &mut Vec<u8>, n: usize) -> Result<bool, ArchiveError> {
    let before = to.len();
    to.resize(before + n, 0);
    let mut filled = before;
    while let Some(space) = to.get_mut(filled..).filter(|s| !s.is_empty()) {
        match source.read(space) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => {
                return Err(ArchiveError::Io {
                    action: "read",
                    source,
                });
            }
        }
    }
    match filled - before {
        0 => Ok(false),
        read if read == n => Ok(true),
        _ => Err(ArchiveError::Truncated),
    }
}
