//! The files of a commit, region by region. Regions without edits keep their chunks unread.

use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;

use crate::inspect::FileFormat;
use crate::inspect::Format;
use crate::inspect::ReadOptions;
use crate::inspect::edits::EditedPart;
use crate::inspect::edits::FileOverlay;
use crate::manifest::FileEntry;
use crate::manifest::TreeWalk;
use crate::read_at::ReadAt;
use crate::registry::edits::attach::overlay_of;
use crate::registry::edits::commit::columnar::RewrittenFile;
use crate::registry::edits::commit::described::CommittedFiles;
use crate::registry::edits::commit::described::Described;
use crate::registry::edits::commit::hashed::EditedRun;
use crate::registry::edits::commit::hashed::Hashed;
use crate::registry::edits::commit::hashed::RunPart;
use crate::registry::edits::commit::hashed::hashed_apart;
use crate::registry::edits::commit::reading::OldBytes;
use crate::registry::edits::commit::reading::each_run;
use crate::registry::edits::commit::recut::OldChunks;
use crate::registry::edits::commit::recut::Recutter;
use crate::registry::edits::commit::state::CommitFile;
use crate::registry::edits::commit::state::Committing;
use crate::registry::edits::commit::state::FileChange;
use crate::registry::edits::commit::state::Sequential;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;
use crate::registry::integrity::blame::blamed;
use crate::registry::store_pipeline::chunker::Chunker;
use crate::registry::targets::file::FileLocation;
use crate::registry::targets::file::TargetFile;

impl Committing<'_> {
    /// Feeds the new files.
    pub(super) fn feed(&self, chunker: &mut Chunker<'_>) -> Result<CommittedFiles, Error> {
        let files = self.files()?;
        let edited = files.iter().filter(|file| file.is_edited());
        let total: u64 = edited.map(|file| file.bytes).sum();
        self.progress.phase("committing", Some(total));
        let mut made = Described::new(self);
        let mut first = 0;
        for run in files.chunk_by(|a, b| !a.is_large() && !b.is_large()) {
            let range = first..first + run.len();
            first = range.end;
            chunker.end_region();
            match run {
                [only] if only.is_large() => self.feed_large(only, chunker, &mut made)?,
                _ if is_same_region(&files, &range) => {
                    let end = run.last().map_or(0, |f| f.old_at + f.old.size_bytes);
                    let start = run.first().map_or(0, |f| f.old_at);
                    self.keep(start, end, chunker)?;
                    for file in run {
                        made.keep(file)?;
                    }
                }
                _ => {
                    for file in run {
                        self.feed_bytes(file, chunker, &mut made)?;
                    }
                }
            }
            chunker.end_region();
        }
        made.finish(&files)
    }

    /// Returns the files with their changes.
    fn files(&self) -> Result<Vec<CommitFile>, Error> {
        let edited = self.journal.files();
        if let Some(unknown) = edited.iter().find(|path| self.table.find(path).is_none()) {
            return Err(Error::Dataset(DatasetError::NoSuchFile {
                path: (*unknown).to_owned(),
                dataset: self.manifest.name.to_string(),
            }));
        }
        let mut files = Vec::with_capacity(self.table.files().len());
        for (old_at, old) in self.table.with_offsets() {
            let mut file = CommitFile {
                old_at,
                old: old.clone(),
                bytes: old.size_bytes,
                change: FileChange::None,
            };
            if edited.contains(&old.path.as_str()) {
                let base = self.target_file(old_at, old);
                let overlay = overlay_of(self.journal, &base, self.journal_path)?;
                if overlay.is_of_rows() {
                    let home = self.registry.home();
                    let edited = base.edited(overlay)?;
                    let rewritten = RewrittenFile::write(edited, home, self.progress)?;
                    file.bytes = rewritten.bytes();
                    file.change = FileChange::Rewritten(rewritten);
                } else {
                    file.bytes = overlay.bytes();
                    file.change = FileChange::Bytes(base, Arc::new(overlay));
                }
            }
            files.push(file);
        }
        Ok(files)
    }

    fn target_file(&self, old_at: u64, old: &FileEntry) -> TargetFile {
        let format = FileFormat::from_number(old.format);
        let is_known = format.format != Format::Bytes;
        TargetFile {
            path: old.path.clone(),
            size_bytes: old.size_bytes,
            format: Some(format).filter(|_| is_known),
            reading: ReadOptions::default(),
            place: FileLocation::Store(Arc::new(self.dataset_file(old_at, old))),
        }
    }

    fn walk(&self, from: u64) -> Result<TreeWalk<'_>, Error> {
        let m = &self.manifest;
        let walk = TreeWalk::new(&*self.reader, m.chunk_tree_root, m.size_bytes, from);
        Ok(walk?)
    }

    /// Keeps the chunks between two offsets of the old dataset, which are ends of regions.
    fn keep(&self, start: u64, end: u64, chunker: &mut Chunker<'_>) -> Result<(), Error> {
        if start >= end {
            return Ok(());
        }
        for placed in self.walk(start)? {
            let (at, chunk) = placed?;
            if at >= end {
                break;
            }
            chunker.append_known(&[chunk]);
        }
        Ok(())
    }

    fn feed_large(
        &self,
        file: &CommitFile,
        chunker: &mut Chunker<'_>,
        made: &mut Described<'_, '_>,
    ) -> Result<(), Error> {
        match &file.change {
            FileChange::None if file.was_large() => {
                self.keep(file.old_at, file.old_at + file.old.size_bytes, chunker)?;
                made.keep(file)
            }
            FileChange::Bytes(base, overlay) if file.was_large() => {
                self.recut(file, (base, overlay), chunker, made)
            }
            _ => self.feed_bytes(file, chunker, made),
        }
    }

    /// Cuts an edited file around its edits.
    fn recut(
        &self,
        file: &CommitFile,
        (base, overlay): (&TargetFile, &Arc<FileOverlay>),
        chunker: &mut Chunker<'_>,
        made: &mut Described<'_, '_>,
    ) -> Result<(), Error> {
        let old = OldChunks::new(self.walk(file.old_at)?);
        let mut recutter = Recutter::new(old, file.old_at, overlay);
        let edited = base.edited(overlay.as_ref().clone())?;
        let source = edited.source().map_err(|e| self.unread(file, e))?;
        let (hash, found) = hashed_apart(&file.old.path, &*source, |hashed| {
            self.each_edited(file, overlay, &mut |run| {
                for bytes in run.slices() {
                    recutter.push(bytes, chunker)?;
                    self.advance(bytes)?;
                }
                hashed.push(run);
                Ok(())
            })
        })?;
        recutter.finish(chunker)?;
        made.add(file, hash, found);
        Ok(())
    }

    fn advance(&self, bytes: &[u8]) -> Result<(), Error> {
        self.progress.advance(bytes.len() as u64);
        match self.progress.cancelled() {
            true => Err(Error::Interrupted),
            false => Ok(()),
        }
    }

    /// Passes the bytes of an edited file to `each`. Bytes of the base are read on all cores.
    fn each_edited<'a>(
        &self,
        file: &CommitFile,
        overlay: &'a FileOverlay,
        each: &mut dyn FnMut(EditedRun<'a>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut parts = overlay.parts().peekable();
        let (start, end) = (file.old_at, file.old_at + file.old.size_bytes);
        let walk = self.walk(start)?;
        let read = each_run(self.bases(), walk, end, &mut |at, old| {
            let length = old.as_slice().len() as u64;
            let parts = parts_within(&mut parts, at - start, length);
            each(EditedRun { old, parts })
        });
        let files = [(start, &file.old)];
        read.map_err(|(at, e)| blamed(&self.manifest, files.into_iter(), at, e))?;
        // Text inserted behind the last byte.
        let parts = parts_within(&mut parts, file.old.size_bytes, 0);
        let old = OldBytes::none();
        each(EditedRun { old, parts })
    }

    /// Feeds the whole of a file, to be cut anew.
    fn feed_bytes(
        &self,
        file: &CommitFile,
        chunker: &mut Chunker<'_>,
        made: &mut Described<'_, '_>,
    ) -> Result<(), Error> {
        let source: Arc<dyn ReadAt> = match &file.change {
            FileChange::None => Arc::new(self.dataset_file(file.old_at, &file.old)),
            FileChange::Bytes(base, overlay) => {
                let edited = base.edited(overlay.as_ref().clone())?;
                edited.source().map_err(|e| self.unread(file, e))?
            }
            FileChange::Rewritten(rewritten) => rewritten.source()?,
        };
        let mut hashed = Hashed::new(&file.old.path);
        let mut cancelled = false;
        let reading = Sequential {
            source: &*source,
            at: 0,
        };
        let read = chunker.read_from(reading, |piece| {
            hashed.push(piece);
            self.progress.advance(piece.len() as u64);
            cancelled |= self.progress.cancelled();
        });
        read.map_err(|e| self.unread(file, e.into()))?;
        if cancelled {
            return Err(Error::Interrupted);
        }
        match file.is_edited() {
            true => {
                let (hash, found) = hashed.finish(&*source);
                made.add(file, hash, found);
                Ok(())
            }
            false => made.keep(file),
        }
    }
}

/// Takes the parts of an edited file that begin in a run of the old file, which begins at `from`. A part
/// that goes on behind the run is cut there.
fn parts_within<'a>(
    parts: &mut Peekable<impl Iterator<Item = EditedPart<'a>>>,
    from: u64,
    length: u64,
) -> Vec<RunPart<'a>> {
    let (to, mut within) = (from + length, Vec::new());
    while let Some(part) = parts.peek_mut() {
        match part {
            EditedPart::New(text) => within.push(RunPart::New(text)),
            EditedPart::Base { at, .. } if *at >= to => break,
            EditedPart::Base { at, bytes } => {
                // Parts of the base follow each other, so this one begins in the run.
                let here = (*bytes).min(to - *at);
                let first = usize::try_from(*at - from).unwrap_or(usize::MAX);
                within.push(RunPart::Old(first..first.saturating_add(here as usize)));
                (*at, *bytes) = (*at + here, *bytes - here);
                if *bytes > 0 {
                    break;
                }
            }
        }
        parts.next();
    }
    within
}

/// Returns true if a run of small files was a region with the same bytes before.
fn is_same_region(files: &[CommitFile], range: &Range<usize>) -> bool {
    let run = files.get(range.clone()).unwrap_or_default();
    let is_border = |n: Option<usize>| match n.and_then(|n| files.get(n)) {
        Some(other) => other.was_large(),
        None => true,
    };
    run.iter().all(|file| !file.is_edited())
        && is_border(range.start.checked_sub(1))
        && is_border(Some(range.end))
}
