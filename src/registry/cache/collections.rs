//! Cached collections: JSON Lines files of datasets, as a store of documents with an index.

use std::fs;
use std::fs::File;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::catalog::Dataset;
use crate::documents::FastStore;
use crate::documents::Layout;
use crate::documents::StoreOptions;
use crate::documents::format::CollectionName;
use crate::file_io::IfExists;
use crate::file_io::TemporaryPath;
use crate::file_io::put_in_place;
use crate::ident::to_hex;
use crate::inspect::Compression;
use crate::inspect::FileFormat;
use crate::inspect::Format;
use crate::manifest::FileEntry;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::SpillDirectory;
use crate::registry::WorkingCopies;
use crate::registry::cache::files::make_directory;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;
use crate::registry::host;
use crate::registry::step::Step;
use crate::wire::limits::COLLECTION_STORES_MAX;
use crate::wire::limits::COLLECTIONS_BYTES_MAX;

/// A store of documents for reading: a collection for each JSON Lines file at the top of a dataset.
#[derive(Debug)]
pub struct DatasetStore {
    root: PathBuf,
    /// The directory of a store that no cache holds. It goes when this value does.
    _spilled: Option<SpillDirectory>,
}

impl DatasetStore {
    /// Returns the directory of the store, for [`Layout`].
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// A file that becomes a collection, with its offset in the dataset.
struct Source<'a> {
    name: CollectionName,
    start: u64,
    file: &'a FileEntry,
}

impl WorkingCopies<'_> {
    /// Returns a store with the documents of a dataset, for reading. It is made once, from verified bytes, in
    /// the cache of the home; without a writable cache, in a temporary directory.
    ///
    /// # Errors
    /// [`DatasetError::NoDocuments`]; `IntegrityError::Corrupt`; [`Error`] when no directory can be written.
    pub fn document_store(
        &self,
        dataset: &Dataset,
        progress: &dyn Progress,
    ) -> Result<DatasetStore, Error> {
        let _step = Step::begin("open the documents of", &dataset.manifest.name);
        let reader = self.registry.reader_of(dataset)?;
        let table = self.registry.files_by(&reader, &dataset.manifest)?;
        let sources: Vec<Source<'_>> = table
            .with_offsets()
            .filter_map(|(start, file)| Source::of(start, file))
            .collect();
        if sources.is_empty() {
            return Err(no_documents(dataset, "it has no JSON Lines file"));
        }
        let cache = self.registry.home().join("cache").join("documents");
        let root = cache.join(key(dataset, &sources));
        if is_used(&root) {
            return Ok(DatasetStore {
                root,
                _spilled: None,
            });
        }
        let make = |place: &Path| make_store(self.registry, dataset, &sources, place, progress);
        match make_directory(&cache).and_then(|()| TemporaryPath::directory(&root)) {
            Ok(temporary) => {
                let made = make(temporary.path()).and_then(|()| place(&temporary, &root));
                if made.is_err() {
                    let _ = fs::remove_dir_all(temporary.path());
                }
                made?;
                remove_oldest(&cache, &root);
                Ok(DatasetStore {
                    root,
                    _spilled: None,
                })
            }
            Err(_) => {
                let spilled = SpillDirectory::create(self.registry.home())?;
                make(spilled.path())?;
                Ok(DatasetStore {
                    root: spilled.path().to_owned(),
                    _spilled: Some(spilled),
                })
            }
        }
    }
}

impl<'a> Source<'a> {
    fn of(start: u64, file: &'a FileEntry) -> Option<Self> {
        let wanted = FileFormat {
            format: Format::Jsonl,
            compression: Compression::None,
        };
        let stem = Path::new(&file.path).file_stem()?.to_str()?;
        let is_wanted = !file.path.contains('/') && FileFormat::from_number(file.format) == wanted;
        let name = CollectionName::new(stem).ok().filter(|_| is_wanted)?;
        Some(Self { name, start, file })
    }
}

/// Names a store by what is in it: datasets of one file have a content id that says nothing of its name.
fn key(dataset: &Dataset, sources: &[Source<'_>]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(dataset.manifest.content_id.as_bytes());
    for source in sources {
        hasher.update(source.name.as_str().as_bytes());
        hasher.update(&[0]);
    }
    let hash = hasher.finalize();
    to_hex(hash.as_bytes().first_chunk::<16>().map_or(&[], |n| n))
}

/// Writes the files and their indexes below a directory.
fn make_store(
    registry: &LocalRegistry,
    dataset: &Dataset,
    sources: &[Source<'_>],
    root: &Path,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let bytes = sources.iter().map(|s| s.file.size_bytes).sum();
    progress.phase("opening documents", Some(bytes));
    let reader = registry.reader_of(dataset)?;
    for source in sources {
        let layout = Layout::new(root, source.name.as_str())?;
        layout.init_collection()?;
        let path = layout.data_file();
        let fail = |e| Error::file("write", &path, e);
        let file = File::create_new(&path).map_err(fail)?;
        let (chosen, only) = ([(source.start, source.file)], file.try_clone());
        let only = Some(only.map_err(fail)?);
        registry.write_files(&reader, dataset, &chosen, (only, &path), progress)?;
        file.sync_all().map_err(fail)?;
        let store = FastStore::open_with(layout, &StoreOptions::default())?;
        if store.is_empty() && source.file.size_bytes > 0 {
            return Err(no_documents(dataset, "its lines have no `_id`"));
        }
        store.reindex()?;
        drop(store);
        // A writer that is led here by its path finds out.
        fs::set_permissions(&path, Permissions::from_mode(0o400)).map_err(fail)?;
    }
    Ok(())
}

fn no_documents(dataset: &Dataset, reason: &'static str) -> Error {
    let m = &dataset.manifest;
    Error::Dataset(DatasetError::NoDocuments {
        dataset: format!("{}@{}", m.name, m.dataset_version),
        reason,
    })
}

/// Gives a complete store its name, unless another process was faster.
fn place(temporary: &TemporaryPath, root: &Path) -> Result<(), Error> {
    match put_in_place(temporary.path(), root, IfExists::Refuse) {
        Err(_) if root.is_dir() => {
            let _ = fs::remove_dir_all(temporary.path());
            Ok(())
        }
        placed => placed.map_err(|e| Error::file("create", root, e)),
    }
}

/// Returns true if the store is there, and notes that it is used now.
fn is_used(root: &Path) -> bool {
    let Ok(directory) = File::open(root) else {
        return false;
    };
    let now = SystemTime::UNIX_EPOCH + host::since_epoch();
    // On a disk that cannot be written, nothing is removed either.
    let _ = directory.set_modified(now);
    true
}

/// Removes the stores that were not used for the longest time, over the limits. The one that is used now
/// stays, whatever its size.
fn remove_oldest(cache: &Path, used: &Path) {
    let Ok(entries) = fs::read_dir(cache) else {
        return;
    };
    let dated = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        // Stores in the making begin with a dot.
        let is_whole = !entry.file_name().as_encoded_bytes().starts_with(b".");
        let at = entry
            .metadata()
            .ok()
            .filter(|_| is_whole)?
            .modified()
            .ok()?;
        Some((at, entry.path()))
    });
    let mut dated: Vec<(SystemTime, PathBuf)> = dated.collect();
    dated.sort_unstable_by(|a, b| b.cmp(a));
    let (mut stores, mut bytes) = (1, size(used).unwrap_or(u64::MAX));
    for (_, path) in dated.iter().filter(|(_, path)| path != used) {
        stores += 1;
        bytes = bytes.saturating_add(size(path).unwrap_or(u64::MAX));
        if stores > COLLECTION_STORES_MAX || bytes > COLLECTIONS_BYTES_MAX {
            // Another process may have removed it.
            let _ = fs::remove_dir_all(path);
        }
    }
}

fn size(path: &Path) -> io::Result<u64> {
    let meta = path.symlink_metadata()?;
    if !meta.is_dir() {
        return Ok(meta.len());
    }
    let mut sum = 0;
    for entry in fs::read_dir(path)? {
        sum += size(&entry?.path())?;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::fs::File;
    use std::time::Duration;
    use std::time::SystemTime;

    use super::COLLECTION_STORES_MAX;
    use super::is_used;
    use super::remove_oldest;

    #[test]
    fn stores_that_were_not_used_for_longest_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path();
        let store = |n: usize| cache.join(format!("{n:03}"));
        for n in 0..COLLECTION_STORES_MAX + 3 {
            fs::create_dir(store(n)).unwrap();
            fs::write(store(n).join("data"), "x").unwrap();
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1000 + n as u64);
            File::open(store(n)).unwrap().set_modified(at).unwrap();
        }
        fs::create_dir(cache.join(".in-the-making")).unwrap();
        assert!(is_used(&store(1)));
        assert!(!is_used(&cache.join("none")));
        // The oldest of all is the one that was just made, and stays.
        remove_oldest(cache, &store(0));
        let gone: Vec<usize> = (0..COLLECTION_STORES_MAX + 3)
            .filter(|n| !store(*n).exists())
            .collect();
        assert_eq!(gone, [2, 3, 4]);
        assert!(cache.join(".in-the-making").exists());
    }
}
