//! What to import: whole archives, and volumes put together whatever their order.

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
use crate::file_io::open_plain;
use crate::registry::archives::encryption;
use crate::registry::archives::encryption::Openers;
use crate::registry::archives::volume_sets::Set;
use crate::registry::archives::volume_sets::Volume;
use crate::registry::archives::volume_sets::missing_before;
use crate::registry::archives::volume_sets::sets;
use crate::registry::archives::volume_sets::volume_number;
use crate::registry::error::Error;

/// The files of one archive, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// One, or all volumes.
    pub paths: Vec<PathBuf>,
    /// They are volumes, and each has to be checked.
    is_split: bool,
    /// They are encrypted: until they are opened, only their names say what they are.
    is_sealed: bool,
    /// Each was read and is what its trailer says.
    is_whole: bool,
    /// Volumes that are not there, in words.
    missing: Option<String>,
    source: Source,
}

/// What the paths of a parcel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// Plain files, which can be read again.
    Files,
    /// A pipe, a device or standard input, which can be read once.
    Stream,
    /// Something in a directory that is called like an archive and is no plain file.
    Special,
}

impl Parcel {
    /// What it is called in messages: the file, or the first volume.
    pub fn path(&self) -> &Path {
        self.paths.first().map_or(Path::new(""), PathBuf::as_path)
    }

    /// Whether it can be read only once.
    pub fn is_stream(&self) -> bool {
        self.source == Source::Stream
    }

    /// A whole archive in one file.
    fn single(path: PathBuf, source: Source) -> Self {
        Self {
            paths: vec![path],
            is_split: false,
            is_sealed: false,
            is_whole: false,
            missing: None,
            source,
        }
    }

    /// Volumes that were put together.
    fn volumes(set: Set) -> Self {
        Self {
            paths: set.paths,
            is_split: true,
            is_sealed: false,
            is_whole: false,
            missing: set.missing,
            source: Source::Files,
        }
    }

    /// Opens encrypted volumes, which were put together by their names, and puts them together by
    /// what they say of themselves. What cannot be opened, or is damaged, stays as it is and is told
    /// of when it is imported.
    fn told_apart(self, openers: &Openers) -> Vec<Self> {
        if !self.is_sealed || self.paths.len() < 2 {
            return vec![self];
        }
        let mut volumes = Vec::new();
        for path in &self.paths {
            match whole_volume(path, openers) {
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
        sets(volumes).into_iter().map(whole).collect()
    }

    /// Checks that every volume is there and whole.
    ///
    /// # Errors
    /// [`ArchiveError::NoVolume`] or [`ArchiveError::Volume`].
    pub(crate) fn check(&self, openers: &Openers) -> Result<(), Error> {
        if self.source == Source::Special {
            return Err(Error::NotPlainFile(self.path().to_owned()));
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
                trailer: whole_volume(path, openers)?,
            });
        }
        // They may have changed since their trailers were looked at, or were put together by name.
        let missing = match sets(volumes).as_slice() {
            [only] => only.missing.clone(),
            _ => Some("volumes of one and the same split".to_owned()),
        };
        match missing {
            Some(missing) => Err(ArchiveError::NoVolume { missing }.into()),
            None => Ok(()),
        }
    }

    /// Its bytes, one file after the other, decrypted where they are encrypted.
    pub(crate) fn open(&self, openers: &Openers) -> Result<Box<dyn Read + Send>, Error> {
        let mut later = self.paths.clone().into_iter();
        let first: Box<dyn Read + Send> = match later.next() {
            // Whatever keeps the first from being opened is told as what it is.
            Some(path) => encryption::open(&path, openers)?,
            None => Box::new(std::io::empty()),
        };
        Ok(Box::new(Joined {
            open: first,
            later,
            openers: openers.clone(),
        }))
    }
}

/// Files one after the other, one open at a time.
struct Joined {
    open: Box<dyn Read + Send>,
    later: std::vec::IntoIter<PathBuf>,
    openers: Openers,
}

impl Read for Joined {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let n = self.open.read(to)?;
            if n > 0 || to.is_empty() {
                return Ok(n);
            }
            let Some(path) = self.later.next() else {
                return Ok(0);
            };
            self.open = encryption::open(&path, &self.openers).map_err(std::io::Error::other)?;
        }
    }
}

/// Reads a whole volume, compares its hash, and returns its trailer.
fn whole_volume(path: &Path, openers: &Openers) -> Result<VolumeTrailer, Error> {
    let fail = |e| Error::file("read", path, e);
    let damaged = || Error::from(ArchiveError::Volume(path.display().to_string()));
    let mut source = encryption::open(path, openers)?;
    let mut hasher = blake3::Hasher::new();
    // The last bytes are held back: they are the trailer, not what it is the hash of.
    let mut held = Vec::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        let n = match source.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            // Also what age finds: a tag that does not fit.
            Err(e) if e.kind() == std::io::ErrorKind::InvalidData => return Err(damaged()),
            Err(e) => return Err(fail(e)),
        };
        held.extend_from_slice(piece.get(..n).unwrap_or_default());
        let done = held.len().saturating_sub(TRAILER_BYTES);
        hasher.update(held.get(..done).unwrap_or_default());
        held.drain(..done);
    }
    let trailer = VolumeTrailer::decode(&held).map_err(|_| damaged())?;
    match trailer.hash == *hasher.finalize().as_bytes() {
        true => Ok(trailer),
        false => Err(damaged()),
    }
}

/// The trailer at the end of a file, if it is a volume.
fn trailer_of(file: &mut File) -> std::io::Result<Option<VolumeTrailer>> {
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

/// Archives that were found, and paths that cannot be read.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The archives, by their paths.
    pub parcels: Vec<Parcel>,
    /// What was named and cannot be read, and why.
    pub unreadable: Vec<(PathBuf, Error)>,
}

/// The archives in these files and directories: volumes of one archive are put together. In a
/// directory, files count that are called `.alimentar`, with or without a number behind. A pipe, a
/// device, and `-` for standard input are one archive each, and not read here.
///
/// # Errors
/// [`Error`] when a path cannot be read.
pub fn parcels(paths: &[PathBuf]) -> Result<Vec<Parcel>, Error> {
    let found = found_at(paths);
    match found.unreadable.into_iter().next() {
        Some((_, error)) => Err(error),
        None => Ok(found.parcels),
    }
}

/// The same of those paths that can be read, of which encrypted volumes are opened so that several
/// splits are told apart.
pub fn gathered(paths: &[PathBuf], openers: &Openers) -> Gathered {
    let Gathered {
        parcels,
        unreadable,
    } = found_at(paths);
    let parcels = parcels.into_iter().flat_map(|p| p.told_apart(openers));
    Gathered {
        parcels: parcels.collect(),
        unreadable,
    }
}

fn found_at(paths: &[PathBuf]) -> Gathered {
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
        // What an encrypted volume says of itself is inside: its name has to do for now.
        let looked = open_plain(&path).and_then(|mut file| {
            let is_sealed = encryption::is_sealed(&mut file)?;
            match is_sealed.then(|| volume_number(&path)).flatten() {
                Some(number) => Ok((Some(number), None)),
                None => Ok((None, trailer_of(&mut file)?)),
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
                    // `x.001` and `x.0001`: whatever the other is, it is looked at.
                    Entry::Occupied(_) => {
                        found.push(sealed_parcel(BTreeMap::from([(number, path)])));
                    }
                }
            }
            Ok((None, Some(trailer))) => volumes.push(Volume { path, trailer }),
            Ok((None, None)) => found.push(Parcel::single(path, Source::Files)),
        }
    }
    found.extend(sets(volumes).into_iter().map(Parcel::volumes));
    found.extend(sealed.into_values().map(sealed_parcel));
    found.sort_by(|a, b| a.path().cmp(b.path()));
    Gathered {
        parcels: found,
        unreadable,
    }
}

/// Finds the plain files that a path stands for, and what is an archive whatever is in it.
fn look_at(path: &Path, files: &mut Vec<PathBuf>, found: &mut Vec<Parcel>) -> Result<(), Error> {
    let fail = |e| Error::file("read", path, e);
    if path.as_os_str() == "-" {
        found.push(Parcel::single(path.to_owned(), Source::Stream));
        return Ok(());
    }
    let kind = std::fs::metadata(path).map_err(fail)?.file_type();
    if kind.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    if !kind.is_dir() {
        found.push(Parcel::single(path.to_owned(), Source::Stream));
        return Ok(());
    }
    let mut inside = Vec::new();
    for entry in std::fs::read_dir(path).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let at = entry.path();
        if !is_archive_name(&entry.file_name().to_string_lossy()) {
            continue;
        }
        match std::fs::metadata(&at).is_ok_and(|m| !m.is_file()) {
            true => found.push(Parcel::single(at, Source::Special)),
            false => inside.push(at),
        }
    }
    inside.sort();
    files.extend(inside);
    Ok(())
}

/// The archives in these files and directories, of which encrypted volumes are opened so that
/// several splits are told apart.
///
/// # Errors
/// [`Error`] when a path cannot be read.
pub fn opened_parcels(paths: &[PathBuf], openers: &Openers) -> Result<Vec<Parcel>, Error> {
    let found = parcels(paths)?.into_iter();
    Ok(found.flat_map(|p| p.told_apart(openers)).collect())
}

/// Encrypted volumes that are called the same.
fn sealed_parcel(parts: BTreeMap<u32, PathBuf>) -> Parcel {
    let last = parts.keys().next_back().copied().unwrap_or_default();
    let absent = (1..=last).filter(|n| !parts.contains_key(n));
    let missing = missing_before(absent);
    Parcel {
        paths: parts.into_values().collect(),
        is_split: true,
        is_sealed: true,
        is_whole: false,
        missing,
        source: Source::Files,
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
