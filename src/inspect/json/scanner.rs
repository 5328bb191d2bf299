//! JSON scanner: a cursor that returns one event after the other.

use crate::inspect::json::Number;
use crate::inspect::json::Reason;
use crate::inspect::json::ScanError;
use crate::inspect::json::Text;
use crate::inspect::json::Value;
use crate::inspect::json::ValueKind;
use crate::inspect::json::depth::Nesting;
use crate::inspect::json::number::scan_number;
use crate::inspect::json::scanned::TokenEnd;
use crate::inspect::json::scanned::TokenOutcome;
use crate::inspect::json::string::scan_string;
use crate::inspect::json::validate::is_json;

/// Next element of a text.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Start of an object.
    Object,
    /// End of the innermost object.
    ObjectEnd,
    /// Start of an array.
    Array,
    /// End of the innermost array.
    ArrayEnd,
    /// Key of a member; its value follows.
    Key(Text<'a>),
    /// A string.
    String(Text<'a>),
    /// A number.
    Number(Number<'a>),
    /// True or false.
    Bool(bool),
    /// The value `null`.
    Null,
}

/// Scanner of one JSON text from front to back. The text up to the last event is valid; the rest is
/// not validated yet.
#[derive(Clone, Debug)]
pub struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    /// Offset of the last token. The token ends at `at`; after a key, `at` is behind the colon.
    token_at: usize,
    token_end: usize,
    /// True for a string or key with escapes, and for an integer.
    is_marked: bool,
    /// Offset after the last white space between tokens; 0 if there was none.
    space_end: usize,
    nesting: Nesting,
    next: Expected,
    /// Accepts `NaN`, `Infinity` and `-Infinity` as numbers.
    has_nan: bool,
    error: Option<ScanError>,
}

/// Tokens allowed next.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// A value.
    Value,
    /// A value, or the end of the array just opened.
    Element,
    /// A key, or the end of the object just opened.
    Member,
    /// A comma, the end of the open array or object, or the end of the text.
    Rest,
    /// No token, after an error.
    Nothing,
}

/// An event without its content. It fits into a register, because most events are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Object,
    ObjectEnd,
    Array,
    ArrayEnd,
    Key,
    String,
    Number,
    True,
    False,
    Null,
    Over,
}

/// Marker of a recorded error.
struct Stopped;

/// Checks that a text is one JSON value with optional white space around it.
///
/// # Errors
/// The first syntax error.
pub fn validate(text: &[u8]) -> Result<(), ScanError> {
    if is_json(text) {
        return Ok(());
    }
    let mut scanner = Scanner::new(text);
    loop {
        match scanner.step() {
            Ok(TokenKind::Over) => return Ok(()),
            Ok(_) => {}
            Err(Stopped) => return Err(scanner.noted()),
        }
    }
}

impl<'a> Scanner<'a> {
    /// Creates a scanner at the start of the text.
    pub fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            at: 0,
            token_at: 0,
            token_end: 0,
            is_marked: false,
            space_end: 0,
            nesting: Nesting::default(),
            next: Expected::Value,
            has_nan: false,
            error: None,
        }
    }

    /// Creates a scanner that accepts `NaN`, `Infinity` and `-Infinity` as numbers, as Python and
    /// JavaScript programs write them. RFC 8259 does not have them.
    pub fn with_nan(text: &'a [u8]) -> Self {
        Self {
            has_nan: true,
            ..Self::new(text)
        }
    }

    /// Returns the next event; `None` at the end of a valid text.
    ///
    /// # Errors
    /// The first syntax error, on every further call too.
    pub fn next_event(&mut self) -> Result<Option<Event<'a>>, ScanError> {
        let Ok(token) = self.step() else {
            return Err(self.noted());
        };
        Ok(Some(match token {
            TokenKind::Object => Event::Object,
            TokenKind::ObjectEnd => Event::ObjectEnd,
            TokenKind::Array => Event::Array,
            TokenKind::ArrayEnd => Event::ArrayEnd,
            TokenKind::Key => Event::Key(self.inside()),
            TokenKind::String => Event::String(self.inside()),
            TokenKind::Number => Event::Number(Number {
                raw: self.raw(self.token_at, self.token_end),
                is_integer: self.is_marked,
            }),
            TokenKind::True => Event::Bool(true),
            TokenKind::False => Event::Bool(false),
            TokenKind::Null => Event::Null,
            TokenKind::Over => return Ok(None),
        }))
    }

    /// Returns the kind of the next event. Quicker than [`Scanner::next_event`] where most contents are not looked at.
    ///
    /// # Errors
    /// As [`Scanner::next_event`].
    #[cfg_attr(not(feature = "documents"), allow(dead_code))]
    #[inline]
    pub(crate) fn next_token(&mut self) -> Result<TokenKind, ScanError> {
        self.step().map_err(|Stopped| self.noted())
    }

    /// Returns the last key or string.
    #[cfg_attr(not(feature = "documents"), allow(dead_code))]
    pub(crate) fn token_text(&self) -> Text<'a> {
        self.inside()
    }

    /// Returns true if there was white space between tokens behind an offset.
    #[cfg_attr(not(feature = "documents"), allow(dead_code))]
    pub(crate) fn has_space_after(&self, offset: usize) -> bool {
        self.space_end > offset
    }

    /// Skips the next value as a whole, with its key if it has one. Returns `None` at the end of
    /// the array, the object or the text.
    ///
    /// # Errors
    /// The first syntax error, on every further call too.
    pub fn skip_value(&mut self) -> Result<Option<Value<'a>>, ScanError> {
        self.skip().map_err(|Stopped| self.noted())
    }

    /// Skips the rest of the innermost array or object, with its end.
    ///
    /// # Errors
    /// The first syntax error, on every further call too.
    pub fn skip_container(&mut self) -> Result<(), ScanError> {
        self.skip_rest().map_err(|Stopped| self.noted())
    }

    /// Offset of the first byte after the last event.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Offset of the last token: of its quote or bracket.
    pub fn token_at(&self) -> usize {
        self.token_at
    }

    /// Number of open arrays and objects.
    pub fn depth(&self) -> usize {
        self.nesting.depth()
    }

    fn skip(&mut self) -> Result<Option<Value<'a>>, Stopped> {
        let mut token = self.step()?;
        if token == TokenKind::Key {
            token = self.step()?;
        }
        let at = self.token_at;
        let kind = match token {
            TokenKind::Key | TokenKind::ObjectEnd | TokenKind::ArrayEnd | TokenKind::Over => {
                return Ok(None);
            }
            TokenKind::Object => ValueKind::Object,
            TokenKind::Array => ValueKind::Array,
            TokenKind::String => ValueKind::String,
            TokenKind::Number => ValueKind::Number,
            TokenKind::True | TokenKind::False => ValueKind::Bool,
            TokenKind::Null => ValueKind::Null,
        };
        if matches!(kind, ValueKind::Object | ValueKind::Array) {
            self.skip_rest()?;
        }
        let raw = self.raw(at, self.at);
        Ok(Some(Value { kind, raw, at }))
    }

    fn skip_rest(&mut self) -> Result<(), Stopped> {
        let outside = self.depth().saturating_sub(1);
        while self.depth() > outside {
            self.step()?;
        }
        Ok(())
    }

    #[inline]
    fn step(&mut self) -> Result<TokenKind, Stopped> {
        let byte = self.skip_space();
        match (self.next, byte) {
            (Expected::Rest, byte) => self.rest(byte),
            (Expected::Element, Some(b']')) => Ok(self.close(TokenKind::ArrayEnd)),
            (Expected::Member, Some(b'}')) => Ok(self.close(TokenKind::ObjectEnd)),
            (Expected::Member, byte) => self.key(byte),
            (Expected::Element | Expected::Value, byte) => self.value(byte),
            (Expected::Nothing, _) => Err(Stopped),
        }
    }

    /// Scans the token after a value.
    #[inline]
    fn rest(&mut self, byte: Option<u8>) -> Result<TokenKind, Stopped> {
        match (byte, self.nesting.innermost()) {
            (Some(b','), Some(is_object)) => {
                self.at += 1;
                let byte = self.skip_space();
                if is_object {
                    self.key(byte)
                } else {
                    self.value(byte)
                }
            }
            (Some(b'}'), Some(true)) => Ok(self.close(TokenKind::ObjectEnd)),
            (Some(b']'), Some(false)) => Ok(self.close(TokenKind::ArrayEnd)),
            (Some(_), Some(_)) => Err(self.stop(Reason::Comma)),
            (Some(_), None) => Err(self.stop(Reason::Trailing)),
            (None, Some(_)) => Err(self.stop(Reason::End)),
            (None, None) => Ok(TokenKind::Over),
        }
    }

    /// Scans a key and its colon.
    #[inline]
    fn key(&mut self, byte: Option<u8>) -> Result<TokenKind, Stopped> {
        match byte {
            Some(b'"') => self.string()?,
            Some(_) => return Err(self.stop(Reason::Key)),
            None => return Err(self.stop(Reason::End)),
        }
        match self.skip_space() {
            Some(b':') => self.at += 1,
            Some(_) => return Err(self.stop(Reason::Colon)),
            None => return Err(self.stop(Reason::End)),
        }
        self.next = Expected::Value;
        Ok(TokenKind::Key)
    }

    /// Scans a value, or the start of an array or object.
    #[inline]
    fn value(&mut self, byte: Option<u8>) -> Result<TokenKind, Stopped> {
        let Some(byte) = byte else {
            return Err(self.stop(Reason::End));
        };
        self.next = Expected::Rest;
        match byte {
            b'"' => {
                self.string()?;
                Ok(TokenKind::String)
            }
            b'-' if self.has_nan && self.rest_starts_with(b"-Infinity") => {
                self.word(b"-Infinity", TokenKind::Number)
            }
            b'-' | b'0'..=b'9' => {
                let number = scan_number(self.text, self.at);
                self.token(number.unwrap_or_else(TokenEnd::from))?;
                Ok(TokenKind::Number)
            }
            b'{' => self.open(TokenKind::Object, Expected::Member),
            b'[' => self.open(TokenKind::Array, Expected::Element),
            b't' => self.word(b"true", TokenKind::True),
            b'f' => self.word(b"false", TokenKind::False),
            b'n' => self.word(b"null", TokenKind::Null),
            b'N' if self.has_nan => self.word(b"NaN", TokenKind::Number),
            b'I' if self.has_nan => self.word(b"Infinity", TokenKind::Number),
            _ if self.at == 0 && self.text.starts_with(b"\xef\xbb\xbf") => {
                Err(self.stop(Reason::ByteOrderMark))
            }
            _ => Err(self.stop(Reason::Value)),
        }
    }

    fn rest_starts_with(&self, word: &[u8]) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        rest.starts_with(word)
    }

    fn open(&mut self, token: TokenKind, next: Expected) -> Result<TokenKind, Stopped> {
        if !self.nesting.open(token == TokenKind::Object) {
            return Err(self.stop(Reason::Depth));
        }
        self.token_at = self.at;
        self.at += 1;
        self.next = next;
        Ok(token)
    }

    fn close(&mut self, token: TokenKind) -> TokenKind {
        self.token_at = self.at;
        self.nesting.close();
        self.at += 1;
        self.next = Expected::Rest;
        token
    }

    /// Scans the string whose quote is next.
    #[inline]
    fn string(&mut self) -> Result<(), Stopped> {
        let string = scan_string(self.text, self.at + 1);
        self.token(string)
    }

    fn word(&mut self, word: &[u8], token: TokenKind) -> Result<TokenKind, Stopped> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let same = rest.iter().zip(word).take_while(|(a, b)| a == b).count();
        if same == word.len() {
            let at = self.at + same;
            self.token(TokenEnd {
                at,
                found: TokenOutcome::Plain,
            })?;
            return Ok(token);
        }
        let is_cut = same == rest.len();
        self.at += same;
        Err(self.stop(if is_cut { Reason::End } else { Reason::Value }))
    }

    /// Moves to the end of a scanned token.
    #[inline]
    fn token(&mut self, scanned: TokenEnd) -> Result<(), Stopped> {
        if let TokenOutcome::Wrong(reason) = scanned.found {
            self.at = scanned.at;
            return Err(self.stop(reason));
        }
        self.token_at = self.at;
        self.token_end = scanned.at;
        self.is_marked = matches!(scanned.found, TokenOutcome::Marked);
        self.at = scanned.at;
        Ok(())
    }

    /// Skips white space, and returns the byte after it.
    #[inline]
    fn skip_space(&mut self) -> Option<u8> {
        loop {
            let byte = self.text.get(self.at).copied();
            match byte {
                Some(b' ' | b'\n' | b'\r' | b'\t') => {
                    self.at += 1;
                    self.space_end = self.at;
                }
                _ => return byte,
            }
        }
    }

    /// Records an error at the next byte.
    #[cold]
    fn stop(&mut self, reason: Reason) -> Stopped {
        self.error = Some(reason.at(self.at));
        self.next = Expected::Nothing;
        Stopped
    }

    #[cold]
    fn noted(&self) -> ScanError {
        self.error.unwrap_or(Reason::End.at(self.at))
    }

    fn raw(&self, start: usize, end: usize) -> &'a [u8] {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Returns the last token without its quotes.
    fn inside(&self) -> Text<'a> {
        Text {
            raw: self.raw(self.token_at + 1, self.token_end.saturating_sub(1)),
            is_escaped: self.is_marked,
        }
    }
}
