//! Large files of a commit that the newest version has under another path. Clients name them by their digests, and send
//! no bytes.

use std::io::Write as _;
use std::path::PathBuf;

use crate::doors::error::DoorError;
use crate::doors::hub::limits::LARGE_FILE_BYTES;
use crate::doors::hub::upload::area::create;
use crate::doors::hub::upload::changes::Changes;
use crate::doors::hub::upload::changes::LargeFile;
use crate::ident::to_hex;
use crate::registry::served::ServedDataset;

/// Bytes that are copied at a time.
const STEP: u64 = 8 << 20;

/// Copies a large file out of a version, into the directory of a commit; `None` if the version does not have it.
///
/// # Errors
/// [`DoorError::Failed`] for damage, and when the disk cannot be written.
pub(super) fn copied(
    from: &ServedDataset,
    wanted: &LargeFile,
    changes: &Changes,
) -> Result<Option<PathBuf>, DoorError> {
    let may_be = |size: u64| size >= LARGE_FILE_BYTES && wanted.size.is_none_or(|s| s == size);
    for (index, file) in from.files().iter().enumerate() {
        if !may_be(file.size_bytes) {
            continue;
        }
        let digests = from.digests(index..index + 1)?;
        let is_it = digests
            .iter()
            .any(|d| to_hex(&d.sha256) == wanted.oid.as_str());
        if !is_it {
            continue;
        }
        let at = changes.directory.path().join(wanted.oid.as_str());
        if at.exists() {
            return Ok(Some(at));
        }
        let mut to = create(&at)?;
        let mut start = 0;
        while start < file.size_bytes {
            let end = start.saturating_add(STEP).min(file.size_bytes);
            to.write_all(&from.bytes(index, start..end)?)?;
            start = end;
        }
        return Ok(Some(at));
    }
    Ok(None)
}
