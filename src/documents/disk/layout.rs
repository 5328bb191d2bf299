//! Places of files in a store.

use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::documents::DocumentError;
use crate::documents::format::CollectionName;

/// The directories and files of one collection, or of the store around it.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
    name: CollectionName,
}

/// Directory with a directory for each collection.
const COLLECTIONS: &str = "collections";

impl Layout {
    /// Names the places of a collection. Nothing is read.
    ///
    /// # Errors
    /// [`DocumentError::Name`].
    pub fn new(root: impl AsRef<Path>, collection: &str) -> Result<Self, DocumentError> {
        let name =
            CollectionName::new(collection).map_err(|e| DocumentError::name(collection, e))?;
        Ok(Self {
            root: root.as_ref().to_owned(),
            name,
        })
    }

    /// Names the places of the collection that a directory is: `ROOT/collections/NAME`, with a log or with
    /// documents that are files. `None` for any other directory.
    pub fn of_directory(path: &Path) -> Option<Self> {
        let path = path.canonicalize().ok()?;
        let name = path.file_name()?.to_str()?;
        let above = path.parent()?;
        let root = above.parent()?;
        if above.file_name()? != COLLECTIONS {
            return None;
        }
        let layout = Self::new(root, name).ok()?;
        let is_there = layout.data_file().is_file() || layout.has_files_only();
        (layout.meta_dir().is_dir() && is_there).then_some(layout)
    }

    /// Makes the directories of a store, where they are missing.
    ///
    /// # Errors
    /// [`DocumentError::File`].
    pub fn init_root(root: impl AsRef<Path>) -> Result<(), DocumentError> {
        let root = root.as_ref();
        for name in [COLLECTIONS, "metadata"] {
            make_directory(&root.join(name))?;
        }
        Ok(())
    }

    /// Makes the directories of the store and of the collection, where they are missing.
    ///
    /// # Errors
    /// [`DocumentError::File`].
    pub fn init_collection(&self) -> Result<(), DocumentError> {
        Self::init_root(&self.root)?;
        make_directory(&self.meta_dir())?;
        make_directory(&self.docs_dir())
    }

    /// Returns the names of the collections of a store, sorted.
    ///
    /// # Errors
    /// [`DocumentError::NoStore`]; [`DocumentError::File`].
    pub fn collections(root: impl AsRef<Path>) -> Result<Vec<CollectionName>, DocumentError> {
        let root = root.as_ref();
        let dir = root.join(COLLECTIONS);
        let entries = match std::fs::read_dir(&dir) {
            Err(e) if is_absent(&e) => return Err(DocumentError::NoStore(root.to_owned())),
            other => other.map_err(|e| DocumentError::file("list", &dir, e))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| DocumentError::file("list", &dir, e))?;
            let name = entry.file_name();
            let name = name.to_str().and_then(|n| CollectionName::new(n).ok());
            names.extend(name.filter(|_| entry.path().is_dir()));
        }
        names.sort();
        Ok(names)
    }

    /// Checks that the collection is there.
    ///
    /// # Errors
    /// [`DocumentError::NoStore`]; [`DocumentError::NoCollection`].
    pub fn require(&self) -> Result<(), DocumentError> {
        if !self.root.join(COLLECTIONS).is_dir() {
            return Err(DocumentError::NoStore(self.root.clone()));
        }
        match self.dir().is_dir() {
            true => Ok(()),
            false => Err(DocumentError::NoCollection(self.name.to_string())),
        }
    }

    /// Returns true if the documents of the collection are files of their own, and there is no log.
    pub fn has_files_only(&self) -> bool {
        let has_log = self.data_file().exists();
        let has_list = self.order_file().metadata().is_ok_and(|m| m.len() > 0);
        let is_document = |e: io::Result<std::fs::DirEntry>| {
            e.is_ok_and(|e| e.file_name().as_encoded_bytes().ends_with(b".json"))
        };
        !has_log
            && (has_list
                || std::fs::read_dir(self.docs_dir()).is_ok_and(|mut d| d.any(is_document)))
    }

    /// Returns the directory of the store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the name of the collection.
    pub fn name(&self) -> &CollectionName {
        &self.name
    }

    /// Returns the directory of the collection.
    pub fn dir(&self) -> PathBuf {
        self.root.join(COLLECTIONS).join(self.name.as_str())
    }

    /// Returns the directory of the log and of what belongs to it.
    pub fn meta_dir(&self) -> PathBuf {
        self.dir().join("meta")
    }

    /// Returns the directory of documents that are files of their own.
    pub fn docs_dir(&self) -> PathBuf {
        self.dir().join("docs")
    }

    /// Returns the log.
    pub fn data_file(&self) -> PathBuf {
        self.meta_dir().join("data.jsonl")
    }

    /// Returns the index.
    pub fn index_file(&self) -> PathBuf {
        self.meta_dir().join("index.bin")
    }

    /// Returns the table of the places of live documents.
    pub fn table_file(&self) -> PathBuf {
        self.meta_dir().join("alimentar.idx")
    }

    /// Returns the side log.
    pub fn side_file(&self) -> PathBuf {
        self.meta_dir().join("alimentar.log")
    }

    /// Returns the file that writers lock.
    pub fn lock_file(&self) -> PathBuf {
        self.meta_dir().join("alimentar.lock")
    }

    /// Returns the description of the collection.
    pub fn manifest_file(&self) -> PathBuf {
        self.meta_dir().join("manifest.json")
    }

    /// Returns the list of schemas.
    pub fn schemas_file(&self) -> PathBuf {
        self.meta_dir().join("schemas.jsonl")
    }

    /// Returns the order of documents that are files.
    pub fn order_file(&self) -> PathBuf {
        self.meta_dir().join("order.ids")
    }

    /// Returns the list of documents that are files.
    pub fn files_index(&self) -> PathBuf {
        self.meta_dir().join("doc_index.jsonl")
    }
}

/// Returns true for the error of a path that is not there.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Syncs a directory, so that names in it survive a power cut.
pub(crate) fn sync_directory(path: &Path) -> Result<(), DocumentError> {
    let synced = File::open(path).and_then(|dir| dir.sync_all());
    synced.map_err(|e| DocumentError::file("sync", path, e))
}

/// Makes a directory and those above it, durably.
fn make_directory(path: &Path) -> Result<(), DocumentError> {
    if path.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(path).map_err(|e| DocumentError::file("make", path, e))?;
    // The names of the directories themselves are to survive as well.
    for above in path.ancestors().skip(1).take(3) {
        if above.is_dir() {
            sync_directory(above)?;
        }
    }
    Ok(())
}
