//! A writer of XML. Every text is escaped.

/// The name space of S3.
const NAME_SPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// A document that is being written.
pub(super) struct Xml {
    text: String,
    open: Vec<&'static str>,
}

impl Xml {
    /// Begins a document of S3 with its root.
    pub(super) fn document(root: &'static str) -> Self {
        let mut xml = Self::plain();
        xml.text
            .push_str(&format!("<{root} xmlns=\"{NAME_SPACE}\">"));
        xml.open.push(root);
        xml
    }

    /// Begins a document without a name space, for errors.
    pub(super) fn error() -> Self {
        let mut xml = Self::plain();
        xml.begin("Error");
        xml
    }

    fn plain() -> Self {
        Self {
            text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(),
            open: Vec::new(),
        }
    }

    /// Begins an element.
    pub(super) fn begin(&mut self, name: &'static str) {
        self.tag("<", name, ">");
        self.open.push(name);
    }

    /// Ends the innermost element.
    pub(super) fn end(&mut self) {
        if let Some(name) = self.open.pop() {
            self.tag("</", name, ">");
        }
    }

    /// Writes an element with a text.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            self.tag("<", name, "/>");
            return;
        }
        self.tag("<", name, ">");
        escape(text, &mut self.text);
        self.tag("</", name, ">");
    }

    /// Ends all elements, and returns the document.
    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.text
    }

    fn tag(&mut self, before: &str, name: &str, after: &str) {
        self.text.push_str(before);
        self.text.push_str(name);
        self.text.push_str(after);
    }
}

/// Adds a text. References stand for characters that a reader would change or that divide elements. Those that XML
/// 1.0 cannot hold get references too, which a reader refuses: a key is never read as another one.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{fffe}' | '\u{ffff}' => {
                out.push_str(&format!("&#{};", u32::from(c)));
            }
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Xml;
    use crate::remote::s3::xml::decode_objects;

    #[test]
    fn document_has_its_elements_closed_and_texts_escaped() {
        let mut xml = Xml::document("A");
        xml.begin("B");
        xml.text("C", "<&>\"'\n\u{1}é");
        xml.text("D", "");
        assert_eq!(
            xml.finish(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<A xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <B><C>&lt;&amp;&gt;&quot;&#39;&#10;&#1;é</C><D/></B></A>"
        );
    }

    #[test]
    fn keys_with_any_character_are_read_as_they_were_written() {
        let keys: Vec<String> = (1..0x300)
            .filter_map(char::from_u32)
            .map(|c| format!("a{c}b"))
            .collect();
        let mut xml = Xml::document("ListBucketResult");
        for key in &keys {
            xml.begin("Contents");
            xml.text("Key", key);
            xml.text("Size", "1");
            xml.end();
        }
        let page = decode_objects(&xml.finish()).unwrap();
        let read: Vec<String> = page.objects.into_iter().map(|o| o.key).collect();
        assert_eq!(read, keys);
    }
}
