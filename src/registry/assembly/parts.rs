//! The files of an assembly in order: kept ones and new ones.

use std::collections::BTreeMap;
use std::fs::symlink_metadata;
use std::ops::Range;

use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::registry::assembly::options::AssemblyOptions;
use crate::registry::assembly::options::NewFile;
use crate::registry::error::Error;
use crate::registry::error::source::SourceError;
use crate::registry::index::source_file::SourceFile;
use crate::registry::index::source_file::SourceStamp;

/// A file of the new version.
pub(super) enum Part {
    Kept(KeptFile),
    New(SourceFile),
}

/// A file of the version before.
pub(super) struct KeptFile {
    /// Its number in the table.
    pub(super) number: usize,
    /// Offset of its first byte in the dataset.
    pub(super) at: u64,
    pub(super) entry: FileEntry,
}

impl KeptFile {
    /// Offset behind its last byte.
    pub(super) fn end(&self) -> u64 {
        self.at.saturating_add(self.entry.size_bytes)
    }
}

impl Part {
    pub(super) fn path(&self) -> &str {
        match self {
            Self::Kept(kept) => &kept.entry.path,
            Self::New(source) => &source.path,
        }
    }

    pub(super) fn size_bytes(&self) -> u64 {
        match self {
            Self::Kept(kept) => kept.entry.size_bytes,
            Self::New(source) => source.seen.size_bytes,
        }
    }

    /// Returns true if the file begins and ends at a cut.
    pub(super) fn is_large(&self) -> bool {
        self.size_bytes() >= CHUNK_BYTES_MAX as u64
    }
}

/// Puts kept and new files in the order of their paths' bytes.
///
/// # Errors
/// [`Error`] for a path that no dataset has, a path twice, and a new file that is no plain file.
pub(super) fn parts_of(
    options: &AssemblyOptions,
    before: Option<&FileTable>,
) -> Result<Vec<Part>, Error> {
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    let kept = before.into_iter().flat_map(FileTable::with_offsets);
    for (number, (at, entry)) in kept.enumerate() {
        if options.keeps(&entry.path) {
            let entry = entry.clone();
            let kept = KeptFile { number, at, entry };
            parts.insert(kept.entry.path.clone(), Part::Kept(kept));
        }
    }
    for file in &options.added {
        parts.insert(file.path.clone(), Part::New(source_file(file)?));
    }
    let parts: Vec<Part> = parts.into_values().collect();
    // Before anything is stored.
    FileTable::new(parts.iter().map(outline).collect())?;
    Ok(parts)
}

fn outline(part: &Part) -> FileEntry {
    FileEntry {
        path: part.path().to_owned(),
        size_bytes: 0,
        content_id: None,
        format: 0,
        rows: None,
        schema: None,
    }
}

fn source_file(file: &NewFile) -> Result<SourceFile, Error> {
    let meta = symlink_metadata(&file.at).map_err(|e| Error::file("read", &file.at, e))?;
    if !meta.is_file() {
        return Err(SourceError::NotAFile(file.at.clone()).into());
    }
    Ok(SourceFile {
        at: file.at.clone(),
        path: file.path.clone(),
        real_path: None,
        seen: SourceStamp::of(&meta),
    })
}

/// Returns the bytes of a run of small files in the version before, if they were a region of their own there.
pub(super) fn same_region(run: &[Part], before: &FileTable) -> Option<Range<u64>> {
    let kept: Option<Vec<&KeptFile>> = run
        .iter()
        .map(|part| match part {
            Part::Kept(kept) => Some(kept),
            Part::New(_) => None,
        })
        .collect();
    let kept = kept?;
    let (first, last) = (kept.first()?, kept.last()?);
    let follows = |pair: &[&KeptFile]| match pair {
        [a, b] => a.number + 1 == b.number,
        _ => true,
    };
    let is_border = |number: Option<usize>| {
        let other = number.and_then(|n| before.files().get(n));
        other.is_none_or(|other| other.size_bytes >= CHUNK_BYTES_MAX as u64)
    };
    let is_same = kept.windows(2).all(follows)
        && is_border(first.number.checked_sub(1))
        && is_border(last.number.checked_add(1));
    is_same.then(|| first.at..last.end())
}
