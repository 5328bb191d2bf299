//! Archive inputs: whole files, streams, and volumes in any order.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::path::Path;
use std::path::PathBuf;

use crate::archive::ArchiveError;
use crate::archive::TRAILER_BYTES;
use crate::archive::VolumeTrailer;
use crate::archive::missing_before;
use crate::file_io::open_plain;
use crate::registry::archives::encryption;
use crate::registry::archives::encryption::DecryptionKeys;
use crate::registry::archives::volume_sets::Volume;
use crate::registry::archives::volume_sets::VolumeSet;
use crate::registry::archives::volume_sets::group_volumes;
use crate::registry::archives::volume_sets::volume_number;
use crate::registry::error::Error;
use crate::registry::error::source::SourceError;

/// The files of one archive, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveInput {
    /// The single file, or all volumes.
    pub paths: Vec<PathBuf>,
    /// True for volumes, each of which has to be checked.
    is_split: bool,
    /// True for encrypted volumes, which are known only by name until they are opened.
    is_encrypted: bool,
    /// True if every volume was read and matches its trailer.
    is_whole: bool,
    /// Text that lists the missing volumes.
    missing: Option<String>,
    source: InputKind,
}

/// Kind of an input path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InputKind {
    /// Plain files, which can be read again.
    Files,
    /// A pipe, a device or standard input, which can be read once.
    Stream,
    /// An entry of a directory that has the name of an archive and is no plain file.
    Special,
}

impl ArchiveInput {
    /// Returns the path for messages: the file, or the first volume.
    pub fn path(&self) -> &Path {
        self.paths.first().map_or(Path::new(""), PathBuf::as_path)
    }

    /// Returns true if the input can be read only once.
    pub fn is_stream(&self) -> bool {
        self.source == InputKind::Stream
    }

    /// Creates an input for an archive in one file.
    fn single(path: PathBuf, source: InputKind) -> Self {
        Self {
            paths: vec![path],
            is_split: false,
            is_encrypted: false,
            is_whole: false,
            missing: None,
            source,
        }
    }

    /// Creates an input from a set of volumes.
    fn volumes(set: VolumeSet) -> Self {
        Self {
            paths: set.paths,
            is_split: true,
            is_encrypted: false,
            is_whole: false,
            missing: set.missing,
            source: InputKind::Files,
        }
    }

    /// Opens encrypted volumes that were grouped by name, and groups them by their trailers.
    ///
    /// Volumes that cannot be opened, or are damaged, stay as they are, and the import reports
    /// them.
    fn separate_splits(self, keys: &DecryptionKeys) -> Vec<Self> {
        if !self.is_encrypted || self.paths.len() < 2 {
            return vec![self];
        }
        let mut volumes = Vec::new();
        for path in &self.paths {
            match read_volume(path, keys) {
                Ok(trailer) => volumes.push(Volume {
                    path: path.clone(),
                    trailer,
                }),
                Err(_) => return vec![self],
            }
        }
        let whole = |set| Self {
            is_whole: true,
            ..Self::volumes(set)
        };
        group_volumes(volumes).into_iter().map(whole).collect()
    }

    /// Checks that every volume is present and intact.
    ///
    /// # Errors
    /// [`ArchiveError::NoVolume`] or [`ArchiveError::Volume`].
    pub(crate) fn check(&self, keys: &DecryptionKeys) -> Result<(), Error> {
        if self.source == InputKind::Special {
            return Err(Error::Source(SourceError::NotPlainFile(
                self.path().to_owned(),
            )));
        }
        if let Some(missing) = &self.missing {
            let missing = missing.clone();
            return Err(ArchiveError::NoVolume { missing }.into());
        }
        if !self.is_split || self.is_whole {
            return Ok(());
        }
        let mut volumes = Vec::new();
        for path in &self.paths {
            volumes.push(Volume {
                path: path.clone(),
                trailer: read_volume(path, keys)?,
            });
        }
        // The files may have changed since their trailers were read, or were grouped by name.
        let missing = match group_volumes(volumes).as_slice() {
            [only] => only.missing.clone(),
            _ => Some("volumes of one and the same split".to_owned()),
        };
        match missing {
            Some(missing) => Err(ArchiveError::NoVolume { missing }.into()),
            None => Ok(()),
        }
    }

    /// Opens the bytes of all files in order, decrypted if needed.
    pub(crate) fn open(&self, keys: &DecryptionKeys) -> Result<Box<dyn Read + Send>, Error> {
        let mut later = self.paths.clone().into_iter();
        let first: Box<dyn Read + Send> = match later.next() {
            // An error on the first file is returned as it is.
            Some(path) => encryption::open(&path, keys)?,
            None => Box::new(std::io::empty()),
        };
        Ok(Box::new(FileChain {
            open: first,
            later,
            keys: keys.clone(),
        }))
    }
}

/// Reads files in order, with one open at a time.
struct FileChain {
    open: Box<dyn Read + Send>,
    later: std::vec::IntoIter<PathBuf>,
    keys: DecryptionKeys,
}

impl Read for FileChain {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let n = self.open.read(to)?;
            if n > 0 || to.is_empty() {
                return Ok(n);
            }
            let Some(path) = self.later.next() else {
                return Ok(0);
            };
            self.open = encryption::open(&path, &self.keys).map_err(std::io::Error::other)?;
        }
    }
}

/// Reads a whole volume, compares its hash, and returns its trailer.
fn read_volume(path: &Path, keys: &DecryptionKeys) -> Result<VolumeTrailer, Error> {
    let fail = |e| Error::file("read", path, e);
    let damaged = || Error::from(ArchiveError::Volume(path.display().to_string()));
    let mut source = encryption::open(path, keys)?;
    let mut hasher = blake3::Hasher::new();
    // The last bytes are held back, because the trailer is not part of the hash.
    let mut held = Vec::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        let n = match source.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            // This includes a tag that age rejects.
            Err(e) if e.kind() == std::io::ErrorKind::InvalidData => return Err(damaged()),
            Err(e) => return Err(fail(e)),
        };
        held.extend_from_slice(piece.get(..n).unwrap_or_default());
        let done = held.len().saturating_sub(TRAILER_BYTES);
        hasher.update(held.get(..done).unwrap_or_default());
        held.drain(..done);
    }
    let trailer = VolumeTrailer::decode(&held).map_err(|_| damaged())?;
    if trailer.hash == *hasher.finalize().as_bytes() {
        Ok(trailer)
    } else {
        Err(damaged())
    }
}

/// Returns the trailer at the end of a file, if it is a volume.
fn read_trailer(file: &mut File) -> std::io::Result<Option<VolumeTrailer>> {
    let length = file.metadata()?.len();
    let Some(at) = length.checked_sub(TRAILER_BYTES as u64) else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = [0; TRAILER_BYTES];
    file.read_exact(&mut bytes)?;
    let trailer = VolumeTrailer::decode(&bytes).ok();
    Ok(trailer.filter(|t| t.bytes == at))
}

/// The archives that were found, and the unreadable paths.
#[derive(Debug, Default)]
pub struct FoundArchives {
    /// The archives, sorted by path.
    pub inputs: Vec<ArchiveInput>,
    /// Unreadable paths, each with its error.
    pub unreadable: Vec<(PathBuf, Error)>,
}

/// Finds the archives in these files and directories, and groups volumes.
///
/// In a directory it takes files with the extension `.alimentar`, with or without a number after
/// it. A pipe, a device, and `-` for standard input are one archive each, and are not read here.
///
/// # Errors
/// [`Error`] when a path cannot be read.
pub fn archive_inputs(paths: &[PathBuf]) -> Result<Vec<ArchiveInput>, Error> {
    let found = found_at(paths);
    match found.unreadable.into_iter().next() {
        Some((_, error)) => Err(error),
        None => Ok(found.inputs),
    }
}

/// Finds the archives in the readable paths. Opens encrypted volumes to tell several splits apart.
pub fn find_archives(paths: &[PathBuf], keys: &DecryptionKeys) -> FoundArchives {
    let FoundArchives { inputs, unreadable } = found_at(paths);
    let inputs = inputs.into_iter().flat_map(|p| p.separate_splits(keys));
    FoundArchives {
        inputs: inputs.collect(),
        unreadable,
    }
}

fn found_at(paths: &[PathBuf]) -> FoundArchives {
    let (mut files, mut found, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for path in paths {
        if let Err(error) = look_at(path, &mut files, &mut found) {
            unreadable.push((path.clone(), error));
        }
    }
    let mut volumes = Vec::new();
    let mut sealed: BTreeMap<PathBuf, BTreeMap<u32, PathBuf>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for path in files {
        // A pipe has no other name.
        if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
            continue;
        }
        // The trailer of an encrypted volume is inside, so the name has to do for now.
        let looked = open_plain(&path).and_then(|mut file| {
            let is_encrypted = encryption::is_encrypted(&mut file)?;
            match is_encrypted.then(|| volume_number(&path)).flatten() {
                Some(number) => Ok((Some(number), None)),
                None => Ok((None, read_trailer(&mut file)?)),
            }
        });
        match looked {
            Err(e) => {
                let error = Error::file("read", &path, e);
                unreadable.push((path, error));
            }
            Ok((Some(number), _)) => {
                let parts = sealed.entry(path.with_extension("")).or_default();
                match parts.entry(number) {
                    Entry::Vacant(free) => drop(free.insert(path)),
                    // For `x.001` and `x.0001`, the other path is tried too.
                    Entry::Occupied(_) => {
                        found.push(encrypted_input(BTreeMap::from([(number, path)])));
                    }
                }
            }
            Ok((None, Some(trailer))) => volumes.push(Volume { path, trailer }),
            Ok((None, None)) => found.push(ArchiveInput::single(path, InputKind::Files)),
        }
    }
    found.extend(
        group_volumes(volumes)
            .into_iter()
            .map(ArchiveInput::volumes),
    );
    found.extend(sealed.into_values().map(encrypted_input));
    found.sort_by(|a, b| a.path().cmp(b.path()));
    FoundArchives {
        inputs: found,
        unreadable,
    }
}

/// Lists the plain files of a path, and the inputs that are no plain files.
fn look_at(
    path: &Path,
    files: &mut Vec<PathBuf>,
    found: &mut Vec<ArchiveInput>,
) -> Result<(), Error> {
    let fail = |e| Error::file("read", path, e);
    if path.as_os_str() == "-" {
        found.push(ArchiveInput::single(path.to_owned(), InputKind::Stream));
        return Ok(());
    }
    let kind = std::fs::metadata(path).map_err(fail)?.file_type();
    if kind.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    if !kind.is_dir() {
        found.push(ArchiveInput::single(path.to_owned(), InputKind::Stream));
        return Ok(());
    }
    let mut inside = Vec::new();
    for entry in std::fs::read_dir(path).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let at = entry.path();
        if !is_archive_name(&entry.file_name().to_string_lossy()) {
            continue;
        }
        if std::fs::metadata(&at).is_ok_and(|m| !m.is_file()) {
            found.push(ArchiveInput::single(at, InputKind::Special))
        } else {
            inside.push(at)
        }
    }
    inside.sort();
    files.extend(inside);
    Ok(())
}

/// Finds the archives in these files and directories. Opens encrypted volumes to tell several
/// splits apart.
///
/// # Errors
/// [`Error`] when a path cannot be read.
pub fn open_archive_inputs(
    paths: &[PathBuf],
    keys: &DecryptionKeys,
) -> Result<Vec<ArchiveInput>, Error> {
    let found = archive_inputs(paths)?.into_iter();
    Ok(found.flat_map(|p| p.separate_splits(keys)).collect())
}

/// Creates an input from encrypted volumes with the same base name.
fn encrypted_input(parts: BTreeMap<u32, PathBuf>) -> ArchiveInput {
    let last = parts.keys().next_back().copied().unwrap_or_default();
    let absent = (1..=last).filter(|n| !parts.contains_key(n));
    let missing = missing_before(absent);
    ArchiveInput {
        paths: parts.into_values().collect(),
        is_split: true,
        is_encrypted: true,
        is_whole: false,
        missing,
        source: InputKind::Files,
    }
}

fn is_archive_name(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match name.rsplit_once(".alimentar") {
        _ if name.starts_with('.') => false,
        Some((_, "")) => true,
        Some((_, rest)) => rest.strip_prefix('.').is_some_and(digits),
        None => false,
    }
}
