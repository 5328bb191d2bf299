//! The cursor over a text.

use crate::inspect::json::Number;
use crate::inspect::json::Reason;
use crate::inspect::json::ScanError;
use crate::inspect::json::Text;
use crate::inspect::json::Value;
use crate::inspect::json::ValueKind;
use crate::inspect::json::depth::Nesting;
use crate::inspect::json::number::scan_number;
use crate::inspect::json::scanned::Found;
use crate::inspect::json::scanned::Scanned;
use crate::inspect::json::string::scan_string;
use crate::inspect::json::validate::is_json;

/// What stands next in a text.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// An object begins.
    Object,
    /// The innermost object ends.
    ObjectEnd,
    /// An array begins.
    Array,
    /// The innermost array ends.
    ArrayEnd,
    /// The key of a member; its value is next.
    Key(Text<'a>),
    /// A string.
    String(Text<'a>),
    /// A number.
    Number(Number<'a>),
    /// True or false.
    Bool(bool),
    /// Null.
    Null,
}

/// Reads one JSON text from front to back. What it has told is valid; what is behind it is not
/// looked at yet.
#[derive(Clone, Debug)]
pub struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    /// The last token; its end is `at`, but for keys, which are followed by their colon.
    token_at: usize,
    token_end: usize,
    /// Of a string or key: it has escapes. Of a number: it is an integer.
    is_marked: bool,
    nesting: Nesting,
    next: Next,
    /// `NaN`, `Infinity` and `-Infinity` are numbers.
    has_nan: bool,
    error: Option<ScanError>,
}

/// What may stand next.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// A value.
    Value,
    /// A value, or the end of the array that was just opened.
    Element,
    /// A key, or the end of the object that was just opened.
    Member,
    /// A comma, or the end of what is open, or of the text.
    Rest,
    /// Nothing, after an error.
    Nothing,
}

/// An event without what it says: in a register, since most of them are only passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
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

/// There is an error, and it is noted.
struct Stopped;

/// Whether a text is one JSON value with nothing but white space around it.
///
/// # Errors
/// The first byte that is wrong.
pub fn validate(text: &[u8]) -> Result<(), ScanError> {
    if is_json(text) {
        return Ok(());
    }
    let mut scanner = Scanner::new(text);
    loop {
        match scanner.step() {
            Ok(Token::Over) => return Ok(()),
            Ok(_) => {}
            Err(Stopped) => return Err(scanner.noted()),
        }
    }
}

impl<'a> Scanner<'a> {
    /// A cursor before the first byte.
    pub fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            at: 0,
            token_at: 0,
            token_end: 0,
            is_marked: false,
            nesting: Nesting::default(),
            next: Next::Value,
            has_nan: false,
            error: None,
        }
    }

    /// The same for a text in which `NaN`, `Infinity` and `-Infinity` are numbers, as Python and
    /// JavaScript programs write them. RFC 8259 has no such numbers.
    pub fn with_nan(text: &'a [u8]) -> Self {
        Self {
            has_nan: true,
            ..Self::new(text)
        }
    }

    /// What stands next; `None` when the text is over and was one JSON value.
    ///
    /// # Errors
    /// The first byte that is wrong; the same again when asked again.
    pub fn next_event(&mut self) -> Result<Option<Event<'a>>, ScanError> {
        let Ok(token) = self.step() else {
            return Err(self.noted());
        };
        Ok(Some(match token {
            Token::Object => Event::Object,
            Token::ObjectEnd => Event::ObjectEnd,
            Token::Array => Event::Array,
            Token::ArrayEnd => Event::ArrayEnd,
            Token::Key => Event::Key(self.inside()),
            Token::String => Event::String(self.inside()),
            Token::Number => Event::Number(Number {
                raw: self.raw(self.token_at, self.token_end),
                is_integer: self.is_marked,
            }),
            Token::True => Event::Bool(true),
            Token::False => Event::Bool(false),
            Token::Null => Event::Null,
            Token::Over => return Ok(None),
        }))
    }

    /// Passes over the next value with everything in it, and its key where it has one. `None` when
    /// the array or object ends instead, or the text.
    ///
    /// # Errors
    /// The first byte that is wrong; the same again when asked again.
    pub fn skip_value(&mut self) -> Result<Option<Value<'a>>, ScanError> {
        self.skip().map_err(|Stopped| self.noted())
    }

    /// Passes over the rest of the innermost array or object, and its end.
    ///
    /// # Errors
    /// The first byte that is wrong; the same again when asked again.
    pub fn leave(&mut self) -> Result<(), ScanError> {
        self.skip_rest().map_err(|Stopped| self.noted())
    }

    /// How many bytes stand before the first one that was not told yet.
    pub fn at(&self) -> usize {
        self.at
    }

    /// How many bytes stand before what was told last: before its quote or bracket.
    pub fn token_at(&self) -> usize {
        self.token_at
    }

    /// How many arrays and objects are open.
    pub fn depth(&self) -> usize {
        self.nesting.depth()
    }

    fn skip(&mut self) -> Result<Option<Value<'a>>, Stopped> {
        let mut token = self.step()?;
        if token == Token::Key {
            token = self.step()?;
        }
        let at = self.token_at;
        let kind = match token {
            Token::Key | Token::ObjectEnd | Token::ArrayEnd | Token::Over => return Ok(None),
            Token::Object => ValueKind::Object,
            Token::Array => ValueKind::Array,
            Token::String => ValueKind::String,
            Token::Number => ValueKind::Number,
            Token::True | Token::False => ValueKind::Bool,
            Token::Null => ValueKind::Null,
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
    fn step(&mut self) -> Result<Token, Stopped> {
        let byte = self.skip_space();
        match (self.next, byte) {
            (Next::Rest, byte) => self.rest(byte),
            (Next::Element, Some(b']')) => Ok(self.close(Token::ArrayEnd)),
            (Next::Member, Some(b'}')) => Ok(self.close(Token::ObjectEnd)),
            (Next::Member, byte) => self.key(byte),
            (Next::Element | Next::Value, byte) => self.value(byte),
            (Next::Nothing, _) => Err(Stopped),
        }
    }

    /// What follows a value.
    #[inline]
    fn rest(&mut self, byte: Option<u8>) -> Result<Token, Stopped> {
        match (byte, self.nesting.innermost()) {
            (Some(b','), Some(is_object)) => {
                self.at += 1;
                let byte = self.skip_space();
                match is_object {
                    true => self.key(byte),
                    false => self.value(byte),
                }
            }
            (Some(b'}'), Some(true)) => Ok(self.close(Token::ObjectEnd)),
            (Some(b']'), Some(false)) => Ok(self.close(Token::ArrayEnd)),
            (Some(_), Some(_)) => Err(self.stop(Reason::Comma)),
            (Some(_), None) => Err(self.stop(Reason::Trailing)),
            (None, Some(_)) => Err(self.stop(Reason::End)),
            (None, None) => Ok(Token::Over),
        }
    }

    /// A key and its colon.
    #[inline]
    fn key(&mut self, byte: Option<u8>) -> Result<Token, Stopped> {
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
        self.next = Next::Value;
        Ok(Token::Key)
    }

    /// A value, or the beginning of one.
    #[inline]
    fn value(&mut self, byte: Option<u8>) -> Result<Token, Stopped> {
        let Some(byte) = byte else {
            return Err(self.stop(Reason::End));
        };
        self.next = Next::Rest;
        match byte {
            b'"' => {
                self.string()?;
                Ok(Token::String)
            }
            b'-' if self.has_nan && self.rest_starts_with(b"-Infinity") => {
                self.word(b"-Infinity", Token::Number)
            }
            b'-' | b'0'..=b'9' => {
                let number = scan_number(self.text, self.at);
                self.token(number.unwrap_or_else(Scanned::from))?;
                Ok(Token::Number)
            }
            b'{' => self.open(Token::Object, Next::Member),
            b'[' => self.open(Token::Array, Next::Element),
            b't' => self.word(b"true", Token::True),
            b'f' => self.word(b"false", Token::False),
            b'n' => self.word(b"null", Token::Null),
            b'N' if self.has_nan => self.word(b"NaN", Token::Number),
            b'I' if self.has_nan => self.word(b"Infinity", Token::Number),
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

    fn open(&mut self, token: Token, next: Next) -> Result<Token, Stopped> {
        if !self.nesting.open(token == Token::Object) {
            return Err(self.stop(Reason::Depth));
        }
        self.token_at = self.at;
        self.at += 1;
        self.next = next;
        Ok(token)
    }

    fn close(&mut self, token: Token) -> Token {
        self.token_at = self.at;
        self.nesting.close();
        self.at += 1;
        self.next = Next::Rest;
        token
    }

    /// The string whose quote is next.
    #[inline]
    fn string(&mut self) -> Result<(), Stopped> {
        let string = scan_string(self.text, self.at + 1);
        self.token(string)
    }

    fn word(&mut self, word: &[u8], token: Token) -> Result<Token, Stopped> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let same = rest.iter().zip(word).take_while(|(a, b)| a == b).count();
        if same == word.len() {
            let at = self.at + same;
            self.token(Scanned {
                at,
                found: Found::Plain,
            })?;
            return Ok(token);
        }
        let is_cut = same == rest.len();
        self.at += same;
        Err(self.stop(if is_cut { Reason::End } else { Reason::Value }))
    }

    /// Goes to the end of a token that was scanned.
    #[inline]
    fn token(&mut self, scanned: Scanned) -> Result<(), Stopped> {
        if let Found::Wrong(reason) = scanned.found {
            self.at = scanned.at;
            return Err(self.stop(reason));
        }
        self.token_at = self.at;
        self.token_end = scanned.at;
        self.is_marked = matches!(scanned.found, Found::Marked);
        self.at = scanned.at;
        Ok(())
    }

    /// Passes over white space; the byte behind it.
    #[inline]
    fn skip_space(&mut self) -> Option<u8> {
        loop {
            let byte = self.text.get(self.at).copied();
            match byte {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                _ => return byte,
            }
        }
    }

    /// Notes what is wrong with the next byte.
    #[cold]
    fn stop(&mut self, reason: Reason) -> Stopped {
        self.error = Some(reason.at(self.at));
        self.next = Next::Nothing;
        Stopped
    }

    #[cold]
    fn noted(&self) -> ScanError {
        self.error.unwrap_or(Reason::End.at(self.at))
    }

    fn raw(&self, start: usize, end: usize) -> &'a [u8] {
        self.text.get(start..end).unwrap_or_default()
    }

    /// What is between the quotes of the last token.
    fn inside(&self) -> Text<'a> {
        Text {
            raw: self.raw(self.token_at + 1, self.token_end.saturating_sub(1)),
            is_escaped: self.is_marked,
        }
    }
}
