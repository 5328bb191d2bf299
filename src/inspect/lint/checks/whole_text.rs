//! What can only be judged on a text as a whole: pairs that must close, and loops at its end.

/// Shortest text whose end is looked at, and the length of that end; then one of longer pieces.
const LOOPS: [usize; 2] = [512, 4096];
/// How often a piece must stand there to be a loop.
const LOOP_TIMES: usize = 4;
/// Bytes by which a repetition is found, and places that are tried.
const NEEDLE_BYTES: usize = 16;
const TRIES: usize = 8;

/// Whether the text ends in a loop: the bytes of the piece that repeats.
pub(in crate::inspect::lint) fn looping(text: &[u8]) -> Option<usize> {
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

/// Where a fence opens that is not closed, by CommonMark 4.5, but with any indent: in lists a
/// fence stands further in.
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
            // With backticks behind it, it is code within a line.
            None if ticks >= 3 && !info.contains(&b'`') => open = Some((at + indent, ticks)),
            Some((_, opened)) if ticks >= opened && info.is_empty() => open = None,
            _ => {}
        }
        at += line.len() + 1;
    }
    open.map(|(at, _)| at)
}

/// What is wrong with a think tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect::lint) enum ThinkFault {
    /// It is not closed.
    Open,
    /// It closes what is not open.
    Stray,
    /// It opens within another.
    Nested,
}

/// The first think tag that has not its other half, and where. Tags that a text only speaks of, in
/// quotes or as code, are none.
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

/// Where thinking ends behind which nothing is said; none where something is.
pub(in crate::inspect::lint) fn only_thinks(text: &[u8]) -> Option<usize> {
    let at = memchr::memrchr(b'<', text)?;
    let tag = tag_at(text, at)?;
    let behind = text.get(tag.end..).unwrap_or_default();
    (tag.closes && behind.trim_ascii().is_empty()).then_some(at)
}

/// A think tag.
struct Tag {
    closes: bool,
    name: &'static [u8],
    end: usize,
}

/// The think tag that begins here, with attributes or without.
fn tag_at(text: &[u8], at: usize) -> Option<Tag> {
    let rest = text.get(at + 1..)?;
    let (closes, inner) = match rest.strip_prefix(b"/") {
        Some(inner) => (true, inner),
        None => (false, rest),
    };
    // Of two names, one may be the beginning of the other.
    let name = TAGS.iter().find(|tag| inner.starts_with(tag))?;
    let behind = inner.get(name.len()..)?;
    let length = match behind.first()? {
        b'>' => 0,
        b' ' | b'\n' | b'\t' if !closes => {
            let most = behind.get(..behind.len().min(ATTRIBUTE_BYTES))?;
            let end = memchr::memchr2(b'>', b'<', most)?;
            // What comes behind a space has to look like an attribute.
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
    (!is_quoted && !is_named).then_some(Tag { closes, name, end })
}

const TAGS: [&[u8]; 3] = [b"thinking", b"think", b"reasoning"];
/// Bytes that the attributes of a tag may have.
const ATTRIBUTE_BYTES: usize = 256;
/// What follows a tag that is only spoken of.
const SPOKEN_OF: [&[u8]; 5] = [b" tag", b" block", b" element", b" token", b" section"];

/// Whether a string, as it is written in JSON, says nothing but white space.
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
