//! Bringing a directory or a file to another version. Only what differs is written. Everything is
//! written beside first, then every file is put in its place by one rename: a reader sees the old bytes
//! or the new ones, and whoever was killed is followed by one who finds what both may have left.

use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;

use crate::catalog::Dataset;
use crate::file_io::Aside;
use crate::file_io::IfExists;
use crate::file_io::Place;
use crate::file_io::place_of;
use crate::file_io::remove_abandoned;
use crate::ident::ContentId;
use crate::manifest::FileEntry;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::index::source_files::Seen;
use crate::registry::working_copy::disk_state::Found;
use crate::registry::working_copy::disk_state::OnDisk;
use crate::registry::working_copy::plan::Plan;
use crate::registry::working_copy::plan::ids_by_path;
use crate::registry::working_copy::record::Noted;
use crate::registry::working_copy::record::Record;
use crate::registry::working_copy::records::blank;
use crate::registry::working_copy::selection::Chosen;
use crate::store::disk::BlobReader;

/// What an update did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateReport {
    /// Files that were written.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were as they should be.
    pub unchanged: u64,
    /// Files that the version does not have any more, and that were removed.
    pub removed: u64,
    /// The same that were changed here, and stay.
    pub kept: Vec<String>,
}

/// Staged files that are made durable one by one, and not with all of the file system.
#[cfg(target_os = "linux")]
const SYNCED_ONE_BY_ONE_MAX: usize = 32;

/// Files below a directory are staged in `.alimentar.partial-…` there.
const STAGE: &str = "alimentar";

impl LocalRegistry {
    /// Writes to `dest`, as [`LocalRegistry::checkout`] does, what is not there so already. What an
    /// earlier checkout wrote there, or was indexed from there, is replaced, or removed where it is not in
    /// the dataset any more. With `overwrite` so is what was changed since, where the dataset has a file
    /// of that path.
    ///
    /// # Errors
    /// [`Error::LocalChanges`] naming what was changed, before anything is done; [`Error::Exists`] where
    /// something stands that is never replaced; those of [`LocalRegistry::checkout`].
    pub fn checkout_update(
        &self,
        dataset: &Dataset,
        part: Option<&str>,
        (dest, overwrite): (&Path, bool),
        progress: &dyn Progress,
    ) -> Result<UpdateReport, Error> {
        let reader = self.reader_of(dataset)?;
        let m = &dataset.manifest;
        let table = self.files_by(&reader, m)?;
        let chosen = Chosen::of(&table, m, part)?;
        let Some(root) = root_of(dest, &chosen)? else {
            let dest = (dest, IfExists::Refuse);
            let report = self.checkout_over(dataset, part, dest, progress)?;
            return Ok(UpdateReport {
                files: report.files,
                bytes: report.bytes,
                ..UpdateReport::default()
            });
        };
        let _turn = turn(&root, chosen.single)?;
        let stage = match chosen.single {
            true => root.clone(),
            false => root.join(STAGE),
        };
        remove_abandoned(&stage);
        let ids = self.ids_of(&reader, m, &chosen.files)?;
        let held = self.record_of(&root);
        let held = held.filter(|record| record.is_file == chosen.single);
        let taken_at = host::now().0;
        progress.phase("comparing", None);
        let mut disk = OnDisk::new(&root, chosen.single, held.as_ref());
        let plan = Plan::make(&chosen, &ids, held.as_ref(), &mut disk, progress)?;
        if let Some(path) = &plan.blocked {
            return Err(Error::Exists(disk.at(path)));
        }
        if !plan.conflicts.is_empty() && !overwrite {
            let paths = plan.conflicts;
            return Err(Error::LocalChanges { root, paths });
        }
        let mut record = blank(&root, chosen.single, m);
        part.unwrap_or_default().clone_into(&mut record.part);
        record.taken_at = taken_at;
        // Of a source: what was left out of its index is still no part of it.
        if let Some(held) = &held {
            record.exclude.clone_from(&held.exclude);
            record.follow_links = held.follow_links;
        }
        let by_path = ids_by_path(&chosen, &ids);
        if !plan.write.is_empty() || !plan.remove.is_empty() {
            self.announce(&record, held.as_ref(), (&chosen, &ids), &plan);
            let files = (&reader, dataset);
            self.apply(files, &plan, (&root, &stage, &disk), progress)?;
        }
        record.files.clone_from(&plan.same);
        for (_, file, path, _) in &plan.write {
            let seen = fs::symlink_metadata(disk.at(path)).ok();
            let seen = seen.map(|meta| Seen::of(&meta));
            if let Some(id) = by_path.get(path) {
                record.files.push(Noted {
                    path: (*path).to_owned(),
                    size_bytes: file.size_bytes,
                    id: *id,
                    seen: seen.filter(|s| s.size_bytes == file.size_bytes),
                });
            }
        }
        record.files.sort_by(|a, b| a.path.cmp(&b.path));
        self.keep_record(&record);
        Ok(UpdateReport {
            files: plan.write.len() as u64,
            bytes: plan.write.iter().map(|(_, f, ..)| f.size_bytes).sum(),
            unchanged: plan.same.len() as u64,
            removed: plan.remove.len() as u64,
            kept: plan.kept,
        })
    }

    /// Remembers what is about to be written, for whoever comes after a kill.
    fn announce(
        &self,
        new: &Record,
        held: Option<&Record>,
        (chosen, ids): (&Chosen<'_>, &[ContentId]),
        plan: &Plan<'_>,
    ) {
        let by_path = ids_by_path(chosen, ids);
        let record = match held {
            Some(held) => {
                let mut record = held.clone();
                let under_way = plan.write.iter().filter_map(|(_, _, path, _)| {
                    let id = by_path.get(path)?;
                    Some(((*path).to_owned(), *id))
                });
                record.under_way.extend(under_way);
                record.under_way.sort();
                record.under_way.dedup();
                record
            }
            None => {
                let mut record = new.clone();
                for ((_, file), id) in chosen.files.iter().zip(ids) {
                    record.files.push(Noted {
                        path: chosen.path_of(file).to_owned(),
                        size_bytes: file.size_bytes,
                        id: *id,
                        seen: None,
                    });
                }
                record
            }
        };
        self.keep_record(&record);
    }

    fn apply(
        &self,
        (reader, dataset): (&BlobReader, &Dataset),
        plan: &Plan<'_>,
        (root, stage, disk): (&Path, &Path, &OnDisk<'_>),
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let bytes = plan.write.iter().map(|(_, f, ..)| f.size_bytes).sum();
        progress.phase("checking out", Some(bytes));
        let staged = match plan.write.is_empty() {
            true => None,
            false => Some(Staged::begin(stage)?),
        };
        if let Some(staged) = &staged {
            let files: Vec<(u64, &FileEntry)> =
                plan.write.iter().map(|(at, f, ..)| (*at, *f)).collect();
            let dir = staged.0.path();
            self.write_files(reader, dataset, &files, (None, dir), progress)?;
            staged.complete(plan, disk)?;
        }
        // What goes may be in the way of what comes.
        for (path, found) in &plan.remove {
            let at = disk.at(path);
            unchanged_since(&at, *found, root)?;
            fs::remove_file(&at).map_err(|e| Error::file("remove", &at, e))?;
            remove_empty(&at, root);
        }
        if let Some(staged) = &staged {
            for (_, file, path, found) in &plan.write {
                let at = disk.at(path);
                let fail = |e| Error::file("write", &at, e);
                unchanged_since(&at, *found, root)?;
                if let Some(parent) = at.parent() {
                    fs::create_dir_all(parent).map_err(fail)?;
                }
                fs::rename(staged.0.path().join(&file.path), &at).map_err(fail)?;
            }
        }
        Ok(())
    }
}

/// A directory of files that are to be put in their places; it is removed at the end.
struct Staged(Aside);

impl Staged {
    fn begin(stage: &Path) -> Result<Self, Error> {
        let begun = Aside::directory(stage);
        begun.map(Self).map_err(|e| Error::file("write", stage, e))
    }

    /// Makes all files durable, and gives them the modes of those that they replace.
    fn complete(&self, plan: &Plan<'_>, disk: &OnDisk<'_>) -> Result<(), Error> {
        self.sync(plan)?;
        for (_, file, path, found) in &plan.write {
            if matches!(found, Found::Plain(_))
                && let Ok(meta) = fs::metadata(disk.at(path))
            {
                let at = self.0.path().join(&file.path);
                // Some file systems have no modes.
                let _ = fs::set_permissions(&at, meta.permissions());
            }
        }
        Ok(())
    }

    fn sync(&self, plan: &Plan<'_>) -> Result<(), Error> {
        // One call for any number of files, which waits for everything on the file system.
        #[cfg(target_os = "linux")]
        if plan.write.len() > SYNCED_ONE_BY_ONE_MAX {
            let dir = self.0.path();
            let open = File::open(dir).map_err(|e| Error::file("write", dir, e))?;
            let synced = rustix::fs::syncfs(&open);
            return synced.map_err(|e| Error::file("write", dir, e.into()));
        }
        for (_, file, ..) in &plan.write {
            let at = self.0.path().join(&file.path);
            let synced = File::open(&at).and_then(|f| f.sync_all());
            synced.map_err(|e| Error::file("write", &at, e))?;
        }
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // What cannot be removed has a name that says what it is, and the next update removes it.
        let _ = fs::remove_dir_all(self.0.path());
    }
}

/// The directory or file that is brought up to date, without links; `None` where there is nothing yet.
fn root_of(dest: &Path, chosen: &Chosen<'_>) -> Result<Option<PathBuf>, Error> {
    let dest = match chosen.files.first() {
        Some((_, only)) if chosen.single && dest.is_dir() => {
            dest.join(only.path.rsplit('/').next().unwrap_or(&only.path))
        }
        _ => dest.to_owned(),
    };
    let fail = |e| Error::output(&dest, e);
    let is_right = match place_of(&dest).map_err(fail)? {
        Place::Free(_) => return Ok(None),
        Place::Plain(_) => chosen.single,
        Place::Directory => !chosen.single,
        Place::Through | Place::StandardOutput => {
            let why = std::io::Error::other("a stream cannot be updated");
            return Err(Error::output(&dest, why));
        }
    };
    match is_right {
        true => dest.canonicalize().map(Some).map_err(fail),
        false => Err(Error::Exists(dest)),
    }
}

/// Keeps others from updating a directory at the same time.
fn turn(root: &Path, is_file: bool) -> Result<Option<File>, Error> {
    if is_file {
        return Ok(None);
    }
    let fail = |e| Error::file("update", root, e);
    let dir = File::open(root).map_err(fail)?;
    match dir.try_lock() {
        Err(std::fs::TryLockError::WouldBlock) => Err(fail(std::io::Error::other(
            "another checkout is at work there",
        ))),
        // Some file systems have no locks.
        Ok(()) | Err(std::fs::TryLockError::Error(_)) => Ok(Some(dir)),
    }
}

/// Looks again, shortly before a path is written or removed.
fn unchanged_since(at: &Path, found: Found, root: &Path) -> Result<(), Error> {
    let now = fs::symlink_metadata(at);
    let is_same = match (found, now) {
        (Found::Plain(seen), Ok(meta)) => Seen::of(&meta) == seen,
        (Found::Link(_), Ok(meta)) => meta.is_symlink(),
        // A directory has to be gone by now, with what was in it.
        (Found::Absent | Found::Directory, Err(_)) => true,
        _ => false,
    };
    if is_same {
        return Ok(());
    }
    let path = at.strip_prefix(root).unwrap_or(at);
    Err(Error::LocalChanges {
        root: root.to_owned(),
        paths: vec![path.display().to_string()],
    })
}

/// Removes the directories above a file that was removed, as far as nothing is in them.
fn remove_empty(file: &Path, root: &Path) {
    let above = file.ancestors().skip(1);
    for dir in above.take_while(|dir| *dir != root && dir.starts_with(root)) {
        if fs::remove_dir(dir).is_err() {
            return;
        }
    }
}
