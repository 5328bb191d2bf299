//! Whether rows with one hash have the same bytes. They are read again: each alone where few are wanted and
//! the files let that be done, else by going over all.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::exact::equal_rows::Same;
use crate::inspect::dedup::external::multi_pass::Passes;
use crate::inspect::dedup::external::multi_pass::TextOf;
use crate::inspect::dedup::external::multi_pass::changed;
use crate::inspect::dedup::external::multi_pass::in_threads;
use crate::inspect::table::Batch;
use crate::inspect::table::TableError;

/// What is known of a group of rows with one hash while the rows pass by.
#[derive(Default)]
struct Group {
    /// How many rows of it did not come yet.
    left: u32,
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    New,
    /// The bytes that all others must have.
    Held(Box<[u8]>),
    /// There was no room for the bytes: another pass.
    Later,
}

/// A row that is compared with those of its group.
#[derive(Clone, Copy)]
struct Wanted {
    row: u32,
    place: u32,
    group: u32,
}

/// All groups, with the bytes that are held of them.
struct Groups {
    all: Vec<Mutex<Group>>,
    held: AtomicUsize,
    room: usize,
}

/// Rows that are not the same as those they have the hash of: rows of which the bytes differ from
/// what came first of their group. In order.
pub(in crate::inspect::dedup) fn confirm(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    same: &[Same],
) -> Result<Vec<u32>, TableError> {
    let room = options.budget_bytes / 2;
    let (wanted, mut groups) = grouped(same, room);
    let mut is_alone = is_sparse(passes, &wanted)?;
    let mut wrong = Vec::new();
    while groups.begin_pass() {
        let alone = match is_alone {
            true => confirm_alone(passes, options, &wanted, &groups)?,
            false => None,
        };
        match alone {
            Some(found) => wrong.extend(found),
            // Some of the rows are in a file where that cannot be done: all are compared anew.
            None if is_alone => {
                is_alone = false;
                wrong.clear();
                groups = grouped(same, room).1;
            }
            None => wrong.extend(confirm_pass(passes, options, &wanted, &groups)?),
        }
    }
    wrong.sort_unstable();
    Ok(wrong)
}

fn grouped(same: &[Same], room: usize) -> (Vec<Wanted>, Groups) {
    let mut kept: Vec<u32> = same.iter().map(|s| s.kept).collect();
    kept.sort_unstable();
    let runs = kept.chunk_by(|a, b| a == b);
    let (kept, all): (Vec<u32>, Vec<Mutex<Group>>) = runs
        .filter_map(|run| {
            let group = Group {
                left: u32::try_from(run.len()).ok()?,
                state: State::New,
            };
            Some((*run.first()?, Mutex::new(group)))
        })
        .unzip();
    let wanted = same.iter().filter_map(|same| {
        let group = kept.binary_search(&same.kept).ok()?;
        Some(Wanted {
            row: same.row,
            place: same.place,
            group: u32::try_from(group).ok()?,
        })
    });
    let groups = Groups {
        all,
        held: AtomicUsize::new(0),
        room,
    };
    (wanted.collect(), groups)
}

/// Whether so few rows are wanted that each is read alone, where that can be done.
fn is_sparse(passes: &Passes<'_>, wanted: &[Wanted]) -> Result<bool, TableError> {
    let bytes = wanted.len() as u64 * ALONE_BYTES;
    match wanted.first() {
        Some(one) if passes.size_bytes.is_some_and(|size| bytes < size) => {
            passes.row(one.row, one.place, &mut Batch::default())
        }
        _ => Ok(false),
    }
}

/// To read a row alone takes as long as so many bytes in a row.
const ALONE_BYTES: u64 = 4 << 10;
/// Rows that a thread takes at a time: they lie near each other.
const ROWS_AT_ONCE: usize = 256;

impl Groups {
    /// Whether a group is not compared yet; those for which there was no room have a turn now.
    fn begin_pass(&mut self) -> bool {
        self.held = AtomicUsize::new(0);
        let mut is_any = false;
        for group in &self.all {
            let mut group = lock(group);
            is_any |= group.left > 0;
            if matches!(group.state, State::Later) {
                group.state = State::New;
            }
        }
        is_any
    }

    /// Whether a row with these bytes may still be the same as the others.
    fn is_fine(&self, wanted: &Wanted, bytes: &[u8]) -> bool {
        let group = self.all.get(wanted.group as usize);
        group.is_none_or(|group| lock(group).is_fine(bytes, &self.held, self.room))
    }

    /// Whether all rows of the group of a row were compared.
    fn is_done(&self, wanted: &Wanted) -> bool {
        let group = self.all.get(wanted.group as usize);
        group.is_none_or(|group| lock(group).left == 0)
    }
}

fn lock(group: &Mutex<Group>) -> std::sync::MutexGuard<'_, Group> {
    group.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads the rows that are wanted, in their order, and compares them; none where one cannot be read alone.
fn confirm_alone(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    wanted: &[Wanted],
    groups: &Groups,
) -> Result<Option<Vec<u32>>, TableError> {
    passes.progress.phase("comparing equal rows", None);
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut wrong, mut text, mut batch) = (Vec::new(), TextOf::default(), Batch::default());
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
                if !groups.is_fine(one, bytes.ok_or_else(changed)?) {
                    wrong.push(one.row);
                }
                passes.progress.advance(batch.text().len() as u64);
            }
        }
    };
    let found: Option<Vec<_>> = in_threads(options.threads, &work)?.into_iter().collect();
    Ok(found.map(|found| found.concat()))
}

/// Goes over all rows, and compares those that are wanted.
fn confirm_pass(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    wanted: &[Wanted],
    groups: &Groups,
) -> Result<Vec<u32>, TableError> {
    let made = passes.each(
        "comparing equal rows",
        || (Vec::new(), TextOf::default()),
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
                if !groups.is_fine(next, bytes.ok_or_else(changed)?) {
                    wrong.push(next.row);
                }
            }
            Ok(())
        },
    )?;
    Ok(made.into_iter().flat_map(|(wrong, _)| wrong).collect())
}

impl Group {
    /// Whether a row that came may still be the same as the others.
    fn is_fine(&mut self, bytes: &[u8], held: &AtomicUsize, room: usize) -> bool {
        let is_fine = match &self.state {
            State::Later => return true,
            State::Held(other) => **other == *bytes,
            State::New => {
                // One group at least has room in every pass.
                let before = held.fetch_add(bytes.len(), Ordering::Relaxed);
                if before > 0 && before + bytes.len() > room {
                    held.fetch_sub(bytes.len(), Ordering::Relaxed);
                    self.state = State::Later;
                    return true;
                }
                self.state = State::Held(bytes.into());
                true
            }
        };
        self.left = self.left.saturating_sub(1);
        if self.left == 0
            && let State::Held(bytes) = std::mem::take(&mut self.state)
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
    use crate::inspect::table::Lines;
    use crate::inspect::table::Next;
    use crate::inspect::table::Selection;
    use crate::inspect::table::Shape;
    use crate::inspect::table::Table;
    use crate::progress::NoProgress;

    #[test]
    fn files_of_which_some_rows_cannot_be_read_alone_are_gone_over() {
        let long = "y".repeat(50);
        let lines = format!("{long}\nb\n{long}\n").into_bytes();
        let table = Arc::new(Lines::new(Arc::new(lines), Shape::Text));
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

    /// Batches whose rows cannot be read alone.
    struct InOrder(Arc<dyn Batches>);

    impl Batches for InOrder {
        fn next(&self, batch: &mut Batch) -> Result<Next, TableError> {
            self.0.next(batch)
        }
    }

    #[test]
    fn rows_with_one_hash_and_other_bytes_stay() {
        let table = Arc::new(Lines::new(Arc::new(b"a\nb\na\nc\n".to_vec()), Shape::Text));
        let open = |selection: &Selection| Arc::clone(&table).batches(selection);
        let same = |row| Same {
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
            let wrong = confirm(&passes, &options, &[0, 1, 2, 3].map(same)).unwrap();
            assert_eq!(wrong, [1, 3], "{size_bytes:?}");
        }
    }
}
