//! Segments of any content, for tests with random bytes: the hashes are right, so that a reader goes on to the rest.

use crate::features::segment::checks::BLOCK_BYTES;
use crate::features::segment::checks::block_check;
use crate::features::segment::head::Area;
use crate::features::segment::head::HEAD_BYTES;
use crate::features::segment::head::Head;

/// Puts a segment together of parts and a description, whatever they are.
#[doc(hidden)]
pub fn assemble_segment(parts: &[u8], description: &[u8]) -> Vec<u8> {
    let checks = parts.chunks(BLOCK_BYTES).flat_map(block_check);
    let checks: Vec<u8> = checks.collect();
    let end = (HEAD_BYTES + parts.len()) as u64;
    let head = Head {
        checks: Area::of(end, &checks),
        description: Area::of(end + checks.len() as u64, description),
    };
    [&head.encode(), parts, &checks, description].concat()
}

/// Returns the parts and the description of a segment; `None` for bytes without a head.
#[cfg(test)]
pub(crate) fn take_apart(segment: &[u8]) -> Option<(&[u8], &[u8])> {
    let head = Head::decode(segment).ok()?;
    let offset = |at: u64| usize::try_from(at).ok();
    let parts = segment.get(HEAD_BYTES..offset(head.checks.at)?)?;
    let description = segment.get(offset(head.description.at)?..)?;
    Some((parts, description))
}
