//! Byte comparison of rows with equal hashes. Reads the rows again: one by one if there are few of
//! them and the files support it, otherwise in a full pass.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::external::multi_pass::Passes;
use crate::inspect::dedup::external::multi_pass::RowText;
use crate::inspect::dedup::external::multi_pass::changed_error;
use crate::inspect::dedup::external::multi_pass::in_threads;
use crate::inspect::table::Batch;
use crate::inspect::table::TableError;
use crate::locks::lock;

/// A row with an equal row elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::inspect::dedup) struct EqualRow {
    /// The row's number.
    pub(in crate::inspect::dedup) row: u32,
    /// Number of the equal row that is kept.
    pub(in crate::inspect::dedup) kept: u32,
    /// The row's position in its batch.
    pub(in crate::inspect::dedup) place: u32,
}

/// Progress of one group of rows with equal hashes.
#[derive(Default)]
struct HashGroup {
    /// Number of its rows that the pass has not reached yet.
    left: u32,
    state: GroupState,
}

#[derive(Default)]
enum GroupState {
    #[default]
    New,
    /// The bytes of the first row; all others must equal them.
    Held(Box<[u8]>),
    /// The bytes did not fit in memory: the group waits for another pass.
    Later,
}

/// A row to compare with its group.
#[derive(Clone, Copy)]
struct ComparedRow {
    row: u32,
    place: u32,
    group: u32,
}

/// All groups, with the bytes held for them.
struct HashGroups {
    all: Vec<Mutex<HashGroup>>,
    held: AtomicUsize,
    room: usize,
}

/// Returns the rows whose bytes differ from the first row of their group, in ascending order. They
/// share only a hash.
pub(in crate::inspect::dedup) fn compare_rows(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    same: &[EqualRow],
) -> Result<Vec<u32>, TableError> {
    let room = options.budget_bytes / 2;
    let (wanted, mut groups) = grouped(same, room);
    let mut is_alone = is_sparse(passes, &wanted)?;
    let mut wrong = Vec::new();
    while groups.begin_pass() {
        let alone = if is_alone {
            compare_singly(passes, options, &wanted, &groups)?
        } else {
            None
        };
        match alone {
            Some(found) => wrong.extend(found),
            // One of the files does not support reads of single rows: compare all of them in full
            // passes.
            None if is_alone => {
                is_alone = false;
                wrong.clear();
                groups = grouped(same, room).1;
            }
            None => wrong.extend(compare_in_pass(passes, options, &wanted, &groups)?),
        }
    }
    wrong.sort_unstable();
    Ok(wrong)
}

fn grouped(same: &[EqualRow], room: usize) -> (Vec<ComparedRow>, HashGroups) {
    let mut kept: Vec<u32> = same.iter().map(|s| s.kept).collect();
    kept.sort_unstable();
    let runs = kept.chunk_by(|a, b| a == b);
    let (kept, all): (Vec<u32>, Vec<Mutex<HashGroup>>) = runs
        .filter_map(|run| {
            let group = HashGroup {
                left: u32::try_from(run.len()).ok()?,
                state: GroupState::New,
            };
            Some((*run.first()?, Mutex::new(group)))
        })
        .unzip();
    let wanted = same.iter().filter_map(|same| {
        let group = kept.binary_search(&same.kept).ok()?;
        Some(ComparedRow {
            row: same.row,
            place: same.place,
            group: u32::try_from(group).ok()?,
        })
    });
    let groups = HashGroups {
        all,
        held: AtomicUsize::new(0),
        room,
    };
    (wanted.collect(), groups)
}

/// Returns true if single reads of the wanted rows are cheaper than a pass over all rows.
fn is_sparse(passes: &Passes<'_>, wanted: &[ComparedRow]) -> Result<bool, TableError> {
    let bytes = wanted.len() as u64 * ALONE_BYTES;
    match wanted.first() {
        Some(one) if passes.size_bytes.is_some_and(|size| bytes < size) => {
            passes.row(one.row, one.place, &mut Batch::default())
        }
        _ => Ok(false),
    }
}

/// Cost of reading one row alone, expressed as bytes of sequential reading.
const ALONE_BYTES: u64 = 4 << 10;
/// Rows per work item of a thread; they lie near each other in the file.
const ROWS_AT_ONCE: usize = 256;

impl HashGroups {
    /// Starts a new pass for this group; false if the group is finished. Groups that did not fit in
    /// memory get their turn now.
    fn begin_pass(&mut self) -> bool {
        self.held = AtomicUsize::new(0);
        let mut is_any = false;
        for group in &self.all {
            let mut group = lock(group);
            is_any |= group.left > 0;
            if matches!(group.state, GroupState::Later) {
                group.state = GroupState::New;
            }
        }
        is_any
    }

    /// Returns false if these bytes differ from those of the group.
    fn matches(&self, wanted: &ComparedRow, bytes: &[u8]) -> bool {
        let group = self.all.get(wanted.group as usize);
        group.is_none_or(|group| lock(group).matches(bytes, &self.held, self.room))
    }

    /// Returns true if all rows of this row's group are compared.
    fn is_done(&self, wanted: &ComparedRow) -> bool {
        let group = self.all.get(wanted.group as usize);
        group.is_none_or(|group| lock(group).left == 0)
    }
}

/// Reads the wanted rows one by one, in order, and compares them. Returns `None` if one of them
/// cannot be read alone.
fn compare_singly(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    wanted: &[ComparedRow],
    groups: &HashGroups,
) -> Result<Option<Vec<u32>>, TableError> {
    passes.progress.phase("comparing equal rows", None);
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut wrong, mut text, mut batch) = (Vec::new(), RowText::default(), Batch::default());
        loop {
            let at = next.fetch_add(ROWS_AT_ONCE, Ordering::Relaxed);
            let Some(rest) = wanted.get(at..).filter(|rest| !rest.is_empty()) else {
                return Ok(Some(wrong));
            };
            if passes.progress.cancelled() {
                return Err(TableError::Interrupted);
            }
            for one in rest.iter().take(ROWS_AT_ONCE) {
                if groups.is_done(one) {
                    continue;
                }
                if !passes.row(one.row, one.place, &mut batch)? {
                    return Ok(None);
                }
                let row = batch.rows().next();
                let bytes = row.and_then(|row| text.bytes(&batch, &row, &options.columns));
                if !groups.matches(one, bytes.ok_or_else(changed_error)?) {
                    wrong.push(one.row);
                }
                passes.progress.advance(batch.text().len() as u64);
            }
        }
    };
    let found: Option<Vec<_>> = in_threads(options.threads, &work)?.into_iter().collect();
    Ok(found.map(|found| found.concat()))
}

/// Compares the wanted rows in one pass over all rows.
fn compare_in_pass(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    wanted: &[ComparedRow],
    groups: &HashGroups,
) -> Result<Vec<u32>, TableError> {
    let made = passes.each(
        "comparing equal rows",
        || (Vec::new(), RowText::default()),
        |(wrong, text), first, batch| {
            let at = wanted.partition_point(|w| u64::from(w.row) < first);
            let mut wanted = wanted.get(at..).unwrap_or_default().iter().peekable();
            for row in batch.rows() {
                let number = first + row.index;
                while wanted.next_if(|w| u64::from(w.row) < number).is_some() {}
                let Some(next) = wanted.peek() else { break };
                if u64::from(next.row) != number || groups.is_done(next) {
                    continue;
                }
                let bytes = text.bytes(batch, &row, &options.columns);
                if !groups.matches(next, bytes.ok_or_else(changed_error)?) {
                    wrong.push(next.row);
                }
            }
            Ok(())
        },
    )?;
    Ok(made.into_iter().flat_map(|(wrong, _)| wrong).collect())
}

impl HashGroup {
    /// Records a row of the group; false if its bytes differ from those of the group.
    fn matches(&mut self, bytes: &[u8], held: &AtomicUsize, room: usize) -> bool {
        let is_fine = match &self.state {
            GroupState::Later => return true,
            GroupState::Held(other) => **other == *bytes,
            GroupState::New => {
                // At least one group fits in every pass.
                let before = held.fetch_add(bytes.len(), Ordering::Relaxed);
                if before > 0 && before + bytes.len() > room {
                    held.fetch_sub(bytes.len(), Ordering::Relaxed);
                    self.state = GroupState::Later;
                    return true;
                }
                self.state = GroupState::Held(bytes.into());
                true
            }
        };
        self.left = self.left.saturating_sub(1);
        if self.left == 0
            && let GroupState::Held(bytes) = std::mem::take(&mut self.state)
        {
            held.fetch_sub(bytes.len(), Ordering::Relaxed);
        }
        is_fine
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::inspect::dedup::Method;
    use crate::inspect::dedup::dedup;
    use crate::inspect::table::Batches;
    use crate::inspect::table::Chain;
    use crate::inspect::table::LineTable;
    use crate::inspect::table::NextBatch;
    use crate::inspect::table::Selection;
    use crate::inspect::table::Shape;
    use crate::inspect::table::Table;
    use crate::progress::NoProgress;

    #[test]
    fn exact_search_without_single_reads_makes_full_pass() {
        let long = "y".repeat(50);
        let lines = format!("{long}\nb\n{long}\n").into_bytes();
        let table = Arc::new(LineTable::new(Arc::new(lines), Shape::Text));
        let open = |selection: &Selection| {
            let (table, selection) = (Arc::clone(&table), selection.clone());
            let open = move |n| {
                let lines = Arc::clone(&table).batches(&selection);
                Some(match n {
                    0 => lines,
                    1 => lines.map(|inner| Arc::new(InOrder(inner)) as Arc<dyn Batches>),
                    _ => return None,
                })
            };
            Ok(Arc::new(Chain::new(Box::new(open))) as Arc<dyn Batches>)
        };
        let options = DedupOptions {
            method: Method::Exact,
            size_bytes: Some(u64::MAX),
            ..DedupOptions::default()
        };
        let report = dedup(&open, &options, &NoProgress).unwrap();
        let removed: Vec<u64> = report.evidence.iter().map(|e| e.removed).collect();
        assert_eq!(removed, [2, 3, 4, 5]);
    }

    /// Batches that hide their support for reads of single rows.
    struct InOrder(Arc<dyn Batches>);

    impl Batches for InOrder {
        fn next(&self, batch: &mut Batch) -> Result<NextBatch, TableError> {
            self.0.next(batch)
        }
    }

    #[test]
    fn rows_with_equal_hash_and_different_bytes_stay() {
        let table = Arc::new(LineTable::new(
            Arc::new(b"a\nb\na\nc\n".to_vec()),
            Shape::Text,
        ));
        let open = |selection: &Selection| Arc::clone(&table).batches(selection);
        let same = |row| EqualRow {
            row,
            kept: 0,
            place: row * 2,
        };
        for size_bytes in [None, Some(u64::MAX)] {
            let options = DedupOptions {
                threads: 1,
                ..DedupOptions::default()
            };
            let passes = Passes {
                open: &open,
                selection: Selection::default(),
                threads: 1,
                size_bytes,
                progress: &NoProgress,
                firsts: vec![0, 4],
                surveyed: Some(open(&Selection::default()).unwrap()),
            };
            let wrong = compare_rows(&passes, &options, &[0, 1, 2, 3].map(same)).unwrap();
            assert_eq!(wrong, [1, 3], "{size_bytes:?}");
        }
    }
}
