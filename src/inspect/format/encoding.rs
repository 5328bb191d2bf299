//! Text encodings, and their streaming conversion to UTF-8.

use std::io;
use std::io::Read;

/// Character encoding of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextEncoding {
    /// UTF-8. Invalid bytes stay as they are.
    #[default]
    Utf8,
    /// UTF-16, little-endian.
    Utf16Le,
    /// UTF-16, big-endian.
    Utf16Be,
    /// ISO 8859-1: each byte is the character with its number.
    Latin1,
    /// Windows code page 1252: Latin-1 with quotes, dashes and others in place of control
    /// characters.
    Windows1252,
}

impl TextEncoding {
    /// All encodings.
    pub const ALL: [Self; 5] = [
        Self::Utf8,
        Self::Utf16Le,
        Self::Utf16Be,
        Self::Latin1,
        Self::Windows1252,
    ];

    /// Name of the encoding.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Latin1 => "latin-1",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// Returns the encoding with a name, ignoring case; `None` if unknown.
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

    /// Detects the encoding from the byte order mark; UTF-8 without one. It needs four bytes to
    /// tell UTF-32 from UTF-16.
    pub(crate) fn of_mark(front: &[u8]) -> Self {
        match front {
            [0xff, 0xfe, 0, 0, ..] => Self::Utf8,
            [0xff, 0xfe, ..] => Self::Utf16Le,
            [0xfe, 0xff, ..] => Self::Utf16Be,
            _ => Self::Utf8,
        }
    }
}

/// Streaming converter to UTF-8. Invalid input becomes U+FFFD.
#[derive(Clone, Debug)]
pub(crate) struct Transcoder {
    encoding: TextEncoding,
    /// First byte of an incomplete unit.
    byte: Option<u8>,
    /// High surrogate of an incomplete character.
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

    /// The source encoding.
    pub(crate) fn encoding(&self) -> TextEncoding {
        self.encoding
    }

    /// Converts the next piece, and appends it to `out`.
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

    /// Ends the input: an incomplete character becomes U+FFFD.
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

/// Returns the character of a byte in code page 1252. Its five undefined bytes map as in Latin-1.
fn windows_1252(byte: u8) -> char {
    let at = usize::from(byte.wrapping_sub(0x80));
    WINDOWS.get(at).copied().unwrap_or(char::from(byte))
}

/// The characters of bytes 80 to 9f.
const WINDOWS: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

/// Reader that converts a text to UTF-8.
pub(crate) struct Transcoded<R> {
    inner: R,
    transcoder: Transcoder,
    piece: Vec<u8>,
    /// Converted bytes; those from this offset on are unread.
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

/// Bytes per read.
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
    fn transcoder_is_independent_of_piece_size() {
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
    fn transcoder_replaces_incomplete_characters() {
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
    fn byte_order_mark_of_utf_32_is_not_utf_16() {
        let of = TextEncoding::of_mark;
        assert_eq!(of(b"\xff\xfea\0"), TextEncoding::Utf16Le);
        assert_eq!(of(b"\xfe\xff\0a"), TextEncoding::Utf16Be);
        assert_eq!(of(b"\xff\xfe\0\0a\0\0\0"), TextEncoding::Utf8);
        assert_eq!(of(b"\xef\xbb\xbfa"), TextEncoding::Utf8);
    }
}
