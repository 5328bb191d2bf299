//! The place of uploaded files that wait for a commit: a directory in the cache of the home. Leftovers of a kill are
//! removed by their age.

use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::UNIX_EPOCH;

use crate::ident::to_hex;
use crate::registry::host;

/// Time for which xorbs are kept after the last one of their upload.
const XORB_TIME: Duration = Duration::from_secs(3600);
/// Random bytes in a name.
const NOISE_BYTES: usize = 12;

/// The place of uploaded files.
#[derive(Clone, Debug)]
pub(super) struct UploadArea {
    path: PathBuf,
}

/// A file or a directory that is removed with this value.
#[derive(Debug)]
pub(super) struct Temporary {
    path: PathBuf,
}

impl Temporary {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // It may have been moved away; otherwise the sweep by age removes it.
        let _ = match self.path.is_dir() {
            true => fs::remove_dir_all(&self.path),
            false => fs::remove_file(&self.path),
        };
    }
}

impl UploadArea {
    /// The area of a home.
    pub(super) fn of(home: &Path) -> Self {
        Self {
            path: home.join("cache").join("uploads"),
        }
    }

    /// Creates an empty directory.
    ///
    /// # Errors
    /// As the operating system.
    pub(super) fn directory(&self) -> io::Result<Temporary> {
        let path = self.noisy("commit")?;
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Temporary { path })
    }

    /// Creates an empty file.
    ///
    /// # Errors
    /// As the operating system.
    pub(super) fn file(&self) -> io::Result<(Temporary, File)> {
        let path = self.noisy("part")?;
        let file = create(&path)?;
        Ok((Temporary { path }, file))
    }

    /// Returns the path of a whole file, by its SHA-256. The digest was checked to be one.
    fn object(&self, oid: &Oid) -> PathBuf {
        self.path.join(oid.as_str())
    }

    /// Returns the path of a whole file that is here with this length.
    pub(super) fn find(&self, oid: &Oid, size: u64) -> Option<PathBuf> {
        let path = self.object(oid);
        let meta = fs::symlink_metadata(&path).ok()?;
        (meta.is_file() && meta.len() == size).then_some(path)
    }

    /// Returns the path of a whole file that is here.
    pub(super) fn find_any(&self, oid: &Oid) -> Option<PathBuf> {
        let path = self.object(oid);
        let meta = fs::symlink_metadata(&path).ok()?;
        meta.is_file().then_some(path)
    }

    /// Gives a whole file its name.
    ///
    /// # Errors
    /// As the operating system.
    pub(super) fn keep(&self, file: &Temporary, oid: &Oid) -> io::Result<()> {
        fs::rename(file.path(), self.object(oid))
    }

    /// Removes a whole file that is no longer needed.
    pub(super) fn forget(&self, oid: &Oid) {
        // Another commit may have removed it.
        let _ = fs::remove_file(self.object(oid));
    }

    /// Gives a xorb its name.
    ///
    /// # Errors
    /// As the operating system.
    pub(super) fn keep_xorb(
        &self,
        file: &Temporary,
        place: &XorbPlace,
        hash: &Oid,
    ) -> io::Result<()> {
        let directory = self.path.join(&place.0);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)?;
        fs::rename(file.path(), directory.join(hash.as_str()))
    }

    /// Opens a xorb that is here.
    pub(super) fn open_xorb(&self, place: &XorbPlace, hash: &Oid) -> Option<File> {
        File::open(self.path.join(&place.0).join(hash.as_str())).ok()
    }

    /// Removes files and directories that nobody touched for this time, and xorbs for that of [`XORB_TIME`].
    pub(super) fn sweep(&self, age: Duration) {
        let Ok(entries) = fs::read_dir(&self.path) else {
            return;
        };
        let now = host::since_epoch();
        for entry in entries.flatten() {
            let touched = entry.metadata().and_then(|meta| meta.modified());
            let touched = touched.map(|at| at.duration_since(UNIX_EPOCH).unwrap_or_default());
            let is_xorbs = entry.file_name().as_encoded_bytes().starts_with(b"xet-");
            let age = if is_xorbs { age.min(XORB_TIME) } else { age };
            if touched.is_ok_and(|at| now.saturating_sub(at) > age) {
                let path = entry.path();
                drop(Temporary { path });
            }
        }
    }

    fn noisy(&self, front: &str) -> io::Result<PathBuf> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)?;
        let noise: [u8; NOISE_BYTES] = host::random()?;
        Ok(self.path.join(format!("{front}-{}", to_hex(&noise))))
    }
}

/// Creates a file that only this user reads.
///
/// # Errors
/// As the operating system.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

/// The directory of the xorbs of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct XorbPlace(String);

impl XorbPlace {
    /// Parses the digits of a place.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let is_place = text.len() == 24 && text.bytes().all(is_digit);
        is_place.then(|| Self(format!("xet-{text}")))
    }
}

/// A SHA-256 in hexadecimal, by which clients name a large file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Oid(String);

impl Oid {
    /// Parses 64 lower-case digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let is_oid = text.len() == 64 && text.bytes().all(is_digit);
        is_oid.then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn uploaded_file_has_its_name_only_when_it_is_whole() {
        let home = tempfile::tempdir().unwrap();
        let area = UploadArea::of(home.path());
        let oid = Oid::parse(&"a".repeat(64)).unwrap();
        let (part, mut file) = area.file().unwrap();
        file.write_all(b"xyz").unwrap();
        assert_eq!(area.find(&oid, 3), None);
        area.keep(&part, &oid).unwrap();
        drop(part);
        assert!(area.find(&oid, 3).is_some());
        assert_eq!(area.find(&oid, 4), None);
        area.forget(&oid);
        assert_eq!(area.find(&oid, 3), None);
        let abandoned = area.file().unwrap();
        let path = abandoned.0.path().to_owned();
        drop(abandoned);
        assert!(!path.exists());
    }

    #[test]
    fn sweep_removes_what_is_old_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let area = UploadArea::of(home.path());
        let directory = area.directory().unwrap();
        create(&directory.path().join("0")).unwrap();
        area.sweep(Duration::from_secs(3600));
        assert!(directory.path().join("0").exists());
        let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let opened = File::open(directory.path()).unwrap();
        opened.set_modified(long_ago).unwrap();
        area.sweep(Duration::from_secs(3600));
        assert!(!directory.path().exists());
    }

    #[test]
    fn digest_of_another_form_is_none() {
        for text in [
            "",
            "../x",
            &"A".repeat(64),
            &"a".repeat(63),
            &"a".repeat(65),
        ] {
            assert_eq!(Oid::parse(text), None, "{text}");
        }
    }
}
