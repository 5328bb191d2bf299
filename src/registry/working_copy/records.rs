//! Records of checkouts in a home, one file each. They only save a person from remembering. A home
//! that cannot be written stores none.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use std::io::Write;

use globset::escape;

use crate::catalog::Dataset;
use crate::clock::Timestamp;
use crate::file_io::read_own;
use crate::ident::ContentId;
use crate::ident::to_hex;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::progress::NoProgress;
use crate::registry::LocalRegistry;
use crate::registry::cache::files::make_directory;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::index::source_file::SourceStamp;
use crate::registry::index::source_files::FindOptions;
use crate::registry::index::source_files::Sources;
use crate::registry::working_copy::record::CheckoutRecord;
use crate::registry::working_copy::record::RecordedFile;
use crate::registry::working_copy::selection::FileSelection;
use crate::store::disk::BlobReader;
use crate::wire::limits::CHECKOUT_RECORD_BYTES_MAX;
use crate::wire::limits::CHECKOUT_RECORDS_MAX;

/// Directory below the home.
const DIRECTORY: &str = "checkouts";
/// Lock file, held while a record is written.
const LOCK: &str = "checkouts.lock";

impl LocalRegistry {
    /// Returns the record of a directory or file, by its absolute path without links.
    pub(in crate::registry::working_copy) fn record_of(
        &self,
        root: &Path,
    ) -> Option<CheckoutRecord> {
        let path = self.record_path(root)?;
        let bytes = read_own(&path, CHECKOUT_RECORD_BYTES_MAX).ok()?;
        CheckoutRecord::decode(&bytes).filter(|record| record.root == root)
    }

    fn record_path(&self, root: &Path) -> Option<PathBuf> {
        let home = self.home();
        let hash = blake3::hash(root.as_os_str().as_encoded_bytes());
        let name = to_hex(hash.as_bytes().first_chunk::<16>()?);
        let is_real = !home.as_os_str().is_empty();
        is_real.then(|| home.join(DIRECTORY).join(name))
    }

    /// Stores a record, and replaces the one of the same root.
    pub(in crate::registry::working_copy) fn keep_record(&self, record: &CheckoutRecord) {
        let _ = self.try_keep(record, None);
    }

    /// Stores a record, unless another process has changed the one that it is based on.
    pub(in crate::registry::working_copy) fn refresh_record(
        &self,
        record: &CheckoutRecord,
        before: &CheckoutRecord,
    ) {
        let _ = self.try_keep(record, Some(before));
    }

    fn try_keep(
        &self,
        record: &CheckoutRecord,
        before: Option<&CheckoutRecord>,
    ) -> Result<(), Error> {
        let Some(path) = self.record_path(&record.root) else {
            return Ok(());
        };
        let bytes = record.encode();
        if bytes.len() > CHECKOUT_RECORD_BYTES_MAX {
            return Ok(());
        }
        let dir = self.home().join(DIRECTORY);
        let fail = |e| Error::file("write", &path, e);
        make_directory(&dir).map_err(fail)?;
        let _turn = self.store.lock(LOCK)?;
        if before.is_some() && self.record_of(&record.root).as_ref() != before {
            return Ok(());
        }
        put(&path, &bytes).map_err(fail)?;
        remove_oldest(&dir).map_err(fail)
    }

    /// Records the files written by a checkout. Others could not see them before `taken_at`.
    pub(crate) fn note_checkout(
        &self,
        (root, taken_at): (&Path, Timestamp),
        dataset: &Dataset,
        part: Option<&str>,
        chosen: &FileSelection<'_>,
    ) {
        // The file is not part of the request.
        let _ = self.try_note((root, taken_at), dataset, part, chosen);
    }

    fn try_note(
        &self,
        (root, taken_at): (&Path, Timestamp),
        dataset: &Dataset,
        part: Option<&str>,
        chosen: &FileSelection<'_>,
    ) -> Result<(), Error> {
        if self.home().as_os_str().is_empty() {
            return Ok(());
        }
        let fail = |e| Error::file("find", root, e);
        let root = root.canonicalize().map_err(fail)?;
        let reader = BlobReader::new(&self.store)?;
        let ids = self.ids_of(&reader, &dataset.manifest, &chosen.files)?;
        let mut record = blank(&root, chosen.single, &dataset.manifest);
        record.taken_at = taken_at.0;
        part.unwrap_or_default().clone_into(&mut record.part);
        for ((_, file), id) in chosen.files.iter().zip(ids) {
            let path = chosen.path_of(file);
            let at = if chosen.single {
                root.clone()
            } else {
                root.join(path)
            };
            let seen = fs::symlink_metadata(&at).ok().map(|m| SourceStamp::of(&m));
            record.files.push(RecordedFile {
                path: path.to_owned(),
                size_bytes: file.size_bytes,
                id,
                seen: seen.filter(|s| s.size_bytes == file.size_bytes),
            });
        }
        self.keep_record(&record);
        Ok(())
    }

    /// Records the dataset that a source was indexed as. Its files were checked after `taken_at`.
    /// Without `table`, all files look as they did when they were read last.
    pub(crate) fn note_source(
        &self,
        (path, taken_at): (&Path, Timestamp),
        sources: &Sources,
        manifest: &Manifest,
        (table, how): (Option<&FileTable>, &FindOptions<'_>),
    ) {
        let Ok(root) = path.canonicalize() else {
            return;
        };
        let is_file = sources.kind == crate::manifest::DatasetKind::File;
        let known = match table {
            Some(_) => None,
            None => self.record_of(&root),
        };
        let is_known = known.is_some_and(|known| {
            let version = manifest.dataset_version.to_string();
            known.dataset == manifest.content_id
                && known.version == version
                && known.name == manifest.name.as_str()
                && known.part.is_empty()
                && known.exclude == *how.exclude
                && known.follow_links == how.follow_links
                && known.under_way.is_empty()
        });
        if is_known {
            return;
        }
        let read = match table {
            Some(_) => None,
            None => self.files(manifest).ok(),
        };
        let Some(table) = table.or(read.as_ref()) else {
            return;
        };
        let mut record = blank(&root, is_file, manifest);
        record.taken_at = taken_at.0;
        record.exclude = how.exclude.to_vec();
        record.follow_links = how.follow_links;
        for source in &sources.files {
            match table.find(&source.path) {
                Some(FileEntry {
                    content_id: Some(id),
                    size_bytes,
                    ..
                }) => record.files.push(RecordedFile {
                    path: source.path.clone(),
                    size_bytes: *size_bytes,
                    id: *id,
                    seen: Some(source.seen).filter(|s| s.size_bytes == *size_bytes),
                }),
                // A secret key, which is no part of the data.
                _ => record.exclude.push(escape(&source.path)),
            }
        }
        self.keep_record(&record);
    }

    /// Returns the content ids of files of a dataset, including small ones whose hash the table
    /// omits.
    pub(in crate::registry::working_copy) fn ids_of(
        &self,
        reader: &BlobReader,
        manifest: &Manifest,
        files: &[(u64, &FileEntry)],
    ) -> Result<Vec<ContentId>, Error> {
        let mut ids = Vec::with_capacity(files.len());
        let joins = |(at, a): &(u64, &FileEntry), (next, b): &(u64, &FileEntry)| {
            let follows = at.saturating_add(a.size_bytes) == *next;
            a.content_id.is_none() && b.content_id.is_none() && follows
        };
        for run in files.chunk_by(joins) {
            match run {
                [(_, file)] if file.content_id.is_some() => ids.extend(file.content_id),
                run => ids.extend(self.hash_files(reader, manifest, run, &NoProgress)?),
            }
        }
        Ok(ids)
    }
}

/// Creates a record without files, with the current time.
pub(in crate::registry::working_copy) fn blank(
    root: &Path,
    is_file: bool,
    manifest: &Manifest,
) -> CheckoutRecord {
    CheckoutRecord {
        root: root.to_owned(),
        is_file,
        dataset: manifest.content_id,
        name: manifest.name.to_string(),
        version: manifest.dataset_version.to_string(),
        part: String::new(),
        exclude: Vec::new(),
        follow_links: false,
        taken_at: host::now().0,
        files: Vec::new(),
        under_way: Vec::new(),
    }
}

/// Writes a record atomically but not durably. A record that a power cut damages is ignored.
fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options
        .open(&partial)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written
}

/// Removes the oldest records over the limit, a tenth at a time.
fn remove_oldest(dir: &Path) -> io::Result<()> {
    let entries: Vec<fs::DirEntry> = fs::read_dir(dir)?.flatten().collect();
    if entries.len() <= CHECKOUT_RECORDS_MAX {
        return Ok(());
    }
    let dated = |e: &fs::DirEntry| Some((e.metadata().ok()?.modified().ok()?, e.path()));
    let mut dated: Vec<_> = entries.iter().filter_map(dated).collect();
    dated.sort_unstable();
    let surplus = entries.len() - CHECKOUT_RECORDS_MAX * 9 / 10;
    for (_, path) in dated.iter().take(surplus) {
        fs::remove_file(path)?;
    }
    Ok(())
}
