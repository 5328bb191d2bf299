//! Bounded reads of a source.

use crate::inspect::table::TableError;
use crate::read_at::ReadAt;

/// Reads into the buffer from `at`, not beyond `end`.
pub(in crate::inspect::table) fn read_some(
    source: &dyn ReadAt,
    buffer: &mut [u8],
    at: u64,
    end: u64,
) -> Result<usize, TableError> {
    let room = usize::try_from(end - at).unwrap_or(usize::MAX);
    let room = room.min(buffer.len());
    let buffer = buffer.get_mut(..room).unwrap_or_default();
    loop {
        match source.read_at(buffer, at) {
            Ok(0) => return Err(TableError::Shrunk),
            Ok(n) => return Ok(n),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
}
