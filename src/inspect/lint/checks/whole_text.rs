//! Checks of a text as a whole: unclosed pairs, and loops at its end.

/// Text lengths from which the end is checked for a loop: for short pieces, and for longer ones.
const LOOPS: [usize; 2] = [512, 4096];
/// Least number of repetitions of a loop.
const LOOP_TIMES: usize = 4;
/// Length of the search pattern for a repetition, and number of offsets tried.
const NEEDLE_BYTES: usize = 16;
const TRIES: usize = 8;

/// Returns the length of the repeating piece if the text ends in a loop.
pub(in crate::inspect::lint) fn repeating_suffix(text: &[u8]) -> Option<usize> {
    LOOPS.iter().find_map(|bytes| {
        let end = text.get(text.len().checked_sub(*bytes)?..)?;
        let needle = end.get(..NEEDLE_BYTES)?;
        let mut found = memchr::memmem::find_iter(end.get(1..)?, needle).take(TRIES);
        found.find_map(|n| {
            let period = n + 1;
            let same = end.get(period..)? == end.get(..end.len() - period)?;
            (same && period * LOOP_TIMES <= end.len()).then_some(period)
        })
    })
}

/// Finds an unclosed code fence, per CommonMark 4.5 but with any indent, because lists indent their
/// fences.
pub(in crate::inspect::lint) fn open_fence(text: &[u8]) -> Option<usize> {
    let mut open: Option<(usize, usize)> = None;
    let mut at = 0;
    for line in text.split(|b| *b == b'\n') {
        let indent = line
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t' | b'>'))
            .count();
        let inner = line.get(indent..).unwrap_or_default();
        let ticks = inner.iter().take_while(|b| **b == b'`').count();
        let info = inner.get(ticks..).unwrap_or_default().trim_ascii();
        match open {
            // Backticks after the fence make it inline code.
            None if ticks >= 3 && !info.contains(&b'`') => open = Some((at + indent, ticks)),
            Some((_, opened)) if ticks >= opened && info.is_empty() => open = None,
            _ => {}
        }
        at += line.len() + 1;
    }
    open.map(|(at, _)| at)
}

/// Fault of a think tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect::lint) enum ThinkFault {
    /// It is not closed.
    Open,
    /// It closes no open tag.
    Stray,
    /// It opens inside another one.
    Nested,
}

/// Finds the first unmatched think tag. Tags that a text only mentions, in quotes or as code, do
/// not count.
pub(in crate::inspect::lint) fn think_fault(text: &[u8]) -> Option<(usize, ThinkFault)> {
    let mut open: Option<(usize, &[u8])> = None;
    for at in memchr::memchr_iter(b'<', text) {
        let Some(tag) = tag_at(text, at) else {
            continue;
        };
        match (tag.closes, open) {
            (true, Some((_, opened))) if opened == tag.name => open = None,
            (true, _) => return Some((at, ThinkFault::Stray)),
            (false, None) => open = Some((at, tag.name)),
            (false, Some(_)) => return Some((at, ThinkFault::Nested)),
        }
    }
    open.map(|(at, _)| (at, ThinkFault::Open))
}

/// Returns the one tag that a text lacks, and true if it lacks it in front; `None` if more is wrong.
pub(in crate::inspect::lint) fn missing_think_tag(text: &[u8]) -> Option<(bool, Vec<u8>)> {
    let (at, fault) = think_fault(text)?;
    let tag = tag_at(text, at)?;
    let (is_front, added) = match fault {
        ThinkFault::Stray => (true, [b"<", tag.name, b">"].concat()),
        ThinkFault::Open => (false, [b"</", tag.name, b">"].concat()),
        ThinkFault::Nested => return None,
    };
    // A text that begins within the thinking has no tag before the end of it.
    let mut tags = memchr::memchr_iter(b'<', text).filter(|at| tag_at(text, *at).is_some());
    if is_front && tags.next() != Some(at) {
        return None;
    }
    let whole = match is_front {
        true => [added.as_slice(), text].concat(),
        false => [text, added.as_slice()].concat(),
    };
    think_fault(&whole).is_none().then_some((is_front, added))
}

/// Returns the end of the thinking if no answer follows; `None` otherwise.
pub(in crate::inspect::lint) fn thinking_end(text: &[u8]) -> Option<usize> {
    let at = memchr::memrchr(b'<', text)?;
    let tag = tag_at(text, at)?;
    let behind = text.get(tag.end..).unwrap_or_default();
    (tag.closes && behind.trim_ascii().is_empty()).then_some(at)
}

/// A think tag.
struct ThinkTag {
    closes: bool,
    name: &'static [u8],
    end: usize,
}

/// Parses a think tag, with or without attributes.
fn tag_at(text: &[u8], at: usize) -> Option<ThinkTag> {
    let rest = text.get(at + 1..)?;
    let (closes, inner) = match rest.strip_prefix(b"/") {
        Some(inner) => (true, inner),
        None => (false, rest),
    };
    // One tag name may be a prefix of another.
    let name = TAGS.iter().find(|tag| inner.starts_with(tag))?;
    let behind = inner.get(name.len()..)?;
    let length = match behind.first()? {
        b'>' => 0,
        b' ' | b'\n' | b'\t' if !closes => {
            let most = behind.get(..behind.len().min(ATTRIBUTE_BYTES))?;
            let end = memchr::memchr2(b'>', b'<', most)?;
            // Text after a space must look like an attribute.
            let attributes = most.get(..end).filter(|a| a.contains(&b'='))?;
            (most.get(end) == Some(&b'>')).then_some(attributes.len())?
        }
        _ => return None,
    };
    let end = at + 1 + usize::from(closes) + name.len() + length + 1;
    let before = at.checked_sub(1).and_then(|n| text.get(n));
    let behind = text.get(end..).unwrap_or_default();
    let is_quote = |byte: Option<&u8>| matches!(byte, Some(b'`' | b'"' | b'\''));
    let is_quoted = is_quote(before) && is_quote(behind.first());
    let is_named = SPOKEN_OF.iter().any(|word| behind.starts_with(word));
    (!is_quoted && !is_named).then_some(ThinkTag { closes, name, end })
}

const TAGS: [&[u8]; 3] = [b"thinking", b"think", b"reasoning"];
/// Size limit of a tag's attributes, in bytes.
const ATTRIBUTE_BYTES: usize = 256;
/// Words after a tag that is only mentioned.
const SPOKEN_OF: [&[u8]; 5] = [b" tag", b" block", b" element", b" token", b" section"];

/// Returns true if a raw JSON string contains only white space.
pub(in crate::inspect::lint) fn is_blank(raw: &[u8]) -> bool {
    let mut rest = raw.trim_ascii();
    loop {
        rest = match rest {
            [] => return true,
            [b'\\', b'n' | b't' | b'r', after @ ..] => after.trim_ascii_start(),
            _ => return false,
        }
    }
}
