//! Statistics and validation of a collection.

use std::collections::HashSet;

use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::Layout;
use crate::documents::disk::data_file::DataFile;
use crate::documents::disk::layout::is_absent;
use crate::documents::disk::lines::Lines;
use crate::documents::disk::load::load_without_table;
use crate::documents::disk::loaded::Loaded;
use crate::documents::format::IndexEntry;
use crate::documents::format::SideRecord;
use crate::documents::format::decode_index;
use crate::documents::format::limits::INDEX_BYTES_MAX;
use crate::documents::format::line_id;
use crate::documents::schema_counts::SchemaCount;
use crate::documents::schema_counts::SchemaCounts;
use crate::documents::table::is_damaged_table;
use crate::file_io::read_own;

/// Numbers about a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CollectionStats {
    /// Number of documents.
    pub documents: u64,
    /// Bytes of the lines of live documents.
    pub live_bytes: u64,
    /// Length of the log, in bytes.
    pub file_bytes: u64,
    /// Number of different schemas.
    pub schemas: u64,
    /// True if all documents must have one schema.
    pub is_strict: bool,
}

/// Result of a validation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValidationReport {
    /// Number of live documents.
    pub documents: u64,
    /// Lines of the log, without blank ones.
    pub lines: u64,
    /// Places of lines that are no documents, as offsets, with the reason; at most 100 of them.
    pub unreadable: Vec<(u64, String)>,
    /// Number of lines that are no documents.
    pub unreadable_lines: u64,
    /// Bytes after the last whole line, which a crash cut.
    pub torn_bytes: u64,
    /// True if no line feed ends the last line.
    pub lacks_line_feed: bool,
    /// The way in which `index.bin` is not current, if any. Others see what it says.
    pub index_fault: Option<String>,
    /// True if the table of places, which is made from the log, is damaged.
    pub has_damaged_table: bool,
}

/// Number of unreadable lines that a report shows.
const SHOWN: usize = 100;

impl ValidationReport {
    /// Returns true if nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.unreadable_lines == 0
            && self.torn_bytes == 0
            && self.index_fault.is_none()
            && !self.has_damaged_table
    }
}

impl FastStore {
    /// Counts documents, bytes and schemas. Reads all documents.
    ///
    /// # Errors
    /// As [`FastStore::get`].
    pub fn stats(&self) -> Result<CollectionStats, DocumentError> {
        let schemas = self.schemas()?.len() as u64;
        let state = self.read_state()?;
        Ok(CollectionStats {
            documents: state.index.len() as u64,
            live_bytes: state.index.live_bytes(),
            file_bytes: state.pending.end(),
            schemas,
            is_strict: self.strict.is_some(),
        })
    }

    /// Returns the schemas of the live documents, the most frequent first. Reads all documents.
    ///
    /// # Errors
    /// As [`FastStore::get`].
    pub fn schemas(&self) -> Result<Vec<SchemaCount>, DocumentError> {
        let mut counts = SchemaCounts::default();
        for document in self.iter()? {
            let counted = counts.add(document?.as_bytes());
            counted.map_err(|e| DocumentError::document("", e))?;
        }
        Ok(counts.most_frequent_first())
    }

    /// Returns the layout of the collection.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Writes `index.bin` and the table anew from the log, and returns the number of documents.
    ///
    /// # Errors
    /// As [`FastStore::flush`].
    pub fn reindex(&self) -> Result<u64, DocumentError> {
        if self.lock.is_none() {
            return Err(DocumentError::ReadOnly);
        }
        let quiet = self.quiet();
        let mut state = self.settle_for_change(&quiet)?;
        let loaded = load_without_table(&self.layout)?;
        if loaded.end != state.pending.end() {
            return Err(DocumentError::Changed(self.layout.data_file()));
        }
        let mut committer = quiet.committer();
        committer.side.append(&loaded.new_deletions)?;
        let new_bytes: u64 = loaded.new_deletions.iter().map(SideRecord::length).sum();
        committer.deletion_bytes = loaded.deletion_bytes + new_bytes;
        drop(committer);
        state.index = loaded.index;
        state.unreadable = loaded.unreadable;
        state.written_index = None;
        state.is_dirty = true;
        drop(state);
        drop(quiet);
        self.checkpoint()?;
        Ok(self.len() as u64)
    }

    /// Reads the whole log and compares `index.bin` with it. Changes nothing.
    ///
    /// # Errors
    /// [`DocumentError::File`].
    pub fn validate(layout: &Layout) -> Result<ValidationReport, DocumentError> {
        layout.require()?;
        let loaded = load_without_table(layout)?;
        let mut report = ValidationReport {
            documents: loaded.index.len() as u64,
            torn_bytes: loaded.torn_bytes,
            lacks_line_feed: loaded.needs_line_feed,
            ..ValidationReport::default()
        };
        let path = layout.data_file();
        count_lines(loaded.data.clone(), loaded.end, &mut report)
            .map_err(|e| DocumentError::file("read", &path, e))?;
        let path = layout.table_file();
        let is_damaged = is_damaged_table(&path);
        report.has_damaged_table = is_damaged.map_err(|e| DocumentError::file("read", &path, e))?;
        let path = layout.index_file();
        report.index_fault = match read_own(&path, INDEX_BYTES_MAX) {
            Err(e) if is_absent(&e) && loaded.end == 0 => None,
            Err(e) if is_absent(&e) => Some("it is not there".to_owned()),
            Err(e) => return Err(DocumentError::file("read", &path, e)),
            Ok(bytes) => match decode_index(&bytes) {
                Err(e) => Some(e.to_string()),
                Ok((_, entries)) => {
                    let compared = compare(&loaded, &entries);
                    compared.map_err(|e| DocumentError::file("read", &layout.data_file(), e))?
                }
            },
        };
        Ok(report)
    }
}

/// Compares the entries of an index with the live documents.
fn compare(loaded: &Loaded, entries: &[IndexEntry<'_>]) -> std::io::Result<Option<String>> {
    let view = loaded.data.view();
    let (mut same, mut extra) = (HashSet::new(), 0);
    for entry in entries {
        match loaded.index.find(&entry.id, &view, |_| ())? {
            None => extra += 1,
            Some((place, ())) => {
                if (place.offset, place.length) == (entry.offset, entry.length) {
                    same.insert(place.offset);
                }
            }
        }
    }
    Ok(index_fault(loaded.index.len() - same.len(), extra))
}

fn index_fault(lacks: usize, extra: usize) -> Option<String> {
    match (lacks, extra) {
        (0, 0) => None,
        (lacks, extra) => Some(format!(
            "it lacks {lacks} documents, and has {extra} that are deleted"
        )),
    }
}

fn count_lines(data: DataFile, end: u64, report: &mut ValidationReport) -> std::io::Result<()> {
    let mut lines = Lines::new(data, 0);
    while let Some(line) = lines.next()? {
        if line.offset >= end {
            break;
        }
        if line.bytes.trim_ascii().is_empty() && !line.is_too_long {
            continue;
        }
        report.lines += 1;
        let reason = match line_id(line.bytes) {
            _ if line.is_too_long => "it is too long".to_owned(),
            Ok(_) => continue,
            Err(fault) => fault.to_string(),
        };
        report.unreadable_lines += 1;
        if report.unreadable.len() < SHOWN {
            report.unreadable.push((line.offset, reason));
        }
    }
    Ok(())
}
