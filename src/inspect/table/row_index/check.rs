//! Whether a row can begin where an index says that one does, by the bytes around the place.

use crate::inspect::table::RowKind;
use crate::inspect::table::TableError;
use crate::inspect::table::text::lines::read_some;
use crate::read_at::ReadAt;

/// Whether a row of this kind, which is not the first, can begin at a place. Of what is before
/// it, [`BEFORE_BYTES`] are looked at; inside of quotes or strings it may look the same.
///
/// # Errors
/// As the source.
pub(in crate::inspect::table) fn is_start(
    source: &dyn ReadAt,
    kind: RowKind,
    at: u64,
) -> Result<bool, TableError> {
    let end = at.saturating_add(1);
    if end > source.len() {
        return Ok(false);
    }
    let mut around = [0; BEFORE_BYTES + 1];
    let from = at.saturating_sub(BEFORE_BYTES as u64);
    let mut filled = 0;
    while from + (filled as u64) < end {
        let rest = around.get_mut(filled..).unwrap_or_default();
        filled += read_some(source, rest, from + filled as u64, end)?;
    }
    let around = around.get(..filled).unwrap_or_default();
    Ok(match around.split_last() {
        Some((first, before)) => fits(kind, before, *first),
        None => false,
    })
}

fn fits(kind: RowKind, before: &[u8], first: u8) -> bool {
    let is_blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    let is_end = |b: &u8| matches!(b, b'\r' | b'\n');
    let last = before.iter().rposition(|b| !is_blank(b));
    let blanks = before.get(last.map_or(0, |n| n + 1)..).unwrap_or_default();
    match kind {
        RowKind::Records => before.last().is_some_and(is_end) && !is_end(&first),
        RowKind::Elements => {
            let last = last.and_then(|n| before.get(n));
            let is_inside = last.is_none_or(|b| matches!(b, b',' | b'['));
            is_inside && !is_blank(&first) && !matches!(first, b',' | b']' | b'}')
        }
        RowKind::Values => {
            let is_behind = last.is_none() || blanks.contains(&b'\n');
            is_behind && !is_blank(&first)
        }
    }
}

/// Bytes before a place that are looked at.
const BEFORE_BYTES: usize = 64;
