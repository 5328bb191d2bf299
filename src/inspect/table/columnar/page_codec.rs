//! Unpacking pages of Parquet files, without C. What comes out is never longer than the header
//! said, and no more is allocated than the packed bytes can be unpacked to.

use std::io::Read;

use parquet::basic::Compression;
use parquet::errors::ParquetError;

/// Unpacks a page that has exactly `size` bytes.
pub(super) fn unpack(
    codec: Compression,
    packed: &[u8],
    size: usize,
) -> Result<Vec<u8>, ParquetError> {
    let unpacked = match codec {
        Compression::UNCOMPRESSED => packed.to_vec(),
        Compression::SNAPPY => snappy(packed, size)?,
        Compression::GZIP(_) => read(flate2::read::MultiGzDecoder::new(packed), packed, size)?,
        Compression::BROTLI(_) => read(
            brotli_decompressor::Decompressor::new(packed, 4096),
            packed,
            size,
        )?,
        Compression::ZSTD(_) => zrip::decompress_with_limit(packed, size).map_err(general)?,
        Compression::LZ4_RAW => lz4(packed, size)?,
        Compression::LZ4 => hadoop(packed, size)?,
        Compression::LZO => {
            return Err(ParquetError::NYI("pages packed with LZO".to_owned()));
        }
    };
    if unpacked.len() != size {
        let why = format!("a page has {} bytes instead of {size}", unpacked.len());
        return Err(ParquetError::General(why));
    }
    Ok(unpacked)
}

fn general(error: impl std::fmt::Display) -> ParquetError {
    ParquetError::General(error.to_string())
}

fn snappy(packed: &[u8], size: usize) -> Result<Vec<u8>, ParquetError> {
    // A copy of 3 bytes stands for 64.
    let most = packed.len().saturating_mul(22).saturating_add(64);
    if snap::raw::decompress_len(packed).map_err(general)? != size || size > most {
        return Err(general("a page of another length"));
    }
    snap::raw::Decoder::new()
        .decompress_vec(packed)
        .map_err(general)
}

fn read(decoder: impl Read, packed: &[u8], size: usize) -> Result<Vec<u8>, ParquetError> {
    let mut unpacked = Vec::with_capacity(size.min(packed.len().saturating_mul(16)));
    let most = (size as u64).saturating_add(1);
    decoder
        .take(most)
        .read_to_end(&mut unpacked)
        .map_err(general)?;
    Ok(unpacked)
}

fn lz4(packed: &[u8], size: usize) -> Result<Vec<u8>, ParquetError> {
    // A byte of a length stands for 255.
    if size > packed.len().saturating_mul(256).saturating_add(64) {
        return Err(general("a page of another length"));
    }
    lz4_flex::block::decompress(packed, size).map_err(general)
}

/// The codec that was called LZ4 before there was another: blocks as Hadoop frames them, each
/// behind both its lengths; or, as other writers understood it, frames, or a bare block.
fn hadoop(packed: &[u8], size: usize) -> Result<Vec<u8>, ParquetError> {
    if let Some(unpacked) = hadoop_blocks(packed, size) {
        return Ok(unpacked);
    }
    let frames = read(lz4_flex::frame::FrameDecoder::new(packed), packed, size);
    match frames {
        Ok(unpacked) if unpacked.len() == size => Ok(unpacked),
        _ => lz4(packed, size),
    }
}

fn hadoop_blocks(packed: &[u8], size: usize) -> Option<Vec<u8>> {
    let (mut rest, mut unpacked) = (packed, Vec::new());
    while !rest.is_empty() {
        let (unpacked_length, tail) = rest.split_first_chunk::<4>()?;
        let (packed_length, tail) = tail.split_first_chunk::<4>()?;
        let number = |bytes: &[u8; 4]| bytes.iter().fold(0, |n, byte| n << 8 | u32::from(*byte));
        let length = |bytes: &[u8; 4]| usize::try_from(number(bytes)).ok();
        let (block, tail) = tail.split_at_checked(length(packed_length)?)?;
        let length = length(unpacked_length)?;
        if length > size.checked_sub(unpacked.len())? {
            return None;
        }
        let bytes = lz4(block, length).ok().filter(|b| b.len() == length)?;
        unpacked.extend_from_slice(&bytes);
        rest = tail;
    }
    (unpacked.len() == size).then_some(unpacked)
}
