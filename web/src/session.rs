//! A session of a page: open files by number, and answers as JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use alimentar::archive_check::TrustSettings;
use alimentar::clock::Timestamp;
use alimentar::error_kind::ErrorKind;
use alimentar::progress::Progress;
use alimentar::read_at::ReadAt;
use serde_json::Value;
use serde_json::json;

use crate::archive::Archive;
use crate::export::Exported;
use crate::export::export;
use crate::failure::Failure;
use crate::find::find;
use crate::search;
use crate::search::EachHit;
use crate::source::CachedSource;
use crate::table::OpenTable;
use crate::trust::key;
use crate::trust::settings;

/// The open files of a page, and its trust settings.
pub struct Session {
    open: BTreeMap<u32, Open>,
    last: u32,
    trust: TrustSettings,
}

enum Open {
    Archive(Box<Archive>),
    Table(Box<OpenTable>),
}

/// The result of a request.
type Answer = Result<String, Failure>;

impl Session {
    /// Makes a session without open files, which knows no publisher.
    pub fn new(now: Timestamp) -> Self {
        Self {
            open: BTreeMap::new(),
            last: 0,
            trust: TrustSettings {
                has_consent: true,
                ..TrustSettings::new(now)
            },
        }
    }

    /// Replaces the trust settings.
    ///
    /// # Errors
    /// [`Failure`] for a malformed request.
    pub fn set_trust(&mut self, request: &str, now: Timestamp) -> Result<(), Failure> {
        self.trust = settings(request, now)?;
        Ok(())
    }

    /// Opens a file: an archive by its name or its bytes, or else a file with rows.
    ///
    /// # Errors
    /// [`Failure`] with the refusal.
    pub fn open(&mut self, source: Arc<dyn ReadAt>, name: &str) -> Answer {
        let source: Arc<dyn ReadAt> = Arc::new(CachedSource::new(source));
        let bytes = source.len();
        if is_archive_name(name) {
            let archive = Archive::open(source, name)?;
            return Ok(self.add(Open::Archive(Box::new(archive)), name, bytes));
        }
        if !alimentar::inspect::table::has_rows(name) {
            // An archive under another name.
            if let Ok(archive) = Archive::open(Arc::clone(&source), name) {
                return Ok(self.add(Open::Archive(Box::new(archive)), name, bytes));
            }
        }
        let table = OpenTable::open(source, name)?;
        Ok(self.add(Open::Table(Box::new(table)), name, bytes))
    }

    fn add(&mut self, open: Open, name: &str, bytes: u64) -> String {
        self.last += 1;
        let kind = match open {
            Open::Archive(_) => "archive",
            Open::Table(_) => "table",
        };
        self.open.insert(self.last, open);
        json!({"handle": self.last, "kind": kind, "name": name, "bytes": bytes}).to_string()
    }

    /// Closes a file.
    pub fn close(&mut self, handle: u32) {
        self.open.remove(&handle);
    }

    fn archive(&mut self, handle: u32) -> Result<&mut Archive, Failure> {
        match self.open.get_mut(&handle) {
            Some(Open::Archive(archive)) => Ok(archive),
            Some(Open::Table(table)) => {
                Err(Failure::invalid(format!("`{}` is no archive", table.name)))
            }
            None => Err(closed()),
        }
    }

    fn table(&mut self, handle: u32) -> Result<&mut OpenTable, Failure> {
        match self.open.get_mut(&handle) {
            Some(Open::Table(table)) => Ok(table),
            Some(Open::Archive(archive)) => {
                let message = format!("`{}` is an archive; open one of its files", archive.name);
                Err(Failure::invalid(message))
            }
            None => Err(closed()),
        }
    }

    /// Describes a file.
    ///
    /// # Errors
    /// [`Failure`] for an unknown handle.
    pub fn describe(&mut self, handle: u32) -> Answer {
        let described = match self.open.get(&handle).ok_or_else(closed)? {
            Open::Archive(archive) => archive.describe(&self.trust),
            Open::Table(table) => table.describe(),
        };
        Ok(described.to_string())
    }

    /// Reads all of an archive, with the checks of an import.
    ///
    /// # Errors
    /// [`Failure`] with the refusal.
    pub fn verify(&mut self, handle: u32, progress: &dyn Progress) -> Answer {
        let trust = self.trust.clone();
        let verified = self.archive(handle)?.verify(&trust, progress)?;
        Ok(verified.to_string())
    }

    /// Opens a file of a checked archive.
    ///
    /// # Errors
    /// [`Failure`] before the check, and for an unknown path.
    pub fn file(&mut self, handle: u32, dataset: usize, path: &str) -> Answer {
        let source = self.archive(handle)?.file(dataset, path)?;
        let bytes = source.len();
        let table = OpenTable::open(source, path)?;
        Ok(self.add(Open::Table(Box::new(table)), path, bytes))
    }

    /// Returns the descriptions of an archive that a registry keeps.
    ///
    /// # Errors
    /// [`Failure`] for an unknown handle.
    pub fn summary(&mut self, handle: u32) -> Answer {
        let trust = self.trust.clone();
        Ok(self.archive(handle)?.summary(&trust).to_string())
    }

    /// Returns rows from a number on.
    ///
    /// # Errors
    /// [`Failure`] if they cannot be read.
    pub fn rows(&mut self, handle: u32, from: u64, count: u64) -> Answer {
        Ok(self.table(handle)?.rows(from, count)?.to_string())
    }

    /// Returns one row.
    ///
    /// # Errors
    /// [`Failure`] if there is none with this number.
    pub fn row(&mut self, handle: u32, number: u64) -> Answer {
        Ok(self.table(handle)?.row(number)?.to_json().to_string())
    }

    /// Counts the rows.
    ///
    /// # Errors
    /// [`Failure`] if they cannot be read.
    pub fn count(&mut self, handle: u32, progress: &dyn Progress) -> Answer {
        let rows = self.table(handle)?.count(progress)?;
        Ok(json!({"rows": rows}).to_string())
    }

    /// Finds rows, and passes them to `each` as they come.
    ///
    /// # Errors
    /// [`Failure`] for an invalid pattern, or rows that cannot be read.
    pub fn search(
        &mut self,
        handle: u32,
        request: &str,
        progress: &dyn Progress,
        each: &mut EachHit<'_>,
    ) -> Answer {
        let table = self.table(handle)?;
        Ok(search::search(table, request, progress, each)?.to_string())
    }

    /// Finds faults.
    ///
    /// # Errors
    /// [`Failure`] if the rows cannot be read.
    pub fn lint(&mut self, handle: u32, request: &str, progress: &dyn Progress) -> Answer {
        let table = self.table(handle)?;
        Ok(search::faults(table, request, progress)?.to_string())
    }

    /// Exports rows as an archive.
    ///
    /// # Errors
    /// [`Failure`] for rows that cannot be read or written.
    pub fn export_rows(
        &mut self,
        handle: u32,
        request: &str,
        seed: (Timestamp, [u8; 16]),
        progress: &dyn Progress,
        sink: &mut Exported<'_>,
    ) -> Answer {
        let table = self.table(handle)?;
        Ok(export(table, request, seed, progress, sink)?.to_string())
    }

    /// Describes a key that a user typed.
    ///
    /// # Errors
    /// [`Failure`] for a text that is no key.
    pub fn key(text: &str) -> Answer {
        Ok(key(text)?.to_string())
    }

    /// Finds datasets in summaries.
    ///
    /// # Errors
    /// [`Failure`] if the summaries are malformed.
    pub fn find(summaries: &str, query: &str) -> Answer {
        let found: Value = find(summaries, query)?;
        Ok(found.to_string())
    }
}

fn closed() -> Failure {
    Failure::new(ErrorKind::NotFound, "the file is not open any more")
}

/// Returns true for the names that the command line takes as those of archives.
fn is_archive_name(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match name.rsplit_once(".alimentar") {
        Some((_, "")) => true,
        Some((_, rest)) => rest.strip_prefix('.').is_some_and(digits),
        None => false,
    }
}
