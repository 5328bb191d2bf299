//! Opening of collections.

use std::path::Path;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::RwLock;

use crate::documents::CollectionManifest;
use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::Layout;
use crate::documents::disk::aside::Aside;
use crate::documents::disk::data_file::DataFile;
use crate::documents::disk::load::load;
use crate::documents::disk::loaded::Loaded;
use crate::documents::disk::lock::WriterLock;
use crate::documents::disk::side_file::SideWriter;
use crate::documents::format::IndexForm;
use crate::documents::format::SideRecord;
use crate::documents::store::buffers::Buffers;
use crate::documents::store::schemas::StrictSchema;
use crate::documents::store::state::Committer;
use crate::documents::store::state::Pending;
use crate::documents::store::state::State;
use crate::documents::store::state::WrittenIndex;

/// The uses of a handle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenMode {
    /// Read a collection that is there. Takes no lock and writes nothing.
    Read,
    /// Read and write; make the collection where it is missing. Waits for another writer.
    #[default]
    ReadWrite,
}

/// Options of a handle.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StoreOptions {
    /// The use of the handle.
    pub mode: OpenMode,
    /// Number of puts after which a put flushes.
    pub batch_size: usize,
    /// Form in which `index.bin` is written; `None` keeps the one it has.
    pub form: Option<IndexForm>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            mode: OpenMode::default(),
            batch_size: 1000,
            form: None,
        }
    }
}

impl StoreOptions {
    /// Makes the options of a reader.
    pub fn read() -> Self {
        Self {
            mode: OpenMode::Read,
            ..Self::default()
        }
    }

    /// Chooses the form of `index.bin`.
    #[must_use]
    pub fn form(mut self, form: IndexForm) -> Self {
        self.form = Some(form);
        self
    }
}

impl FastStore {
    /// Opens a collection for reading and writing, and makes it where it is missing.
    ///
    /// # Errors
    /// As [`FastStore::open_with`].
    pub fn open(
        root: impl AsRef<Path>,
        collection: &str,
        batch_size: usize,
    ) -> Result<Self, DocumentError> {
        let options = StoreOptions {
            batch_size,
            ..StoreOptions::default()
        };
        Self::open_with(Layout::new(root, collection)?, &options)
    }

    /// Opens a collection.
    ///
    /// A writer sets the torn tail of a crash aside, as `meta/torn-OFFSET-HASH`, and takes over what other
    /// programs wrote and deleted.
    ///
    /// # Errors
    /// [`DocumentError::NoStore`] and [`DocumentError::NoCollection`] for a reader; [`DocumentError::File`].
    pub fn open_with(layout: Layout, options: &StoreOptions) -> Result<Self, DocumentError> {
        let lock = match options.mode {
            OpenMode::Read => {
                layout.require()?;
                None
            }
            OpenMode::ReadWrite => {
                layout.init_collection()?;
                Some(WriterLock::acquire(&layout)?)
            }
        };
        let strict = match CollectionManifest::read(&layout)? {
            Some(manifest) if manifest.strict => Some(StrictSchema::read(&layout)?),
            _ => None,
        };
        let mut loaded = load(&layout)?;
        if lock.is_some() {
            recover(&layout, &mut loaded)?;
        }
        let form = options.form.or(loaded.form).unwrap_or_default();
        let is_reformed = loaded.form.is_some_and(|known| known != form);
        Ok(Self::of_loaded(
            layout,
            options.batch_size,
            form,
            is_reformed,
            lock,
            strict,
            loaded,
        ))
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one value")]
    fn of_loaded(
        layout: Layout,
        batch_size: usize,
        form: IndexForm,
        is_reformed: bool,
        lock: Option<WriterLock>,
        strict: Option<StrictSchema>,
        loaded: Loaded,
    ) -> Self {
        let side = SideWriter::new(layout.side_file(), &loaded.log);
        let new_bytes: u64 = loaded.new_deletions.iter().map(SideRecord::length).sum();
        let state = State {
            data: loaded.data,
            index: loaded.index,
            in_flight: None,
            unplaced: Vec::new(),
            pending: Pending {
                start: loaded.end,
                last_line: loaded.last_line,
                ..Pending::default()
            },
            has_failed: false,
            unreadable: loaded.unreadable,
            needs_line_feed: loaded.needs_line_feed,
            written_index: loaded.index_file.map(|file| WrittenIndex {
                file,
                covered: loaded.covered,
            }),
            is_dirty: is_reformed || (!loaded.is_index_current && loaded.end > 0),
        };
        let committer = Committer {
            is_busy: false,
            durable: 0,
            side,
            deletion_bytes: loaded.deletion_bytes + new_bytes,
        };
        Self {
            layout,
            batch_size: batch_size.max(1),
            form,
            lock,
            strict,
            state: RwLock::new(state),
            committer: Mutex::new(committer),
            committed: Condvar::new(),
            buffers: Buffers::default(),
        }
    }
}

/// Puts the files of a collection in order, under the lock of a writer.
fn recover(layout: &Layout, loaded: &mut Loaded) -> Result<(), DocumentError> {
    let path = layout.data_file();
    let fail = |e| DocumentError::file("write", &path, e);
    // From here on the handle writes.
    loaded.data = DataFile::open_for_writing(&path).map_err(fail)?;
    // It is new, or whoever made it may have been killed before its name was durable.
    if loaded.data.length().map_err(fail)? == 0 {
        crate::documents::disk::layout::sync_directory(&layout.meta_dir())?;
    }
    if loaded.torn_bytes > 0 {
        set_torn_aside(layout, loaded)?;
    }
    let mut side = SideWriter::new(layout.side_file(), &loaded.log);
    // The record about the index goes, or the index lists what is deleted.
    loaded.is_index_current &= !loaded.is_log_stale && loaded.new_deletions.is_empty();
    if loaded.is_log_stale {
        let mut records = std::mem::take(&mut loaded.deletions);
        records.extend_from_slice(&loaded.new_deletions);
        side.replace(&records)?;
    } else {
        side.append(&loaded.new_deletions)?;
    }
    loaded.log.valid = side.length();
    Ok(())
}

/// Copies the torn tail beside the log, then cuts the log.
fn set_torn_aside(layout: &Layout, loaded: &mut Loaded) -> Result<(), DocumentError> {
    let path = layout.data_file();
    let mut aside = Aside::begin(layout, format!("torn-{}", loaded.end))?;
    aside.copy(&loaded.data, loaded.end, loaded.torn_bytes)?;
    aside.finish()?;
    let cut = loaded.data.truncate(loaded.end);
    cut.map_err(|e| DocumentError::file("cut", &path, e))?;
    loaded.torn_bytes = 0;
    Ok(())
}
