//! Duplicate keys in one object. RFC 8259 allows them and warns that readers treat them
//! differently, so the linter reports them.

use crate::inspect::json::Event;
use crate::inspect::json::ScanError;
use crate::inspect::json::Scanner;
use crate::inspect::json::Span;
use crate::inspect::json::Text;

/// Detector of repeated keys that reuses its memory for each row: about forty bytes per key of the
/// objects open at once.
#[derive(Debug, Default)]
pub struct KeyCheck {
    /// Spans of the keys of open objects, each with true if it has escapes.
    keys: Vec<(Span, bool)>,
    /// Number of keys in `keys` at the opening of each object.
    objects: Vec<usize>,
}

impl KeyCheck {
    /// Finds the first key that repeats an earlier key of its object, in the object that ends
    /// first. The span excludes the quotes.
    ///
    /// # Errors
    /// A syntax error that occurs before the repeated key.
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

    /// Starts a new row.
    pub fn begin(&mut self) {
        self.keys.clear();
        self.objects.clear();
        // One row with millions of keys must not hold the memory for all later rows.
        self.keys.shrink_to(KEPT_KEYS);
        self.objects.shrink_to(KEPT_KEYS);
    }

    /// Feeds an event of a row, with the offset of its token. Returns the first repeated key of the
    /// object that this event ends. For callers that scan the row anyway.
    #[inline]
    pub fn event(&mut self, row: &[u8], event: &Event<'_>, at: usize) -> Option<Span> {
        match event {
            Event::Object => self.object(),
            Event::Key(text) => self.key(text, at),
            Event::ObjectEnd => return self.object_end(row),
            _ => {}
        }
        None
    }

    /// Feeds the start of an object.
    #[inline]
    pub(crate) fn object(&mut self) {
        self.objects.push(self.keys.len());
    }

    /// Feeds a key, with the offset of its quote.
    #[inline]
    pub(crate) fn key(&mut self, text: &Text<'_>, at: usize) {
        let start = at + 1;
        let end = start + text.raw.len();
        self.keys.push((Span { start, end }, text.is_escaped));
    }

    /// Feeds the end of an object. Returns its first repeated key.
    #[inline]
    pub(crate) fn object_end(&mut self, row: &[u8]) -> Option<Span> {
        let first = self.objects.pop().unwrap_or_default();
        let own = self.keys.get_mut(first..).unwrap_or_default();
        let found = match own.len() {
            0..=FEW_KEYS if !may_repeat(row, own) => None,
            _ => repeated(row, own),
        };
        self.keys.truncate(first);
        found
    }
}

/// Number of keys whose memory is kept between rows.
const KEPT_KEYS: usize = 1 << 16;
/// Largest number of keys compared pairwise; for few keys this is faster than sorting.
const FEW_KEYS: usize = 16;

/// Returns true if two keys are written alike, or if one has escapes.
fn may_repeat(row: &[u8], keys: &[(Span, bool)]) -> bool {
    // Most keys differ in their length or their first byte, for which no call is made.
    let short = |key: &(Span, bool)| (key.0.end - key.0.start, row.get(key.0.start));
    let mut rest = keys;
    while let Some((key, others)) = rest.split_first() {
        let is_repeated =
            |other: &(Span, bool)| short(other) == short(key) && other.0.of(row) == key.0.of(row);
        if key.1 || others.iter().any(is_repeated) {
            return true;
        }
        rest = others;
    }
    false
}

/// Finds the first key of one object that repeats another. Sorts the keys.
fn repeated(row: &[u8], keys: &mut [(Span, bool)]) -> Option<Span> {
    let text = |key: &(Span, bool)| Text {
        raw: key.0.of(row),
        is_escaped: key.1,
    };
    keys.sort_unstable_by(|a, b| {
        let order = text(a).compare(&text(b));
        order.then(a.0.start.cmp(&b.0.start))
    });
    let pairs = keys.windows(2).filter_map(|pair| match pair {
        [a, b] if text(a).compare(&text(b)).is_eq() => Some(b.0),
        _ => None,
    });
    pairs.min_by_key(|span| span.start)
}
