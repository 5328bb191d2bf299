//! Statistics of the texts of a column.

use crate::inspect::format::times::Time;
use crate::inspect::stats::lengths::Lengths;
use crate::inspect::stats::script::Script;
use crate::inspect::stats::script::ScriptRange;
use crate::inspect::stats::sketches::misra_gries::DisplayPrefix;

/// Statistics of texts, independent of order and grouping.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    pub(super) lengths: Lengths,
    pub(super) empty: u64,
    pub(super) ascii: u64,
    pub(super) ascii_characters: u64,
    pub(super) not_utf8: u64,
    pub(super) scripts: [u64; Script::ALL.len()],
    pub(super) first: Option<DisplayPrefix>,
    pub(super) last: Option<DisplayPrefix>,
    /// Number of texts that are dates or timestamps.
    pub(super) times: u64,
    /// Number of these that are dates.
    pub(super) days: u64,
    pub(super) earliest: Option<TextTime>,
    pub(super) latest: Option<TextTime>,
}

/// A text that is a date or a timestamp.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextTime {
    at: (i64, u32),
    pub(super) shown: DisplayPrefix,
}

impl Texts {
    /// Adds a text.
    pub(super) fn add(&mut self, text: &[u8]) {
        self.place(text);
        if let (Some(b'-'), Some(b'-')) = (text.get(4), text.get(7)) {
            self.add_time(text);
        }
        if text.is_empty() {
            self.empty += 1;
        }
        if text.is_ascii() {
            self.ascii += 1;
            self.add_ascii(text);
            self.lengths.add(text.len() as u64);
            return;
        }
        // Validating the whole text at once is several times as fast as piece by piece.
        let characters = match std::str::from_utf8(text) {
            Ok(valid) => self.add_valid(valid),
            Err(_) => {
                self.not_utf8 += 1;
                let pieces = text.utf8_chunks().map(|piece| {
                    // Each invalid piece counts as one character U+FFFD.
                    self.add_valid(piece.valid()) + u64::from(!piece.invalid().is_empty())
                });
                pieces.sum()
            }
        };
        self.lengths.add(characters);
    }

    /// Merges other statistics.
    pub(super) fn merge(&mut self, other: &Self) {
        self.lengths.merge(&other.lengths);
        self.empty += other.empty;
        self.ascii += other.ascii;
        self.ascii_characters += other.ascii_characters;
        self.not_utf8 += other.not_utf8;
        self.times += other.times;
        self.days += other.days;
        for moment in other.earliest.iter().chain(&other.latest) {
            self.place_moment(*moment);
        }
        for (own, other) in self.scripts.iter_mut().zip(&other.scripts) {
            *own += other;
        }
        for shown in other.first.iter().chain(&other.last) {
            self.place_shown(shown);
        }
    }

    #[inline(never)]
    fn add_time(&mut self, text: &[u8]) {
        let Some(time) = Time::read(text) else {
            return;
        };
        self.times += 1;
        self.days += u64::from(matches!(time, Time::Day(_)));
        self.place_moment(TextTime {
            at: time.order(),
            shown: DisplayPrefix::of(text),
        });
    }

    fn place_moment(&mut self, moment: TextTime) {
        if self.earliest.is_none_or(|m| moment.at < m.at) {
            self.earliest = Some(moment);
        }
        if self.latest.is_none_or(|m| moment.at > m.at) {
            self.latest = Some(moment);
        }
    }

    /// Updates the first and the last text in byte order.
    #[inline]
    fn place(&mut self, text: &[u8]) {
        let is_before = |s: &DisplayPrefix| text < s.bytes();
        // Texts that begin with a truncated bound are not told apart from it.
        let is_behind =
            |s: &DisplayPrefix| text > s.bytes() && !(s.is_cut() && text.starts_with(s.bytes()));
        if self.first.as_ref().is_none_or(is_before) {
            self.first = Some(DisplayPrefix::of(text));
        }
        if self.last.as_ref().is_none_or(is_behind) {
            self.last = Some(DisplayPrefix::of(text));
        }
    }

    fn place_shown(&mut self, shown: &DisplayPrefix) {
        let key = |s: &DisplayPrefix| (s.bytes().to_vec(), s.is_cut());
        if self.first.as_ref().is_none_or(|s| key(shown) < key(s)) {
            self.first = Some(*shown);
        }
        if self.last.as_ref().is_none_or(|s| key(shown) > key(s)) {
            self.last = Some(*shown);
        }
    }

    fn count(&mut self, script: Script, characters: u64) {
        if let Some(count) = self.scripts.get_mut(script as usize) {
            *count += characters;
        }
    }

    fn add_ascii(&mut self, text: &[u8]) {
        self.add_letters(text, text.len() as u64);
    }

    /// Counts the ASCII characters of bytes, of which there are `ascii`: letters as Latin, others as
    /// common.
    fn add_letters(&mut self, bytes: &[u8], ascii: u64) {
        let letters = count_bytes(bytes, |b| (b | 0x20).wrapping_sub(b'a') < 26);
        self.ascii_characters += ascii;
        self.count(Script::Latin, letters);
        self.count(Script::Common, ascii - letters);
    }

    /// Adds the characters of a text, and returns their number.
    fn add_valid(&mut self, text: &str) -> u64 {
        let bytes = text.as_bytes();
        let ascii = bytes.len() as u64 - count_bytes(bytes, |b| b >= 0x80);
        self.add_letters(bytes, ascii);
        let mut beyond = 0;
        let mut range = ScriptRange::NONE;
        let mut rest = text;
        while let Some((_, run)) = rest.split_at_checked(ascii_run(rest.as_bytes())) {
            let mut characters = run.chars();
            let mut behind = run;
            while let Some(c) = characters.next().filter(|c| !c.is_ascii()) {
                let script = range.script_of(c);
                self.count(script, 1);
                beyond += 1;
                behind = characters.as_str();
            }
            if behind.is_empty() {
                break;
            }
            rest = behind;
        }
        ascii + beyond
    }
}

/// Bytes that the compiler compares in one instruction on every machine.
const LANES: usize = 16;

/// Number of leading ASCII bytes.
fn ascii_run(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<LANES>();
    let is_ascii = |block: &&[u8; LANES]| block.iter().fold(0, |all, b| all | b) < 0x80;
    let blocks = blocks.iter().take_while(is_ascii).count() * LANES;
    let rest = bytes.get(blocks..).unwrap_or_default();
    blocks + rest.iter().position(|b| *b >= 0x80).unwrap_or(rest.len())
}

/// Counts the bytes that satisfy a predicate; it must reject zero. It sums whole blocks in single
/// bytes, which the compiler vectorises.
#[inline]
fn count_bytes(bytes: &[u8], is_such: impl Fn(u8) -> bool) -> u64 {
    // The largest number of whole blocks whose sum fits into a byte.
    const PART: usize = 255 / LANES * LANES;
    let part = |part: &[u8]| {
        let ones = part.iter().map(|b| u8::from(is_such(*b)));
        u64::from(ones.fold(0_u8, u8::wrapping_add))
    };
    let (blocks, tail) = bytes
        .split_at_checked(bytes.len() / LANES * LANES)
        .unwrap_or_default();
    let mut last = [0; LANES];
    if let Some(room) = last.get_mut(..tail.len()) {
        room.copy_from_slice(tail);
    }
    blocks.chunks(PART).map(part).sum::<u64>() + part(&last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    #[test]
    fn counts_of_random_texts_match_counts_of_each_character() {
        let pieces: [&[u8]; 9] = [
            b"a",
            b"Zz",
            b"0",
            b" {@[`",
            b"word and word ",
            "\u{e9}".as_bytes(),
            "\u{65e5}\u{672c}".as_bytes(),
            "\u{1f600}".as_bytes(),
            b"\xff",
        ];
        let mut random = Random::new(7);
        for length in (0..600).chain([5_000]) {
            // Texts of ASCII, of valid UTF-8, and with other bytes.
            let kinds = [5, 8, 9][random.index(3)];
            let mut text = Vec::new();
            while text.len() < length {
                text.extend_from_slice(pieces[random.index(kinds)]);
            }
            let mut found = Texts::default();
            found.add(&text);
            let shown = String::from_utf8_lossy(&text);
            // An invalid piece counts as a character, and has no script.
            let valid: String = text.utf8_chunks().map(|chunk| chunk.valid()).collect();
            let mut scripts = [0; Script::ALL.len()];
            for c in valid.chars() {
                scripts[Script::of(c) as usize] += 1;
            }
            assert_eq!(found.scripts, scripts, "{shown}");
            let ascii = valid.chars().filter(char::is_ascii).count() as u64;
            assert_eq!(found.ascii_characters, ascii, "{shown}");
            assert_eq!(found.ascii, u64::from(text.is_ascii()), "{shown}");
            let is_text = std::str::from_utf8(&text).is_ok();
            assert_eq!(found.not_utf8, u64::from(!is_text), "{shown}");
            let lengths = found.lengths.stats(&[]).unwrap();
            assert_eq!(lengths.sum, shown.chars().count() as u64, "{shown}");
        }
    }
}
