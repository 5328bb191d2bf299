//! Delimited records of a file from any offset, forwards and backwards. A record may hold newlines
//! inside quotes, so the way back guesses where records begin, and checks the guess.

use crate::inspect::table::Header;
use crate::read_at::ReadAt;
use crate::tui::document::CancelToken;
use crate::tui::document::DocumentError;
use crate::tui::document::lines::Blocks;
use crate::tui::document::lines::PageRoom;
use crate::tui::document::lines::RawRow;
use crate::tui::limits::PAGE_SCAN_BYTES;

/// Finder of the ends of records. A quote opens quotes only at the start of a field.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordEnds {
    separator: u8,
    quote: Option<u8>,
    state: QuoteState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum QuoteState {
    /// At the start of a field.
    Start,
    Inside,
    /// Behind a quote inside quotes.
    Perhaps,
    Outside,
}

impl RecordEnds {
    pub(super) fn new(header: &Header) -> Self {
        Self {
            separator: header.separator,
            quote: header.quote,
            state: QuoteState::Start,
        }
    }

    /// Takes a byte; true if it ends a record.
    fn ends(&mut self, byte: u8) -> bool {
        let is_quote = Some(byte) == self.quote;
        if self.state == QuoteState::Inside {
            if is_quote {
                self.state = QuoteState::Perhaps;
            }
            return false;
        }
        self.state = match byte {
            b'\n' => {
                self.state = QuoteState::Start;
                return true;
            }
            _ if is_quote && self.state != QuoteState::Outside => QuoteState::Inside,
            _ if byte == self.separator => QuoteState::Start,
            _ => QuoteState::Outside,
        };
        false
    }

    /// Passes the offset behind each record's end in a block to `each`, until that returns false.
    pub(super) fn each_end(&mut self, block: &[u8], each: &mut dyn FnMut(usize) -> bool) {
        let mut n = 0;
        while let Some(byte) = block.get(n) {
            if self.state == QuoteState::Inside {
                let rest = block.get(n..).unwrap_or_default();
                let quote = self.quote.and_then(|quote| memchr::memchr(quote, rest));
                let Some(quote) = quote else { return };
                self.state = QuoteState::Perhaps;
                n += quote + 1;
                continue;
            }
            n += 1;
            if self.ends(*byte) && !each(n) {
                return;
            }
        }
    }
}

/// Reads records from the start of one at `from`, not beyond `end`.
pub(super) fn forward(
    source: &dyn ReadAt,
    header: &Header,
    (from, end): (u64, u64),
    room: PageRoom,
    cancel: &CancelToken,
) -> Result<Vec<RawRow>, DocumentError> {
    let mut blocks = Blocks::new(source, cancel);
    let mut ends = RecordEnds::new(header);
    let (mut rows, mut row) = (
        Vec::new(),
        RawRow {
            key: from,
            ..RawRow::default()
        },
    );
    let (mut at, mut held) = (from, 0);
    while at < end {
        let block = blocks.read(at, end)?;
        if block.is_empty() {
            break;
        }
        let (mut start, mut is_full) = (0, false);
        ends.each_end(block, &mut |behind| {
            push(
                &mut row,
                block.get(start..behind).unwrap_or_default(),
                room.row_bytes,
            );
            start = behind;
            row.next = at + behind as u64;
            held += row.text.len();
            let next = row.next;
            rows.push(without_end(std::mem::take(&mut row)));
            row.key = next;
            is_full = room.is_full(rows.len(), held, next - from);
            !is_full
        });
        if is_full {
            return Ok(rows);
        }
        push(
            &mut row,
            block.get(start..).unwrap_or_default(),
            room.row_bytes,
        );
        at += block.len() as u64;
    }
    if at > row.key {
        row.next = at;
        // The last record may lack a line end, and may end inside of quotes.
        rows.push(row);
    }
    Ok(rows)
}

fn push(row: &mut RawRow, text: &[u8], most: usize) {
    let left = most.saturating_sub(row.text.len()).min(text.len());
    row.text
        .extend_from_slice(text.get(..left).unwrap_or_default());
    row.bytes += text.len() as u64;
}

/// Takes the line end off.
fn without_end(mut row: RawRow) -> RawRow {
    if row.text.len() as u64 == row.bytes {
        for end in [b'\n', b'\r'] {
            if row.text.last() == Some(&end) {
                row.text.pop();
                row.bytes -= 1;
            }
        }
    }
    row
}

/// Bytes before a record in which the records before it are looked for.
const BACK_BYTES: [u64; 3] = [64 << 10, 1 << 20, PAGE_SCAN_BYTES];
/// Line starts that are tried as starts of records.
const GUESSES_MAX: usize = 64;

/// Returns the start of the record that is `count` records before one, not before `front`; `None` if no
/// start can be told. Of long records it may be fewer.
pub(super) fn start_before(
    source: &dyn ReadAt,
    header: &Header,
    (front, before): (u64, u64),
    count: usize,
    cancel: &CancelToken,
) -> Result<Option<u64>, DocumentError> {
    for bytes in BACK_BYTES {
        let start = before.saturating_sub(bytes).max(front);
        let mut text = Vec::new();
        let mut blocks = Blocks::new(source, cancel);
        while start + (text.len() as u64) < before {
            let block = blocks.read(start + text.len() as u64, before)?;
            if block.is_empty() {
                break;
            }
            text.extend_from_slice(block);
        }
        let first = (start == front).then_some(0);
        let lines = memchr::memchr_iter(b'\n', &text).map(|n| n + 1);
        for guess in first.into_iter().chain(lines).take(GUESSES_MAX) {
            let starts = starts_from(&text, header, guess);
            let is_last = start == front || bytes == PAGE_SCAN_BYTES;
            let is_enough = starts.len() >= count || is_last;
            if let Some(starts) = starts.check(header, &text).filter(|_| is_enough) {
                let at = starts.len().saturating_sub(count);
                let found = starts.get(at).map(|found| start + *found as u64);
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        if start == front {
            break;
        }
    }
    Ok(None)
}

/// Starts of records, and whether the last one ends with the text.
struct Starts {
    starts: Vec<usize>,
    is_whole: bool,
}

impl Starts {
    fn len(&self) -> usize {
        self.starts.len()
    }

    /// Returns the starts if the records look like those of the file.
    fn check(self, header: &Header, text: &[u8]) -> Option<Vec<usize>> {
        let wanted = header.names.len();
        let ends = self.starts.iter().skip(1).copied().chain([text.len()]);
        let mut right = 0;
        for (start, end) in self.starts.iter().copied().zip(ends) {
            let record = text.get(start..end).unwrap_or_default();
            right += usize::from(fields(record, header) == wanted);
        }
        let is_good = self.is_whole && right * 10 >= self.starts.len() * 9;
        is_good.then_some(self.starts)
    }
}

fn starts_from(text: &[u8], header: &Header, guess: usize) -> Starts {
    let mut starts = vec![guess];
    let mut ends = RecordEnds::new(header);
    ends.each_end(text.get(guess..).unwrap_or_default(), &mut |behind| {
        starts.push(guess + behind);
        true
    });
    let is_closed = starts.last() == Some(&text.len());
    if is_closed {
        starts.pop();
    }
    Starts {
        starts,
        // The last record of a file may lack its newline.
        is_whole: is_closed || ends.state != QuoteState::Inside,
    }
}

fn fields(record: &[u8], header: &Header) -> usize {
    let mut ends = RecordEnds::new(header);
    let mut count = 1;
    for byte in record {
        let is_inside = ends.state == QuoteState::Inside;
        ends.ends(*byte);
        count += usize::from(!is_inside && *byte == header.separator);
    }
    count
}

/// Walks records from a row's start; returns the offset behind `records` of them, or the number there
/// were.
pub(super) fn skip_records(
    source: &dyn ReadAt,
    header: &Header,
    (from, end): (u64, u64),
    records: u64,
    cancel: &CancelToken,
    on_block: &mut dyn FnMut(u64, u64),
) -> Result<Result<u64, u64>, DocumentError> {
    let mut blocks = Blocks::new(source, cancel);
    let mut ends = RecordEnds::new(header);
    let (mut at, mut passed, mut last) = (from, 0, from);
    while at < end && passed < records {
        let block = blocks.read(at, end)?;
        if block.is_empty() {
            break;
        }
        ends.each_end(block, &mut |behind| {
            passed += 1;
            last = at + behind as u64;
            passed < records
        });
        at += block.len() as u64;
        on_block(last, passed);
    }
    if passed == records {
        return Ok(Ok(last));
    }
    Ok(Err(passed + u64::from(at > last)))
}
