//! Files of a dataset as files of a target.

use std::path::Path;
use std::sync::Arc;

use crate::ident::Reference;
use crate::inspect::FileFormat;
use crate::inspect::Format;
use crate::inspect::ReadOptions;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;
use crate::registry::error::target::TargetError;
use crate::registry::targets::file::FileLocation;
use crate::registry::targets::file::TargetFile;
use crate::registry::targets::places::dataset_file::DatasetFile;
use crate::registry::targets::places::stored_file::StoredFile;
use crate::registry::targets::places::windows::Windows;

/// Splits `REF` or `REF:path/in/dataset`.
pub fn split_reference(text: &str) -> (String, Option<&str>) {
    let (scheme, rest) = match text.strip_prefix("alimentar:") {
        Some(rest) => ("alimentar:", rest),
        None => ("", text),
    };
    match rest.split_once(':') {
        Some((reference, path)) => (format!("{scheme}{reference}"), Some(path)),
        None => (text.to_owned(), None),
    }
}

/// Returns the files of a held dataset that have rows, or the named file of any format. Also returns
/// the dataset's name and the requested path.
pub(in crate::registry::targets) fn in_store(
    text: &str,
    home: &Path,
    allow_large: bool,
) -> Result<(Vec<TargetFile>, String), Error> {
    let (reference, path) = split_reference(text);
    // A text that looks like a path is a missing path, not a dataset with an unusual name.
    let parsed = reference.parse::<Reference>();
    let parsed = parsed.map_err(|_| Error::Target(TargetError::NotHere(text.to_owned())))?;
    if !home.exists() {
        return Err(TargetError::NotHere(text.to_owned()).into());
    }
    let registry = LocalRegistry::open(home)?;
    let dataset = registry.resolve(&parsed).map_err(|e| match e {
        Error::Dataset(DatasetError::NotFound(_)) if path.is_none() => {
            TargetError::NotHere(text.to_owned()).into()
        }
        other => other,
    })?;
    let reader = Arc::new(registry.reader_of(&dataset)?);
    if !allow_large && let Some(beyond) = registry.maintenance().expansion(&dataset)? {
        return Err(beyond.refused(&dataset.manifest));
    }
    let table: FileTable = registry.files_by(&reader, &dataset.manifest)?;
    let manifest = Arc::new(dataset.manifest);
    let windows = Arc::<Windows>::default();
    let place = |start, entry: &FileEntry| {
        let (reader, manifest) = (Arc::clone(&reader), Arc::clone(&manifest));
        let file = DatasetFile::new(reader, manifest, start, entry.clone());
        let file: Arc<dyn StoredFile> = Arc::new(file.sharing(&windows));
        file
    };
    files_of(&table, path, &manifest, &place)
}

/// Returns the files of a table that have rows, or the named file of any format. Also returns the
/// dataset's name and the requested path.
pub(in crate::registry::targets) fn files_of(
    table: &FileTable,
    path: Option<&str>,
    manifest: &Manifest,
    place: &dyn Fn(u64, &FileEntry) -> Arc<dyn StoredFile>,
) -> Result<(Vec<TargetFile>, String), Error> {
    let is_only = table.files().len() == 1;
    let mut found = Vec::new();
    for (start, entry) in table.with_offsets() {
        let format = FileFormat::from_number(entry.format);
        let is_wanted = match path {
            Some(path) => path == entry.path,
            None => is_only || format.format != Format::Bytes,
        };
        if is_wanted {
            found.push(TargetFile {
                path: entry.path.clone(),
                size_bytes: entry.size_bytes,
                format: Some(format).filter(|f| f.format != Format::Bytes),
                reading: ReadOptions::default(),
                place: FileLocation::Store(place(start, entry)),
            });
        }
    }
    match (path, found.is_empty()) {
        (Some(path), true) => Err(Error::Dataset(DatasetError::NoSuchFile {
            path: path.to_owned(),
            dataset: manifest.name.to_string(),
        })),
        (path, _) => {
            let path = path.map(|p| format!(":{p}")).unwrap_or_default();
            Ok((found, format!("{}{path}", manifest.name)))
        }
    }
}
