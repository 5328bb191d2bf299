//! Walks a directory to be indexed: selects entries, records skipped ones, and resolves links.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use globset::GlobSet;

use crate::registry::error::Error;
use crate::registry::error::skipped::SkipReason;
use crate::registry::error::skipped::Skipped;
use crate::registry::error::source::SourceError;
use crate::registry::index::homes::HomeSet;
use crate::registry::index::source_file::SourceFile;
use crate::registry::index::source_file::SourceStamp;
use crate::wire::limits::LINKED_ENTRIES_MAX;

/// Content of a directory tree.
pub(crate) struct WalkResult {
    pub(crate) files: Vec<SourceFile>,
    /// Skipped entries.
    pub(crate) skipped: Vec<Skipped>,
    /// Directories without permission to list them.
    pub(crate) unreadable: Vec<(PathBuf, io::Error)>,
}

/// Finds the files below a directory, and the skipped entries.
pub(crate) fn walk(
    root: PathBuf,
    meta: &Metadata,
    excluded: GlobSet,
    follow_links: bool,
    own: &Path,
) -> Result<WalkResult, Error> {
    let mut walk = DirectoryWalk {
        root: root.clone(),
        excluded,
        follow_links,
        homes: HomeSet::with_own(own),
        around: Vec::new(),
        links: 0,
        linked_entries: 0,
        found: Vec::new(),
        skipped: Vec::new(),
        unreadable: Vec::new(),
    };
    walk.directory(&root, Path::new(""), meta)?;
    let DirectoryWalk {
        mut found,
        mut skipped,
        unreadable,
        homes,
        ..
    } = walk;
    // A key may have a second name in another directory, and its home may be found later.
    found.retain(|file| {
        let is_key = homes.is_key(file.seen.inode);
        if is_key {
            skipped.push(Skipped {
                path: root.join(&file.path),
                why: SkipReason::KeyFile,
            });
        }
        !is_key
    });
    Ok(WalkResult {
        files: found,
        skipped,
        unreadable,
    })
}

struct DirectoryWalk {
    root: PathBuf,
    excluded: GlobSet,
    /// Also follow links that lead out of the root.
    follow_links: bool,
    homes: HomeSet,
    /// Device and inode of the directories in progress, from the root down.
    around: Vec<(u64, u64)>,
    /// Number of links to directories among them.
    links: usize,
    /// Number of entries found behind links to directories.
    linked_entries: usize,
    found: Vec<SourceFile>,
    skipped: Vec<Skipped>,
    /// Directories without permission to list them.
    unreadable: Vec<(PathBuf, io::Error)>,
}

impl DirectoryWalk {
    /// Takes the entries of a directory. `inside` is its path in the dataset.
    fn directory(&mut self, dir: &Path, inside: &Path, meta: &Metadata) -> Result<(), Error> {
        let fail = |e| Error::file("list", dir, e);
        let entries = match std::fs::read_dir(dir) {
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
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
            return self.skip(inside, SkipReason::Home);
        }
        if entries.is_empty() && !inside.as_os_str().is_empty() {
            return self.skip(inside, SkipReason::EmptyDirectory);
        }
        if self.links > 0 {
            // Links to directories that contain links to directories multiply.
            self.linked_entries = self.linked_entries.saturating_add(entries.len());
            if self.linked_entries > LINKED_ENTRIES_MAX {
                return Err(SourceError::TooManyLinked(self.root.clone()).into());
            }
        }
        self.around.push((meta.dev(), meta.ino()));
        for at in entries {
            let name = at.file_name().unwrap_or_default().to_owned();
            self.entry(&at, &inside.join(name))?;
        }
        self.around.pop();
        Ok(())
    }

    fn entry(&mut self, at: &Path, inside: &Path) -> Result<(), Error> {
        if self.excluded.is_match(inside) {
            return self.skip(inside, SkipReason::Excluded);
        }
        let meta = at
            .symlink_metadata()
            .map_err(|e| Error::file("read", at, e))?;
        if meta.is_symlink() {
            self.link(at, inside)
        } else if meta.is_dir() {
            self.directory(at, inside, &meta)
        } else {
            self.file(at, inside, &meta, None)
        }
    }

    fn file(
        &mut self,
        at: &Path,
        inside: &Path,
        meta: &Metadata,
        real_path: Option<String>,
    ) -> Result<(), Error> {
        if !meta.is_file() {
            return self.skip(inside, SkipReason::Special);
        }
        let path = inside.to_str();
        let path =
            path.ok_or_else(|| Error::Source(SourceError::NameNotUtf8(self.root.join(inside))))?;
        self.found.push(SourceFile {
            path: path.to_owned(),
            real_path,
            seen: SourceStamp::of(meta),
            at: at.to_owned(),
        });
        Ok(())
    }

    /// Follows a link whose target is below the root.
    ///
    /// A link in a directory of unknown origin must not bring in files outside of it, unless the
    /// user permits it. Files in the home of a registry are never taken.
    fn link(&mut self, link: &Path, inside: &Path) -> Result<(), Error> {
        let target = match link.canonicalize() {
            Ok(target) => target,
            Err(e) if is_loop(&e) => {
                let target = std::fs::read_link(link).unwrap_or_default();
                return Err(self.link_loop(inside, target));
            }
            Err(e) if is_nowhere(&e) => return self.skip(inside, SkipReason::BrokenLink),
            // The target is outside, and this user may not read it.
            Err(_) => return self.skip(inside, SkipReason::Link),
        };
        let is_below = target.starts_with(&self.root);
        let top = if is_below {
            self.root.clone()
        } else {
            PathBuf::from("/")
        };
        let may_follow = is_below || self.follow_links;
        if !may_follow || self.homes.contain(&target, &top) {
            return self.skip(inside, SkipReason::Link);
        }
        let meta = target
            .symlink_metadata()
            .map_err(|e| Error::file("read", &target, e))?;
        // The link must still lead to the target that was checked.
        if link.canonicalize().ok().as_ref() != Some(&target) {
            return Err(Error::Source(SourceError::Changed(self.root.join(inside))));
        }
        if !meta.is_dir() {
            let real_path = target.to_string_lossy().into_owned();
            return self.file(&target, inside, &meta, Some(real_path));
        }
        let is_around = self.around.contains(&(meta.dev(), meta.ino()));
        if is_around || self.root.starts_with(&target) {
            return Err(self.link_loop(inside, target));
        }
        self.links += 1;
        self.directory(&target, inside, &meta)?;
        self.links -= 1;
        Ok(())
    }

    fn link_loop(&self, inside: &Path, target: PathBuf) -> Error {
        let link = self.root.join(inside);
        SourceError::LinkLoop { link, target }.into()
    }

    fn skip(&mut self, inside: &Path, why: SkipReason) -> Result<(), Error> {
        self.skipped.push(Skipped {
            path: self.root.join(inside),
            why,
        });
        Ok(())
    }
}

/// Returns true if following a link met too many links.
fn is_loop(error: &io::Error) -> bool {
    let number = rustix::io::Errno::LOOP.raw_os_error();
    error.raw_os_error() == Some(number)
}

/// Returns true if a link has no target.
fn is_nowhere(error: &io::Error) -> bool {
    use io::ErrorKind::NotADirectory;
    use io::ErrorKind::NotFound;
    matches!(error.kind(), NotFound | NotADirectory)
}

#[cfg(test)]
mod tests {
    use globset::GlobSet;

    use super::*;

    #[test]
    fn links_to_directories_stop_at_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("real")).unwrap();
        std::fs::write(root.join("real/file"), b"x").unwrap();
        std::os::unix::fs::symlink("real", root.join("link")).unwrap();
        let walked = |linked_entries| {
            let mut walk = DirectoryWalk {
                root: root.clone(),
                excluded: GlobSet::empty(),
                follow_links: false,
                homes: HomeSet::default(),
                around: Vec::new(),
                links: 0,
                linked_entries,
                found: Vec::new(),
                skipped: Vec::new(),
                unreadable: Vec::new(),
            };
            let meta = root.metadata().unwrap();
            let done = walk.directory(&root.clone(), Path::new(""), &meta);
            done.map(|()| walk.found.len())
        };
        assert_eq!(walked(LINKED_ENTRIES_MAX - 1).unwrap(), 2);
        let error = walked(LINKED_ENTRIES_MAX).unwrap_err().to_string();
        assert!(error.contains("linked_entries_max"), "{error}");
    }
}
