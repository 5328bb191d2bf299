//! Read-ahead: the sizes of the windows that a look fetches. The type is pure: it learns where bytes
//! were read, and says what to fetch. `spec/partial-holdings.md` has the rules.

/// Bytes of a window at a place where nothing was read before.
pub(super) const FIRST_WINDOW_BYTES: usize = 512 << 10;
/// Windows ahead of the reader at most.
const AHEAD_MAX: u32 = 8;
/// Places that are read in order at the same time. Columns of a Parquet file are.
const STREAMS_MAX: usize = 8;

/// Number of a stream: a place from which bytes are read in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StreamId(u64);

/// A window to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WantedWindow {
    /// The stream that wants it.
    pub(super) stream: StreamId,
    /// Offset of its first chunk.
    pub(super) from: u64,
    /// Its least length in bytes.
    pub(super) bytes: usize,
}

/// A place from which bytes are read in order.
#[derive(Clone, Debug)]
struct Stream {
    id: StreamId,
    /// End of the last window that was planned.
    next: u64,
    /// Windows that were read, the first included.
    run: u32,
    /// Windows that were planned and not read yet.
    ahead: u32,
    /// Time of the last use, in uses.
    used: u64,
}

/// The streams of one look.
#[derive(Debug)]
pub(super) struct ReadAhead {
    streams: Vec<Stream>,
    /// Length of the data.
    end: u64,
    window_bytes_max: usize,
    uses: u64,
}

impl ReadAhead {
    /// Starts without any stream, over data of a length. Windows grow up to `window_bytes_max`.
    pub(super) fn new(end: u64, window_bytes_max: usize) -> Self {
        Self {
            streams: Vec::new(),
            end,
            window_bytes_max,
            uses: 0,
        }
    }

    /// Returns the window to fetch for a read in a place that no window has. `from` is the offset of the
    /// chunk there.
    pub(super) fn missed(&mut self, from: u64) -> WantedWindow {
        self.uses += 1;
        let used = self.uses;
        if let Some(stream) = self.streams.iter_mut().find(|s| s.next == from) {
            (stream.used, stream.run) = (used, stream.run.saturating_add(1));
            let (id, run) = (stream.id, stream.run);
            return self.wanted(id, from, run);
        }
        if self.streams.len() >= STREAMS_MAX
            && let Some(oldest) = (0..self.streams.len()).min_by_key(|n| {
                let stream = self.streams.get(*n);
                stream.map_or(u64::MAX, |s| s.used)
            })
        {
            self.streams.swap_remove(oldest);
        }
        let id = StreamId(used);
        self.streams.push(Stream {
            id,
            next: from,
            run: 1,
            ahead: 0,
            used,
        });
        self.wanted(id, from, 1)
    }

    /// Notes that a window was planned for a stream, with this end.
    pub(super) fn planned(&mut self, stream: StreamId, end: u64, is_ahead: bool) {
        if let Some(stream) = self.streams.iter_mut().find(|s| s.id == stream) {
            stream.next = end;
            stream.ahead += u32::from(is_ahead);
        }
    }

    /// Notes the first read of a window that was planned ahead.
    pub(super) fn read(&mut self, stream: StreamId) {
        self.uses += 1;
        if let Some(stream) = self.streams.iter_mut().find(|s| s.id == stream) {
            stream.used = self.uses;
            stream.run = stream.run.saturating_add(1);
            stream.ahead = stream.ahead.saturating_sub(1);
        }
    }

    /// Returns the next window to fetch ahead, of the stream that was used last.
    pub(super) fn next_ahead(&self) -> Option<WantedWindow> {
        let wanting = self.streams.iter().filter(|s| {
            let depth = s.run.saturating_sub(2).min(AHEAD_MAX);
            s.ahead < depth && s.next < self.end
        });
        let stream = wanting.max_by_key(|s| s.used)?;
        Some(self.wanted(stream.id, stream.next, stream.run + stream.ahead + 1))
    }

    /// Ends a stream at a place that another stream has read already.
    pub(super) fn end_stream(&mut self, stream: StreamId) {
        self.streams.retain(|s| s.id != stream);
    }

    /// Returns the window that is the `number`th of its stream, from 1.
    fn wanted(&self, stream: StreamId, from: u64, number: u32) -> WantedWindow {
        let doubled = FIRST_WINDOW_BYTES.checked_shl(number.saturating_sub(1).min(20));
        WantedWindow {
            stream,
            from,
            bytes: doubled.map_or(self.window_bytes_max, |n| n.min(self.window_bytes_max)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 8 << 20;

    /// Reads windows in order from an offset, and returns the lengths of the windows that were missed,
    /// and the greatest number ahead.
    fn read_in_order(ahead: &mut ReadAhead, from: u64, windows: usize) -> (Vec<usize>, usize) {
        let (mut planned, mut missed, mut deepest) = (Vec::new(), Vec::new(), 0);
        let mut at = from;
        for _ in 0..windows {
            let (stream, end) = match planned.is_empty() {
                true => {
                    let wanted = ahead.missed(at);
                    assert_eq!(wanted.from, at);
                    missed.push(wanted.bytes);
                    let end = at + wanted.bytes as u64;
                    ahead.planned(wanted.stream, end, false);
                    (wanted.stream, end)
                }
                false => {
                    let (stream, end) = planned.remove(0);
                    ahead.read(stream);
                    (stream, end)
                }
            };
            at = end;
            while let Some(wanted) = ahead.next_ahead() {
                assert_eq!(wanted.stream, stream);
                let end = wanted.from + wanted.bytes as u64;
                ahead.planned(wanted.stream, end, true);
                planned.push((wanted.stream, end));
            }
            deepest = deepest.max(planned.len());
        }
        (missed, deepest)
    }

    #[test]
    fn read_ahead_single_windows_fetch_nothing_ahead() {
        let mut ahead = ReadAhead::new(u64::MAX, MAX);
        for at in [0, 40 << 20, 9 << 20] {
            let wanted = ahead.missed(at);
            assert_eq!(wanted.bytes, FIRST_WINDOW_BYTES);
            ahead.planned(wanted.stream, at + wanted.bytes as u64, false);
            assert_eq!(ahead.next_ahead(), None);
        }
    }

    #[test]
    fn read_ahead_in_order_grows_to_the_windows_of_a_pull() {
        let mut ahead = ReadAhead::new(u64::MAX, MAX);
        let (missed, deepest) = read_in_order(&mut ahead, 0, 40);
        // Two are waited for, from the third on the next is on its way.
        assert_eq!(missed, [512 << 10, 1 << 20, 2 << 20]);
        assert_eq!(deepest, AHEAD_MAX as usize);
        let next = ahead.next_ahead();
        assert_eq!(next, None);
        let streams: Vec<&Stream> = ahead.streams.iter().collect();
        assert_eq!(streams.len(), 1);
        assert_eq!(ahead.wanted(streams[0].id, 0, streams[0].run).bytes, MAX);
    }

    #[test]
    fn read_ahead_stops_at_the_end_of_the_data() {
        let mut ahead = ReadAhead::new(3 << 20, MAX);
        for _ in 0..3 {
            let at = ahead.streams.first().map_or(0, |s| s.next);
            let wanted = ahead.missed(at);
            let end = (at + wanted.bytes as u64).min(3 << 20);
            ahead.planned(wanted.stream, end, false);
        }
        assert_eq!(ahead.next_ahead(), None);
    }

    #[test]
    fn read_ahead_many_places_keep_their_order_and_the_oldest_goes() {
        let mut ahead = ReadAhead::new(u64::MAX, MAX);
        let place = |n: u64| n << 30;
        for n in 0..STREAMS_MAX as u64 {
            read_in_order(&mut ahead, place(n), 1);
        }
        // Each goes on where it was.
        for n in 0..STREAMS_MAX as u64 {
            let wanted = ahead.missed(place(n) + FIRST_WINDOW_BYTES as u64);
            assert_eq!(wanted.bytes, 2 * FIRST_WINDOW_BYTES);
            ahead.planned(wanted.stream, wanted.from + wanted.bytes as u64, false);
        }
        ahead.missed(place(99));
        assert_eq!(ahead.streams.len(), STREAMS_MAX);
        let first = ahead.missed(place(0) + 3 * FIRST_WINDOW_BYTES as u64);
        assert_eq!(first.bytes, FIRST_WINDOW_BYTES, "the oldest was forgotten");
    }
}
