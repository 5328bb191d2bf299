//! Keys that stand twice in one object. RFC 8259 allows them and says that readers differ in what
//! they make of them, which is what makes them worth telling.

use crate::inspect::json_scan::Event;
use crate::inspect::json_scan::ScanError;
use crate::inspect::json_scan::Scanner;
use crate::inspect::json_scan::Span;
use crate::inspect::json_scan::Text;

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
        self.keys.clear();
        self.objects.clear();
        let mut scanner = Scanner::new(row);
        while let Some(event) = scanner.next_event()? {
            match event {
                Event::Object => self.objects.push(self.keys.len()),
                Event::Key(text) => {
                    let start = scanner.token_at() + 1;
                    let end = start + text.raw.len();
                    self.keys.push((Span { start, end }, text.is_escaped));
                }
                Event::ObjectEnd => {
                    let first = self.objects.pop().unwrap_or_default();
                    let own = self.keys.get_mut(first..).unwrap_or_default();
                    if let Some(found) = repeated(row, own) {
                        return Ok(Some(found));
                    }
                    self.keys.truncate(first);
                }
                _ => {}
            }
        }
        Ok(None)
    }
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
