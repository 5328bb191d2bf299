//! The directory of a home: it is its owner's alone, and its packs belong to no other home.

use std::fs::DirBuilder;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;

use crate::file_io::IfExists;
use crate::file_io::read_own;
use crate::file_io::write_aside;
use crate::store::disk::error::StoreError;
use crate::store::disk::layout;

/// Bytes of the record in `packs` that names their home.
const RECORD_BYTES_MAX: usize = 1 << 14;
/// Mode of a home and its directories.
const PRIVATE: u32 = 0o700;

/// Why a home is not its owner's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HomeFault {
    /// It belongs to another user, by this number.
    Owner(u32),
    /// Others may read it or write to it, by this mode.
    Mode(u32),
    /// Others may read it, by this mode, and its file system is read-only: nobody can change that.
    ReadOnly(u32),
}

/// Why a home is not its owner's alone, if so. A directory that no registry was opened in yet is
/// none: opening a registry in it makes it private.
///
/// # Errors
/// As the operating system.
pub fn home_fault(home: &Path) -> io::Result<Option<HomeFault>> {
    let meta = match home.metadata() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        meta => meta?,
    };
    if !meta.is_dir() {
        // Whoever needs it finds that there can be no home.
        return Ok(None);
    }
    let own = rustix::process::geteuid().as_raw();
    let mode = meta.permissions().mode() & 0o7777;
    let is_read_only = || {
        let flags = rustix::fs::statvfs(home).map(|s| s.f_flag);
        flags.is_ok_and(|f| f.contains(rustix::fs::StatVfsMountFlags::RDONLY))
    };
    let users = (meta.uid(), own);
    Ok(judge(mode, users, is_read_only, || is_unclaimed(home, own)))
}

/// What is wrong with a directory of this mode, owner and user.
fn judge(
    mode: u32,
    (owner, own): (u32, u32),
    is_read_only: impl Fn() -> bool,
    is_unclaimed: impl Fn() -> bool,
) -> Option<HomeFault> {
    let is_open = mode & 0o077 != 0;
    if is_open && mode & 0o022 == 0 && is_read_only() {
        // Nobody can write there, whoever it belongs to.
        return Some(HomeFault::ReadOnly(mode));
    }
    // Root can do anything anyway.
    if owner != own && owner != 0 {
        return Some(HomeFault::Owner(owner));
    }
    (is_open && !is_unclaimed()).then_some(HomeFault::Mode(mode))
}

/// Whether no registry was opened in a directory yet, and nobody else put anything into it.
fn is_unclaimed(home: &Path, own: u32) -> bool {
    if home.join(layout::INDEX_LOCK).symlink_metadata().is_ok() {
        return false;
    }
    let is_own = |meta: io::Result<std::fs::Metadata>| meta.is_ok_and(|m| m.uid() == own);
    let Ok(mut entries) = std::fs::read_dir(home) else {
        return false;
    };
    is_own(home.metadata()) && entries.all(|entry| is_own(entry.and_then(|e| e.metadata())))
}

/// Makes a home and its directories, or makes one private that no registry was opened in yet,
/// whatever the umask. What cannot be done is left to whoever needs it.
pub(crate) fn prepare(home: &Path) {
    let own = rustix::process::geteuid().as_raw();
    let is_new = home.symlink_metadata().is_err();
    if !is_new && !is_unclaimed(home, own) {
        return;
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(PRIVATE);
    for dir in ["", layout::PACKS_DIR, layout::OPERATIONS_DIR] {
        let dir = home.join(dir);
        let is_made = dir.symlink_metadata().is_err();
        let _ = builder.create(&dir);
        let is_link = dir.symlink_metadata().is_ok_and(|m| m.is_symlink());
        let mode = dir.metadata().map(|m| m.permissions().mode() & 0o777);
        let Ok(mode) = mode else { continue };
        // Of a directory that was there only what others may do is taken away: an owner who may not
        // write wants it so.
        let wanted = if is_made { PRIVATE } else { mode & PRIVATE };
        if mode != wanted && !is_link {
            let _ = std::fs::set_permissions(&dir, Permissions::from_mode(wanted));
        }
    }
}

/// Refuses packs that another home uses. Packs that lie elsewhere are noted as this home's, in a
/// file among them, where it can be written.
///
/// # Errors
/// [`StoreError::SharedPacks`].
pub(crate) fn claim_packs(home: &Path) -> Result<(), StoreError> {
    let packs = home.join(layout::PACKS_DIR);
    let (Ok(own), Ok(meta)) = (home.metadata(), packs.metadata()) else {
        return Ok(());
    };
    let is_link = packs.symlink_metadata().is_ok_and(|m| m.is_symlink());
    let is_elsewhere = is_link || meta.dev() != own.dev();
    let record = packs.join(layout::PACKS_HOME);
    let noted = read_own(&record, RECORD_BYTES_MAX).ok().map(path_of);
    let around = packs
        .canonicalize()
        .ok()
        .and_then(|real| real.parent().map(Path::to_owned))
        .filter(|_| is_link);
    for other in noted.iter().chain(&around) {
        if is_same(other, home) || !is_same(&other.join(layout::PACKS_DIR), &packs) {
            continue;
        }
        let is_home = [layout::INDEX, layout::INDEX_LOCK];
        if is_home.iter().any(|name| other.join(name).exists()) {
            return Err(StoreError::SharedPacks {
                packs,
                other: other.clone(),
            });
        }
    }
    if is_elsewhere
        && !noted.is_some_and(|noted| is_same(&noted, home))
        && let Ok(home) = home.canonicalize()
    {
        use std::os::unix::ffi::OsStrExt;
        let bytes = [home.as_os_str().as_bytes(), b"\n"].concat();
        // Without it another home that comes later is not noticed; reading works all the same.
        let _ = write_aside(&record, &bytes, Some(0o600), IfExists::Replace);
    }
    Ok(())
}

fn path_of(mut bytes: Vec<u8>) -> PathBuf {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes))
}

/// Whether two paths lead to one directory.
fn is_same(a: &Path, b: &Path) -> bool {
    let id = |path: &Path| path.metadata().ok().map(|m| (m.dev(), m.ino()));
    id(a).is_some_and(|a| id(b) == Some(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_its_owners_alone_or_has_a_fault() {
        let of = |mode, users| judge(mode, users, || false, || false);
        assert_eq!(of(0o700, (7, 7)), None);
        assert_eq!(of(0o500, (7, 7)), None);
        assert_eq!(of(0o700, (0, 7)), None, "root's");
        assert_eq!(of(0o700, (8, 7)), Some(HomeFault::Owner(8)));
        assert_eq!(of(0o755, (8, 0)), Some(HomeFault::Owner(8)), "for root too");
        for mode in [0o755, 0o750, 0o701, 0o720, 0o1777] {
            assert_eq!(of(mode, (7, 7)), Some(HomeFault::Mode(mode)));
        }
        // Nothing was done there yet.
        assert_eq!(judge(0o777, (7, 7), || false, || true), None);
        assert_eq!(
            judge(0o777, (8, 7), || false, || true),
            Some(HomeFault::Owner(8))
        );
        // A medium that was written elsewhere.
        let disc = |mode| judge(mode, (8, 7), || true, || false);
        assert_eq!(disc(0o555), Some(HomeFault::ReadOnly(0o555)));
        assert_eq!(disc(0o577), Some(HomeFault::Owner(8)));
    }

    #[test]
    fn a_directory_is_unclaimed_until_a_registry_was_opened_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let own = rustix::process::geteuid().as_raw();
        assert!(is_unclaimed(dir.path(), own));
        std::fs::create_dir(dir.path().join(layout::PACKS_DIR)).unwrap();
        assert!(is_unclaimed(dir.path(), own));
        assert!(!is_unclaimed(dir.path(), own + 1), "somebody else's");
        std::fs::write(dir.path().join(layout::INDEX_LOCK), b"").unwrap();
        assert!(!is_unclaimed(dir.path(), own));
    }
}
