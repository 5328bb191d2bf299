//! What is known of the texts of a column.

use crate::inspect::format::times::Time;
use crate::inspect::stats::lengths::Lengths;
use crate::inspect::stats::script::Range;
use crate::inspect::stats::script::Script;
use crate::inspect::stats::sketches::misra_gries::Shown;

/// Figures of texts; the same in whatever order and parts they come.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    pub(super) lengths: Lengths,
    pub(super) empty: u64,
    pub(super) ascii: u64,
    pub(super) ascii_characters: u64,
    pub(super) not_utf8: u64,
    pub(super) scripts: [u64; Script::ALL.len()],
    pub(super) first: Option<Shown>,
    pub(super) last: Option<Shown>,
    /// How many are dates or points in time.
    pub(super) times: u64,
    /// How many of these are dates.
    pub(super) days: u64,
    pub(super) earliest: Option<Moment>,
    pub(super) latest: Option<Moment>,
}

/// A text that is a date or a point in time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    at: (i64, u32),
    pub(super) shown: Shown,
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
        let mut characters = 0;
        for chunk in text.utf8_chunks() {
            characters += self.add_valid(chunk.valid());
            // Each counts as the one character U+FFFD that stands for it.
            characters += u64::from(!chunk.invalid().is_empty());
        }
        self.not_utf8 += u64::from(std::str::from_utf8(text).is_err());
        self.lengths.add(characters);
    }

    /// Adds all that was added to another.
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
        self.place_moment(Moment {
            at: time.order(),
            shown: Shown::of(text),
        });
    }

    fn place_moment(&mut self, moment: Moment) {
        if self.earliest.is_none_or(|m| moment.at < m.at) {
            self.earliest = Some(moment);
        }
        if self.latest.is_none_or(|m| moment.at > m.at) {
            self.latest = Some(moment);
        }
    }

    /// Keeps the first and the last in the order of their bytes.
    #[inline]
    fn place(&mut self, text: &[u8]) {
        let is_before = |s: &Shown| text < s.bytes();
        // Of those that begin with what is kept of one that was cut, any is as good.
        let is_behind =
            |s: &Shown| text > s.bytes() && !(s.is_cut() && text.starts_with(s.bytes()));
        if self.first.as_ref().is_none_or(is_before) {
            self.first = Some(Shown::of(text));
        }
        if self.last.as_ref().is_none_or(is_behind) {
            self.last = Some(Shown::of(text));
        }
    }

    fn place_shown(&mut self, shown: &Shown) {
        let key = |s: &Shown| (s.bytes().to_vec(), s.is_cut());
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
        let letters = count_bytes(text, |b| (b | 0x20).wrapping_sub(b'a') < 26);
        let all = text.len() as u64;
        self.ascii_characters += all;
        self.count(Script::Latin, letters);
        self.count(Script::Common, all - letters);
    }

    /// Adds the characters of a text, and says how many they are.
    fn add_valid(&mut self, text: &str) -> u64 {
        let mut rest = text;
        let mut all = 0;
        // Runs of ASCII are counted many bytes at a time.
        while !rest.is_empty() {
            let run = rest.bytes().position(|b| b >= 0x80).unwrap_or(rest.len());
            let (ascii, after) = rest.split_at_checked(run).unwrap_or((rest, ""));
            self.add_ascii(ascii.as_bytes());
            all += ascii.len() as u64;
            let run = after.bytes().position(|b| b < 0x80).unwrap_or(after.len());
            let (beyond, after) = after.split_at_checked(run).unwrap_or((after, ""));
            let mut range = Range::NONE;
            for c in beyond.chars() {
                let script = range.script_of(c);
                self.count(script, 1);
                all += 1;
            }
            rest = after;
        }
        all
    }
}

/// How many bytes are such. In short sums, which the compiler does many at a time.
#[inline]
fn count_bytes(bytes: &[u8], is_such: impl Fn(u8) -> bool) -> u64 {
    let part = |part: &[u8]| {
        let ones = part.iter().map(|b| u8::from(is_such(*b)));
        u64::from(ones.fold(0_u8, u8::wrapping_add))
    };
    bytes.chunks(255).map(part).sum()
}
