//! Reads in order: found among all reads of a file, so that what comes next is fetched ahead. Pure.

use std::ops::Range;

use crate::read_at::Wanted;
use crate::remote::limits::BLOCK_BYTES;
use crate::remote::limits::OPENING_BYTES;
use crate::remote::limits::WINDOW_BYTES_MAX;
use crate::remote::limits::WINDOW_BYTES_MIN;

/// Places of one file that are read in order at the same time, at most: columns, say.
const STREAMS_MAX: usize = 64;
/// Ranges that are remembered.
const BOUNDS_MAX: usize = 4096;
/// Blocks by which several threads that read in order together are apart from each other.
const SLACK_BLOCKS: u64 = WINDOW_BYTES_MAX / BLOCK_BYTES;

/// Bytes that are read in order before anything is fetched ahead.
const PATIENCE_BYTES: u64 = 128 << 10;

/// Reads in order of one file.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    open: Vec<Stream>,
    bounds: Vec<Wanted>,
    clock: u64,
}

#[derive(Debug)]
struct Stream {
    /// The first block of its reads.
    first: u64,
    /// The block after the last that was read.
    next: u64,
    /// The block after the last that was fetched.
    fetched: u64,
    /// Bytes of the next fetch ahead; 0 until reads in order are seen.
    window: u64,
    /// Bytes of the last fetch.
    last: u64,
    used: u64,
}

impl Streams {
    /// Records a range behind whose end nothing is fetched ahead, and nothing behind what is read
    /// soon before that is read.
    pub(crate) fn bound(&mut self, wanted: Wanted) {
        self.bounds
            .retain(|b| (b.start, b.end) != (wanted.start, wanted.end));
        if self.bounds.len() >= BOUNDS_MAX {
            self.bounds.remove(0);
        }
        self.bounds.push(wanted);
    }

    /// Returns the blocks to fetch because `missing` is read and not here. They begin with it.
    /// `wanted_end` is the end in bytes of the present read, `size` that of the file.
    pub(crate) fn fetch(&mut self, missing: u64, wanted_end: u64, size: u64) -> Range<u64> {
        let end = self.end_of(missing, size);
        let wanted = wanted_end.clamp(missing * BLOCK_BYTES + 1, size.max(1));
        let mut stream = self.take(missing);
        if stream.window == 0 && (missing - stream.first) * BLOCK_BYTES >= OPENING_BYTES {
            // The front came with the opening, and reading goes on behind it.
            stream.window = WINDOW_BYTES_MIN;
        }
        let ahead = stream.grow();
        let until = (missing * BLOCK_BYTES).saturating_add(ahead).min(end);
        let until = until.max(wanted).div_ceil(BLOCK_BYTES);
        stream.fetched = stream.fetched.max(until);
        stream.last = until.saturating_sub(missing) * BLOCK_BYTES;
        self.open.push(stream);
        missing..until.max(missing + 1)
    }

    /// Returns the blocks to fetch ahead after `block` was read, if it is time.
    pub(crate) fn ahead(&mut self, block: u64, size: u64) -> Option<Range<u64>> {
        let end = self.end_of(block, size).div_ceil(BLOCK_BYTES);
        let mut stream = self.take(block);
        let left = stream.fetched.saturating_sub(block + 1) * BLOCK_BYTES;
        let read = (stream.next - stream.first) * BLOCK_BYTES;
        let is_in_order = stream.window > 0 && read >= PATIENCE_BYTES;
        // Half of what was fetched last is read by now.
        let is_time = is_in_order && left < stream.last / 2 && stream.fetched < end;
        let from = stream.fetched;
        let mut until = from;
        if is_time {
            until = (from + stream.grow() / BLOCK_BYTES).min(end);
            stream.last = (until - from) * BLOCK_BYTES;
            stream.fetched = until;
        }
        self.open.push(stream);
        (from < until).then_some(from..until)
    }

    /// Returns the end in bytes of the range that a block is in.
    fn end_of(&self, block: u64, size: u64) -> u64 {
        let at = block * BLOCK_BYTES;
        let around = |b: &&Wanted| b.start < at + BLOCK_BYTES && at < b.end;
        let around = self.bounds.iter().filter(around);
        let ends = around.map(|b| if at < b.soon { b.soon } else { b.end });
        ends.max().unwrap_or(size).min(size)
    }

    /// Takes out the stream that a block belongs to, or a new one, and notes that it was read. The
    /// caller puts it back.
    fn take(&mut self, block: u64) -> Stream {
        self.clock += 1;
        let is_near = |s: &Stream| {
            let from = s.next.saturating_sub(SLACK_BLOCKS).max(s.first);
            (from..=s.fetched.max(s.next) + 1).contains(&block)
        };
        // The nearest one.
        let near = self.open.iter().enumerate().filter(|(_, s)| is_near(s));
        let found = near.min_by_key(|(_, s)| s.next.abs_diff(block));
        let mut stream = match found.map(|(n, _)| n) {
            Some(n) => self.open.swap_remove(n),
            None => {
                if self.open.len() >= STREAMS_MAX {
                    let oldest = self.open.iter().enumerate().min_by_key(|(_, s)| s.used);
                    let oldest = oldest.map(|(n, _)| n).unwrap_or_default();
                    self.open.swap_remove(oldest);
                }
                Stream {
                    first: block,
                    next: block,
                    fetched: block,
                    window: 0,
                    last: 0,
                    used: 0,
                }
            }
        };
        stream.used = self.clock;
        stream.next = stream.next.max(block + 1);
        stream
    }
}

impl Stream {
    /// Returns the bytes to fetch now, and makes the next fetch larger.
    fn grow(&mut self) -> u64 {
        let now = self.window;
        self.window = (now * 2).clamp(WINDOW_BYTES_MIN, WINDOW_BYTES_MAX);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::Streams;
    use crate::read_at::Wanted;
    use crate::remote::limits::BLOCK_BYTES;
    use crate::remote::limits::WINDOW_BYTES_MAX;
    use crate::remote::limits::WINDOW_BYTES_MIN;

    const SIZE: u64 = 1 << 30;

    /// Reads blocks in order from `first` on, and returns the lengths of the fetches in bytes.
    fn read_on(streams: &mut Streams, first: u64, blocks: u64) -> Vec<u64> {
        let (mut here, mut fetches) = (first, Vec::new());
        for block in first..first + blocks {
            if block >= here {
                let fetch = streams.fetch(block, (block + 1) * BLOCK_BYTES, SIZE);
                assert_eq!(fetch.start, block);
                here = fetch.end;
                fetches.push((fetch.end - fetch.start) * BLOCK_BYTES);
            }
            if let Some(ahead) = streams.ahead(block, SIZE) {
                assert_eq!(ahead.start, here);
                here = ahead.end;
                fetches.push((ahead.end - ahead.start) * BLOCK_BYTES);
            }
        }
        fetches
    }

    #[test]
    fn fetches_grow_while_reading_goes_on_in_order() {
        let fetches = read_on(&mut Streams::default(), 0, 4096);
        assert!(fetches[0] <= WINDOW_BYTES_MIN + BLOCK_BYTES);
        assert!(fetches.is_sorted(), "{fetches:?}");
        assert_eq!(fetches.last(), Some(&WINDOW_BYTES_MAX));
    }

    #[test]
    fn fetched_ahead_is_in_proportion_to_what_was_read() {
        for blocks in [8, 16, 64, 256, 1024] {
            let fetches = read_on(&mut Streams::default(), 0, blocks);
            let fetched: u64 = fetches.iter().sum();
            let read = blocks * BLOCK_BYTES;
            assert!(
                fetched <= 4 * read + WINDOW_BYTES_MIN,
                "{read}: {fetches:?}"
            );
        }
    }

    #[test]
    fn single_reads_far_apart_fetch_what_is_read_alone() {
        let mut streams = Streams::default();
        for n in 1..50 {
            let block = n * 1000;
            let fetch = streams.fetch(block, (block + 1) * BLOCK_BYTES, SIZE);
            assert_eq!(fetch, block..block + 1);
        }
    }

    #[test]
    fn fetches_end_where_the_range_ends() {
        let mut streams = Streams::default();
        let end = 40 * BLOCK_BYTES + 1;
        streams.bound(Wanted {
            start: 0,
            soon: 0,
            end,
        });
        let fetches = read_on(&mut streams, 0, 41);
        assert_eq!(fetches.iter().sum::<u64>(), 41 * BLOCK_BYTES);
        // Another range is not stopped by it.
        assert!(read_on(&mut streams, 100, 200).iter().sum::<u64>() > 200 * BLOCK_BYTES);
    }

    #[test]
    fn nothing_behind_what_is_read_soon_is_fetched_before_that_is_read() {
        let mut streams = Streams::default();
        streams.bound(Wanted {
            start: 0,
            soon: 20 * BLOCK_BYTES,
            end: 4000 * BLOCK_BYTES,
        });
        let fetches = read_on(&mut streams, 0, 20);
        assert_eq!(fetches.iter().sum::<u64>(), 20 * BLOCK_BYTES);
        let fetches = read_on(&mut streams, 20, 100);
        assert!(
            fetches.iter().sum::<u64>() > 100 * BLOCK_BYTES,
            "{fetches:?}"
        );
    }

    #[test]
    fn large_read_is_fetched_at_once() {
        let fetch = Streams::default().fetch(3, 3 * BLOCK_BYTES + (5 << 20), SIZE);
        assert_eq!(fetch, 3..3 + (5 << 20) / BLOCK_BYTES);
        let last = SIZE / BLOCK_BYTES - 1;
        assert_eq!(
            Streams::default().fetch(last, u64::MAX, SIZE),
            last..last + 1
        );
    }

    #[test]
    fn columns_read_in_turn_are_streams_of_their_own() {
        let mut streams = Streams::default();
        let mut fetched = [0, 10_000, 20_000];
        let mut requests = 0;
        for step in 0..1000 {
            for (column, here) in fetched.iter_mut().enumerate() {
                let block = column as u64 * 10_000 + step;
                if block >= *here {
                    *here = streams.fetch(block, (block + 1) * BLOCK_BYTES, SIZE).end;
                    requests += 1;
                }
                if let Some(ahead) = streams.ahead(block, SIZE) {
                    *here = ahead.end;
                    requests += 1;
                }
            }
        }
        assert!(requests < 40, "{requests}");
    }
}
