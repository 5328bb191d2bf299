//! The arguments that name a collection.

use std::path::PathBuf;

use clap::Args;

use crate::cli::exit::Failure;
use crate::documents::Collection;
use crate::documents::CollectionWriter;
use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::Layout;
use crate::documents::StoreOptions;

/// A collection of a store.
#[derive(Debug, Args)]
pub(super) struct CollectionArgs {
    /// The directory of the store
    pub(super) root: PathBuf,
    /// The collection [default: the only one there is, or else `default`]
    #[arg(short, long, value_name = "NAME")]
    collection: Option<String>,
}

/// Name of the collection where several, or none, are there.
const DEFAULT: &str = "default";

impl CollectionArgs {
    /// Names the files of the collection.
    ///
    /// # Errors
    /// [`DocumentError::Name`].
    pub(super) fn layout(&self) -> Result<Layout, Failure> {
        let name = match &self.collection {
            Some(name) => name.clone(),
            None => self.default_name(),
        };
        Ok(Layout::new(&self.root, &name)?)
    }

    fn default_name(&self) -> String {
        match Layout::collections(&self.root)
            .unwrap_or_default()
            .as_slice()
        {
            [one] => one.to_string(),
            _ => DEFAULT.to_owned(),
        }
    }

    /// Opens the collection for reading.
    ///
    /// # Errors
    /// As [`Collection::open`].
    pub(super) fn open(&self) -> Result<Collection, Failure> {
        Ok(Collection::open(self.layout()?)?)
    }

    /// Opens the collection for writing, and makes it where it is missing.
    ///
    /// # Errors
    /// As [`CollectionWriter::open`].
    pub(super) fn open_writer(&self, options: &StoreOptions) -> Result<CollectionWriter, Failure> {
        Ok(CollectionWriter::open(self.layout()?, options)?)
    }

    /// Opens a log that is there, for writing.
    ///
    /// # Errors
    /// [`DocumentError::FilesOnly`]; as [`FastStore::open_with`].
    pub(super) fn open_log(&self, options: &StoreOptions) -> Result<FastStore, Failure> {
        let layout = self.layout()?;
        layout.require()?;
        if layout.has_files_only() {
            return Err(DocumentError::FilesOnly(layout.name().to_string()).into());
        }
        Ok(FastStore::open_with(layout, options)?)
    }
}
