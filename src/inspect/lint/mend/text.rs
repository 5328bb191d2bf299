//! Mends of a text as a whole.

use std::ops::Range;

use crate::inspect::lint::RuleId;
use crate::inspect::lint::checks::unicode::each_odd;
use crate::inspect::lint::checks::whole_text::missing_think_tag;
use crate::inspect::lint::checks::whole_text::think_fault;
use crate::inspect::lint::mend::Mend;
use crate::inspect::lint::mend::Mended;

/// Change of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TextChange {
    /// Ranges to remove, in order.
    pub(super) removed: Vec<Range<usize>>,
    /// Text to add in front and behind. It needs no escapes in JSON.
    pub(super) front: Vec<u8>,
    pub(super) back: Vec<u8>,
    /// True if a fault stays.
    pub(super) is_left: bool,
}

/// Returns false if a row certainly has nothing to mend.
pub(super) fn may_have(mend: Mend, row: &[u8]) -> bool {
    let has_escape = || memchr::memmem::find(row, b"\\u").is_some();
    match mend {
        Mend::Rule(RuleId::UnbalancedThink) => {
            let tags: [&[u8]; 2] = [b"think", b"reasoning"];
            tags.iter()
                .any(|tag| memchr::memmem::find(row, tag).is_some())
        }
        Mend::Rule(RuleId::NulCharacter) => row.contains(&0) || has_escape(),
        Mend::Rule(_) => !row.is_ascii() || has_escape(),
        Mend::TrailingBlanks => true,
    }
}

/// Finds what to change in a text.
pub(super) fn change(mend: Mend, text: &[u8]) -> TextChange {
    let mut change = TextChange::default();
    match mend {
        Mend::TrailingBlanks => {
            let is_text = |b: &u8| !matches!(b, b' ' | b'\t');
            let end = text.iter().rposition(is_text).map_or(0, |n| n + 1);
            change
                .removed
                .extend((end < text.len()).then_some(end..text.len()));
        }
        Mend::Rule(RuleId::NulCharacter) => {
            let found = memchr::memchr_iter(0, text);
            change.removed.extend(found.map(|at| at..at + 1));
        }
        Mend::Rule(RuleId::UnbalancedThink) => {
            if think_fault(text).is_some() {
                match missing_think_tag(text) {
                    Some((true, tag)) => change.front = tag,
                    Some((false, tag)) => change.back = tag,
                    None => change.is_left = true,
                }
            }
        }
        Mend::Rule(rule) => {
            if !text.is_ascii() {
                each_odd(text, |found, at, code| {
                    if found == rule {
                        let length = char::from_u32(code).map_or(1, char::len_utf8);
                        change.removed.push(at..at + length);
                    }
                });
                // The search goes by first bytes, not by places.
                change.removed.sort_by_key(|range| range.start);
            }
        }
    }
    change
}

/// Mends a text.
pub(super) fn mended(mend: Mend, text: &[u8]) -> Mended {
    let change = change(mend, text);
    let is_same = change.removed.is_empty() && change.front.is_empty() && change.back.is_empty();
    if is_same {
        return match change.is_left {
            true => Mended::Left,
            false => Mended::Sound,
        };
    }
    let mut out = change.front;
    let mut end = 0;
    for range in change.removed {
        out.extend_from_slice(text.get(end..range.start).unwrap_or_default());
        end = range.end;
    }
    out.extend_from_slice(text.get(end..).unwrap_or_default());
    out.extend_from_slice(&change.back);
    Mended::New(out, change.is_left)
}
