//! Text in other encodings, made UTF-8 while it is read.

use std::io;
use std::io::Read;

/// How the characters of a text are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextEncoding {
    /// UTF-8; bytes that are none stay as they are.
    #[default]
    Utf8,
    /// UTF-16 with the low byte first.
    Utf16Le,
    /// UTF-16 with the high byte first.
    Utf16Be,
    /// ISO 8859-1: each byte is the character of its number.
    Latin1,
    /// Windows code page 1252: as Latin-1, with quotes, dashes and others in place of control
    /// characters.
    Windows1252,
}

impl TextEncoding {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Utf8,
        Self::Utf16Le,
        Self::Utf16Be,
        Self::Latin1,
        Self::Windows1252,
    ];

    /// The name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Latin1 => "latin-1",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// The encoding of a name, in any case of letters; none where there is no such.
    pub fn named(name: &str) -> Option<Self> {
        let plain = name.chars().filter(|c| c.is_ascii_alphanumeric());
        match plain.collect::<String>().to_ascii_lowercase().as_str() {
            "utf8" => Some(Self::Utf8),
            "utf16" | "utf16le" => Some(Self::Utf16Le),
            "utf16be" => Some(Self::Utf16Be),
            "latin1" | "iso88591" | "l1" => Some(Self::Latin1),
            "windows1252" | "cp1252" => Some(Self::Windows1252),
            _ => None,
        }
    }

    /// What the byte order mark at the front of a text says; UTF-8 where there is none. Four bytes
    /// tell: what begins as UTF-32 does is not taken for UTF-16.
    pub(crate) fn of_mark(front: &[u8]) -> Self {
        match front {
            [0xff, 0xfe, 0, 0, ..] => Self::Utf8,
            [0xff, 0xfe, ..] => Self::Utf16Le,
            [0xfe, 0xff, ..] => Self::Utf16Be,
            _ => Self::Utf8,
        }
    }
}

/// Makes UTF-8 of text that comes in pieces. What is no character becomes U+FFFD.
#[derive(Clone, Debug)]
pub(crate) struct Transcoder {
    encoding: TextEncoding,
    /// The first byte of a unit whose second did not come yet.
    byte: Option<u8>,
    /// The first half of a character whose second did not come yet.
    high: Option<u16>,
}

impl Transcoder {
    pub(crate) fn new(encoding: TextEncoding) -> Self {
        Self {
            encoding,
            byte: None,
            high: None,
        }
    }

    /// Of what it makes UTF-8.
    pub(crate) fn encoding(&self) -> TextEncoding {
        self.encoding
    }

    /// Appends the next piece.
    pub(crate) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut buffer = [0; 4];
        let mut put = |c: char, out: &mut Vec<u8>| {
            out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
        };
        match self.encoding {
            TextEncoding::Utf8 => out.extend_from_slice(piece),
            TextEncoding::Latin1 => piece.iter().for_each(|b| put(char::from(*b), out)),
            TextEncoding::Windows1252 => piece.iter().for_each(|b| put(windows_1252(*b), out)),
            TextEncoding::Utf16Le | TextEncoding::Utf16Be => {
                for byte in piece {
                    match self.byte.take() {
                        None => self.byte = Some(*byte),
                        Some(first) => {
                            let unit = match self.encoding {
                                TextEncoding::Utf16Be => u16::from_le_bytes([*byte, first]),
                                _ => u16::from_le_bytes([first, *byte]),
                            };
                            self.unit(unit, &mut |c| put(c, out));
                        }
                    }
                }
            }
        }
    }

    /// There is no more: what is half a character becomes U+FFFD.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        let is_half = self.byte.take().is_some() | self.high.take().is_some();
        if is_half {
            let mut buffer = [0; 4];
            let mark = char::REPLACEMENT_CHARACTER.encode_utf8(&mut buffer);
            out.extend_from_slice(mark.as_bytes());
        }
    }

    fn unit(&mut self, unit: u16, put: &mut dyn FnMut(char)) {
        if let Some(high) = self.high.take() {
            match char::decode_utf16([high, unit]).next() {
                Some(Ok(c)) => return put(c),
                _ => put(char::REPLACEMENT_CHARACTER),
            }
        }
        match char::from_u32(u32::from(unit)) {
            Some(c) => put(c),
            None if unit < 0xdc00 => self.high = Some(unit),
            None => put(char::REPLACEMENT_CHARACTER),
        }
    }
}

/// The character of a byte of code page 1252; the five that it has not are those of Latin-1.
fn windows_1252(byte: u8) -> char {
    let at = usize::from(byte.wrapping_sub(0x80));
    WINDOWS.get(at).copied().unwrap_or(char::from(byte))
}

/// The characters of 80 to 9f.
const WINDOWS: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

/// A text that is made UTF-8 while it is read.
pub(crate) struct Transcoded<R> {
    inner: R,
    transcoder: Transcoder,
    piece: Vec<u8>,
    /// UTF-8 that nobody took yet, from this byte on.
    ready: Vec<u8>,
    taken: usize,
    is_over: bool,
}

impl<R: Read> Transcoded<R> {
    pub(crate) fn new(inner: R, encoding: TextEncoding) -> Self {
        Self {
            inner,
            transcoder: Transcoder::new(encoding),
            piece: vec![0; PIECE_BYTES],
            ready: Vec::new(),
            taken: 0,
            is_over: false,
        }
    }
}

impl<R: Read> Read for Transcoded<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.ready.len() && !self.is_over {
            let n = self.inner.read(&mut self.piece)?;
            self.ready.clear();
            self.taken = 0;
            match n {
                0 => {
                    self.is_over = true;
                    self.transcoder.finish(&mut self.ready);
                }
                n => {
                    let piece = self.piece.get(..n).unwrap_or_default();
                    self.transcoder.push(piece, &mut self.ready);
                }
            }
        }
        let ready = self.ready.get(self.taken..).unwrap_or_default();
        let n = ready.len().min(to.len());
        let (Some(to), Some(from)) = (to.get_mut(..n), ready.get(..n)) else {
            return Ok(0);
        };
        to.copy_from_slice(from);
        self.taken += n;
        Ok(n)
    }
}

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 32 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], encoding: TextEncoding, size: usize) -> String {
        let mut transcoder = Transcoder::new(encoding);
        let mut out = Vec::new();
        for piece in bytes.chunks(size) {
            transcoder.push(piece, &mut out);
        }
        transcoder.finish(&mut out);
        let mut by_read = Vec::new();
        Transcoded::new(bytes, encoding)
            .read_to_end(&mut by_read)
            .unwrap();
        assert_eq!(by_read, out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_in_pieces_of_any_size_is_the_same_text() {
        let text = "a\u{e9}\u{20ac}\u{1f600}\n";
        let units: Vec<u16> = text.encode_utf16().collect();
        let low: Vec<u8> = units.iter().flat_map(|u| u.to_le_bytes()).collect();
        let high: Vec<u8> = units.iter().flat_map(|u| u.to_be_bytes()).collect();
        for size in 1..6 {
            assert_eq!(read(&low, TextEncoding::Utf16Le, size), text);
            assert_eq!(read(&high, TextEncoding::Utf16Be, size), text);
            assert_eq!(
                read(b"\xe9\x80", TextEncoding::Latin1, size),
                "\u{e9}\u{80}"
            );
            let dashes = read(b"\xe9\x80\x97", TextEncoding::Windows1252, size);
            assert_eq!(dashes, "\u{e9}\u{20ac}\u{2014}");
        }
    }

    #[test]
    fn halves_of_characters_become_replacement_characters() {
        let units = [0xd83d, 0x61, 0xde00, 0xd83d, 0xd83d, 0xde00, 0xd83d];
        let mut bytes: Vec<u8> = units.iter().flat_map(|u: &u16| u.to_le_bytes()).collect();
        let expected = "\u{fffd}a\u{fffd}\u{fffd}\u{1f600}\u{fffd}";
        for size in 1..5 {
            assert_eq!(read(&bytes, TextEncoding::Utf16Le, size), expected);
        }
        bytes.push(b'x');
        assert_eq!(read(&bytes, TextEncoding::Utf16Le, 3), expected);
    }

    #[test]
    fn marks_of_utf_32_are_not_those_of_utf_16() {
        let of = TextEncoding::of_mark;
        assert_eq!(of(b"\xff\xfea\0"), TextEncoding::Utf16Le);
        assert_eq!(of(b"\xfe\xff\0a"), TextEncoding::Utf16Be);
        assert_eq!(of(b"\xff\xfe\0\0a\0\0\0"), TextEncoding::Utf8);
        assert_eq!(of(b"\xef\xbb\xbfa"), TextEncoding::Utf8);
    }
}
