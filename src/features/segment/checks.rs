//! Checksums of blocks. A block is checked when it is first needed, so that opening costs nothing for the rows.

/// Bytes of a block.
pub(crate) const BLOCK_BYTES: usize = 16 << 10;
/// Bytes of the checksum of a block.
pub(crate) const CHECK_BYTES: usize = 16;

/// Returns the checksum of a block: the first half of its BLAKE3.
pub(crate) fn block_check(block: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = blake3::hash(block);
    let mut check = [0; CHECK_BYTES];
    for (to, from) in check.iter_mut().zip(hash.as_bytes()) {
        *to = *from;
    }
    check
}
