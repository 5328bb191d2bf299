//! Keys that stand twice in one object. RFC 8259 allows them and says that readers differ in what
//! they make of them, which is what makes them worth telling.

use crate::inspect::json::Event;
use crate::inspect::json::ScanError;
use crate::inspect::json::Scanner;
use crate::inspect::json::Span;
use crate::inspect::json::Text;

/// Looks for repeated keys, row after row, in memory that it keeps: some forty bytes for each key
/// of the objects that are open at once.
#[derive(Debug, Default)]
pub struct KeyCheck {
    /// Where the keys of the open objects stand, and whether they have escapes.
    keys: Vec<(Span, bool)>,
    /// How many keys stood there when each of those objects was opened.
    objects: Vec<usize>,
}

impl KeyCheck {
    /// The first key that says the same as one before it in the object that ends first: what
    /// stands between its quotes.
    ///
    /// # Errors
    /// What is wrong with the row, where that comes first.
    pub fn first_repeated(&mut self, row: &[u8]) -> Result<Option<Span>, ScanError> {
        self.begin();
        let mut scanner = Scanner::new(row);
        while let Some(event) = scanner.next_event()? {
            let repeated = self.event(row, &event, scanner.token_at());
            if repeated.is_some() {
                return Ok(repeated);
            }
        }
        Ok(None)
    }

    /// The events from here on are of another row.
    pub fn begin(&mut self) {
        self.keys.clear();
        self.objects.clear();
        // One row with millions of keys is no reason to keep memory for as many.
        self.keys.shrink_to(KEPT_KEYS);
        self.objects.shrink_to(KEPT_KEYS);
    }

    /// The same for one who reads a row anyway and shows each event, with the place of its token:
    /// the first repeated key of the object that this event ends.
    #[inline]
    pub fn event(&mut self, row: &[u8], event: &Event<'_>, at: usize) -> Option<Span> {
        match event {
            Event::Object => self.objects.push(self.keys.len()),
            Event::Key(text) => {
                let start = at + 1;
                let end = start + text.raw.len();
                self.keys.push((Span { start, end }, text.is_escaped));
            }
            Event::ObjectEnd => {
                let first = self.objects.pop().unwrap_or_default();
                let own = self.keys.get_mut(first..).unwrap_or_default();
                let found = match own.len() {
                    0..=FEW_KEYS if !may_repeat(row, own) => None,
                    _ => repeated(row, own),
                };
                self.keys.truncate(first);
                return found;
            }
            _ => {}
        }
        None
    }
}

/// Keys whose memory is kept from row to row.
const KEPT_KEYS: usize = 1 << 16;
/// Keys of one object that are compared each with each, which for few is faster than sorting them.
const FEW_KEYS: usize = 16;

/// Whether two keys are the same as they are written, or one has escapes.
fn may_repeat(row: &[u8], keys: &[(Span, bool)]) -> bool {
    let length = |key: &(Span, bool)| key.0.end - key.0.start;
    let mut rest = keys;
    while let Some((key, others)) = rest.split_first() {
        let same = |other: &&(Span, bool)| length(other) == length(key);
        let is_repeated = |other: &(Span, bool)| other.0.of(row) == key.0.of(row);
        if key.1 || others.iter().filter(same).any(is_repeated) {
            return true;
        }
        rest = others;
    }
    false
}

/// The first key of one object that repeats another. Sorts them.
fn repeated(row: &[u8], keys: &mut [(Span, bool)]) -> Option<Span> {
    let text = |key: &(Span, bool)| Text {
        raw: key.0.of(row),
        is_escaped: key.1,
    };
    keys.sort_unstable_by(|a, b| {
        let said = text(a).compare(&text(b));
        said.then(a.0.start.cmp(&b.0.start))
    });
    let pairs = keys.windows(2).filter_map(|pair| match pair {
        [a, b] if text(a).compare(&text(b)).is_eq() => Some(b.0),
        _ => None,
    });
    pairs.min_by_key(|span| span.start)
}
