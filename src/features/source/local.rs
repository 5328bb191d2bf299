//! Partitions in a directory.

use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error_kind::ErrorKind;
use crate::features::build::BuildInput;
use crate::features::error::FeatureError;
use crate::features::limits::PARTITION_DEPTH_MAX;
use crate::features::limits::PARTITION_FILES_MAX;
use crate::features::limits::PARTITIONS_LISTED_MAX;
use crate::features::source::Listing;
use crate::features::source::Partition;
use crate::features::source::PartitionFile;
use crate::features::source::PartitionSource;
use crate::features::source::partition::MARKER;
use crate::features::source::partition::has_rows;
use crate::features::source::partition::is_date;
use crate::features::source::partition::is_hidden;
use crate::features::source::partition::name_fault;
use crate::features::source::partition::partitions_of;
use crate::file_io::open_plain;
use crate::read_at::ReadAt;

/// Number of files of a partition that stay open; of more, each is opened for each read.
const OPEN_FILES_MAX: usize = 256;

/// A directory with a directory for each partition. Links are followed.
pub(crate) struct LocalSource {
    directory: PathBuf,
}

impl LocalSource {
    pub(crate) fn new(directory: &Path) -> Self {
        let directory = directory.to_owned();
        Self { directory }
    }

    fn fault(&self, error: &io::Error) -> FeatureError {
        FeatureError::Source {
            place: self.place(),
            why: error.to_string(),
            kind: ErrorKind::of_io(error),
        }
    }

    fn opened(&self, listed: &PartitionFile, is_kept: bool) -> Result<BuildInput, FeatureError> {
        let path = self.directory.join(&listed.path);
        let mut file = LocalFile {
            path,
            listed: listed.clone(),
            kept: None,
        };
        let opened = file.open();
        let opened = opened.map_err(|e| changed(&file.path, &e))?;
        file.kept = is_kept.then_some(opened);
        Ok(BuildInput {
            name: file.path.to_string_lossy().into_owned(),
            source: Arc::new(file),
        })
    }
}

fn changed(path: &Path, error: &io::Error) -> FeatureError {
    FeatureError::Source {
        place: path.to_string_lossy().into_owned(),
        why: error.to_string(),
        kind: ErrorKind::of_io(error),
    }
}

impl PartitionSource for LocalSource {
    fn place(&self) -> String {
        self.directory.to_string_lossy().into_owned()
    }

    fn partitions(&self) -> Result<Listing, FeatureError> {
        let entries = std::fs::read_dir(&self.directory).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => FeatureError::NoPartition {
                place: self.place(),
                why: "there is no such directory".to_owned(),
            },
            _ => self.fault(&e),
        })?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| self.fault(&e))?;
            // An entry may vanish meanwhile, and a name that is no UTF-8 is no date.
            let is_directory = std::fs::metadata(entry.path()).is_ok_and(|m| m.is_dir());
            if is_directory && let Ok(name) = entry.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable_by(|a, b| b.cmp(a));
        let mut listing = Listing::default();
        for name in names {
            if !is_date(&name) {
                listing.others.push((name, name_fault()));
                continue;
            }
            if listing.partitions.len() >= PARTITIONS_LISTED_MAX {
                break;
            }
            match files_of(&self.directory, &name) {
                Ok(files) if files.is_empty() => {
                    let why = format!("it has no `{MARKER}`");
                    listing.others.push((name, why));
                }
                Ok(files) => {
                    let found = partitions_of(files);
                    listing.partitions.extend(found.partitions);
                    listing.others.extend(found.others);
                }
                Err(e) => listing.others.push((name, e.to_string())),
            }
        }
        Ok(listing)
    }

    fn open(&self, partition: &Partition) -> Result<Vec<BuildInput>, FeatureError> {
        let is_kept = partition.files.len() <= OPEN_FILES_MAX;
        let files = partition.files.iter();
        files.map(|file| self.opened(file, is_kept)).collect()
    }

    fn check(&self, partition: &Partition) -> Result<(), FeatureError> {
        for listed in &partition.files {
            let path = self.directory.join(&listed.path);
            let same = std::fs::metadata(&path).and_then(|found| compare(listed, &found));
            same.map_err(|e| changed(&path, &e))?;
        }
        Ok(())
    }
}

/// Returns the marker and the files with rows of a directory, at any depth.
fn files_of(root: &Path, name: &str) -> io::Result<Vec<PartitionFile>> {
    let mut files = Vec::new();
    let mut waiting = vec![(name.to_owned(), 0)];
    while let Some((directory, depth)) = waiting.pop() {
        let entries = match std::fs::read_dir(root.join(&directory)) {
            // It was removed since it was found.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let Ok(part) = entry?.file_name().into_string() else {
                continue;
            };
            let is_marker = depth == 0 && part == MARKER;
            if is_hidden(&part) && !is_marker {
                continue;
            }
            let path = format!("{directory}/{part}");
            let found = match std::fs::metadata(root.join(&path)) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                found => found?,
            };
            if found.is_dir() {
                if depth >= PARTITION_DEPTH_MAX {
                    return Err(io::Error::other("its directories are nested too deeply"));
                }
                waiting.push((path, depth + 1));
            } else if found.is_file() && (is_marker || has_rows(&part)) {
                files.push(PartitionFile {
                    path,
                    size_bytes: found.len(),
                    validator: validator(&found),
                });
            }
            // The marker and one file too many.
            if files.len() > PARTITION_FILES_MAX + 1 || waiting.len() > PARTITION_FILES_MAX {
                return Ok(files);
            }
        }
    }
    Ok(files)
}

/// Returns the time of the last change with the number of the file: a program may set the one, but not both.
#[cfg(unix)]
fn validator(found: &Metadata) -> String {
    use std::os::unix::fs::MetadataExt;
    let times = [
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec(),
    ];
    let [m, mn, c, cn] = times;
    format!("{m}.{mn:09}-{c}.{cn:09}-{}", found.ino())
}

#[cfg(not(unix))]
fn validator(found: &Metadata) -> String {
    format!("{:?}", found.modified().ok())
}

fn compare(listed: &PartitionFile, found: &Metadata) -> io::Result<()> {
    let is_same = found.len() == listed.size_bytes && validator(found) == listed.validator;
    match is_same {
        true => Ok(()),
        false => Err(io::Error::other("it changed since it was listed")),
    }
}

/// A file of a partition, which must stay what was listed.
struct LocalFile {
    path: PathBuf,
    listed: PartitionFile,
    kept: Option<File>,
}

impl LocalFile {
    fn open(&self) -> io::Result<File> {
        let file = open_plain(&self.path)?;
        compare(&self.listed, &file.metadata()?)?;
        Ok(file)
    }
}

impl ReadAt for LocalFile {
    fn len(&self) -> u64 {
        self.listed.size_bytes
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match &self.kept {
            Some(file) => ReadAt::read_at(file, buffer, offset),
            None => ReadAt::read_at(&self.open()?, buffer, offset),
        }
    }
}
