//! Edits of one target. One session at a time edits a file or dataset.

use std::path::Path;
use std::path::PathBuf;

use crate::inspect::edits::EditCounts;
use crate::inspect::edits::EditEntry;
use crate::inspect::edits::FileSplices;
use crate::inspect::edits::FileState;
use crate::inspect::edits::Journal;
use crate::inspect::edits::JournalWriter;
use crate::inspect::edits::NewSplice;
use crate::inspect::table::Shape;
use crate::progress::Progress;
use crate::registry::Target;
use crate::registry::TargetOptions;
use crate::registry::edits::attach::path_in_journal;
use crate::registry::edits::base::BaseCheck;
use crate::registry::edits::base::EditBase;
use crate::registry::edits::base::base_of;
use crate::registry::edits::change::CellChange;
use crate::registry::edits::change::TextRows;
use crate::registry::edits::columnar::ColumnarRows;
use crate::registry::edits::error::EditError;
use crate::registry::edits::inserted::RowShape;
use crate::registry::edits::journal_file::JournalFile;
use crate::registry::edits::ranges::merged;
use crate::registry::edits::ranges::ranges_text;
use crate::registry::error::Error;
use crate::registry::error::target::TargetError;
use crate::registry::host;
use crate::registry::targets::edited::EditForm;
use crate::registry::targets::edited::form_of;
use crate::registry::targets::file::RowCountError;
use crate::registry::targets::file::TargetFile;

/// A target whose edits no other process changes.
pub struct EditSession {
    target: Target,
    base: EditBase,
    journal: JournalFile,
    home: PathBuf,
    /// A state to record with the next edit.
    new_state: Option<FileState>,
}

impl EditSession {
    /// Opens a file on disk, a dataset or a file in one, and waits for other writers of its edits.
    ///
    /// # Errors
    /// [`EditError::NotEditable`], [`EditError::BaseChanged`], [`EditError::Journal`], and errors of
    /// reading.
    pub fn open(
        text: &str,
        home: &Path,
        options: &TargetOptions,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let options = TargetOptions {
            edits: false,
            ..options.clone()
        };
        let target = Target::open_with(text, home, &options)?;
        Self::of_target(target, home, progress)
    }

    /// Edits a target that is open. Waits for other writers of its edits.
    ///
    /// # Errors
    /// As [`EditSession::open`].
    pub fn of_target(target: Target, home: &Path, progress: &dyn Progress) -> Result<Self, Error> {
        let target = target.without_edits();
        let base = base_of(&target)?;
        let journal = JournalFile::open(&base.journal_path(home), progress)?;
        Self::begin(target, base, journal, home)
    }

    /// Rehearses edits of a target that is open: they are checked, counted and read, and not kept.
    ///
    /// # Errors
    /// As [`EditSession::open`].
    pub fn rehearse(target: Target, home: &Path) -> Result<Self, Error> {
        let target = target.without_edits();
        let base = base_of(&target)?;
        let journal = JournalFile::rehearse(&base.journal_path(home))?;
        Self::begin(target, base, journal, home)
    }

    fn begin(
        target: Target,
        base: EditBase,
        journal: JournalFile,
        home: &Path,
    ) -> Result<Self, Error> {
        let mut session = Self {
            target,
            base,
            journal,
            home: home.to_owned(),
            new_state: None,
        };
        if let Some(journal) = session.journal.journal() {
            match session.base.check(journal.base())? {
                BaseCheck::Same => {}
                BaseCheck::NewState(state) => session.new_state = Some(state),
            }
        }
        session.read_edits()?;
        Ok(session)
    }

    /// Reads the target with the edits of the journal.
    fn read_edits(&mut self) -> Result<(), Error> {
        if let Some(journal) = self.journal.journal() {
            let base = self.target.clone().without_edits();
            self.target = base.with_journal(self.journal.path(), journal)?;
        }
        Ok(())
    }

    /// The labels of the edits that are not undone, oldest first.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        let active = self.journal.journal().map_or(&[][..], Journal::active);
        active.iter().map(|edit| edit.label.as_str())
    }

    /// Counts the edits and the rows that differ.
    ///
    /// # Errors
    /// [`EditError::Journal`] for edits that contradict each other.
    pub fn counts(&self) -> Result<EditCounts, Error> {
        let Some(journal) = self.journal.journal() else {
            return Ok(EditCounts::default());
        };
        journal.counts().map_err(|source| {
            let path = self.base.journal_path(&self.home);
            EditError::Journal { path, source }.into()
        })
    }

    /// Returns true if another opening of the target shows the rows that this session edits: with the
    /// same edits.
    pub fn is_of_rows_in(&self, shown: &Target) -> bool {
        self.target.has_same_edits(shown)
    }

    /// Sets cells. Rows are those before the first of these changes.
    ///
    /// # Errors
    /// [`EditError::NoRow`], `TargetError::NoSuchColumn`, [`EditError::Cell`], [`EditError::TooLong`], and
    /// errors of reading and writing. Then nothing is changed.
    pub fn set(&mut self, changes: &[CellChange], progress: &dyn Progress) -> Result<(), Error> {
        let mut made: Vec<Option<EditEntry<NewSplice>>> = vec![None; changes.len()];
        let rows: Vec<u64> = changes.iter().map(|change| change.row).collect();
        let placed = self.local_rows(&rows, progress)?;
        for (number, file) in self.target.files().iter().enumerate() {
            let own = placed
                .iter()
                .enumerate()
                .filter(|(_, (of, _))| *of == number);
            let own: Vec<(usize, u64)> = own.map(|(n, (_, row))| (n, *row)).collect();
            if own.is_empty() {
                continue;
            }
            let local: Vec<CellChange> = own
                .iter()
                .filter_map(|(n, row)| {
                    let change = changes.get(*n)?.clone();
                    Some(CellChange {
                        row: *row,
                        ..change
                    })
                })
                .collect();
            let splices = match self.form(file)? {
                EditForm::Bytes => self.text_rows(file, progress)?.set(&local)?,
                EditForm::Rows => self.columnar_rows(file)?.set(&local)?,
            };
            for ((n, _), splice) in own.iter().zip(splices) {
                if let (Some(slot), Some(change)) = (made.get_mut(*n), changes.get(*n)) {
                    let label = format!("set {}.{}", change.row, change.column);
                    *slot = Some(entry(label, file, vec![splice]));
                }
            }
        }
        let edits: Vec<_> = made.into_iter().flatten().collect();
        self.append(
            |w| {
                w.edits(&edits);
            },
            progress,
        )
    }

    /// Deletes ranges of rows, as one edit. A range is the first row and the one behind the last.
    ///
    /// # Errors
    /// [`EditError::NoRow`], and errors of reading and writing. Then nothing is changed.
    pub fn delete(&mut self, ranges: &[(u64, u64)], progress: &dyn Progress) -> Result<(), Error> {
        let ranges = merged(ranges);
        let mut files = Vec::new();
        let last = ranges.last().map_or(0, |(_, to)| to.saturating_sub(1));
        let mut first = 0;
        let all = self.target.files();
        for (number, file) in all.iter().enumerate() {
            let is_last = number + 1 == all.len();
            // Rows of the only or last file need no count; a missing one is found out there.
            let end = match is_last {
                true => u64::MAX,
                false => first + self.count(file, progress)?,
            };
            let own = ranges.iter().filter_map(|(from, to)| {
                let (from, to) = ((*from).max(first), (*to).min(end));
                (from < to).then(|| (from - first, to - first))
            });
            let own: Vec<(u64, u64)> = own.collect();
            if !own.is_empty() {
                let splices = match self.form(file)? {
                    EditForm::Bytes => self.text_rows(file, progress)?.delete(&own)?,
                    EditForm::Rows => self.columnar_rows(file)?.delete(&own)?,
                };
                files.push((file, splices));
            }
            if last < end {
                break;
            }
            first = end;
        }
        let label = format!("delete {}", ranges_text(&ranges));
        let edit = entry_of(label, files);
        self.append(
            |w| {
                w.edits(std::slice::from_ref(&edit));
            },
            progress,
        )
    }

    /// Inserts all rows of another target in front of a row, or behind the last one, as one edit.
    /// Returns their number.
    ///
    /// # Errors
    /// [`EditError::NoRow`], [`EditError::Insert`], `TargetError::NoSuchColumn`, [`EditError::TooLong`], and
    /// errors of reading and writing. Then nothing is changed.
    pub fn insert(
        &mut self,
        from: &Target,
        at: u64,
        progress: &dyn Progress,
    ) -> Result<u64, Error> {
        let (number, local) = self.insertion_place(at, progress)?;
        let file = self.target.files().get(number);
        let file =
            file.ok_or_else(|| Error::Target(TargetError::NoRows(self.target.name().to_owned())))?;
        let (rows, splices) = match self.form(file)? {
            EditForm::Bytes => {
                let text = self.text_rows(file, progress)?;
                let shape = RowShape {
                    target: self.target.name(),
                    shape: &text.shape,
                    schema: text.schema.as_ref(),
                };
                let rows = shape.rows_of(from, progress)?;
                let splices = match rows.is_empty() {
                    true => Vec::new(),
                    false => text.insert(local, &rows)?,
                };
                (rows.len() as u64, splices)
            }
            EditForm::Rows => {
                let columnar = self.columnar_rows(file)?;
                let shape = RowShape {
                    target: self.target.name(),
                    shape: &Shape::Json,
                    schema: Some(&columnar.schema),
                };
                let rows = shape.rows_of(from, progress)?;
                let splices = match rows.is_empty() {
                    true => Vec::new(),
                    false => columnar.insert(local, &rows, from.name())?,
                };
                (rows.len() as u64, splices)
            }
        };
        if rows > 0 {
            let edit = entry(format!("insert {rows} rows at {at}"), file, splices);
            self.append(
                |w| {
                    w.edits(std::slice::from_ref(&edit));
                },
                progress,
            )?;
        }
        Ok(rows)
    }

    /// Takes back the newest edits.
    ///
    /// # Errors
    /// [`EditError::TooFew`], and errors of writing.
    pub fn undo(&mut self, edits: usize, progress: &dyn Progress) -> Result<(), Error> {
        let there = self.journal.journal().map_or(0, |j| j.active().len());
        self.require(there, edits, "undo")?;
        self.append(
            |w| {
                w.undo(edits as u64);
            },
            progress,
        )
    }

    /// Makes undone edits again.
    ///
    /// # Errors
    /// [`EditError::TooFew`], and errors of writing.
    pub fn redo(&mut self, edits: usize, progress: &dyn Progress) -> Result<(), Error> {
        let there = self.journal.journal().map_or(0, |j| j.undone().len());
        self.require(there, edits, "redo")?;
        self.append(
            |w| {
                w.redo(edits as u64);
            },
            progress,
        )
    }

    /// Takes back all edits. Returns their number.
    ///
    /// # Errors
    /// Errors of writing.
    pub fn undo_all(&mut self, progress: &dyn Progress) -> Result<usize, Error> {
        let there = self.journal.journal().map_or(0, |j| j.active().len());
        if there > 0 {
            self.undo(there, progress)?;
        }
        Ok(there)
    }

    /// The target with its edits.
    pub fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    pub(crate) fn files(&self) -> &[TargetFile] {
        self.target.files()
    }

    pub(crate) fn text_rows<'a>(
        &'a self,
        file: &'a TargetFile,
        progress: &'a dyn Progress,
    ) -> Result<TextRows<'a>, Error> {
        TextRows::open((file, &self.home), self.target.name(), progress)
    }

    fn columnar_rows<'a>(&'a self, file: &TargetFile) -> Result<ColumnarRows<'a>, Error> {
        ColumnarRows::open(file, self.target.name(), self.journal.path())
    }

    pub(in crate::registry) fn form(&self, file: &TargetFile) -> Result<EditForm, Error> {
        form_of(&file.opened()?).map_err(|why| {
            let target = file.path().to_owned();
            EditError::NotEditable { target, why }.into()
        })
    }

    /// Appends records, and reads the target with the new edits.
    pub(crate) fn append(
        &mut self,
        write: impl FnOnce(&mut JournalWriter),
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let (base, state) = (&self.base, self.new_state.take());
        self.journal.append(
            || base.identify(progress),
            |writer| {
                if let Some(state) = &state {
                    writer.state(state);
                }
                write(writer);
            },
        )?;
        self.read_edits()
    }

    fn require(&self, there: usize, edits: usize, action: &'static str) -> Result<(), Error> {
        if edits > 0 && edits <= there {
            return Ok(());
        }
        let target = self.target.name().to_owned();
        Err(EditError::TooFew {
            target,
            there,
            action,
        }
        .into())
    }

    /// Returns the file and the number in it of each row.
    fn local_rows(
        &self,
        rows: &[u64],
        progress: &dyn Progress,
    ) -> Result<Vec<(usize, u64)>, Error> {
        let mut ends = Vec::new();
        let files = self.target.files();
        let mut end = 0;
        for file in files.iter().take(files.len().saturating_sub(1)) {
            if rows.iter().all(|row| *row < end) {
                break;
            }
            end += self.count(file, progress)?;
            ends.push(end);
        }
        let place = |row: &u64| {
            let file = ends.partition_point(|end| end <= row);
            let first = file.checked_sub(1).and_then(|n| ends.get(n));
            (file, row - first.copied().unwrap_or(0))
        };
        Ok(rows.iter().map(place).collect())
    }

    /// Returns the file and the row in it in front of which a row is inserted. The end of a file
    /// comes before the front of the next.
    fn insertion_place(&self, at: u64, progress: &dyn Progress) -> Result<(usize, u64), Error> {
        let Some(before) = at.checked_sub(1) else {
            return Ok((0, 0));
        };
        let placed = self.local_rows(&[before], progress)?;
        let (file, row) = placed.first().copied().unwrap_or((0, before));
        Ok((file, row + 1))
    }

    fn count(&self, file: &TargetFile, progress: &dyn Progress) -> Result<u64, Error> {
        let counted = file.count(&self.home, progress);
        counted.map_err(|error| match error {
            RowCountError::Complete(error) => error,
            RowCountError::Rows(source) => self.target.blame(source),
        })
    }
}

fn entry(label: String, file: &TargetFile, splices: Vec<NewSplice>) -> EditEntry<NewSplice> {
    entry_of(label, vec![(file, splices)])
}

/// Creates an edit of several files.
pub(crate) fn entry_of(
    label: String,
    files: Vec<(&TargetFile, Vec<NewSplice>)>,
) -> EditEntry<NewSplice> {
    let files = files.into_iter().filter(|(_, splices)| !splices.is_empty());
    let mut files: Vec<FileSplices<NewSplice>> = files
        .map(|(file, splices)| FileSplices {
            file: path_in_journal(file).to_owned(),
            splices,
        })
        .collect();
    files.sort_by(|a, b| a.file.cmp(&b.file));
    EditEntry {
        time: host::now().0,
        label,
        files,
    }
}
