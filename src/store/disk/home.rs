//! Home directories: private to their owner, and with packs that belong to no other home.

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
use crate::file_io::write_atomically;
use crate::store::disk::error::StoreError;
use crate::store::disk::layout;

/// Maximum bytes of the file in `packs` that names their home.
const RECORD_BYTES_MAX: usize = 1 << 14;
/// Mode of a home and its directories.
const PRIVATE: u32 = 0o700;

/// The reason why a home is not private to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HomeFault {
    /// The home belongs to the user with this number.
    Owner(u32),
    /// Others may read or write the home, by this mode.
    Mode(u32),
    /// Others may read the home, by this mode, and its file system is read-only, so no one
    /// can change that.
    ReadOnly(u32),
}

/// Returns the reason why a home is not private to its owner, if it is not. A directory without a
/// registry has no fault, because opening a registry makes it private.
///
/// # Errors
/// As the operating system.
pub fn home_fault(home: &Path) -> io::Result<Option<HomeFault>> {
    let meta = match home.metadata() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        meta => meta?,
    };
    if !meta.is_dir() {
        // The code that needs the home reports that it cannot exist.
        return Ok(None);
    }
    let own = rustix::process::geteuid().as_raw();
    let mode = meta.permissions().mode() & 0o7777;
    let is_read_only = || {
        let flags = rustix::fs::statvfs(home).map(|s| s.f_flag);
        flags.is_ok_and(|f| f.contains(rustix::fs::StatVfsMountFlags::RDONLY))
    };
    let users = (meta.uid(), own);
    Ok(fault_of(mode, users, is_read_only, || {
        is_unclaimed(home, own)
    }))
}

/// Returns the fault of a directory with this mode, owner and user.
fn fault_of(
    mode: u32,
    (owner, own): (u32, u32),
    is_read_only: impl Fn() -> bool,
    is_unclaimed: impl Fn() -> bool,
) -> Option<HomeFault> {
    let is_open = mode & 0o077 != 0;
    if is_open && mode & 0o022 == 0 && is_read_only() {
        // No one can write there, whoever owns it.
        return Some(HomeFault::ReadOnly(mode));
    }
    // Root has all permissions anyway.
    if owner != own && owner != 0 {
        return Some(HomeFault::Owner(owner));
    }
    (is_open && !is_unclaimed()).then_some(HomeFault::Mode(mode))
}

/// Returns true if no registry was opened in a directory yet and it holds no foreign file.
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

/// Creates a home and its directories, or makes a directory without a registry private, whatever the
/// umask. It ignores failures, which the next access reports.
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
        // An existing directory only loses the permissions of others. An owner without write permission
        // wants it so.
        let wanted = if is_made { PRIVATE } else { mode & PRIVATE };
        if mode != wanted && !is_link {
            let _ = std::fs::set_permissions(&dir, Permissions::from_mode(wanted));
        }
    }
}

/// Refuses packs that another home uses. Packs outside the home get a file that names it, where that can
/// be written.
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
        if is_same_directory(other, home)
            || !is_same_directory(&other.join(layout::PACKS_DIR), &packs)
        {
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
        && !noted.is_some_and(|noted| is_same_directory(&noted, home))
        && let Ok(home) = home.canonicalize()
    {
        use std::os::unix::ffi::OsStrExt;
        let bytes = [home.as_os_str().as_bytes(), b"\n"].concat();
        // Without the file a later home does not notice this one. Reading works all the same.
        let _ = write_atomically(&record, &bytes, Some(0o600), IfExists::Replace);
    }
    Ok(())
}

fn path_of(mut bytes: Vec<u8>) -> PathBuf {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes))
}

/// Returns true if two paths lead to one directory.
fn is_same_directory(a: &Path, b: &Path) -> bool {
    let id = |path: &Path| path.metadata().ok().map(|m| (m.dev(), m.ino()));
    id(a).is_some_and(|a| id(b) == Some(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_open_to_others_has_a_fault() {
        let of = |mode, users| fault_of(mode, users, || false, || false);
        assert_eq!(of(0o700, (7, 7)), None);
        assert_eq!(of(0o500, (7, 7)), None);
        assert_eq!(of(0o700, (0, 7)), None, "root's");
        assert_eq!(of(0o700, (8, 7)), Some(HomeFault::Owner(8)));
        assert_eq!(of(0o755, (8, 0)), Some(HomeFault::Owner(8)), "for root too");
        for mode in [0o755, 0o750, 0o701, 0o720, 0o1777] {
            assert_eq!(of(mode, (7, 7)), Some(HomeFault::Mode(mode)));
        }
        // No registry was opened there yet.
        assert_eq!(fault_of(0o777, (7, 7), || false, || true), None);
        assert_eq!(
            fault_of(0o777, (8, 7), || false, || true),
            Some(HomeFault::Owner(8))
        );
        // A medium that another machine wrote.
        let disc = |mode| fault_of(mode, (8, 7), || true, || false);
        assert_eq!(disc(0o555), Some(HomeFault::ReadOnly(0o555)));
        assert_eq!(disc(0o577), Some(HomeFault::Owner(8)));
    }

    #[test]
    fn home_is_unclaimed_until_a_registry_is_opened_in_it() {
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
