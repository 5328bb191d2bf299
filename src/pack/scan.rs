//! Pack scan: finds records from the first byte of a pack when no index says where they are.

use std::io;

use crate::pack::layout::PACK_HEADER_BYTES;
use crate::pack::layout::RECORD_FIXED_BYTES;
use crate::pack::layout::RECORD_MAGIC;
use crate::pack::record::RecordHeader;
use crate::read_at::ReadAt;

/// An item of a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScanItem {
    /// A record with a valid header and an unread payload.
    Record {
        /// The record's offset in the pack.
        offset: u64,
        /// The record's header.
        header: RecordHeader,
    },
    /// Bytes that belong to no record.
    Damage {
        /// The offset of the first damaged byte.
        offset: u64,
        /// The offset of the next record, or the end of the pack.
        end: u64,
    },
}

/// Visits every record between the pack's header and `end`, and skips damage to the next valid header.
/// It does not read payloads.
///
/// # Errors
/// The error of a read from the pack.
pub fn scan(pack: &dyn ReadAt, end: u64, visit: &mut dyn FnMut(ScanItem)) -> io::Result<()> {
    let mut at = PACK_HEADER_BYTES as u64;
    while at < end {
        match header_at(pack, at, end)? {
            Some(header) => {
                let next = at + header.record_bytes() as u64;
                visit(ScanItem::Record { offset: at, header });
                at = next;
            }
            None => {
                let next = next_record(pack, at + 1, end)?;
                visit(ScanItem::Damage {
                    offset: at,
                    end: next,
                });
                at = next;
            }
        }
    }
    Ok(())
}

/// Returns the valid header at this offset, if its record ends by `end`.
fn header_at(pack: &dyn ReadAt, at: u64, end: u64) -> io::Result<Option<RecordHeader>> {
    let Some(fixed) = exactly(pack, at, RECORD_FIXED_BYTES, end)? else {
        return Ok(None);
    };
    let Ok(tail_bytes) = RecordHeader::tail_bytes(&fixed) else {
        return Ok(None);
    };
    let Some(bytes) = exactly(pack, at, RECORD_FIXED_BYTES + tail_bytes, end)? else {
        return Ok(None);
    };
    let header = RecordHeader::decode(&bytes).ok();
    Ok(header.filter(|h| at.saturating_add(h.record_bytes() as u64) <= end))
}

fn next_record(pack: &dyn ReadAt, from: u64, end: u64) -> io::Result<u64> {
    const WINDOW: usize = 1 << 20;
    let finder = memchr::memmem::Finder::new(&RECORD_MAGIC);
    let mut at = from;
    while at < end {
        let left = usize::try_from(end - at).unwrap_or(usize::MAX);
        let want = left.min(WINDOW);
        let Some(window) = exactly(pack, at, want, end)? else {
            return Ok(end);
        };
        for hit in finder.find_iter(&window) {
            let candidate = at + hit as u64;
            if header_at(pack, candidate, end)?.is_some() {
                return Ok(candidate);
            }
        }
        if want == left {
            return Ok(end);
        }
        // A magic may span two windows.
        at += (want - RECORD_MAGIC.len() + 1) as u64;
    }
    Ok(end)
}

/// Reads `len` bytes at `at`; `None` where they would go past `end` or the end of the pack.
fn exactly(pack: &dyn ReadAt, at: u64, len: usize, end: u64) -> io::Result<Option<Vec<u8>>> {
    if at.saturating_add(len as u64) > end {
        return Ok(None);
    }
    let mut bytes = vec![0; len];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|r| !r.is_empty()) {
        match pack.read_at(rest, at + filled as u64)? {
            0 => return Ok(None),
            n => filled += n,
        }
    }
    Ok(Some(bytes))
}
