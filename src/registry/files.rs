//! Which files a path stands for. Outcomes for links, special files and odd names are those of
//! `spec/identifiers.md`.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use globset::Glob;
use globset::GlobSet;
use globset::GlobSetBuilder;

use crate::file_io::open_plain;
use crate::file_io::read_own_text;
use crate::manifest::DatasetKind;
use crate::registry::error::Error;
use crate::registry::homes::Homes;
use crate::wire::limits::IGNORE_FILE_BYTES_MAX;

/// A file to be indexed.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// Where it is.
    pub at: PathBuf,
    /// Its path inside the dataset.
    pub path: String,
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
    /// A pattern of the user's, of `.alimentarignore`, or `.git`.
    Excluded,
    /// A symbolic link that is broken, points outside, or points to a directory.
    Link,
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
            Self::Link => "link",
            Self::Special => "special",
            Self::Home => "home",
            Self::KeyFile => "key_file",
        }
    }

    /// The same for people.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Link => "a link that is broken, or leads outside or to a directory",
            Self::Special => "a socket, a pipe or a device",
            Self::Home => "the home of a registry",
            Self::KeyFile => "a secret key",
        }
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

/// Everything a path stands for.
#[derive(Debug)]
pub(crate) struct Sources {
    pub kind: DatasetKind,
    pub files: Vec<SourceFile>,
    pub skipped: Vec<Skipped>,
}

/// Finds the files of a path, sorted by the bytes of their paths. Homes of registries below it are
/// left out, the one at `own` also where only a part of it lies there.
pub(crate) fn find(path: &Path, exclude: &[String], own: &Path) -> Result<Sources, Error> {
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
    let mut walk = Walk {
        excluded: patterns(&root, exclude)?,
        root,
        homes: Homes::with_own(own),
        found: Vec::new(),
        skipped: Vec::new(),
        unreadable: Vec::new(),
    };
    walk.directory(&walk.root.clone())?;
    if !walk.unreadable.is_empty() {
        let files = walk.found.iter().filter_map(|file| denied(&file.at));
        let mut paths = std::mem::take(&mut walk.unreadable);
        paths.extend(files);
        paths.sort_by(|a, b| a.0.cmp(&b.0));
        return Err(Error::Unreadable(paths));
    }
    let Walk {
        mut found,
        mut skipped,
        homes,
        ..
    } = walk;
    // Another name of a key in a home that may have been found only later.
    found.retain(|file| {
        let is_key = homes.is_key(file.seen.inode);
        if is_key {
            skipped.push(Skipped {
                path: file.at.clone(),
                why: WhySkipped::KeyFile,
            });
        }
        !is_key
    });
    found.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    Ok(Sources {
        kind: DatasetKind::Directory,
        files: found,
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
        .chain([".git"])
    {
        let pattern = pattern.trim_end_matches('/');
        for form in [pattern.to_owned(), format!("**/{pattern}")] {
            set.add(Glob::new(&form).map_err(|_| Error::Pattern(pattern.to_owned()))?);
        }
    }
    set.build().map_err(|_| Error::Pattern(exclude.join(" ")))
}

struct Walk {
    root: PathBuf,
    excluded: GlobSet,
    homes: Homes,
    found: Vec<SourceFile>,
    skipped: Vec<Skipped>,
    /// Directories that may not be listed.
    unreadable: Vec<(PathBuf, std::io::Error)>,
}

impl Walk {
    fn directory(&mut self, dir: &Path) -> Result<(), Error> {
        let fail = |e| Error::file("list", dir, e);
        let entries = match std::fs::read_dir(dir) {
            Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
                self.unreadable.push((dir.to_owned(), e));
                return Ok(());
            }
            entries => entries.map_err(fail)?,
        };
        let entries: Result<Vec<PathBuf>, Error> = entries
            .map(|entry| Ok(entry.map_err(fail)?.path()))
            .collect();
        let entries = entries?;
        if self.homes.is_home(dir, &entries) {
            return self.skip(dir.to_owned(), WhySkipped::Home);
        }
        entries.into_iter().try_for_each(|at| self.entry(at))
    }

    fn entry(&mut self, at: PathBuf) -> Result<(), Error> {
        let inside = at.strip_prefix(&self.root).unwrap_or(&at);
        if self.excluded.is_match(inside) {
            return self.skip(at, WhySkipped::Excluded);
        }
        let own = at
            .symlink_metadata()
            .map_err(|e| Error::file("read", &at, e))?;
        if own.is_dir() {
            return self.directory(&at);
        }
        let meta = if own.is_symlink() {
            self.followed(&at)
        } else {
            Some(own)
        };
        match meta {
            None => self.skip(at, WhySkipped::Link),
            Some(meta) if !meta.is_file() => self.skip(at, WhySkipped::Special),
            Some(meta) => {
                let path = inside
                    .to_str()
                    .ok_or_else(|| Error::NameNotUtf8(at.clone()))?;
                let path = path.to_owned();
                self.found.push(SourceFile {
                    path,
                    seen: Seen::of(&meta),
                    at,
                });
                Ok(())
            }
        }
    }

    /// What a link points to, where that is a file below the root: a link in a directory that
    /// came from somebody else must not bring in what lies outside of it.
    fn followed(&mut self, link: &Path) -> Option<Metadata> {
        let target = link.canonicalize().ok()?;
        let meta = target.metadata().ok()?;
        let is_inside = meta.is_file() && target.starts_with(&self.root);
        (is_inside && !self.homes.are_around(&target, &self.root)).then_some(meta)
    }

    fn skip(&mut self, path: PathBuf, why: WhySkipped) -> Result<(), Error> {
        self.skipped.push(Skipped { path, why });
        Ok(())
    }
}
