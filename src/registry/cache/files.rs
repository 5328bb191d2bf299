//! Cache files of a home. They save time and may be lost at any moment. A cache that cannot be read
//! or written only makes operations slower.

use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::io;
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use crate::file_io::IfExists;
use crate::file_io::open_plain;
use crate::file_io::write_atomically;
use crate::ident::to_hex;
use crate::inspect::line_index::FileStamp;
use crate::registry::host;

/// Cache files of one kind, each stored under a key.
#[derive(Clone, Debug)]
pub(crate) struct CacheFiles {
    dir: PathBuf,
    kind: CacheKind,
}

/// Kind of cache file, with its limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CacheKind {
    /// Name of the directory, and extension of the files in it.
    pub(crate) name: &'static str,
    /// Maximum number of files.
    pub(crate) files_max: usize,
    /// Maximum total size in bytes.
    pub(crate) bytes_max: u64,
    /// Maximum size of one file in bytes. A longer file is ignored.
    pub(crate) file_bytes_max: usize,
}

impl CacheFiles {
    /// Returns the cache files of a kind in a home.
    pub(crate) fn new(home: &Path, kind: CacheKind) -> Self {
        Self {
            dir: home.join("cache").join(kind.name),
            kind,
        }
    }

    /// Returns the bytes stored under a key.
    pub(crate) fn read(&self, of: &[u8]) -> Option<Vec<u8>> {
        let file = open_plain(&self.path(of)).ok()?;
        let limit = self.kind.file_bytes_max as u64;
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes).ok()?;
        Some(bytes).filter(|b| b.len() as u64 <= limit)
    }

    /// Creates the directory.
    ///
    /// # Errors
    /// As the operating system.
    pub(crate) fn make_directory(&self) -> io::Result<()> {
        make_directory(&self.dir)
    }

    /// Stores bytes under a key, replaces earlier ones, and then removes the oldest files over the
    /// limits.
    pub(crate) fn write(&self, of: &[u8], bytes: &[u8]) {
        if bytes.len() > self.kind.file_bytes_max {
            return;
        }
        let written = self
            .make_directory()
            .and_then(|()| write_atomically(&self.path(of), bytes, Some(0o600), IfExists::Replace));
        if written.is_ok() {
            self.remove_oldest();
        }
    }

    /// Returns the path of a key's file.
    pub(crate) fn path(&self, of: &[u8]) -> PathBuf {
        let hash = blake3::hash(of);
        let name = hash.as_bytes().first_chunk::<16>();
        let name = to_hex(name.map_or(&[], |n| n.as_slice()));
        self.dir.join(format!("{name}.{}", self.kind.name))
    }

    /// Removes the oldest files over the limits.
    pub(crate) fn remove_oldest(&self) {
        let Ok(entries) = fs::read_dir(&self.dir) else {
            return;
        };
        let dated = entries.filter_map(|entry| {
            let entry = entry.ok()?;
            let meta = entry.metadata().ok()?;
            Some((meta.modified().ok()?, meta.len(), entry.path()))
        });
        let mut dated: Vec<_> = dated.collect();
        dated.sort_unstable();
        let (mut files, mut left) = (0, self.kind.bytes_max);
        for (_, bytes, path) in dated.iter().rev() {
            files += 1;
            match left
                .checked_sub(*bytes)
                .filter(|_| files <= self.kind.files_max)
            {
                Some(rest) => left = rest,
                // Another process may have removed it.
                None => {
                    left = 0;
                    let _ = fs::remove_file(path);
                }
            }
        }
    }
}

/// Creates a directory for cache files.
///
/// # Errors
/// As the operating system.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700).create(path)
}

/// Creates a temporary file that is later renamed to this path. Removes temporary files that were
/// abandoned a day ago.
///
/// # Errors
/// As the operating system.
pub(crate) fn create_partial(path: &Path) -> io::Result<(PathBuf, File)> {
    if let Some(directory) = path.parent() {
        remove_abandoned(directory);
    }
    let noise: [u8; 6] = host::random()?;
    let partial = path.with_extension(format!("{PARTIAL}{}", to_hex(&noise)));
    let mut options = File::options();
    options.read(true).write(true).create_new(true).mode(0o600);
    let file = options.open(&partial)?;
    Ok((partial, file))
}

/// Removes temporary files that nobody wrote to for a day. If their writer still runs, it finds its
/// file gone and caches nothing.
fn remove_abandoned(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    let now = host::since_epoch();
    for entry in entries.flatten() {
        let path = entry.path();
        let ending = path.extension().and_then(|e| e.to_str());
        let written = entry.metadata().ok().map(|meta| meta.mtime());
        let written = written.and_then(|at| u64::try_from(at).ok());
        let age = written.and_then(|at| now.as_secs().checked_sub(at));
        if ending.is_some_and(|e| e.starts_with(PARTIAL))
            && age.is_some_and(|age| age > ABANDONED.as_secs())
        {
            let _ = fs::remove_file(path);
        }
    }
}

/// Extension prefix of a temporary file; a unique suffix follows.
const PARTIAL: &str = "new-";

/// Returns the metadata of a file. The flag is true if its last change is old enough that a later
/// change has another timestamp.
///
/// # Errors
/// As the operating system.
pub(crate) fn stamp_of(file: &File) -> io::Result<(FileStamp, bool)> {
    let now = host::since_epoch();
    let meta = file.metadata()?;
    let nanos = |n: i64| u32::try_from(n).unwrap_or(0);
    let stamp = FileStamp {
        device: meta.dev(),
        inode: meta.ino(),
        size: meta.len(),
        modified: (meta.mtime(), nanos(meta.mtime_nsec())),
        changed: (meta.ctime(), nanos(meta.ctime_nsec())),
    };
    let (seconds, nanos) = stamp.changed;
    let at = u64::try_from(seconds).map_or(Duration::ZERO, |s| Duration::new(s, nanos));
    let ago = now.checked_sub(at);
    Ok((stamp, ago.is_some_and(|ago| ago > CLOCK_STEP)))
}

/// Time without a write after which a temporary file counts as abandoned.
const ABANDONED: Duration = Duration::from_hours(24);
/// Maximum granularity of file timestamps.
const CLOCK_STEP: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::CacheFiles;
    use super::CacheKind;
    use super::host;
    use super::remove_abandoned;

    const KIND: CacheKind = CacheKind {
        name: "things",
        files_max: 3,
        bytes_max: 100,
        file_bytes_max: 60,
    };

    #[test]
    fn abandoned_cache_file_is_removed_after_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let files = CacheFiles::new(dir.path(), KIND);
        files.make_directory().unwrap();
        let make = |name: &str, hours: u64| {
            let path = files.dir.join(name);
            let file = std::fs::File::create(&path).unwrap();
            let age = std::time::Duration::from_hours(hours);
            let written = std::time::UNIX_EPOCH + host::since_epoch() - age;
            file.set_modified(written).unwrap();
            path
        };
        let old = make("a.new-00", 25);
        let stay = [make("b.new-00", 23), make("a.things", 50)];
        remove_abandoned(&files.dir);
        assert!(!old.exists());
        assert!(stay.iter().all(|path| path.exists()));
    }

    #[test]
    fn cache_removes_oldest_files_first() {
        let dir = tempfile::tempdir().unwrap();
        let files = CacheFiles::new(dir.path(), KIND);
        let write = |name: &[u8], bytes: usize| {
            files.write(name, &vec![7; bytes]);
            // Files with equal timestamps have no order.
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        let kept = |names: &[u8]| {
            let is_kept = |name: &u8| files.read(&[*name]).is_some();
            names
                .iter()
                .filter(|n| is_kept(n))
                .copied()
                .collect::<Vec<u8>>()
        };
        assert_eq!(kept(b"abc"), b"");
        for name in [b"a", b"b", b"c", b"d"] {
            write(name, 10);
        }
        assert_eq!(kept(b"abcd"), b"bcd");
        write(b"e", 60);
        assert_eq!(kept(b"abcde"), b"cde");
        // A file that is written again is the newest.
        write(b"c", 35);
        assert_eq!(kept(b"abcde"), b"ce");
        write(b"f", 61);
        assert_eq!(kept(b"abcdef"), b"ce");
        assert_eq!(files.read(b"c").unwrap().len(), 35);
    }
}
