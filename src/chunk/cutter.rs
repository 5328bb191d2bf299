//! Content-defined chunking: FastCDC with normalised chunking (Xia et al., USENIX ATC 2016, and the
//! two-bytes-at-a-time form of IEEE TPDS 2020). Each cut then moves forward to the next newline.

use std::num::NonZeroUsize;

use fastcdc::v2020;

use crate::chunk::params::CHUNK_BYTES_AVG;
use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::chunk::params::CHUNK_BYTES_MIN;
use crate::chunk::params::NEWLINE_WINDOW_BYTES;

/// Returns the length of the chunk that begins at the start of `data`.
///
/// `region_ends` says that no byte of the region follows `data`. `None` asks for more bytes: a cut is
/// only known once `data` holds [`CHUNK_BYTES_MAX`] bytes or the region has ended.
///
/// ```
/// use alimentar::chunk::next_cut;
///
/// let data: Vec<u8> = (0..40_000_u32).flat_map(|n| format!("{{\"row\": {n}}}\n").into_bytes()).collect();
/// let (mut rest, mut chunks) = (data.as_slice(), Vec::new());
/// while let Some(length) = next_cut(rest, true) {
///     let (chunk, after) = rest.split_at(length.get());
///     chunks.push(chunk);
///     rest = after;
/// }
/// assert_eq!(chunks.concat(), data);
/// assert!(chunks.iter().all(|chunk| chunk.ends_with(b"\n")));
/// ```
pub fn next_cut(data: &[u8], region_ends: bool) -> Option<NonZeroUsize> {
    if !region_ends && data.len() < CHUNK_BYTES_MAX {
        return None;
    }
    let window = data.get(..CHUNK_BYTES_MAX).unwrap_or(data);
    let cut = after_newline(window, content_cut(window));
    NonZeroUsize::new(cut)
}

/// Returns the number of newline bytes (0x0A).
pub fn count_newlines(bytes: &[u8]) -> u32 {
    // A chunk is far shorter than 4 GiB. Saturation is for callers with longer input.
    u32::try_from(memchr::memchr_iter(b'\n', bytes).count()).unwrap_or(u32::MAX)
}

fn content_cut(window: &[u8]) -> usize {
    let (mask_s, mask_l) = v2020::select_masks(CHUNK_BYTES_AVG, v2020::Normalization::Level2);
    let (_, cut) = v2020::cut(
        window,
        CHUNK_BYTES_MIN,
        CHUNK_BYTES_AVG,
        CHUNK_BYTES_MAX - NEWLINE_WINDOW_BYTES,
        mask_s,
        mask_l,
        mask_s << 1,
        mask_l << 1,
    );
    cut
}

fn after_newline(window: &[u8], cut: usize) -> usize {
    let ends_row = cut.checked_sub(1).and_then(|last| window.get(last)) == Some(&b'\n');
    if ends_row {
        return cut;
    }
    let ahead = window.get(cut..).unwrap_or_default();
    let ahead = ahead.get(..NEWLINE_WINDOW_BYTES).unwrap_or(ahead);
    memchr::memchr(b'\n', ahead).map_or(cut, |at| cut + at + 1)
}
