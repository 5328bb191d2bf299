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
}

impl Parcel {
    /// What it is called in messages: the file, or the first volume.
    pub fn path(&self) -> &Path {
        self.paths.first().map_or(Path::new(""), PathBuf::as_path)
    }

    /// Checks that every volume is there and whole.
    ///
    /// # Errors
    /// [`ArchiveError::NoVolume`] or [`ArchiveError::Volume`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        if let Some(number) = self.missing {
            return Err(ArchiveError::NoVolume { number }.into());
        }
        for path in self.paths.iter().filter(|_| self.is_split) {
            let fail = |e| Error::file("read", path, e);
            let mut file = File::open(path).map_err(fail)?;
            let trailer = trailer_of(&mut file).map_err(fail)?;
            let length = file.metadata().map_err(fail)?.len();
            let content = length.saturating_sub(TRAILER_BYTES as u64);
            file.seek(SeekFrom::Start(0)).map_err(fail)?;
            let mut hasher = blake3::Hasher::new();
            std::io::copy(&mut file.take(content), &mut hasher).map_err(fail)?;
            let hash = *hasher.finalize().as_bytes();
            if trailer.is_none_or(|t| t.hash != hash) {
                let name = path.display().to_string();
                return Err(ArchiveError::Volume(name).into());
            }
        }
        Ok(())
    }

    /// Its bytes, one file after the other.
    pub(crate) fn open(&self) -> Result<Box<dyn Read + Send>, Error> {
        let mut all: Box<dyn Read + Send> = Box::new(std::io::empty());
        for path in &self.paths {
            let file = File::open(path).map_err(|e| Error::file("read", path, e))?;
            all = Box::new(all.chain(std::io::BufReader::with_capacity(1 << 20, file)));
        }
        Ok(all)
    }

    /// How many bytes it has.
    pub(crate) fn bytes(&self) -> u64 {
        let length = |p: &PathBuf| std::fs::metadata(p).map_or(0, |m| m.len());
        self.paths.iter().map(length).sum()
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
/// directory, files count that are called `.alimentar`, with or without a number behind.
///
/// # Errors
/// [`Error`] when a path cannot be read.
pub fn parcels(paths: &[PathBuf]) -> Result<Vec<Parcel>, Error> {
    let mut files = Vec::new();
    for path in paths {
        let fail = |e| Error::file("read", path, e);
        if !std::fs::metadata(path).map_err(fail)?.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            if is_archive_name(&entry.file_name().to_string_lossy()) {
                inside.push(entry.path());
            }
        }
        inside.sort();
        files.extend(inside);
    }
    let mut found = Vec::new();
    let mut volumes: BTreeMap<[u8; 16], BTreeMap<u32, (PathBuf, bool)>> = BTreeMap::new();
    for path in files {
        let fail = |e| Error::file("read", &path, e);
        let mut file = File::open(&path).map_err(fail)?;
        match trailer_of(&mut file).map_err(fail)? {
            Some(t) => {
                let of_archive = volumes.entry(t.archive).or_default();
                of_archive.insert(t.number, (path, t.is_last));
            }
            None => found.push(Parcel {
                paths: vec![path],
                is_split: false,
                missing: None,
            }),
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
        });
    }
    found.sort_by(|a, b| a.path().cmp(b.path()));
    Ok(found)
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
