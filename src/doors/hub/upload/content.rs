//! The content of a file in a long line of a commit: it goes to disk as it comes, and the rest of the line is small.

use std::io;
use std::io::BufRead;
use std::io::Read;

use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;

/// Bytes of a line without its content.
const OUTLINE_BYTES_MAX: usize = 64 << 10;
/// The name of the text that has the content.
const CONTENT: &[u8] = b"content";

/// Reads a line of JSON up to its end. The content, in base64, goes to `to`; the line is returned with an empty text in its
/// place.
///
/// # Errors
/// `InvalidData` for a line of another form, and the errors of both sides.
pub(super) fn split_line(from: &mut impl BufRead, to: &mut impl io::Write) -> io::Result<Vec<u8>> {
    let mut outline = Vec::new();
    // The last whole text, and the place in the order: text, colon, text.
    let (mut text, mut expects_content, mut has_content) = (Vec::new(), false, false);
    while let Some(byte) = next_byte(from)? {
        if byte == b'\n' {
            return Ok(outline);
        }
        outline.push(byte);
        if outline.len() > OUTLINE_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        match byte {
            b'"' if expects_content && !has_content => {
                has_content = true;
                let mut decoded = DecoderReader::new(TextReader::new(from), &STANDARD);
                io::copy(&mut decoded, to)?;
                decoded.into_inner().finish()?;
                outline.push(b'"');
                expects_content = false;
            }
            b'"' => {
                text = whole_text(from, &mut outline)?;
                expects_content = false;
            }
            b':' => expects_content = text == CONTENT,
            b' ' | b'\t' | b'\r' => {}
            _ => {
                text.clear();
                expects_content = false;
            }
        }
    }
    Ok(outline)
}

fn next_byte(from: &mut impl BufRead) -> io::Result<Option<u8>> {
    let byte = from.fill_buf()?.first().copied();
    if byte.is_some() {
        from.consume(1);
    }
    Ok(byte)
}

/// Copies a short text with its end, and returns it as it stands there.
fn whole_text(from: &mut impl BufRead, outline: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let start = outline.len();
    let mut is_escaped = false;
    while let Some(byte) = next_byte(from)? {
        outline.push(byte);
        if outline.len() > OUTLINE_BYTES_MAX {
            break;
        }
        if byte == b'"' && !is_escaped {
            let text = outline.get(start..outline.len() - 1);
            return Ok(text.unwrap_or_default().to_vec());
        }
        is_escaped = byte == b'\\' && !is_escaped;
    }
    Err(io::ErrorKind::InvalidData.into())
}

/// The bytes of a text in JSON, up to its end. Of the escapes, only `\/` can stand in base64.
struct TextReader<'a, R> {
    from: &'a mut R,
    is_ended: bool,
}

impl<'a, R: BufRead> TextReader<'a, R> {
    fn new(from: &'a mut R) -> Self {
        Self {
            from,
            is_ended: false,
        }
    }

    /// Checks that the end of the text was reached.
    fn finish(self) -> io::Result<()> {
        match self.is_ended {
            true => Ok(()),
            false => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

impl<R: BufRead> Read for TextReader<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.is_ended || buf.is_empty() {
            return Ok(0);
        }
        loop {
            let here = self.from.fill_buf()?;
            let plain = memchr::memchr2(b'"', b'\\', here).unwrap_or(here.len());
            let n = plain.min(buf.len());
            if n > 0 {
                if let (Some(to), Some(bytes)) = (buf.get_mut(..n), here.get(..n)) {
                    to.copy_from_slice(bytes);
                }
                self.from.consume(n);
                return Ok(n);
            }
            match next_byte(self.from)? {
                Some(b'"') => {
                    self.is_ended = true;
                    return Ok(0);
                }
                // The slash behind it is read as any other byte.
                Some(b'\\') if self.from.fill_buf()?.first() == Some(&b'/') => {}
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn split(line: &str, buffer: usize) -> io::Result<(String, Vec<u8>, String)> {
        let mut from = BufReader::with_capacity(buffer, line.as_bytes());
        let mut content = Vec::new();
        let outline = split_line(&mut from, &mut content)?;
        let mut rest = String::new();
        from.read_to_string(&mut rest)?;
        Ok((String::from_utf8(outline).unwrap(), content, rest))
    }

    #[test]
    fn content_is_decoded_and_the_line_keeps_the_rest() {
        let line = r#"{"key": "file", "value": {"path": "a\"content\":\"x", "content" : "aGkK\/\/\/\/", "encoding": "base64"}}"#;
        let wanted = line.replace(r"aGkK\/\/\/\/", "");
        let whole = format!("{line}\nnext");
        for buffer in [1, 2, 3, 7, 64, 4096] {
            let (outline, content, rest) = split(&whole, buffer).unwrap();
            assert_eq!(outline, wanted, "{buffer}");
            assert_eq!(content, b"hi\n\xff\xff\xff");
            assert_eq!(rest, "next");
        }
    }

    #[test]
    fn content_of_another_form_is_refused() {
        let long = format!("{{\"path\": \"{}\"}}", "a".repeat(OUTLINE_BYTES_MAX));
        for line in [
            r#"{"content": "aGkK"#,
            r#"{"content": "aG\u004bK"}"#,
            r#"{"content": "no base64!"}"#,
            r#"{"content": "aGkK=="}"#,
            r#"{"content": "aGk"}"#,
            r#"{"path": "a"#,
            &long,
        ] {
            assert!(split(line, 16).is_err(), "{line}");
        }
        // A text that is only named so, or a second one, stays in the line.
        let (outline, content, _) = split(r#"["content", "aGkK"]"#, 16).unwrap();
        assert_eq!(
            (outline.as_str(), content.len()),
            (r#"["content", "aGkK"]"#, 0)
        );
    }
}
