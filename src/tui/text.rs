//! Text that is safe to show: characters that a terminal would obey become marks, and only what is
//! shown is measured.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::ident::is_hidden;

/// One visible character, with the marks combined with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glyph<'a> {
    /// Offset of its first byte in the text.
    pub at: usize,
    /// Its characters, all of which are safe to write.
    pub text: Cow<'a, str>,
    /// Number of screen columns: 1 or 2.
    pub width: u16,
    /// True if it stands for something else, like a newline.
    pub is_mark: bool,
}

/// Characters that one glyph may combine.
const COMBINED_MAX: usize = 5;

/// Iterates over the visible characters of a text. The iterator looks at no more of the text than its
/// caller takes.
pub(super) fn glyphs(text: &str) -> impl Iterator<Item = Glyph<'_>> {
    text.grapheme_indices(true)
        .map(|(at, cluster)| glyph(at, cluster))
}

fn glyph(at: usize, cluster: &str) -> Glyph<'_> {
    let mark = |text: &'static str| Glyph {
        at,
        text: Cow::Borrowed(text),
        width: 1,
        is_mark: true,
    };
    match cluster {
        "\n" | "\r\n" => return mark("⏎"),
        "\r" => return mark("␍"),
        "\t" => return mark("→"),
        _ => {}
    }
    let is_odd = |c: char| c.is_control() || (is_hidden(c) && c != '\u{200d}');
    let has_joiner_only = cluster == "\u{200d}";
    if cluster.contains(is_odd) || has_joiner_only {
        return mark("\u{fffd}");
    }
    let end = cluster.char_indices().nth(COMBINED_MAX).map(|(end, _)| end);
    let text = end.and_then(|end| cluster.get(..end)).unwrap_or(cluster);
    match text.width() {
        // A mark with nothing to stand on.
        0 => mark("\u{fffd}"),
        width => Glyph {
            at,
            text: Cow::Borrowed(text),
            width: if width > 1 { 2 } else { 1 },
            is_mark: false,
        },
    }
}

/// Returns the number of screen columns of a text, at most `most`. It looks no further than that.
pub(super) fn width_within(text: &str, most: u16) -> u16 {
    let mut width = 0;
    for glyph in glyphs(text) {
        width += glyph.width;
        if width >= most {
            return most;
        }
    }
    width
}

/// Returns the safe beginning of a text that fits into `room` columns, with a sign if it is cut.
pub(super) fn fit(text: &str, room: u16) -> String {
    let (mut shown, mut width) = (String::new(), 0);
    let mut last = 0;
    for glyph in glyphs(text) {
        if width + glyph.width > room {
            if room > 0 {
                if width == room {
                    shown.truncate(last);
                }
                shown.push('…');
            }
            return shown;
        }
        last = shown.len();
        shown += &glyph.text;
        width += glyph.width;
    }
    shown
}

/// Returns the whole text with safe characters; newlines become marks.
pub(super) fn safe(text: &str) -> String {
    glyphs(text).map(|glyph| glyph.text).collect()
}

/// Cuts a text into lines of at most `room` columns, at newlines and where the room ends. Returns at
/// most `most` ranges of the text.
pub(super) fn wrap(text: &str, room: u16, most: usize) -> Vec<(usize, usize)> {
    let room = room.max(2);
    let mut lines = Vec::new();
    let (mut start, mut width, mut space) = (0, 0, None);
    for glyph in glyphs(text) {
        if lines.len() >= most {
            return lines;
        }
        let bytes = text.get(glyph.at..).unwrap_or_default();
        if bytes.starts_with('\n') || bytes.starts_with("\r\n") {
            lines.push((start, glyph.at));
            start = glyph.at + if bytes.starts_with('\n') { 1 } else { 2 };
            (width, space) = (0, None);
            continue;
        }
        if width + glyph.width > room {
            // Words stay whole where a blank is near.
            let end = space
                .filter(|s| glyph.at - s < 4 * usize::from(room))
                .unwrap_or(glyph.at);
            lines.push((start, end));
            start = end;
            let rest = text.get(start..glyph.at).unwrap_or_default();
            (width, space) = (width_within(rest, room), None);
        }
        width += glyph.width;
        if glyph.text == " " {
            space = Some(glyph.at + 1);
        }
    }
    if lines.len() < most && (start < text.len() || lines.is_empty() || text.ends_with('\n')) {
        lines.push((start, text.len()));
    }
    lines
}

/// Decodes the beginning of some bytes as UTF-8, with U+FFFD for what is none.
pub(super) fn lossy(bytes: &[u8], most: usize) -> String {
    let mut end = bytes.len().min(most);
    // A character is not cut.
    while end < bytes.len() && end > 0 && bytes.get(end).is_some_and(|b| b & 0xc0 == 0x80) {
        end -= 1;
    }
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

/// Formats a number with thin groups of three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a number of things.
pub(super) fn count_of(number: u64, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{} {thing}s", grouped(number)),
    }
}

/// Formats a number of bytes for people.
pub(super) fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut value, mut unit) = (bytes as f64 / 1024.0, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS.get(unit).unwrap_or(&"B"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_a_terminal_would_obey_becomes_marks() {
        let hostile = "a\u{1b}[31mb\u{202e}c\u{9b}2Jd\ne\tf\u{7}";
        let shown = safe(hostile);
        assert_eq!(shown, "a\u{fffd}[31mb\u{fffd}c\u{fffd}2Jd⏎e→f\u{fffd}");
    }

    #[test]
    fn wide_and_combined_characters_are_cut_between_glyphs() {
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("日本語", 6), "日本語");
        assert_eq!(fit("e\u{301}e\u{301}", 1), "…");
        assert_eq!(fit("abc", 0), "");
        let zalgo = format!("a{}b", "\u{301}".repeat(10_000));
        let all: Vec<Glyph<'_>> = glyphs(&zalgo).collect();
        assert_eq!(all.len(), 2);
        assert!(all[0].text.chars().count() <= COMBINED_MAX);
    }

    #[test]
    fn wrapping_keeps_every_byte_but_newlines() {
        let text = "one two three\nfour 日本語日本語 five";
        for room in 2..40 {
            let lines = wrap(text, room, usize::MAX);
            let joined: String = lines.iter().filter_map(|(a, b)| text.get(*a..*b)).collect();
            assert_eq!(joined, text.replace('\n', ""), "{room}");
            for (a, b) in lines {
                assert!(width_within(&text[a..b], 99) <= room, "{room}");
            }
        }
        assert_eq!(wrap("", 10, 5), [(0, 0)]);
        assert_eq!(wrap("a\n", 10, 5), [(0, 1), (2, 2)]);
        assert_eq!(wrap("abcdefgh", 2, 2).len(), 2);
    }

    #[test]
    fn large_text_is_measured_only_as_far_as_it_shows() {
        let text = "x".repeat(1 << 26);
        assert_eq!(fit(&text, 10).chars().count(), 10);
        assert_eq!(width_within(&text, 30), 30);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
