//! Dataset names guessed from paths. Normative: `spec/identifiers.md`.

use std::path::Path;
use std::path::PathBuf;

use crate::catalog;
use crate::catalog::Dataset;
use crate::ident::DatasetName;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Table;
use crate::registry::IndexOptions;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::publishing::ownership::is_own;

/// Maximum number of paths recorded for one name.
const PATHS_MAX: usize = 64;

/// A dataset's name and its origin.
#[derive(Clone, Debug)]
pub(crate) struct Naming {
    /// The name.
    pub(crate) name: DatasetName,
    /// True if the user did not give it.
    is_guessed: bool,
    /// True if the path leads to this name, given or not.
    is_paths: bool,
    path: PathBuf,
}

impl Naming {
    /// Returns the given name, or the name from the path.
    ///
    /// # Errors
    /// [`Error::NameNeeded`] when no name was given and the path's would lose characters.
    pub(crate) fn of(path: &Path, given: Option<&DatasetName>) -> Result<Self, Error> {
        let full = path
            .canonicalize()
            .map_err(|e| Error::file("find", path, e))?;
        let last = path.file_name().or(full.file_name()).unwrap_or_default();
        let guess = DatasetName::of_file(&last.to_string_lossy());
        let is_paths = given.is_none_or(|name| guess.as_ref() == Ok(name));
        let name = match (given, guess) {
            (Some(name), _) => name.clone(),
            (None, Ok(name)) => name,
            (None, Err(near)) => {
                return Err(Error::NameNeeded {
                    path: path.to_owned(),
                    near,
                });
            }
        };
        Ok(Self {
            name,
            is_guessed: given.is_none(),
            is_paths,
            path: full,
        })
    }

    /// Returns a name that no path led to.
    pub(crate) fn given(name: &DatasetName) -> Self {
        Self {
            name: name.clone(),
            is_guessed: false,
            is_paths: false,
            path: PathBuf::new(),
        }
    }

    /// Refuses other data under a guessed name that another path led to. `named` are the versions
    /// before.
    ///
    /// # Errors
    /// [`Error::NameGuessed`].
    pub(crate) fn check(&self, tables: &dyn MetaRead, named: &[Dataset]) -> Result<(), Error> {
        if !self.is_guessed || named.is_empty() {
            return Ok(());
        }
        let paths = self.paths(tables)?;
        if paths.is_empty() || paths.contains(&self.path_key()) {
            return Ok(());
        }
        Err(Error::NameGuessed {
            path: self.path.clone(),
            name: self.name.clone(),
            near: self.apart(),
        })
    }

    /// Records that this path led to the name.
    ///
    /// # Errors
    /// [`Error`] when the tables cannot be written.
    pub(crate) fn remember(
        &self,
        tables: &mut dyn MetaWrite,
        named: &[Dataset],
    ) -> Result<(), Error> {
        if !self.is_paths {
            return Ok(());
        }
        let mut paths = if named.is_empty() {
            Vec::new()
        } else {
            self.paths(tables)?
        };
        let own = self.path_key();
        paths.retain(|path| *path != own);
        paths.push(own);
        let first = paths.len().saturating_sub(PATHS_MAX);
        let row = paths.get(first..).unwrap_or_default().concat();
        Ok(tables.put(Table::Sources, &self.name_key(), &row)?)
    }

    fn paths(&self, tables: &dyn MetaRead) -> Result<Vec<[u8; 32]>, Error> {
        let row = tables.get(Table::Sources, &self.name_key())?;
        let row = row.unwrap_or_default();
        let (paths, _) = row.as_chunks::<32>();
        Ok(paths.to_vec())
    }

    fn name_key(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("alimentar 2026 guessed dataset name");
        hasher.update(self.name.as_str().as_bytes());
        *hasher.finalize().as_bytes()
    }

    fn path_key(&self) -> [u8; 32] {
        *blake3::hash(self.path.as_os_str().as_encoded_bytes()).as_bytes()
    }

    /// Returns a different name, with the directory above as prefix.
    fn apart(&self) -> DatasetName {
        let above = self.path.parent().and_then(Path::file_name);
        let above = above.map(|a| DatasetName::suggest(&a.to_string_lossy()));
        let joined = above.and_then(|above| format!("{above}-{}", self.name).parse().ok());
        joined.unwrap_or_else(|| DatasetName::suggest(&format!("{}-2", self.name)))
    }
}

impl LocalRegistry {
    /// Refuses, before any file is read, other data under a guessed name: no version has the same
    /// size.
    pub(crate) fn refuse_mixed(
        &self,
        naming: &Naming,
        size_bytes: u64,
        options: &IndexOptions,
    ) -> Result<(), Error> {
        self.store.read(|t| {
            let mut named = catalog::by_name(t, &naming.name)?;
            named.retain(|d| is_own(d, options));
            if named.iter().any(|d| d.manifest.size_bytes == size_bytes) {
                Ok(())
            } else {
                naming.check(t, &named)
            }
        })
    }
}
