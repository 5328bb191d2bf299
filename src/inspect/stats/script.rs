//! Scripts of text, by ranges of code points.
//!
//! The ranges follow the blocks of the Unicode Standard instead of the `Script` property of each
//! character. That is fast and exact enough for statistics. `spec/statistics.md` has the table.

/// A writing system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "they are names of scripts")]
pub enum Script {
    Latin,
    Greek,
    Cyrillic,
    Armenian,
    Hebrew,
    Arabic,
    Devanagari,
    Bengali,
    Tamil,
    Telugu,
    /// Any other of the Indian blocks.
    Indic,
    Thai,
    Georgian,
    Ethiopic,
    Khmer,
    Hangul,
    Kana,
    Han,
    /// Emoji and other pictographs.
    Emoji,
    /// Letters of any other script.
    Other,
    /// Characters without a script: digits, punctuation, spaces, signs.
    Common,
}

impl Script {
    /// All scripts, in the order of their numbers.
    pub const ALL: [Self; 21] = [
        Self::Latin,
        Self::Greek,
        Self::Cyrillic,
        Self::Armenian,
        Self::Hebrew,
        Self::Arabic,
        Self::Devanagari,
        Self::Bengali,
        Self::Tamil,
        Self::Telugu,
        Self::Indic,
        Self::Thai,
        Self::Georgian,
        Self::Ethiopic,
        Self::Khmer,
        Self::Hangul,
        Self::Kana,
        Self::Han,
        Self::Emoji,
        Self::Other,
        Self::Common,
    ];

    /// Name of the script in Unicode.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latin => "Latin",
            Self::Greek => "Greek",
            Self::Cyrillic => "Cyrillic",
            Self::Armenian => "Armenian",
            Self::Hebrew => "Hebrew",
            Self::Arabic => "Arabic",
            Self::Devanagari => "Devanagari",
            Self::Bengali => "Bengali",
            Self::Tamil => "Tamil",
            Self::Telugu => "Telugu",
            Self::Indic => "Indic",
            Self::Thai => "Thai",
            Self::Georgian => "Georgian",
            Self::Ethiopic => "Ethiopic",
            Self::Khmer => "Khmer",
            Self::Hangul => "Hangul",
            Self::Kana => "Kana",
            Self::Han => "Han",
            Self::Emoji => "Emoji",
            Self::Other => "Other",
            Self::Common => "Common",
        }
    }

    /// Returns the script of a character.
    pub fn of(c: char) -> Self {
        range_of(u32::from(c)).script
    }
}

/// Consecutive code points of one script.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScriptRange {
    first: u32,
    last: u32,
    script: Script,
}

impl ScriptRange {
    /// Range before all others; searches start here.
    pub(super) const NONE: Self = Self {
        first: 1,
        last: 0,
        script: Script::Common,
    };

    /// Returns the script of a character. It is mostly in the range of the previous character.
    #[inline]
    pub(super) fn script_of(&mut self, c: char) -> Script {
        let point = u32::from(c);
        if point < self.first || point > self.last {
            *self = range_of(point);
        }
        self.script
    }
}

fn range_of(point: u32) -> ScriptRange {
    let behind = RANGES.partition_point(|(last, _)| *last < point);
    let before = behind.checked_sub(1).and_then(|n| RANGES.get(n));
    let (last, script) = match RANGES.get(behind) {
        Some((last, script)) => (*last, *script),
        None => (u32::MAX, Script::Other),
    };
    ScriptRange {
        first: before.map_or(0, |(last, _)| last + 1),
        last,
        script,
    }
}

/// Last code point of every range, ascending.
const RANGES: [(u32, Script); 95] = [
    (0x0040, Script::Common),
    (0x005a, Script::Latin),
    (0x0060, Script::Common),
    (0x007a, Script::Latin),
    (0x00a9, Script::Common),
    (0x00aa, Script::Latin),
    (0x00b9, Script::Common),
    (0x00ba, Script::Latin),
    (0x00bf, Script::Common),
    (0x00d6, Script::Latin),
    (0x00d7, Script::Common),
    (0x00f6, Script::Latin),
    (0x00f7, Script::Common),
    (0x02b8, Script::Latin),
    (0x036f, Script::Common),
    (0x03ff, Script::Greek),
    (0x052f, Script::Cyrillic),
    (0x058f, Script::Armenian),
    (0x05ff, Script::Hebrew),
    (0x06ff, Script::Arabic),
    (0x074f, Script::Other),
    (0x077f, Script::Arabic),
    (0x085f, Script::Other),
    (0x08ff, Script::Arabic),
    (0x0963, Script::Devanagari),
    // Dandas, shared by all Indian scripts.
    (0x0965, Script::Common),
    (0x097f, Script::Devanagari),
    (0x09ff, Script::Bengali),
    (0x0b7f, Script::Indic),
    (0x0bff, Script::Tamil),
    (0x0c7f, Script::Telugu),
    (0x0dff, Script::Indic),
    (0x0e7f, Script::Thai),
    (0x109f, Script::Other),
    (0x10ff, Script::Georgian),
    (0x11ff, Script::Hangul),
    (0x139f, Script::Ethiopic),
    (0x177f, Script::Other),
    (0x17ff, Script::Khmer),
    (0x19df, Script::Other),
    (0x19ff, Script::Khmer),
    (0x1c7f, Script::Other),
    (0x1c8f, Script::Cyrillic),
    (0x1cbf, Script::Georgian),
    (0x1cff, Script::Other),
    (0x1dbf, Script::Latin),
    (0x1dff, Script::Common),
    (0x1eff, Script::Latin),
    (0x1fff, Script::Greek),
    (0x25ff, Script::Common),
    (0x27bf, Script::Emoji),
    (0x2bff, Script::Common),
    (0x2c5f, Script::Other),
    (0x2c7f, Script::Latin),
    (0x2d2f, Script::Other),
    (0x2ddf, Script::Ethiopic),
    (0x2dff, Script::Cyrillic),
    (0x2e7f, Script::Common),
    (0x2fdf, Script::Han),
    (0x3004, Script::Common),
    (0x3007, Script::Han),
    (0x3040, Script::Common),
    (0x30ff, Script::Kana),
    (0x312f, Script::Other),
    (0x318f, Script::Hangul),
    (0x33ff, Script::Common),
    (0x4dbf, Script::Han),
    (0x4dff, Script::Common),
    (0x9fff, Script::Han),
    (0xabff, Script::Other),
    (0xd7ff, Script::Hangul),
    (0xf8ff, Script::Other),
    (0xfaff, Script::Han),
    (0xfb06, Script::Latin),
    (0xfb1c, Script::Armenian),
    (0xfb4f, Script::Hebrew),
    (0xfdff, Script::Arabic),
    (0xfe6f, Script::Common),
    (0xfeff, Script::Arabic),
    (0xff20, Script::Common),
    (0xff3a, Script::Latin),
    (0xff40, Script::Common),
    (0xff5a, Script::Latin),
    (0xff65, Script::Common),
    (0xff9f, Script::Kana),
    (0xffdf, Script::Hangul),
    (0xffff, Script::Common),
    (0x1afef, Script::Other),
    (0x1b16f, Script::Kana),
    (0x1cfff, Script::Other),
    (0x1d7ff, Script::Common),
    (0x1eeff, Script::Other),
    (0x1f2ff, Script::Common),
    (0x1faff, Script::Emoji),
    (0x3ffff, Script::Han),
];
