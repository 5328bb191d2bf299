//! Rows that are the same: found by their hashes, confirmed on the bytes.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::inspect::dup::DedupOptions;
use crate::inspect::dup::passes::Passes;
use crate::inspect::dup::passes::TextOf;
use crate::inspect::dup::passes::in_threads;
use crate::inspect::dup::survey::HASH_RECORD_BYTES;
use crate::inspect::dup::survey::Survey;
use crate::inspect::table::TableError;

/// A row of which there is the same in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Same {
    /// The row.
    pub(super) row: u32,
    /// The one of all of them that stays.
    pub(super) kept: u32,
}

/// All rows that are the same as another that stays, in the order of rows.
pub(super) fn same_rows(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    survey: &mut Survey<'_>,
) -> Result<Vec<Same>, TableError> {
    let mut groups = groups(options, survey)?;
    if groups.is_empty() {
        return Ok(groups);
    }
    let wrong = confirm(passes, options, &groups)?;
    groups.retain(|same| wrong.binary_search(&same.row).is_err());
    groups.retain(|same| same.row != same.kept);
    Ok(groups)
}

/// Rows with equal hashes, the one that stays among them, in the order of rows.
fn groups(options: &DedupOptions<'_>, survey: &mut Survey<'_>) -> Result<Vec<Same>, TableError> {
    let (parts, ranks) = (survey.hashes.len(), &survey.ranks);
    let next = AtomicUsize::new(0);
    let hashes = Mutex::new(&mut survey.hashes);
    let work = || {
        let mut found = Vec::new();
        loop {
            let part = next.fetch_add(1, Ordering::Relaxed);
            if part >= parts {
                return Ok(found);
            }
            let taken = hashes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(part);
            let mut records = taken.records(decoded)?;
            records.sort_unstable();
            for group in records.chunk_by(|a, b| a.0 == b.0 && a.1 == b.1) {
                let rows = group.iter().map(|r| r.2);
                let Some(kept) = rows.clone().min_by_key(|row| ranks.key(*row)) else {
                    continue;
                };
                if group.len() > 1 {
                    found.extend(rows.map(|row| Same { row, kept }));
                }
            }
        }
    };
    let mut found = in_threads(options.threads, &work)?.concat();
    found.sort_unstable();
    Ok(found)
}

fn decoded(record: &[u8; HASH_RECORD_BYTES]) -> (u64, u64, u32) {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t] = *record;
    (
        u64::from_le_bytes([i, j, k, l, m, n, o, p]),
        u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        u32::from_le_bytes([q, r, s, t]),
    )
}

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

/// Rows that are not the same as those they have the hash of: rows of which the bytes differ from
/// what came first of their group. In order.
fn confirm(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    same: &[Same],
) -> Result<Vec<u32>, TableError> {
    let mut kept: Vec<u32> = same.iter().map(|s| s.kept).collect();
    kept.sort_unstable();
    let runs = kept.chunk_by(|a, b| a == b);
    let (kept, sizes): (Vec<u32>, Vec<u32>) = runs
        .filter_map(|run| Some((*run.first()?, u32::try_from(run.len()).ok()?)))
        .unzip();
    let groups: Vec<Mutex<Group>> = sizes
        .iter()
        .map(|size| {
            Mutex::new(Group {
                left: *size,
                state: State::New,
            })
        })
        .collect();
    let of = |same: &Same| {
        let at = kept.binary_search(&same.kept).ok()?;
        Some((same.row, u32::try_from(at).ok()?))
    };
    let rows: Vec<(u32, u32)> = same.iter().filter_map(of).collect();
    let mut wrong = Vec::new();
    while groups.iter().any(|group| lock(group).left > 0) {
        let held = AtomicUsize::new(0);
        for group in &groups {
            let mut group = lock(group);
            if matches!(group.state, State::Later) {
                group.state = State::New;
            }
        }
        let room = options.budget_bytes / 2;
        wrong.extend(confirm_pass(passes, options, &rows, &groups, &held, room)?);
    }
    wrong.sort_unstable();
    Ok(wrong)
}

fn lock(group: &Mutex<Group>) -> std::sync::MutexGuard<'_, Group> {
    group.lock().unwrap_or_else(PoisonError::into_inner)
}

fn confirm_pass(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    rows: &[(u32, u32)],
    groups: &[Mutex<Group>],
    held: &AtomicUsize,
    room: usize,
) -> Result<Vec<u32>, TableError> {
    let made = passes.each(
        "comparing equal rows",
        || (Vec::new(), TextOf::default()),
        |(wrong, text), first, batch| {
            let at = rows.partition_point(|(row, _)| u64::from(*row) < first);
            let mut wanted = rows.get(at..).unwrap_or_default().iter().peekable();
            for row in batch.rows() {
                let number = first + row.index;
                while wanted.next_if(|w| u64::from(w.0) < number).is_some() {}
                let Some(next) = wanted.peek() else { break };
                if u64::from(next.0) != number {
                    continue;
                }
                let Some(group) = groups.get(next.1 as usize) else {
                    continue;
                };
                let bytes = text.bytes(batch, &row, &options.columns);
                if !lock(group).is_fine(bytes, held, room) {
                    wrong.push(next.0);
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
