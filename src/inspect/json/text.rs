//! Content of strings.

use std::cmp::Ordering;

use thiserror::Error;

/// A string or key as written, without its quotes. It is valid UTF-8.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// The raw bytes, escapes included.
    pub raw: &'a [u8],
    /// True if there are escapes; otherwise `raw` is the content.
    pub is_escaped: bool,
}

/// A lone surrogate: valid JSON, but no character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("byte {at} of the string: `\\u{unit:04x}` is a lone surrogate")]
pub struct LoneSurrogate {
    /// Offset of its escape in the raw bytes.
    pub at: usize,
    /// The surrogate, 0xd800 to 0xdfff.
    pub unit: u16,
}

impl<'a> Text<'a> {
    /// Replaces the content of a buffer by the unescaped text. The buffer grows to at most the
    /// length of `raw`.
    ///
    /// # Errors
    /// [`LoneSurrogate`] for the first one. The buffer then still holds the whole text, with U+FFFD
    /// for each.
    pub fn unescape_into(&self, buffer: &mut String) -> Result<(), LoneSurrogate> {
        buffer.clear();
        let mut lone = Ok(());
        let mut pieces = TextPieces::of(self.raw);
        loop {
            let at = self.raw.len() - pieces.rest.len();
            match pieces.next() {
                None => return lone,
                Some(TextPiece::Plain(run)) => buffer.push_str(&String::from_utf8_lossy(run)),
                Some(TextPiece::Char(c)) => buffer.push(c),
                Some(TextPiece::Lone(unit)) => {
                    buffer.push(char::REPLACEMENT_CHARACTER);
                    lone = lone.and(Err(LoneSurrogate { at, unit }));
                }
            }
        }
    }

    /// Replaces the content of a buffer by the unescaped bytes. A lone surrogate becomes the three
    /// bytes it would have as a character. Valid UTF-8 never contains these, so they stay distinct
    /// from each other and from U+FFFD.
    ///
    /// # Errors
    /// [`LoneSurrogate`] for the first one. The buffer then still holds the whole text.
    pub fn content_into(&self, buffer: &mut Vec<u8>) -> Result<(), LoneSurrogate> {
        buffer.clear();
        let mut lone = Ok(());
        let mut pieces = TextPieces::of(self.raw);
        loop {
            let at = self.raw.len() - pieces.rest.len();
            match pieces.next() {
                None => return lone,
                Some(TextPiece::Plain(run)) => buffer.extend_from_slice(run),
                // Most escapes are of ASCII characters.
                Some(TextPiece::Char(c)) if c.is_ascii() => buffer.push(c as u8),
                Some(piece) => {
                    if let TextPiece::Lone(unit) = piece {
                        lone = lone.and(Err(LoneSurrogate { at, unit }));
                    }
                    buffer.extend(piece.bytes());
                }
            }
        }
    }

    /// Returns true if the unescaped text equals `other`.
    #[inline]
    pub fn is(&self, other: &str) -> bool {
        if !self.is_escaped {
            return self.raw == other.as_bytes();
        }
        self.content().eq(other.bytes())
    }

    /// Compares two unescaped texts by code points.
    pub fn compare(&self, other: &Text<'_>) -> Ordering {
        if self.is_escaped || other.is_escaped {
            self.content().cmp(other.content())
        } else {
            self.raw.cmp(other.raw)
        }
    }

    /// Iterates over the unescaped bytes; a lone surrogate has the three bytes it would have as a
    /// character.
    fn content(&self) -> impl Iterator<Item = u8> + 'a {
        TextPieces::of(self.raw).flat_map(TextPiece::bytes)
    }
}

/// A part of a string.
enum TextPiece<'a> {
    Plain(&'a [u8]),
    Char(char),
    Lone(u16),
}

impl<'a> TextPiece<'a> {
    fn bytes(self) -> impl Iterator<Item = u8> + 'a {
        let mut own = [0; 4];
        let (run, len): (&[u8], usize) = match self {
            TextPiece::Plain(run) => (run, 0),
            TextPiece::Char(c) => (&[], c.encode_utf8(&mut own).len()),
            TextPiece::Lone(unit) => {
                let [high, low] = [(unit >> 6) & 0x3f, unit & 0x3f].map(|six| 0x80 | six as u8);
                own = [0xe0 | (unit >> 12) as u8, high, low, 0];
                (&[], 3)
            }
        };
        run.iter().copied().chain(own.into_iter().take(len))
    }
}

/// Iterator over the parts of a scanned string.
struct TextPieces<'a> {
    rest: &'a [u8],
}

impl<'a> TextPieces<'a> {
    fn of(raw: &'a [u8]) -> Self {
        Self { rest: raw }
    }

    /// Reads the unit of an escape `\uXXXX`, if one is next.
    fn unit(&self) -> Option<u16> {
        let [b'\\', b'u', digits @ ..] = self.rest.first_chunk::<6>()? else {
            return None;
        };
        digits.iter().try_fold(0, |unit, digit| {
            let digit = char::from(*digit).to_digit(16)?;
            Some(unit << 4 | digit as u16)
        })
    }

    fn pass(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }
}

impl<'a> Iterator for TextPieces<'a> {
    type Item = TextPiece<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let plain = memchr::memchr(b'\\', self.rest).unwrap_or(self.rest.len());
        if plain > 0 {
            let (run, rest) = self.rest.split_at_checked(plain)?;
            self.rest = rest;
            return Some(TextPiece::Plain(run));
        }
        let Some(unit) = self.unit() else {
            let character = match self.rest.get(1)? {
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                other => char::from(*other),
            };
            self.pass(2);
            return Some(TextPiece::Char(character));
        };
        self.pass(6);
        if let Some(c) = char::from_u32(u32::from(unit)) {
            return Some(TextPiece::Char(c));
        }
        let pair = char::decode_utf16([Some(unit), self.unit()].into_iter().flatten()).next();
        match pair {
            Some(Ok(c)) => {
                self.pass(6);
                Some(TextPiece::Char(c))
            }
            _ => Some(TextPiece::Lone(unit)),
        }
    }
}
