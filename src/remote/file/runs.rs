//! Runs of blocks that wanted ranges need. Pure.

use std::ops::Range;

use crate::remote::limits::BLOCK_BYTES;
use crate::remote::limits::GAP_BYTES_MAX;
use crate::remote::limits::WINDOW_BYTES_MAX;

/// Returns the runs of missing blocks that cover the ranges of bytes, in order. Runs that are near
/// to each other become one, and long ones are cut.
pub(crate) fn missing_runs(
    ranges: &[Range<u64>],
    size: u64,
    is_here: impl Fn(u64) -> bool,
) -> Vec<Range<u64>> {
    let mut blocks: Vec<Range<u64>> = ranges
        .iter()
        .map(|r| r.start.min(size)..r.end.min(size))
        .filter(|r| r.start < r.end)
        .map(|r| r.start / BLOCK_BYTES..r.end.div_ceil(BLOCK_BYTES))
        .collect();
    blocks.sort_unstable_by_key(|r| r.start);
    let mut runs: Vec<Range<u64>> = Vec::new();
    let mut seen = 0;
    for range in blocks {
        for block in range.start.max(seen)..range.end {
            if is_here(block) {
                continue;
            }
            let gap = |run: &Range<u64>| (block - run.end) * BLOCK_BYTES;
            match runs.last_mut().filter(|run| gap(run) < GAP_BYTES_MAX) {
                // Blocks that are here are not fetched again.
                Some(run) if !(run.end..block).any(&is_here) => run.end = block + 1,
                _ => runs.push(block..block + 1),
            }
        }
        seen = seen.max(range.end);
    }
    runs.into_iter().flat_map(cut).collect()
}

/// Cuts a run into pieces that are requests of a good length each.
fn cut(run: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let most = WINDOW_BYTES_MAX / BLOCK_BYTES;
    let starts = (run.start..run.end).step_by(usize::try_from(most).unwrap_or(usize::MAX));
    starts.map(move |start| start..(start + most).min(run.end))
}

#[cfg(test)]
mod tests {
    use super::missing_runs;
    use crate::remote::limits::BLOCK_BYTES;
    use crate::remote::limits::GAP_BYTES_MAX;
    use crate::remote::limits::WINDOW_BYTES_MAX;

    const SIZE: u64 = 1 << 30;

    #[test]
    fn ranges_near_to_each_other_are_one_run() {
        let near = BLOCK_BYTES + GAP_BYTES_MAX - 1;
        let far = near + BLOCK_BYTES + GAP_BYTES_MAX + BLOCK_BYTES;
        let runs = missing_runs(&[far..far + 1, 0..10, near..near + 10], SIZE, |_| false);
        assert_eq!(runs.len(), 2);
        assert_eq!(runs[0].start, 0);
        assert_eq!(runs[1], far / BLOCK_BYTES..far / BLOCK_BYTES + 1);
    }

    #[test]
    fn blocks_that_are_here_are_not_fetched() {
        let all = 0..10 * BLOCK_BYTES;
        let runs = missing_runs(std::slice::from_ref(&all), SIZE, |n| n == 3 || n == 9);
        assert_eq!(runs, [0..3, 4..9]);
        assert!(missing_runs(&[all], SIZE, |_| true).is_empty());
    }

    #[test]
    fn range_beyond_the_end_is_cut() {
        let runs = missing_runs(&[SIZE - 1..SIZE + 100, SIZE + 5..SIZE + 9], SIZE, |_| false);
        assert_eq!(runs.len(), 1);
        assert_eq!(runs[0], SIZE / BLOCK_BYTES - 1..SIZE / BLOCK_BYTES);
    }

    #[test]
    fn long_run_is_several_requests() {
        let all = 0..3 * WINDOW_BYTES_MAX + 1;
        let runs = missing_runs(&[all], SIZE, |_| false);
        assert_eq!(runs.len(), 4);
        assert!(runs.windows(2).all(|pair| pair[0].end == pair[1].start));
    }
}
