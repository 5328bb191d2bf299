//! What strings say.

use std::cmp::Ordering;

use thiserror::Error;

/// The inside of a string or a key, between its quotes, as it is written. It is UTF-8.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// Its bytes, escapes and all.
    pub raw: &'a [u8],
    /// Whether there are escapes in it; where not, `raw` is what it says.
    pub is_escaped: bool,
}

/// Half of a pair of surrogates that stands alone: JSON, but no character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("byte {at} of the string: `\\u{unit:04x}` is half a character")]
pub struct LoneSurrogate {
    /// How many raw bytes of the string stand before its escape.
    pub at: usize,
    /// The half, 0xd800 to 0xdfff.
    pub unit: u16,
}

impl<'a> Text<'a> {
    /// Puts what it says into a buffer, in place of what was there. The buffer grows to at most
    /// the length of `raw`.
    ///
    /// # Errors
    /// [`LoneSurrogate`], the first of them. All is in the buffer then too, with U+FFFD for each.
    pub fn unescape_into(&self, buffer: &mut String) -> Result<(), LoneSurrogate> {
        buffer.clear();
        let mut lone = Ok(());
        let mut pieces = Pieces::of(self.raw);
        loop {
            let at = self.raw.len() - pieces.rest.len();
            match pieces.next() {
                None => return lone,
                Some(Piece::Plain(run)) => buffer.push_str(&String::from_utf8_lossy(run)),
                Some(Piece::Char(c)) => buffer.push(c),
                Some(Piece::Lone(unit)) => {
                    buffer.push(char::REPLACEMENT_CHARACTER);
                    lone = lone.and(Err(LoneSurrogate { at, unit }));
                }
            }
        }
    }

    /// The same as bytes in which a lone surrogate is told from others and from U+FFFD: it has the
    /// three bytes that it would have if it were a character, which no UTF-8 has.
    ///
    /// # Errors
    /// [`LoneSurrogate`], the first of them. All is in the buffer then too.
    pub fn said_into(&self, buffer: &mut Vec<u8>) -> Result<(), LoneSurrogate> {
        buffer.clear();
        let mut lone = Ok(());
        let mut pieces = Pieces::of(self.raw);
        loop {
            let at = self.raw.len() - pieces.rest.len();
            match pieces.next() {
                None => return lone,
                Some(Piece::Plain(run)) => buffer.extend_from_slice(run),
                Some(piece) => {
                    if let Piece::Lone(unit) = piece {
                        lone = lone.and(Err(LoneSurrogate { at, unit }));
                    }
                    buffer.extend(piece.bytes());
                }
            }
        }
    }

    /// Whether it says this.
    #[inline]
    pub fn is(&self, other: &str) -> bool {
        if !self.is_escaped {
            return self.raw == other.as_bytes();
        }
        self.said().eq(other.bytes())
    }

    /// The order of what two strings say, by code points.
    pub fn compare(&self, other: &Text<'_>) -> Ordering {
        match self.is_escaped || other.is_escaped {
            false => self.raw.cmp(other.raw),
            true => self.said().cmp(other.said()),
        }
    }

    /// What it says as UTF-8, in which a lone surrogate has the three bytes that it would have if
    /// it were a character.
    fn said(&self) -> impl Iterator<Item = u8> + 'a {
        Pieces::of(self.raw).flat_map(Piece::bytes)
    }
}

/// A part of a string.
enum Piece<'a> {
    Plain(&'a [u8]),
    Char(char),
    Lone(u16),
}

impl<'a> Piece<'a> {
    fn bytes(self) -> impl Iterator<Item = u8> + 'a {
        let mut own = [0; 4];
        let (run, len): (&[u8], usize) = match self {
            Piece::Plain(run) => (run, 0),
            Piece::Char(c) => (&[], c.encode_utf8(&mut own).len()),
            Piece::Lone(unit) => {
                let [high, low] = [(unit >> 6) & 0x3f, unit & 0x3f].map(|six| 0x80 | six as u8);
                own = [0xe0 | (unit >> 12) as u8, high, low, 0];
                (&[], 3)
            }
        };
        run.iter().copied().chain(own.into_iter().take(len))
    }
}

/// The parts of a string that was scanned.
struct Pieces<'a> {
    rest: &'a [u8],
}

impl<'a> Pieces<'a> {
    fn of(raw: &'a [u8]) -> Self {
        Self { rest: raw }
    }

    /// The unit of an escape `\uXXXX`, if one is next.
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

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let plain = memchr::memchr(b'\\', self.rest).unwrap_or(self.rest.len());
        if plain > 0 {
            let (run, rest) = self.rest.split_at_checked(plain)?;
            self.rest = rest;
            return Some(Piece::Plain(run));
        }
        let Some(unit) = self.unit() else {
            let said = match self.rest.get(1)? {
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                other => char::from(*other),
            };
            self.pass(2);
            return Some(Piece::Char(said));
        };
        self.pass(6);
        if let Some(c) = char::from_u32(u32::from(unit)) {
            return Some(Piece::Char(c));
        }
        let pair = char::decode_utf16([Some(unit), self.unit()].into_iter().flatten()).next();
        match pair {
            Some(Ok(c)) => {
                self.pass(6);
                Some(Piece::Char(c))
            }
            _ => Some(Piece::Lone(unit)),
        }
    }
}
