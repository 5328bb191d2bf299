//! Markup. Only literals of this program and escaped text get into it.

use std::fmt::Write as _;

use crate::card::SafeHtml;
use crate::doors::page::links::Link;
use crate::ident::visible;

/// Markup so far. Everything else than literals is escaped when it is added, and every element is closed.
#[derive(Debug, Default)]
pub(super) struct Html {
    markup: String,
}

/// An attribute of an element.
#[derive(Clone, Copy)]
pub(super) enum At<'a> {
    /// The place that a form is sent to.
    Action(&'a Link),
    /// An attribute without a value.
    Flag(&'static str),
    /// The place that a link leads to.
    Href(&'a Link),
    /// A name for people who do not see the element.
    Label(&'a str),
    /// A literal attribute.
    Lit(&'static str, &'static str),
    /// A number.
    Number(&'static str, f64),
    /// The machine form of a time.
    Time(&'a str),
    /// A hint beside the element.
    Title(&'a str),
    /// The value of a field.
    Value(&'a str),
}

impl Html {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        escape_into(text, &mut self.markup);
        self
    }

    /// Adds an element with a content.
    pub(super) fn element(
        &mut self,
        name: &'static str,
        attributes: &[At<'_>],
        content: impl FnOnce(&mut Self),
    ) -> &mut Self {
        self.open(name, attributes);
        content(self);
        self.markup.push_str("</");
        self.markup.push_str(name);
        self.markup.push('>');
        self
    }

    /// Adds an element with a text.
    pub(super) fn leaf(
        &mut self,
        name: &'static str,
        attributes: &[At<'_>],
        text: &str,
    ) -> &mut Self {
        self.element(name, attributes, |h| {
            h.text(text);
        })
    }

    /// Adds an element that has no content, such as a field.
    pub(super) fn void(&mut self, name: &'static str, attributes: &[At<'_>]) -> &mut Self {
        self.open(name, attributes);
        self
    }

    /// Adds a literal of this program.
    pub(super) fn literal(&mut self, markup: &'static str) -> &mut Self {
        self.markup.push_str(markup);
        self
    }

    /// Adds a rendered card.
    pub(super) fn card(&mut self, card: &SafeHtml) -> &mut Self {
        self.markup.push_str(card.as_str());
        self
    }

    /// Adds other markup.
    pub(super) fn append(&mut self, other: Self) -> &mut Self {
        self.markup.push_str(&other.markup);
        self
    }

    /// Adds a link with a text.
    pub(super) fn link(&mut self, to: &Link, text: &str) -> &mut Self {
        self.leaf("a", &[At::Href(to)], text)
    }

    /// Adds text with some ranges of its bytes marked. Ranges are in order; others are left out.
    pub(super) fn marked(&mut self, text: &str, ranges: &[(usize, usize)]) -> &mut Self {
        let mut at = 0;
        for (from, to) in ranges {
            let (Some(before), Some(inside)) = (text.get(at..*from), text.get(*from..*to)) else {
                continue;
            };
            if inside.is_empty() {
                continue;
            }
            self.text(before).leaf("mark", &[], inside);
            at = *to;
        }
        self.text(text.get(at..).unwrap_or_default())
    }

    /// Returns the number of bytes so far.
    pub(super) fn len(&self) -> usize {
        self.markup.len()
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.markup.into_bytes()
    }

    fn open(&mut self, name: &'static str, attributes: &[At<'_>]) {
        self.markup.push('<');
        self.markup.push_str(name);
        for attribute in attributes {
            self.attribute(attribute);
        }
        self.markup.push('>');
    }

    fn attribute(&mut self, attribute: &At<'_>) {
        let (name, value) = match attribute {
            At::Action(link) => ("action", link.as_str()),
            At::Flag(name) => {
                self.markup.push(' ');
                self.markup.push_str(name);
                return;
            }
            At::Href(link) => ("href", link.as_str()),
            At::Label(text) => ("aria-label", *text),
            At::Lit(name, value) => (*name, *value),
            At::Number(name, number) => {
                // Writing to a String cannot fail.
                let _ = write!(
                    self.markup,
                    " {name}=\"{}\"",
                    (number * 100.0).round() / 100.0
                );
                return;
            }
            At::Time(text) => ("datetime", *text),
            At::Title(text) => ("title", *text),
            At::Value(text) => ("value", *text),
        };
        self.markup.push(' ');
        self.markup.push_str(name);
        self.markup.push_str("=\"");
        escape_into(value, &mut self.markup);
        self.markup.push('"');
    }
}

/// Escapes text for content and for attributes in double quotes.
fn escape_into(text: &str, out: &mut String) {
    for c in visible(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(html: Html) -> String {
        String::from_utf8(html.into_bytes()).unwrap()
    }

    #[test]
    fn text_and_attributes_are_escaped() {
        let mut html = Html::new();
        let hostile = "\"><script>alert('1')</script>&\u{202e}";
        html.leaf("p", &[At::Title(hostile), At::Flag("hidden")], hostile);
        let escaped = "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;⟨U+202E⟩";
        assert_eq!(
            shown(html),
            format!("<p title=\"{escaped}\" hidden>{escaped}</p>")
        );
    }

    #[test]
    fn elements_are_closed_in_order() {
        let mut html = Html::new();
        html.element("ul", &[At::Lit("class", "x")], |h| {
            h.leaf("li", &[], "a").void("br", &[]);
        });
        html.void("rect", &[At::Number("x", 1.0 / 3.0)]);
        assert_eq!(
            shown(html),
            "<ul class=\"x\"><li>a</li><br></ul><rect x=\"0.33\">"
        );
    }

    #[test]
    fn marks_are_kept_apart_from_text_and_odd_ranges_are_left_out() {
        let mut html = Html::new();
        html.marked("aäb<c", &[(0, 1), (2, 3), (1, 3), (1, 1), (90, 91)]);
        assert_eq!(shown(html), "<mark>a</mark><mark>ä</mark>b&lt;c");
    }
}
