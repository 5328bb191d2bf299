//! The arguments that name a collection.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::prompt::dataset::check_size;
use crate::cli::prompt::dataset::check_withdrawal;
use crate::documents::Collection;
use crate::documents::CollectionWriter;
use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::Layout;
use crate::documents::StoreOptions;
use crate::ident::Reference;
use crate::registry::DatasetError;
use crate::registry::DatasetStore;
use crate::registry::Error;

/// A collection of a store.
#[derive(Debug, Args)]
pub(super) struct CollectionArgs {
    /// The directory of the store; commands that only read take a dataset too
    pub(super) root: PathBuf,
    /// The collection [default: the only one there is, or else `default`]
    #[arg(short, long, value_name = "NAME")]
    collection: Option<String>,
}

/// Name of the collection where several, or none, are there.
const DEFAULT: &str = "default";

/// A collection that is read, of a store or of a dataset.
pub(super) struct ReadCollection {
    pub(super) layout: Layout,
    /// The directory of the documents of a dataset, as long as they are read.
    _store: Option<DatasetStore>,
}

impl ReadCollection {
    /// Opens the collection.
    ///
    /// # Errors
    /// As [`Collection::open`].
    pub(super) fn open(&self) -> Result<Collection, Failure> {
        Ok(Collection::open(self.layout.clone())?)
    }
}

impl CollectionArgs {
    /// Finds the collection, for reading. A root that is no path may be a dataset of the registry.
    ///
    /// # Errors
    /// [`DocumentError::Name`]; as [`open_dataset`].
    pub(super) fn read(&self, ctx: &Context) -> Result<ReadCollection, Failure> {
        let store = open_dataset(ctx, &self.root)?;
        let root = store.as_ref().map_or(self.root.as_path(), |s| s.root());
        Ok(ReadCollection {
            layout: self.layout_in(root)?,
            _store: store,
        })
    }

    /// Names the files of the collection, for writing.
    ///
    /// # Errors
    /// [`DatasetError::ReadOnlyDocuments`]; [`DocumentError::Name`].
    pub(super) fn writable(&self, ctx: &Context) -> Result<Layout, Failure> {
        if names_dataset(ctx, &self.root) {
            let shown = self.root.display().to_string();
            return Err(Error::from(DatasetError::ReadOnlyDocuments(shown)).into());
        }
        self.layout_in(&self.root)
    }

    fn layout_in(&self, root: &Path) -> Result<Layout, Failure> {
        let only = || match Layout::collections(root).unwrap_or_default().as_slice() {
            [one] => one.to_string(),
            _ => DEFAULT.to_owned(),
        };
        let name = self.collection.clone().unwrap_or_else(only);
        Ok(Layout::new(root, &name)?)
    }

    /// Opens the collection for writing, and makes it where it is missing.
    ///
    /// # Errors
    /// As [`CollectionArgs::writable`] and [`CollectionWriter::open`].
    pub(super) fn open_writer(
        &self,
        ctx: &Context,
        options: &StoreOptions,
    ) -> Result<CollectionWriter, Failure> {
        Ok(CollectionWriter::open(self.writable(ctx)?, options)?)
    }

    /// Opens a log that is there, for writing.
    ///
    /// # Errors
    /// [`DocumentError::FilesOnly`]; as [`CollectionArgs::writable`] and [`FastStore::open_with`].
    pub(super) fn open_log(
        &self,
        ctx: &Context,
        options: &StoreOptions,
    ) -> Result<FastStore, Failure> {
        let layout = self.writable(ctx)?;
        layout.require()?;
        if layout.has_files_only() {
            return Err(DocumentError::FilesOnly(layout.name().to_string()).into());
        }
        Ok(FastStore::open_with(layout, options)?)
    }
}

/// Returns the reference that a root may be: one that no path has.
fn reference_of(root: &Path) -> Option<Reference> {
    let is_path = root.symlink_metadata().is_ok();
    root.to_str().filter(|_| !is_path)?.parse().ok()
}

/// Returns true if the root is no path and a held dataset.
fn names_dataset(ctx: &Context, root: &Path) -> bool {
    let Some(reference) = reference_of(root) else {
        return false;
    };
    // Without a registry that opens, a root is a path that is to be made.
    let has_home = ctx.home().is_ok_and(|home| home.exists());
    has_home && ctx.registry().is_ok_and(|r| r.resolve(&reference).is_ok())
}

/// Opens the documents of a dataset; `None` for a root that is a path, or nothing at all.
///
/// # Errors
/// `DatasetError::Withdrawn` and `IntegrityError::TooLarge` without a yes; as
/// `WorkingCopies::document_store`.
pub(super) fn open_dataset(ctx: &Context, root: &Path) -> Result<Option<DatasetStore>, Failure> {
    let Some(reference) = reference_of(root) else {
        return Ok(None);
    };
    if !ctx.home()?.exists() {
        return Ok(None);
    }
    let registry = ctx.registry()?;
    let dataset = match registry.resolve(&reference) {
        // The error says that there is no store.
        Err(Error::Dataset(DatasetError::NotFound(_))) => return Ok(None),
        found => found?,
    };
    check_size(ctx, &dataset)?;
    check_withdrawal(ctx, &dataset)?;
    let copies = registry.working_copies();
    Ok(Some(copies.document_store(&dataset, &ctx.progress_bar())?))
}
