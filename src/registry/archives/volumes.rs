//! What to import: whole archives, and volumes put together whatever their order.

use std::collections::BTreeMap;
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
use crate::registry::archives::seal;
use crate::registry::archives::seal::Openers;
use crate::registry::error::Error;

/// The files of one archive, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// One, or all volumes.
    pub paths: Vec<PathBuf>,
    /// They are volumes, and each has to be checked.
    is_split: bool,
    /// A volume that is not there.
    missing: Option<u32>,
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

    fn single(path: PathBuf, source: Source) -> Self {
        Self {
            paths: vec![path],
            is_split: false,
            missing: None,
            source,
        }
    }

    /// Checks that every volume is there and whole.
    ///
    /// # Errors
    /// [`ArchiveError::NoVolume`] or [`ArchiveError::Volume`].
    pub(crate) fn check(&self, openers: &Openers) -> Result<(), Error> {
        if self.source == Source::Special {
            return Err(Error::NotPlainFile(self.path().to_owned()));
        }
        if let Some(number) = self.missing {
            return Err(ArchiveError::NoVolume { number }.into());
        }
        if !self.is_split {
            return Ok(());
        }
        let mut archive = None;
        for (number, path) in (1_u32..).zip(&self.paths) {
            let trailer = whole_volume(path, openers)?;
            let is_next = trailer.number == number;
            let is_same = *archive.get_or_insert(trailer.archive) == trailer.archive;
            if !is_next || !is_same {
                return Err(ArchiveError::NoVolume { number }.into());
            }
            let is_final = number as usize == self.paths.len();
            if is_final && !trailer.is_last {
                let number = number.saturating_add(1);
                return Err(ArchiveError::NoVolume { number }.into());
            }
        }
        Ok(())
    }

    /// Its bytes, one file after the other, decrypted where they are encrypted.
    pub(crate) fn open(&self, openers: &Openers) -> Result<Box<dyn Read + Send>, Error> {
        let mut later = self.paths.clone().into_iter();
        let first: Box<dyn Read + Send> = match later.next() {
            // Whatever keeps the first from being opened is told as what it is.
            Some(path) => seal::open(&path, openers)?,
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
            self.open = seal::open(&path, &self.openers).map_err(std::io::Error::other)?;
        }
    }
}

/// Reads a whole volume, compares its hash, and returns its trailer.
fn whole_volume(path: &Path, openers: &Openers) -> Result<VolumeTrailer, Error> {
    let fail = |e| Error::file("read", path, e);
    let damaged = || Error::from(ArchiveError::Volume(path.display().to_string()));
    let mut source = seal::open(path, openers)?;
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

/// The archives in these files and directories: volumes of one archive are put together. In a
/// directory, files count that are called `.alimentar`, with or without a number behind. A pipe, a
/// device, and `-` for standard input are one archive each, and not read here.
///
/// # Errors
/// [`Error`] when a path cannot be read.
pub fn parcels(paths: &[PathBuf]) -> Result<Vec<Parcel>, Error> {
    let (mut files, mut found) = (Vec::new(), Vec::new());
    for path in paths {
        let fail = |e| Error::file("read", path, e);
        if path.as_os_str() == "-" {
            found.push(Parcel::single(path.clone(), Source::Stream));
            continue;
        }
        let kind = std::fs::metadata(path).map_err(fail)?.file_type();
        if kind.is_file() {
            files.push(path.clone());
            continue;
        }
        if !kind.is_dir() {
            found.push(Parcel::single(path.clone(), Source::Stream));
            continue;
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
    }
    let mut volumes: BTreeMap<[u8; 16], BTreeMap<u32, (PathBuf, bool)>> = BTreeMap::new();
    let mut sealed: BTreeMap<PathBuf, BTreeMap<u32, PathBuf>> = BTreeMap::new();
    for path in files {
        let fail = |e| Error::file("read", &path, e);
        // What an encrypted volume says of itself is inside: its name has to do for now.
        let mut file = open_plain(&path).map_err(fail)?;
        if seal::is_sealed(&mut file).map_err(fail)?
            && let Some(number) = volume_number(&path)
        {
            let parts = sealed.entry(path.with_extension("")).or_default();
            parts.insert(number, path);
            continue;
        }
        match trailer_of(&mut file).map_err(fail)? {
            Some(t) => {
                let of_archive = volumes.entry(t.archive).or_default();
                of_archive.insert(t.number, (path, t.is_last));
            }
            None => found.push(Parcel::single(path, Source::Files)),
        }
    }
    for parts in volumes.into_values() {
        let mut missing = (1..).zip(parts.keys()).find(|(n, held)| n != *held);
        let last_is_here = parts.values().next_back().is_some_and(|(_, last)| *last);
        let next = u32::try_from(parts.len() + 1).unwrap_or(u32::MAX);
        let end = (!last_is_here).then_some(next);
        found.push(Parcel {
            is_split: true,
            missing: missing.take().map(|(n, _)| n).or(end),
            paths: parts.into_values().map(|(path, _)| path).collect(),
            source: Source::Files,
        });
    }
    for parts in sealed.into_values() {
        let missing = (1..).zip(parts.keys()).find(|(n, held)| n != *held);
        found.push(Parcel {
            is_split: true,
            missing: missing.map(|(n, _)| n),
            paths: parts.into_values().collect(),
            source: Source::Files,
        });
    }
    found.sort_by(|a, b| a.path().cmp(b.path()));
    Ok(found)
}

/// The number at the end of a volume's name.
fn volume_number(path: &Path) -> Option<u32> {
    let ending = path.extension()?.to_str()?;
    let is_number = ending.len() >= 3 && ending.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| ending.parse().ok()).flatten()
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
