//! Journal of an intake: rows that say how far it is, so that another run goes on from there, and which
//! promises the finished one was made of. Normative: `spec/taking-in.md`.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Mutex;

use crate::clock::Timestamp;
use crate::ident::ContentId;
use crate::ident::TreeId;
use crate::locks::lock;
use crate::meta_store::MetaError;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::registry::intake::promise::Promise;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::FILES_MAX;
use crate::wire::limits::PATH_BYTES_MAX;

/// Version of the rows.
const ROW_VERSION: u8 = 1;
/// Bytes of a key: the source, the run, the part.
const KEY_BYTES: usize = 32 + 8 + 4;
/// Unfinished runs of one source that are kept, the one under way included.
const RUNS_MAX: usize = 3;
/// Number of the part that takes promises back.
const VOID_PART: u32 = u32::MAX;

/// Place that is taken in, with the filters: the hash that all runs of it share.
pub(crate) type SourceKey = [u8; 32];

/// State of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunHead {
    /// Time of the last change.
    pub(crate) updated_at: Timestamp,
    /// Root of the tree of all chunks so far.
    pub(crate) root: TreeId,
    /// Bytes of these chunks.
    pub(crate) bytes: u64,
    /// The dataset, and the digest of all promises, once the run is finished.
    pub(crate) finished: Option<(ContentId, [u8; 32])>,
}

/// A file whose bytes begin in the data of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileNote {
    /// Its path.
    pub path: String,
    /// Offset of its first byte in the data.
    pub start: u64,
    /// Its size, if the source said it.
    pub size_bytes: Option<u64>,
    /// Its promise.
    pub promise: Promise,
}

/// A run that was recorded.
#[derive(Clone, Debug)]
pub(crate) struct RecordedRun {
    run: [u8; 8],
    pub(crate) head: RunHead,
    /// Files in the order of the data.
    pub(crate) files: Vec<FileNote>,
    /// Paths of files whose bytes were not the promised ones.
    pub(crate) distrusted: BTreeSet<String>,
}

impl RecordedRun {
    /// Returns the promises of the files that can be believed, by path.
    pub(crate) fn promises(&self) -> HashMap<&str, &Promise> {
        let files = self.files.iter();
        let trusted = files.filter(|file| !self.distrusted.contains(&file.path));
        trusted.map(|f| (f.path.as_str(), &f.promise)).collect()
    }
}

/// Encodes the files that began since the last checkpoint.
pub fn encode_part(files: &[FileNote]) -> Vec<u8> {
    let mut w = Writer::new();
    w.varint(files.len() as u64);
    for file in files {
        w.counted(file.path.as_bytes()).u64(file.start);
        w.varint(file.size_bytes.map_or(0, |size| size.saturating_add(1)));
        file.promise.encode(&mut w);
    }
    w.into_bytes()
}

/// Decodes the files of a part.
///
/// # Errors
/// [`DecodeError`] when the bytes are not those of a part.
pub fn decode_part(row: &[u8]) -> Result<Vec<FileNote>, DecodeError> {
    let mut r = Reader::new(row);
    let limit = usize::try_from(FILES_MAX).unwrap_or(usize::MAX);
    let count = r.count("files", limit)?;
    let mut files = Vec::new();
    for _ in 0..count {
        let path = r.counted("path", PATH_BYTES_MAX)?.to_vec();
        files.push(FileNote {
            path: String::from_utf8(path).map_err(|_| DecodeError::Invalid("path"))?,
            start: r.u64()?,
            size_bytes: r.varint()?.checked_sub(1),
            promise: Promise::decode(&mut r)?,
        });
    }
    r.end()?;
    Ok(files)
}

impl RunHead {
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(ROW_VERSION).u64(self.updated_at.0.cast_unsigned());
        w.bytes(self.root.as_bytes()).u64(self.bytes);
        match &self.finished {
            None => w.u8(0),
            Some((id, digest)) => w.u8(1).bytes(id.as_bytes()).bytes(digest),
        };
        w.into_bytes()
    }

    fn decode(row: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(row);
        match r.u8()? {
            ROW_VERSION => {}
            other => return Err(DecodeError::Version(u32::from(other))),
        }
        let (updated_at, root, bytes) = (r.u64()?, r.array()?, r.u64()?);
        let finished = match r.u8()? {
            0 => None,
            _ => Some((ContentId::new(r.array()?), r.array()?)),
        };
        r.end()?;
        Ok(Self {
            updated_at: Timestamp(updated_at.cast_signed()),
            root: TreeId::new(root),
            bytes,
            finished,
        })
    }
}

fn key_of(source: &SourceKey, run: [u8; 8], part: u32) -> Vec<u8> {
    // The greatest byte first, so that parts are listed in order.
    let part = part.to_le_bytes().into_iter().rev();
    source.iter().copied().chain(run).chain(part).collect()
}

/// Splits a key into source, run and part.
fn split_key(key: &[u8]) -> Option<(SourceKey, [u8; 8], u32)> {
    let key: &[u8; KEY_BYTES] = key.try_into().ok()?;
    let (source, rest) = key.split_first_chunk::<32>()?;
    let (run, part) = rest.split_first_chunk::<8>()?;
    let mut part: [u8; 4] = part.try_into().ok()?;
    part.reverse();
    Some((*source, *run, u32::from_le_bytes(part)))
}

/// Returns the recorded runs of a source, the latest first. A row that cannot be read drops its run,
/// whose files are then fetched again.
///
/// # Errors
/// [`MetaError`] when the tables cannot be read.
pub(crate) fn runs_of(
    tables: &dyn MetaRead,
    source: &SourceKey,
) -> Result<Vec<RecordedRun>, MetaError> {
    let mut runs: Vec<RecordedRun> = Vec::new();
    let mut is_bad = false;
    tables.scan(Table::Intakes, source, &mut |key, row| {
        let Some((of, run, part)) = split_key(key).filter(|(of, ..)| of == source) else {
            return Scan::Stop;
        };
        debug_assert_eq!(of, *source);
        if part == 0 {
            let head = RunHead::decode(row);
            is_bad = head.is_err();
            runs.extend(head.ok().map(|head| RecordedRun {
                run,
                head,
                files: Vec::new(),
                distrusted: BTreeSet::new(),
            }));
            return Scan::Continue;
        }
        if let Some(last) = runs.last_mut().filter(|r| r.run == run && !is_bad) {
            match decode_part(row) {
                Ok(files) if part == VOID_PART => {
                    last.distrusted
                        .extend(files.into_iter().map(|file| file.path));
                }
                Ok(files) => last.files.extend(files),
                Err(_) => {
                    is_bad = true;
                    runs.pop();
                }
            }
        }
        Scan::Continue
    })?;
    runs.sort_by_key(|run| std::cmp::Reverse(run.head.updated_at));
    Ok(runs)
}

/// Returns the heads of all runs with their keys.
///
/// # Errors
/// [`MetaError`] when the tables cannot be read.
pub(crate) fn heads(
    tables: &dyn MetaRead,
) -> Result<Vec<(SourceKey, [u8; 8], RunHead)>, MetaError> {
    let mut found = Vec::new();
    tables.scan(Table::Intakes, &[], &mut |key, row| {
        if let Some((source, run, 0)) = split_key(key)
            && let Ok(head) = RunHead::decode(row)
        {
            found.push((source, run, head));
        }
        Scan::Continue
    })?;
    Ok(found)
}

/// Removes all rows of a run.
///
/// # Errors
/// [`MetaError`] when the tables cannot be written.
pub(crate) fn forget_run(
    tables: &mut dyn MetaWrite,
    source: &SourceKey,
    run: [u8; 8],
) -> Result<(), MetaError> {
    let mut keys = Vec::new();
    tables.scan(Table::Intakes, &key_of(source, run, 0), &mut |key, _| {
        let is_of = split_key(key).is_some_and(|(of, r, _)| of == *source && r == run);
        if is_of {
            keys.push(key.to_vec());
            Scan::Continue
        } else {
            Scan::Stop
        }
    })?;
    for key in keys {
        tables.delete(Table::Intakes, &key)?;
    }
    Ok(())
}

/// Takes back what unfinished runs say of a file, because its bytes were not the promised ones.
///
/// # Errors
/// [`MetaError`] when the tables cannot be written.
pub(crate) fn distrust(
    tables: &mut dyn MetaWrite,
    source: &SourceKey,
    path: &str,
) -> Result<(), MetaError> {
    let runs = runs_of(tables, source)?;
    for run in runs.iter().filter(|run| run.head.finished.is_none()) {
        let key = key_of(source, run.run, VOID_PART);
        let before = tables.get(Table::Intakes, &key)?;
        let before = before.map(|row| decode_part(&row).unwrap_or_default());
        let mut voided = before.unwrap_or_default();
        voided.push(FileNote {
            path: path.to_owned(),
            start: 0,
            size_bytes: None,
            promise: Promise::default(),
        });
        tables.put(Table::Intakes, &key, &encode_part(&voided))?;
    }
    Ok(())
}

/// The journal of a run under way.
pub(crate) struct Journal {
    source: SourceKey,
    run: [u8; 8],
    state: Mutex<JournalState>,
}

#[derive(Default)]
struct JournalState {
    /// Encoded parts that are not in the tables yet.
    unsaved: Vec<Vec<u8>>,
    parts: u32,
}

impl Journal {
    /// Begins a journal. Nothing is recorded before the first checkpoint.
    pub(crate) fn new(source: SourceKey, run: [u8; 8]) -> Self {
        Self {
            source,
            run,
            state: Mutex::default(),
        }
    }

    /// Adds an encoded part, which the next checkpoint records.
    pub(crate) fn add(&self, part: Vec<u8>) {
        lock(&self.state).unsaved.push(part);
    }

    /// Records the state at a checkpoint. Call it at most once in a transaction.
    ///
    /// # Errors
    /// [`MetaError`] when the tables cannot be written.
    pub(crate) fn save(&self, tables: &mut dyn MetaWrite, head: &RunHead) -> Result<(), MetaError> {
        let mut state = lock(&self.state);
        if state.parts == 0 {
            self.make_room(tables)?;
        }
        for part in std::mem::take(&mut state.unsaved) {
            state.parts += 1;
            let key = key_of(&self.source, self.run, state.parts);
            tables.put(Table::Intakes, &key, &part)?;
        }
        tables.put(
            Table::Intakes,
            &key_of(&self.source, self.run, 0),
            &head.encode(),
        )
    }

    /// Records the end of the run, and removes the rows of all other runs of the source.
    ///
    /// # Errors
    /// [`MetaError`] when the tables cannot be written.
    pub(crate) fn finish(
        &self,
        tables: &mut dyn MetaWrite,
        head: &RunHead,
    ) -> Result<(), MetaError> {
        self.save(tables, head)?;
        for run in runs_of(tables, &self.source)? {
            if run.run != self.run {
                forget_run(tables, &self.source, run.run)?;
            }
        }
        Ok(())
    }

    /// Removes the oldest unfinished runs, so that this one has room.
    fn make_room(&self, tables: &mut dyn MetaWrite) -> Result<(), MetaError> {
        let mut runs = runs_of(tables, &self.source)?;
        runs.retain(|run| run.head.finished.is_none());
        for old in runs.iter().skip(RUNS_MAX - 1) {
            forget_run(tables, &self.source, old.run)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryMeta;

    fn note(path: &str, start: u64, size_bytes: Option<u64>) -> FileNote {
        FileNote {
            path: path.to_owned(),
            start,
            size_bytes,
            promise: Promise {
                sha256: Some([7; 32]),
                ..Promise::default()
            },
        }
    }

    fn head(at: i64, finished: bool) -> RunHead {
        RunHead {
            updated_at: Timestamp(at),
            root: TreeId::of(b"root"),
            bytes: 99,
            finished: finished.then_some((ContentId::from_bytes(b"x"), [3; 32])),
        }
    }

    #[test]
    fn part_and_head_round_trip() {
        let files = [note("a/b", 0, Some(0)), note("c", u64::MAX, None)];
        let part = encode_part(&files);
        assert_eq!(decode_part(&part).unwrap(), files);
        assert!(decode_part(&part[..part.len() - 1]).is_err());
        assert!(decode_part(&[part.as_slice(), b"x"].concat()).is_err());
        for finished in [false, true] {
            let head = head(-5, finished);
            assert_eq!(RunHead::decode(&head.encode()).unwrap(), head);
        }
        assert!(RunHead::decode(&[2]).is_err());
    }

    #[test]
    fn finished_run_replaces_all_others_of_its_source_only() {
        let mut tables = MemoryMeta::new();
        let (mine, other) = ([1; 32], [2; 32]);
        let foreign = Journal::new(other, [1; 8]);
        foreign.save(&mut tables, &head(1, false)).unwrap();
        for n in 1..6_u8 {
            let journal = Journal::new(mine, [n; 8]);
            journal.add(encode_part(&[note("a", 0, Some(5))]));
            journal
                .save(&mut tables, &head(i64::from(n), false))
                .unwrap();
        }
        let runs = runs_of(&tables, &mine).unwrap();
        assert_eq!(runs.len(), RUNS_MAX);
        assert_eq!(runs[0].head.updated_at, Timestamp(5));
        let last = Journal::new(mine, [9; 8]);
        last.add(encode_part(&[note("a", 0, Some(5))]));
        last.save(&mut tables, &head(9, false)).unwrap();
        last.add(encode_part(&[note("b", 5, Some(4))]));
        last.finish(&mut tables, &head(10, true)).unwrap();
        let runs = runs_of(&tables, &mine).unwrap();
        assert_eq!(runs.len(), 1);
        assert_eq!(
            runs[0].files,
            [note("a", 0, Some(5)), note("b", 5, Some(4))]
        );
        assert_eq!(heads(&tables).unwrap().len(), 2);
    }

    #[test]
    fn distrusted_file_has_no_promise_any_more() {
        let mut tables = MemoryMeta::new();
        let journal = Journal::new([1; 32], [1; 8]);
        journal.add(encode_part(&[note("a", 0, Some(5)), note("b", 5, Some(4))]));
        journal.save(&mut tables, &head(1, false)).unwrap();
        distrust(&mut tables, &[1; 32], "a").unwrap();
        let runs = runs_of(&tables, &[1; 32]).unwrap();
        assert_eq!(runs[0].files.len(), 2);
        assert_eq!(runs[0].distrusted, BTreeSet::from(["a".to_owned()]));
        forget_run(&mut tables, &[1; 32], [1; 8]).unwrap();
        assert!(heads(&tables).unwrap().is_empty());
    }
}
