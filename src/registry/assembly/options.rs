//! Options of an assembly.

use std::path::PathBuf;

use crate::catalog::Dataset;
use crate::ident::DatasetName;
use crate::registry::index::options::IndexOptions;

/// A file on disk that becomes a file of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its path inside the dataset.
    pub path: String,
    /// Its path on disk.
    pub at: PathBuf,
}

/// Options of an assembly: the files, and the metadata of the new version.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AssemblyOptions {
    /// The name of the dataset.
    pub name: DatasetName,
    /// Metadata as of an index. Its name does not matter.
    pub index: IndexOptions,
    /// The version with the kept files.
    pub base: Option<Dataset>,
    /// Paths in the base that are not kept. A directory stands for everything below it.
    pub removed: Vec<String>,
    /// New files. One takes the place of a kept file with the same path.
    pub added: Vec<NewFile>,
}

impl AssemblyOptions {
    /// Creates options without files.
    pub fn new(name: DatasetName, index: IndexOptions) -> Self {
        Self {
            name,
            index,
            base: None,
            removed: Vec::new(),
            added: Vec::new(),
        }
    }

    /// Returns true if a file of the base is kept, unless a new one takes its place.
    pub(super) fn keeps(&self, path: &str) -> bool {
        let is_at_or_below = |removed: &String| {
            let rest = path.strip_prefix(removed.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        !self.removed.iter().any(is_at_or_below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_directory_takes_everything_below_it_and_nothing_beside() {
        let name = DatasetName::suggest("x");
        let mut options = AssemblyOptions::new(name, IndexOptions::default());
        options.removed = vec!["data/".to_owned(), "a.txt".to_owned()];
        for path in ["data/x", "data/y/z", "data", "a.txt"] {
            assert!(!options.keeps(path), "{path}");
        }
        for path in ["data2/x", "dat", "a.txt2", "b"] {
            assert!(options.keeps(path), "{path}");
        }
    }
}
