//! Files and locks: a directory for each table, below one that programs share.

use std::fs;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;

use crate::features::error::FeatureError;
use crate::features::limits::SEGMENT_LIST_BYTES_MAX;
use crate::file_io::IfExists;
use crate::file_io::put_in_place;
use crate::file_io::read_own_text;
use crate::file_io::write_atomically;
use crate::locks::lock;

/// The lock of a directory.
const LOCK: &str = "lock";
/// The name of the segment that is served, of a table with a source.
const CURRENT: &str = "current";
/// The list of the segments of a table that clients write to.
const LIST: &str = "segments.json";
/// The end of the names of segments.
pub(super) const SEGMENT: &str = ".segment";
/// The end of the names of files that are not complete.
pub(super) const UNCHECKED: &str = ".unchecked";
/// Characters of a table's name in that of its directory.
const NAME_CHARS: usize = 40;

/// The directory of all tables. Programs that use it at the same time hold a shared lock, and one that is alone removes
/// what nobody needs.
pub(super) struct Root {
    path: PathBuf,
    held: Mutex<File>,
}

impl Root {
    /// Opens a directory, which is made if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, FeatureError> {
        fs::create_dir_all(path).map_err(|e| FeatureError::file("make", path, e))?;
        let held = lock_file(path)?;
        share(&held);
        let (path, held) = (path.to_owned(), Mutex::new(held));
        Ok(Self { path, held })
    }

    /// Does something if no other program uses the directory, and none begins to meanwhile.
    pub(super) fn alone(&self, work: impl FnOnce()) {
        let held = lock(&self.held);
        // A lock cannot be turned into another one.
        let is_alone = held.unlock().is_ok() && held.try_lock().is_ok();
        if is_alone {
            work();
            let _ = held.unlock();
        }
        share(&held);
    }

    /// Returns the directory of a table. The name is only the front of that of the directory, because file systems
    /// refuse some names and take others for the same.
    pub(super) fn table(&self, name: &str, hash: &str) -> TableDirectory {
        let plain = |c: char| match c {
            'a'..='z' | '0'..='9' | '_' | '-' => c,
            'A'..='Z' => c.to_ascii_lowercase(),
            _ => '_',
        };
        let front: String = name.chars().take(NAME_CHARS).map(plain).collect();
        TableDirectory(self.path.join(format!("{front}-{hash}")))
    }

    /// Returns the directories with lists of segments.
    pub(super) fn lists(&self) -> Vec<TableDirectory> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = entries.map(|e| e.path()).collect();
        found.retain(|path| path.join(LIST).is_file());
        found.sort_unstable();
        found.into_iter().map(TableDirectory).collect()
    }
}

fn lock_file(directory: &Path) -> Result<File, FeatureError> {
    let path = directory.join(LOCK);
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    let file = options.open(&path);
    file.map_err(|e| FeatureError::file("open", &path, e))
}

/// Takes a shared lock. File systems without locks are left to programs that are never alone.
fn share(file: &File) {
    let _ = file.lock_shared();
}

/// The directory of a table.
#[derive(Clone, Debug)]
pub(super) struct TableDirectory(PathBuf);

impl TableDirectory {
    /// Makes the directory.
    pub(super) fn make(&self) -> Result<(), FeatureError> {
        let made = fs::create_dir_all(&self.0).and_then(|()| sync(self.0.parent()));
        made.map_err(|e| FeatureError::file("make", &self.0, e))
    }

    /// Returns the path of a file.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Waits until no other program writes here. Dropping the result ends the turn.
    pub(super) fn turn(&self) -> Result<File, FeatureError> {
        let file = lock_file(&self.0)?;
        // Without locks, writers of several programs are not told apart.
        let _ = file.lock();
        Ok(file)
    }

    /// Returns the names of the segments, the last written first.
    pub(super) fn segments(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let dated = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let modified = entry.metadata().and_then(|m| m.modified()).ok()?;
            name.ends_with(SEGMENT).then_some((modified, name))
        });
        let mut found: Vec<_> = dated.collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.into_iter().map(|(_, name)| name).collect()
    }

    /// Returns the name of the segment that was served last.
    pub(super) fn current(&self) -> Option<String> {
        let text = read_own_text(&self.file(CURRENT), SEGMENT_LIST_BYTES_MAX).ok()?;
        let name = text.trim();
        let is_plain = name.ends_with(SEGMENT) && !name.contains(['/', '\\']);
        is_plain.then(|| name.to_owned())
    }

    /// Says which segment is served.
    pub(super) fn set_current(&self, name: &str) -> Result<(), FeatureError> {
        self.write(CURRENT, format!("{name}\n").as_bytes())
    }

    /// Reads the list of segments; `None` where there is none.
    pub(super) fn list(&self) -> Result<Option<String>, FeatureError> {
        let path = self.file(LIST);
        match read_own_text(&path, SEGMENT_LIST_BYTES_MAX) {
            Ok(text) => Ok(Some(text)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(FeatureError::file("read", &path, e)),
        }
    }

    /// Writes the list of segments.
    pub(super) fn set_list(&self, text: &str) -> Result<(), FeatureError> {
        self.write(LIST, text.as_bytes())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FeatureError> {
        let path = self.file(name);
        let written = write_atomically(&path, bytes, None, IfExists::Replace);
        written.map_err(|e| FeatureError::file("write", &path, e))
    }

    /// Gives a complete file its final name.
    pub(super) fn rename(&self, from: &Path, name: &str) -> Result<(), FeatureError> {
        let path = self.file(name);
        let placed =
            put_in_place(from, &path, IfExists::Replace).and_then(|()| sync(Some(&self.0)));
        placed.map_err(|e| FeatureError::file("write", &path, e))
    }

    /// Removes segments that are not kept, and what killed programs left.
    pub(super) fn clean(&self, is_kept: &dyn Fn(&str) -> bool) {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        for entry in entries {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let is_segment = name.ends_with(SEGMENT) || name.ends_with(UNCHECKED);
            let is_left =
                name.starts_with('.') && name.contains(".partial-") || name.contains(".new-");
            if (is_segment && !is_kept(&name)) || is_left {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Removes the table: first the list, without which the rest is nothing.
    pub(super) fn remove(&self) -> Result<(), FeatureError> {
        let path = self.file(LIST);
        let removed = fs::remove_file(&path).and_then(|()| sync(Some(&self.0)));
        removed.map_err(|e| FeatureError::file("remove", &path, e))?;
        // A rest is removed when the next table of this name is made.
        let _ = fs::remove_dir_all(&self.0);
        Ok(())
    }
}

/// Makes changes of a directory durable.
fn sync(directory: Option<&Path>) -> io::Result<()> {
    match directory {
        Some(directory) if !directory.as_os_str().is_empty() => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}
