//! Composition: the regions of a file after the splices of one more edit.

use crate::inspect::edits::region::Origin;
use crate::inspect::edits::region::Region;
use crate::inspect::edits::region::Run;
use crate::inspect::edits::region::Span;
use crate::inspect::edits::splice::Splice;
use crate::inspect::edits::splice::SpliceKind;
use crate::wire::DecodeError;

/// Applies splices in order to regions in order.
pub(super) fn compose(old: Vec<Region>, splices: &[Splice]) -> Result<Vec<Region>, DecodeError> {
    let mut made = Composer {
        out: Vec::with_capacity(old.len() + splices.len()),
        old: old.into_iter().peekable(),
        base: (0, 0),
        edited: (0, 0),
    };
    let mut rest = splices;
    while let Some(first) = rest.first() {
        rest = made.group(first, rest)?;
    }
    made.out.extend(made.old);
    Ok(made.out)
}

/// Regions composed so far.
struct Composer {
    out: Vec<Region>,
    old: std::iter::Peekable<std::vec::IntoIter<Region>>,
    /// End of the last old region that was passed: row and byte in the base, and in the state before
    /// the edit.
    base: (u64, u64),
    edited: (u64, u64),
}

impl Composer {
    /// Returns the end of the next old region, in the state before the edit: its first row, and the
    /// row and byte behind it.
    fn next_region(&mut self) -> Option<(u64, (u64, u64))> {
        let (base, edited) = (self.base, self.edited);
        let region = self.old.peek()?;
        // A journal that someone made may have regions out of order or beyond every file. They end up at
        // places that no edit fits, which is an error then.
        let row = edited
            .0
            .saturating_add(region.base_row.saturating_sub(base.0));
        let at = edited
            .1
            .saturating_add(region.base_at.saturating_sub(base.1));
        let end = (
            row.saturating_add(region.rows),
            at.saturating_add(region.bytes),
        );
        Some((row, end))
    }

    /// Takes the next old region.
    fn take(&mut self) -> Option<Region> {
        let (_, end) = self.next_region()?;
        let region = self.old.next()?;
        self.base = (
            region.base_row.saturating_add(region.base_rows),
            region.base_at.saturating_add(region.base_bytes),
        );
        self.edited = end;
        Some(region)
    }

    /// Converts a position of an unedited part to one of the base.
    fn in_base(&self, (row, at): (u64, u64)) -> Result<(u64, u64), DecodeError> {
        let base = |base: u64, edited: u64, position: u64| {
            let far = position.checked_sub(edited).ok_or(MISPLACED)?;
            base.checked_add(far).ok_or(MISPLACED)
        };
        Ok((
            base(self.base.0, self.edited.0, row)?,
            base(self.base.1, self.edited.1, at)?,
        ))
    }

    /// Composes the splices that one new region contains, and returns the rest.
    fn group<'a>(
        &mut self,
        first: &Splice,
        splices: &'a [Splice],
    ) -> Result<&'a [Splice], DecodeError> {
        while let Some((_, end)) = self.next_region() {
            if end.0 > first.row {
                break;
            }
            let passed = self.take();
            self.out.extend(passed);
        }
        // The new region begins at the splice, or at an old region that contains its first row.
        let is_inside = |row: u64, end: u64| row < first.row && end > first.row;
        let begin = match self.next_region() {
            Some((row, end)) if is_inside(row, end.0) => {
                let region = self.old.peek().ok_or(MISPLACED)?;
                (region.base_row, region.base_at)
            }
            _ => self.in_base((first.row, first.at))?,
        };
        let starts_at = (
            self.edited.0 + begin.0.checked_sub(self.base.0).ok_or(MISPLACED)?,
            self.edited.1 + begin.1.checked_sub(self.base.1).ok_or(MISPLACED)?,
        );
        let mut hull = Hull::new(starts_at);
        let mut base_end = begin;
        let mut taken = 0;
        for splice in splices {
            if taken > 0 && splice.row >= hull.end.0 {
                break;
            }
            taken += 1;
            while let Some((row, end)) = self.next_region() {
                if row >= splice.end_row().max(hull.end.0) && !is_inside(row, end.0) {
                    break;
                }
                let region = self.take().ok_or(MISPLACED)?;
                hull.add_gap(base_end, (region.base_row, region.base_at))?;
                base_end = self.base;
                hull.add_region(region);
            }
            let end = (splice.end_row(), splice.at + splice.bytes);
            if end.0 > hull.end.0 || end.1 > hull.end.1 {
                let end = self.in_base(end)?;
                hull.add_gap(base_end, end)?;
                base_end = end;
            }
        }
        let (now, rest) = splices.split_at_checked(taken).ok_or(MISPLACED)?;
        // Also passes the part of the gap after the last region that the splices took.
        let passed = (
            base_end.0.checked_sub(self.base.0).ok_or(MISPLACED)?,
            base_end.1.checked_sub(self.base.1).ok_or(MISPLACED)?,
        );
        self.base = base_end;
        self.edited = (self.edited.0 + passed.0, self.edited.1 + passed.1);
        let region = hull.apply(begin, base_end, now)?;
        if region.base_rows > 0 || region.rows > 0 || region.base_bytes > 0 || region.bytes > 0 {
            self.out.push(region);
        }
        Ok(rest)
    }
}

/// Error for splices that do not fit the state before them.
const MISPLACED: DecodeError = DecodeError::Invalid("splice");

/// The state before the edit, of the part that becomes one region.
struct Hull {
    /// First row and byte.
    start: (u64, u64),
    /// Row and byte behind it.
    end: (u64, u64),
    spans: Vec<Span>,
    runs: Vec<Run>,
}

impl Hull {
    fn new(start: (u64, u64)) -> Self {
        Self {
            start,
            end: start,
            spans: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Adds unedited rows between two positions of the base.
    fn add_gap(&mut self, from: (u64, u64), to: (u64, u64)) -> Result<(), DecodeError> {
        let rows = to.0.checked_sub(from.0).ok_or(MISPLACED)?;
        let bytes = to.1.checked_sub(from.1).ok_or(MISPLACED)?;
        let origin = Origin::Kept;
        self.runs.extend((rows > 0).then_some(Run { origin, rows }));
        let span = Span::Base { at: from.1, bytes };
        self.spans.extend((bytes > 0).then_some(span));
        self.end = (self.end.0 + rows, self.end.1 + bytes);
        Ok(())
    }

    fn add_region(&mut self, region: Region) {
        self.end = (self.end.0 + region.rows, self.end.1 + region.bytes);
        self.spans.extend(region.spans);
        self.runs.extend(region.runs);
    }

    fn apply(
        self,
        from: (u64, u64),
        to: (u64, u64),
        splices: &[Splice],
    ) -> Result<Region, DecodeError> {
        let mut spans = Cursor::new(self.spans, self.start.1);
        let mut runs = Cursor::new(self.runs, self.start.0);
        for splice in splices {
            spans.keep_until(splice.at)?;
            runs.keep_until(splice.row)?;
            spans.keep(splice.keep_front)?;
            let middle = splice.bytes - splice.keep_front - splice.keep_back;
            spans.skip(middle)?;
            spans.add(Span::New {
                at: splice.text_at,
                bytes: splice.text_bytes,
            });
            spans.keep(splice.keep_back)?;
            match splice.kind {
                SpliceKind::Delete => runs.skip(splice.rows)?,
                SpliceKind::End => runs.keep(splice.rows)?,
                SpliceKind::Insert => runs.add(Run {
                    origin: Origin::New,
                    rows: splice.rows,
                }),
                SpliceKind::Change => runs.change(splice.rows)?,
            }
        }
        let (spans, runs) = (spans.finish(), runs.finish());
        Ok(Region {
            base_row: from.0,
            base_at: from.1,
            base_rows: to.0 - from.0,
            base_bytes: to.1 - from.1,
            rows: runs.iter().map(|run| run.rows).sum(),
            bytes: spans.iter().map(Part::length).sum(),
            spans,
            runs,
        })
    }
}

/// A part that can be divided.
trait Part: Copy {
    fn length(&self) -> u64;

    /// Divides the part at a position inside.
    fn divide(self, at: u64) -> (Self, Self);

    /// Returns both as one part, if they are adjacent.
    fn joined(self, next: Self) -> Option<Self>;
}

impl Part for Span {
    fn length(&self) -> u64 {
        match self {
            Self::Base { bytes, .. } | Self::New { bytes, .. } => *bytes,
        }
    }

    fn divide(self, n: u64) -> (Self, Self) {
        match self {
            Self::Base { at, bytes } => (
                Self::Base { at, bytes: n },
                Self::Base {
                    at: at + n,
                    bytes: bytes - n,
                },
            ),
            Self::New { at, bytes } => (
                Self::New { at, bytes: n },
                Self::New {
                    at: at + n,
                    bytes: bytes - n,
                },
            ),
        }
    }

    fn joined(self, next: Self) -> Option<Self> {
        match (self, next) {
            (Self::Base { at, bytes }, Self::Base { at: b, bytes: more }) if at + bytes == b => {
                let bytes = bytes + more;
                Some(Self::Base { at, bytes })
            }
            (Self::New { at, bytes }, Self::New { at: b, bytes: more }) if at + bytes == b => {
                let bytes = bytes + more;
                Some(Self::New { at, bytes })
            }
            _ => None,
        }
    }
}

impl Part for Run {
    fn length(&self) -> u64 {
        self.rows
    }

    fn divide(self, n: u64) -> (Self, Self) {
        let rows = self.rows - n;
        (Self { rows: n, ..self }, Self { rows, ..self })
    }

    fn joined(self, next: Self) -> Option<Self> {
        let rows = self.rows + next.rows;
        (self.origin == next.origin).then_some(Self { rows, ..self })
    }
}

/// Copies parts, with changes.
struct Cursor<T> {
    rest: std::vec::IntoIter<T>,
    open: Option<T>,
    at: u64,
    out: Vec<T>,
}

impl<T: Part> Cursor<T> {
    fn new(parts: Vec<T>, at: u64) -> Self {
        Self {
            rest: parts.into_iter(),
            open: None,
            at,
            out: Vec::new(),
        }
    }

    /// Takes at most `n` of the next part.
    fn next(&mut self, n: u64) -> Result<T, DecodeError> {
        let part = match self.open.take() {
            Some(part) => part,
            None => self.rest.next().ok_or(MISPLACED)?,
        };
        let taken = if part.length() > n {
            let (now, later) = part.divide(n);
            self.open = Some(later);
            now
        } else {
            part
        };
        self.at += taken.length();
        Ok(taken)
    }

    fn each(&mut self, n: u64, mut each: impl FnMut(&mut Self, T)) -> Result<(), DecodeError> {
        let mut left = n;
        while left > 0 {
            let part = self.next(left)?;
            left -= part.length();
            each(self, part);
        }
        Ok(())
    }

    fn keep(&mut self, n: u64) -> Result<(), DecodeError> {
        self.each(n, Self::add)
    }

    fn keep_until(&mut self, at: u64) -> Result<(), DecodeError> {
        self.keep(at.checked_sub(self.at).ok_or(MISPLACED)?)
    }

    fn skip(&mut self, n: u64) -> Result<(), DecodeError> {
        self.each(n, |_, _| {})
    }

    fn add(&mut self, part: T) {
        if part.length() == 0 {
            return;
        }
        if let Some(last) = self.out.last_mut()
            && let Some(joined) = last.joined(part)
        {
            *last = joined;
            return;
        }
        self.out.push(part);
    }

    fn finish(mut self) -> Vec<T> {
        if let Some(open) = self.open.take() {
            self.add(open);
        }
        while let Some(part) = self.rest.next() {
            self.add(part);
        }
        self.out.shrink_to_fit();
        self.out
    }
}

impl Cursor<Run> {
    fn change(&mut self, rows: u64) -> Result<(), DecodeError> {
        self.each(rows, |runs, run| {
            let origin = match run.origin {
                Origin::Kept | Origin::Changed => Origin::Changed,
                Origin::New => Origin::New,
            };
            runs.add(Run { origin, ..run });
        })
    }
}
