//! Updates a directory or a file to another version, and writes only the files that differ.
//!
//! All files are staged first. Then each is renamed into place, so that a reader sees the old bytes
//! or the new ones. After a kill, the next update finds the files that either version may have
//! left.

use crate::registry::views::WorkingCopies;
use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;

use crate::catalog::Dataset;
use crate::file_io::IfExists;
use crate::file_io::Place;
use crate::file_io::TemporaryPath;
use crate::file_io::place_of;
use crate::file_io::remove_abandoned;
use crate::ident::ContentId;
use crate::manifest::FileEntry;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::error::checkout::CheckoutError;
use crate::registry::host;
use crate::registry::index::source_file::SourceStamp;
use crate::registry::working_copy::disk_state::DiskEntry;
use crate::registry::working_copy::disk_state::DiskState;
use crate::registry::working_copy::plan::UpdatePlan;
use crate::registry::working_copy::plan::ids_by_path;
use crate::registry::working_copy::record::CheckoutRecord;
use crate::registry::working_copy::record::RecordedFile;
use crate::registry::working_copy::records::blank;
use crate::registry::working_copy::selection::FileSelection;
use crate::store::disk::BlobReader;

/// Result of an update.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateReport {
    /// Number of files written.
    pub files: u64,
    /// Number of bytes written.
    pub bytes: u64,
    /// Number of files that were already up to date.
    pub unchanged: u64,
    /// Number of removed files, which the version does not have.
    pub removed: u64,
    /// Modified files that the version does not have. They stay.
    pub kept: Vec<String>,
}

/// Maximum number of staged files that are synced one by one. Beyond it the whole file system is
/// synced.
#[cfg(target_os = "linux")]
const SYNCED_ONE_BY_ONE_MAX: usize = 32;

/// Prefix of the staging directory `.alimentar.partial-…`.
const STAGE: &str = "alimentar";

impl WorkingCopies<'_> {
    /// Writes to `dest` like [`LocalRegistry::checkout`], but only files that differ.
    ///
    /// Files of an earlier checkout or index are replaced, and removed if the dataset no longer has
    /// them. With `overwrite`, files modified since then are replaced too, if the dataset has a
    /// file of that path.
    ///
    /// # Errors
    /// [`CheckoutError::LocalChanges`] naming the modified files, before any change. [`CheckoutError::Exists`] when
    /// an entry that is never replaced is in the way. Errors of [`LocalRegistry::checkout`].
    pub fn checkout_update(
        &self,
        dataset: &Dataset,
        part: Option<&str>,
        (dest, overwrite): (&Path, bool),
        progress: &dyn Progress,
    ) -> Result<UpdateReport, Error> {
        let reader = self.registry.reader_of(dataset)?;
        let m = &dataset.manifest;
        let table = self.registry.files_by(&reader, m)?;
        let chosen = FileSelection::of(&table, m, part)?;
        let Some(root) = root_of(dest, &chosen)? else {
            let dest = (dest, IfExists::Refuse);
            let report = self.checkout_over(dataset, part, dest, progress)?;
            return Ok(UpdateReport {
                files: report.files,
                bytes: report.bytes,
                ..UpdateReport::default()
            });
        };
        let _turn = lock_root(&root, chosen.single)?;
        let stage = if chosen.single {
            root.clone()
        } else {
            root.join(STAGE)
        };
        remove_abandoned(&stage);
        let ids = self.registry.ids_of(&reader, m, &chosen.files)?;
        let held = self.registry.record_of(&root);
        let held = held.filter(|record| record.is_file == chosen.single);
        let taken_at = host::now().0;
        progress.phase("comparing", None);
        let mut disk = DiskState::new(&root, chosen.single, held.as_ref());
        let plan = UpdatePlan::make(&chosen, &ids, held.as_ref(), &mut disk, progress)?;
        if let Some(path) = &plan.blocked {
            return Err(Error::Checkout(CheckoutError::Exists(disk.at(path))));
        }
        if !plan.conflicts.is_empty() && !overwrite {
            let paths = plan.conflicts;
            return Err(Error::Checkout(CheckoutError::LocalChanges { root, paths }));
        }
        let mut record = blank(&root, chosen.single, m);
        part.unwrap_or_default().clone_into(&mut record.part);
        record.taken_at = taken_at;
        // Files that an index of the source excluded are still no part of it.
        if let Some(held) = &held {
            record.exclude.clone_from(&held.exclude);
            record.follow_links = held.follow_links;
        }
        let by_path = ids_by_path(&chosen, &ids);
        if !plan.write.is_empty() || !plan.remove.is_empty() {
            self.registry
                .announce(&record, held.as_ref(), (&chosen, &ids), &plan);
            let files = (&reader, dataset);
            self.registry
                .apply(files, &plan, (&root, &stage, &disk), progress)?;
        }
        record.files.clone_from(&plan.same);
        for (_, file, path, _) in &plan.write {
            let seen = fs::symlink_metadata(disk.at(path)).ok();
            let seen = seen.map(|meta| SourceStamp::of(&meta));
            if let Some(id) = by_path.get(path) {
                record.files.push(RecordedFile {
                    path: (*path).to_owned(),
                    size_bytes: file.size_bytes,
                    id: *id,
                    seen: seen.filter(|s| s.size_bytes == file.size_bytes),
                });
            }
        }
        record.files.sort_by(|a, b| a.path.cmp(&b.path));
        self.registry.keep_record(&record);
        Ok(UpdateReport {
            files: plan.write.len() as u64,
            bytes: plan.write.iter().map(|(_, f, ..)| f.size_bytes).sum(),
            unchanged: plan.same.len() as u64,
            removed: plan.remove.len() as u64,
            kept: plan.kept,
        })
    }
}

impl LocalRegistry {
    /// Records the planned writes, so that the next update can continue after a kill.
    fn announce(
        &self,
        new: &CheckoutRecord,
        held: Option<&CheckoutRecord>,
        (chosen, ids): (&FileSelection<'_>, &[ContentId]),
        plan: &UpdatePlan<'_>,
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
                    record.files.push(RecordedFile {
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
        plan: &UpdatePlan<'_>,
        (root, stage, disk): (&Path, &Path, &DiskState<'_>),
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let bytes = plan.write.iter().map(|(_, f, ..)| f.size_bytes).sum();
        progress.phase("checking out", Some(bytes));
        let staged = if plan.write.is_empty() {
            None
        } else {
            Some(StagingDirectory::begin(stage)?)
        };
        if let Some(staged) = &staged {
            let files: Vec<(u64, &FileEntry)> =
                plan.write.iter().map(|(at, f, ..)| (*at, *f)).collect();
            let dir = staged.0.path();
            self.write_files(reader, dataset, &files, (None, dir), progress)?;
            staged.complete(plan, disk)?;
        }
        // A removed entry may be in the way of a new one.
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

/// A directory of staged files, removed at the end.
struct StagingDirectory(TemporaryPath);

impl StagingDirectory {
    fn begin(stage: &Path) -> Result<Self, Error> {
        let begun = TemporaryPath::directory(stage);
        begun.map(Self).map_err(|e| Error::file("write", stage, e))
    }

    /// Makes all staged files durable, and copies the modes of the files that they replace.
    fn complete(&self, plan: &UpdatePlan<'_>, disk: &DiskState<'_>) -> Result<(), Error> {
        self.sync(plan)?;
        for (_, file, path, found) in &plan.write {
            if matches!(found, DiskEntry::Plain(_))
                && let Ok(meta) = fs::metadata(disk.at(path))
            {
                let at = self.0.path().join(&file.path);
                // Some file systems have no modes.
                let _ = fs::set_permissions(&at, meta.permissions());
            }
        }
        Ok(())
    }

    fn sync(&self, plan: &UpdatePlan<'_>) -> Result<(), Error> {
        // One call for any number of files; it syncs the whole file system.
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

impl Drop for StagingDirectory {
    fn drop(&mut self) {
        // A leftover that cannot be removed has a name that identifies it, and the next update
        // removes it.
        let _ = fs::remove_dir_all(self.0.path());
    }
}

/// Returns the directory or file to update, without links, or `None` if nothing is there yet.
fn root_of(dest: &Path, chosen: &FileSelection<'_>) -> Result<Option<PathBuf>, Error> {
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
    if is_right {
        dest.canonicalize().map(Some).map_err(fail)
    } else {
        Err(Error::Checkout(CheckoutError::Exists(dest)))
    }
}

/// Locks a directory against concurrent updates.
fn lock_root(root: &Path, is_file: bool) -> Result<Option<File>, Error> {
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

/// Checks an entry again shortly before it is written or removed.
fn unchanged_since(at: &Path, found: DiskEntry, root: &Path) -> Result<(), Error> {
    let now = fs::symlink_metadata(at);
    let is_same = match (found, now) {
        (DiskEntry::Plain(seen), Ok(meta)) => SourceStamp::of(&meta) == seen,
        (DiskEntry::Link(_), Ok(meta)) => meta.is_symlink(),
        // A directory must be gone by now, together with its content.
        (DiskEntry::Absent | DiskEntry::Directory, Err(_)) => true,
        _ => false,
    };
    if is_same {
        return Ok(());
    }
    let path = at.strip_prefix(root).unwrap_or(at);
    Err(Error::Checkout(CheckoutError::LocalChanges {
        root: root.to_owned(),
        paths: vec![path.display().to_string()],
    }))
}

/// Removes the empty directories above a removed file.
fn remove_empty(file: &Path, root: &Path) {
    let above = file.ancestors().skip(1);
    for dir in above.take_while(|dir| *dir != root && dir.starts_with(root)) {
        if fs::remove_dir(dir).is_err() {
            return;
        }
    }
}
