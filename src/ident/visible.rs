//! Text whose every character can be seen.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::ident::petname::is_hidden;

/// Returns a text with visible signs for the characters that are invisible or change the display of others.
/// Line breaks and tabs stay, and so do joiners after letters that may need them.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c.is_control() || is_hidden(c)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let (mut before, mut rest) = ('\0', text.chars().peekable());
    while let Some(c) = rest.next() {
        match c {
            '\n' | '\t' => shown.push(c),
            '\r' if rest.peek() == Some(&'\n') => {}
            // Emoji are joined by them, and words of Persian and Hindi are written with them.
            '\u{200c}' | '\u{200d}' if !before.is_ascii() => shown.push(c),
            '\0'..='\u{1f}' => shown.extend(char::from_u32(0x2400 + u32::from(c))),
            '\u{7f}' => shown.push('␡'),
            c if c.is_control() || is_hidden(c) => {
                // Writing to a String cannot fail.
                let _ = write!(shown, "⟨U+{:04X}⟩", u32::from(c));
            }
            c => shown.push(c),
        }
        before = c;
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_hide_or_reorder_are_shown() {
        assert_eq!(
            visible("a\u{202e}b\u{1b}[31m\u{9b}\0"),
            "a⟨U+202E⟩b␛[31m⟨U+009B⟩␀"
        );
        assert_eq!(visible("a\u{200d}b\u{feff}\u{7f}"), "a⟨U+200D⟩b⟨U+FEFF⟩␡");
        assert_eq!(visible("a\rb\r\nc\td"), "a␍b\nc\td");
    }

    #[test]
    fn ordinary_text_is_borrowed_and_joined_letters_stay() {
        assert!(matches!(visible("grün 数据 <b>"), Cow::Borrowed(_)));
        assert_eq!(
            visible("👩\u{200d}🔬 می\u{200c}شود"),
            "👩\u{200d}🔬 می\u{200c}شود"
        );
    }
}
