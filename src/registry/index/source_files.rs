//! Which files a path stands for. Outcomes for links, special files and odd names are those of
//! `spec/identifiers.md`.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use globset::Glob;
use globset::GlobSet;
use globset::GlobSetBuilder;

use crate::file_io::PARTIAL_GLOB;
use crate::file_io::open_plain;
use crate::file_io::read_own_text;
use crate::manifest::DatasetKind;
use crate::registry::error::Error;
use crate::registry::index::walk::Walked;
use crate::registry::index::walk::walk;
use crate::wire::limits::IGNORE_FILE_BYTES_MAX;

/// A file to be indexed.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// Where it is.
    pub at: PathBuf,
    /// Its path inside the dataset.
    pub path: String,
    /// The path of the file that is read, where a link leads to it.
    pub real_path: Option<String>,
    /// What it looked like when it was found.
    pub seen: Seen,
}

/// What tells whether a file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub size_bytes: u64,
    pub modified: (i64, i64),
    pub changed: (i64, i64),
    pub inode: (u64, u64),
}

impl Seen {
    pub(crate) fn of(meta: &Metadata) -> Self {
        Self {
            size_bytes: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
            inode: (meta.dev(), meta.ino()),
        }
    }
}

/// Why something in a directory was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhySkipped {
    /// A pattern of the user's, of `.alimentarignore`, `.git`, or an output that a killed command left.
    Excluded,
    /// A symbolic link that leads out of the directory, or into the home of a registry.
    Link,
    /// A symbolic link that leads nowhere.
    BrokenLink,
    /// A directory without entries: a dataset holds files.
    EmptyDirectory,
    /// A socket, pipe or device.
    Special,
    /// The home of a registry.
    Home,
    /// A secret key of a publisher or a node.
    KeyFile,
}

impl WhySkipped {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Link | Self::BrokenLink => "link",
            Self::EmptyDirectory => "empty_directory",
            Self::Special => "special",
            Self::Home => "home",
            Self::KeyFile => "key_file",
        }
    }

    /// The same for people.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Link => "a link that leads out of the directory or into a registry's home",
            Self::BrokenLink => "a link that leads nowhere",
            Self::EmptyDirectory => "an empty directory",
            Self::Special => "a socket, a pipe or a device",
            Self::Home => "the home of a registry",
            Self::KeyFile => "a secret key",
        }
    }

    /// Whether the user asked for it.
    pub fn is_asked_for(self) -> bool {
        self == Self::Excluded
    }
}

/// Something in a directory that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it is.
    pub path: PathBuf,
    /// Why.
    pub why: WhySkipped,
}

/// How the files of a directory are found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finding<'a> {
    /// Patterns of paths to leave out.
    pub exclude: &'a [String],
    /// Also follow links that lead out of the directory.
    pub follow_links: bool,
}

/// Everything a path stands for.
#[derive(Debug)]
pub(crate) struct Sources {
    pub kind: DatasetKind,
    pub files: Vec<SourceFile>,
    pub skipped: Vec<Skipped>,
}

/// Finds the files of a path, sorted by the bytes of their paths. Homes of registries below it are
/// left out, the one at `own` also where only a part of it lies there.
pub(crate) fn find(path: &Path, how: &Finding<'_>, own: &Path) -> Result<Sources, Error> {
    let root = path
        .canonicalize()
        .map_err(|e| Error::file("find", path, e))?;
    let meta = root.metadata().map_err(|e| Error::file("read", path, e))?;
    if meta.is_file() {
        let name = path.file_name().or(root.file_name()).unwrap_or_default();
        let name = name
            .to_str()
            .ok_or_else(|| Error::NameNotUtf8(path.to_owned()))?;
        let file = SourceFile {
            path: name.to_owned(),
            real_path: Some(root.to_string_lossy().into_owned()),
            seen: Seen::of(&meta),
            at: root,
        };
        return Ok(Sources {
            kind: DatasetKind::File,
            files: vec![file],
            skipped: Vec::new(),
        });
    }
    if !meta.is_dir() {
        return Err(Error::NotAFile(path.to_owned()));
    }
    let excluded = patterns(&root, how.exclude)?;
    let walked = walk(root, &meta, excluded, how.follow_links, own)?;
    let Walked {
        mut files,
        skipped,
        mut unreadable,
    } = walked;
    if !unreadable.is_empty() {
        unreadable.extend(files.iter().filter_map(|file| denied(&file.at)));
        unreadable.sort_by(|a, b| a.0.cmp(&b.0));
        return Err(Error::Unreadable(unreadable));
    }
    files.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    Ok(Sources {
        kind: DatasetKind::Directory,
        files,
        skipped,
    })
}

/// Every file that this process may not read, where reading one of them failed for that reason.
/// Another error stays as it is.
pub(crate) fn all_denied(error: Error, sources: &Sources) -> Error {
    let is_denied = matches!(&error, Error::File { source, .. }
        if source.kind() == std::io::ErrorKind::PermissionDenied);
    if !is_denied {
        return error;
    }
    let paths: Vec<_> = sources.files.iter().filter_map(|f| denied(&f.at)).collect();
    match paths.is_empty() {
        true => error,
        false => Error::Unreadable(paths),
    }
}

/// A file that may not be read.
fn denied(path: &Path) -> Option<(PathBuf, std::io::Error)> {
    let opened = open_plain(path);
    let error = opened.err()?;
    let is_denied = error.kind() == std::io::ErrorKind::PermissionDenied;
    is_denied.then(|| (path.to_owned(), error))
}

fn patterns(root: &Path, exclude: &[String]) -> Result<GlobSet, Error> {
    let file = root.join(".alimentarignore");
    let listed = match read_own_text(&file, IGNORE_FILE_BYTES_MAX) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        other => other.map_err(|e| Error::file("read", &file, e))?,
    };
    let lines = listed
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'));
    let mut set = GlobSetBuilder::new();
    for pattern in lines
        .chain(exclude.iter().map(String::as_str))
        .chain([".git", PARTIAL_GLOB])
    {
        let pattern = pattern.trim_end_matches('/');
        for form in [pattern.to_owned(), format!("**/{pattern}")] {
            set.add(Glob::new(&form).map_err(|_| Error::Pattern(pattern.to_owned()))?);
        }
    }
    set.build().map_err(|_| Error::Pattern(exclude.join(" ")))
}
