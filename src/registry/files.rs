//! Which files a path stands for. Outcomes for links, special files and odd names are those of
//! `spec/identifiers.md`.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use globset::Glob;
use globset::GlobSet;
use globset::GlobSetBuilder;

use crate::manifest::DatasetKind;
use crate::registry::error::Error;

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

/// Finds the files of a path, sorted by the bytes of their paths.
pub(crate) fn find(path: &Path, exclude: &[String]) -> Result<Sources, Error> {
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
        found: Vec::new(),
        skipped: Vec::new(),
    };
    walk.directory(&walk.root.clone())?;
    let Walk {
        mut found, skipped, ..
    } = walk;
    found.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    Ok(Sources {
        kind: DatasetKind::Directory,
        files: found,
        skipped,
    })
}

fn patterns(root: &Path, exclude: &[String]) -> Result<GlobSet, Error> {
    let file = root.join(".alimentarignore");
    let listed = match std::fs::read_to_string(&file) {
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
    found: Vec<SourceFile>,
    skipped: Vec<Skipped>,
}

impl Walk {
    fn directory(&mut self, dir: &Path) -> Result<(), Error> {
        let entries = std::fs::read_dir(dir).map_err(|e| Error::file("list", dir, e))?;
        for entry in entries {
            let at = entry.map_err(|e| Error::file("list", dir, e))?.path();
            self.entry(at)?;
        }
        Ok(())
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
    fn followed(&self, link: &Path) -> Option<Metadata> {
        let target = link.canonicalize().ok()?;
        let meta = target.metadata().ok()?;
        (meta.is_file() && target.starts_with(&self.root)).then_some(meta)
    }

    fn skip(&mut self, path: PathBuf, why: WhySkipped) -> Result<(), Error> {
        self.skipped.push(Skipped { path, why });
        Ok(())
    }
}
