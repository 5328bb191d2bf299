//! Which rows go: every row that is like one that stays, whether or not others are between them.

use std::collections::HashMap;

use crate::inspect::dedup::DedupReport;
use crate::inspect::dedup::Evidence;
use crate::inspect::dedup::Likeness;
use crate::inspect::dedup::RowSet;
use crate::inspect::dedup::exact::equal_rows::Same;
use crate::inspect::dedup::exact::row_hashes::Ranks;
use crate::inspect::dedup::near::jaccard::Alike;

/// Decides for the rows in the order in which they stay. A row goes only when a row that stays is
/// like it: a chain of pairs melts nothing.
pub(in crate::inspect::dedup) fn decide(
    numbers: u64,
    ranks: &Ranks,
    same: &[Same],
    alike: Vec<Alike>,
) -> DedupReport {
    let mut report = DedupReport {
        removed: RowSet::with_rows(numbers),
        exact_duplicates: same.len() as u64,
        ..DedupReport::default()
    };
    let mut alike = alike;
    alike.sort_unstable_by_key(|a| (ranks.key(a.other), ranks.key(a.kept)));
    let mut stands_for: HashMap<u32, (u32, f32)> = HashMap::new();
    for pairs in alike.chunk_by(|a, b| a.other == b.other) {
        let kept = pairs
            .iter()
            .filter(|p| !report.removed.contains(p.kept.into()));
        let best = kept.reduce(|best, p| {
            if p.similarity > best.similarity {
                p
            } else {
                best
            }
        });
        if let Some(best) = best {
            report.removed.insert(best.other.into());
            stands_for.insert(best.other, (best.kept, best.similarity));
            report.near_duplicates += 1;
            report.evidence.push(Evidence {
                removed: best.other.into(),
                kept: best.kept.into(),
                similarity: best.similarity,
                likeness: Likeness::Near,
            });
        }
    }
    for one in same {
        // What it is the same as may have gone; then what is left of both is like both.
        let (kept, similarity) = stands_for
            .get(&one.kept)
            .copied()
            .unwrap_or((one.kept, 1.0));
        report.removed.insert(one.row.into());
        report.evidence.push(Evidence {
            removed: one.row.into(),
            kept: kept.into(),
            similarity,
            likeness: Likeness::Exact,
        });
    }
    report.evidence.sort_unstable_by_key(|e| e.removed);
    let mut sizes: HashMap<u64, u64> = HashMap::new();
    for evidence in &report.evidence {
        *sizes.entry(evidence.kept).or_insert(1) += 1;
    }
    report.clusters = sizes.len() as u64;
    report.largest_cluster = sizes.values().copied().max().unwrap_or(0);
    report
}
