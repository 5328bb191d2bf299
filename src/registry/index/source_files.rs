//! Finds the files of a path. `spec/identifiers.md` defines the handling of links, special files
//! and invalid names.

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
use crate::registry::error::skipped::Skipped;
use crate::registry::error::source::SourceError;
use crate::registry::index::source_file::SourceFile;
use crate::registry::index::source_file::SourceStamp;
use crate::registry::index::walk::WalkResult;
use crate::registry::index::walk::walk;
use crate::wire::limits::IGNORE_FILE_BYTES_MAX;

/// Options of a search for files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FindOptions<'a> {
    /// Patterns of paths to exclude.
    pub exclude: &'a [String],
    /// Also follow links that lead out of the directory.
    pub follow_links: bool,
}

/// All files of a path.
#[derive(Debug)]
pub(crate) struct Sources {
    pub kind: DatasetKind,
    pub files: Vec<SourceFile>,
    pub skipped: Vec<Skipped>,
}

/// Finds the files of a path, sorted by the bytes of their paths. Registry homes below it are
/// skipped. Parts of the home at `own` are skipped too.
pub(crate) fn find(path: &Path, how: &FindOptions<'_>, own: &Path) -> Result<Sources, Error> {
    let root = path
        .canonicalize()
        .map_err(|e| Error::file("find", path, e))?;
    let meta = root.metadata().map_err(|e| Error::file("read", path, e))?;
    if meta.is_file() {
        let name = path.file_name().or(root.file_name()).unwrap_or_default();
        let name = name
            .to_str()
            .ok_or_else(|| Error::Source(SourceError::NameNotUtf8(path.to_owned())))?;
        let file = SourceFile {
            path: name.to_owned(),
            real_path: Some(root.to_string_lossy().into_owned()),
            seen: SourceStamp::of(&meta),
            at: root,
        };
        return Ok(Sources {
            kind: DatasetKind::File,
            files: vec![file],
            skipped: Vec::new(),
        });
    }
    if !meta.is_dir() {
        return Err(Error::Source(SourceError::NotAFile(path.to_owned())));
    }
    let excluded = patterns(&root, how.exclude)?;
    let walked = walk(root, &meta, excluded, how.follow_links, own)?;
    let WalkResult {
        mut files,
        skipped,
        mut unreadable,
    } = walked;
    if !unreadable.is_empty() {
        unreadable.extend(files.iter().filter_map(|file| denied(&file.at)));
        unreadable.sort_by(|a, b| a.0.cmp(&b.0));
        return Err(Error::Source(SourceError::Unreadable(unreadable)));
    }
    files.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    Ok(Sources {
        kind: DatasetKind::Directory,
        files,
        skipped,
    })
}

/// Replaces a permission error by one that lists all files without read permission. Other errors
/// stay unchanged.
pub(crate) fn all_denied(error: Error, sources: &Sources) -> Error {
    let is_denied = matches!(&error, Error::File { source, .. }
        if source.kind() == std::io::ErrorKind::PermissionDenied);
    if !is_denied {
        return error;
    }
    let paths: Vec<_> = sources.files.iter().filter_map(|f| denied(&f.at)).collect();
    if paths.is_empty() {
        error
    } else {
        Error::Source(SourceError::Unreadable(paths))
    }
}

/// Returns the error of a file without read permission.
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
            set.add(
                Glob::new(&form)
                    .map_err(|_| Error::Source(SourceError::Pattern(pattern.to_owned())))?,
            );
        }
    }
    set.build()
        .map_err(|_| Error::Source(SourceError::Pattern(exclude.join(" "))))
}
