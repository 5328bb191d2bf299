//! Renders Markdown as a part of a page that has headings, styles and links of its own.

use std::borrow::Cow;

use pulldown_cmark::Alignment;
use pulldown_cmark::CowStr;
use pulldown_cmark::Event;
use pulldown_cmark::HeadingLevel;
use pulldown_cmark::Tag;
use pulldown_cmark::TagEnd;

use crate::card::html::safe_events;
use crate::ident::visible;

/// Markup that runs nothing, loads nothing and has no styles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafeHtml(String);

impl SafeHtml {
    /// Returns the markup.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Renders Markdown below a heading of level `above`. Headings go down without leaving a level out, a link to a file beside
/// the card leads to the place that `files` names, and no character hides.
pub fn to_fragment(markdown: &str, above: u8, files: &str) -> SafeHtml {
    let mut page = Fragment {
        above,
        last: above,
        headings: Vec::new(),
        links: 0,
        link_has_text: false,
        files,
        events: Vec::new(),
    };
    for event in safe_events(markdown) {
        page.add(event);
    }
    let mut markup = String::new();
    pulldown_cmark::html::push_html(&mut markup, page.events.into_iter());
    SafeHtml(markup)
}

struct Fragment<'a> {
    above: u8,
    /// Level of the last heading.
    last: u8,
    /// Levels of the headings that are open.
    headings: Vec<HeadingLevel>,
    /// Links that are open.
    links: usize,
    link_has_text: bool,
    files: &'a str,
    events: Vec<Event<'a>>,
}

impl<'a> Fragment<'a> {
    fn add(&mut self, event: Event<'a>) {
        let event = match event {
            Event::Text(text) => {
                self.link_has_text |= !text.trim().is_empty();
                Event::Text(shown(text))
            }
            Event::Code(text) => {
                self.link_has_text |= !text.trim().is_empty();
                Event::Code(shown(text))
            }
            // A box without a label says nothing to a screen reader.
            Event::TaskListMarker(is_done) => {
                Event::Text(CowStr::Borrowed(if is_done { "☑ " } else { "☐ " }))
            }
            Event::Start(Tag::Table(columns)) => {
                // Alignments would be styles.
                Event::Start(Tag::Table(vec![Alignment::None; columns.len()]))
            }
            Event::Start(Tag::Heading {
                level,
                id,
                classes,
                attrs,
            }) => {
                let level = self.heading(level as u8);
                self.headings.push(level);
                Event::Start(Tag::Heading {
                    level,
                    id,
                    classes,
                    attrs,
                })
            }
            Event::End(TagEnd::Heading(level)) => {
                Event::End(TagEnd::Heading(self.headings.pop().unwrap_or(level)))
            }
            Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }) => {
                self.links += 1;
                if self.links > 1 {
                    return;
                }
                self.link_has_text = false;
                Event::Start(Tag::Link {
                    link_type,
                    dest_url: self.place(dest_url),
                    title: shown(title),
                    id,
                })
            }
            Event::End(TagEnd::Link) => {
                self.links = self.links.saturating_sub(1);
                if self.links > 0 {
                    return;
                }
                if !self.link_has_text {
                    self.events.push(Event::Text(CowStr::Borrowed("(link)")));
                }
                Event::End(TagEnd::Link)
            }
            other => other,
        };
        self.events.push(event);
    }

    /// Returns the level of a heading that is written with a level.
    fn heading(&mut self, written: u8) -> HeadingLevel {
        let wanted = written.saturating_add(self.above);
        self.last = wanted.min(self.last.saturating_add(1)).min(6);
        HeadingLevel::try_from(usize::from(self.last)).unwrap_or(HeadingLevel::H6)
    }

    /// Returns the place that a link leads to from this page.
    fn place(&self, url: CowStr<'a>) -> CowStr<'a> {
        let first = url.split(['/', '?', '#']).next().unwrap_or_default();
        if url.starts_with('#') || first.contains(':') || url.starts_with("//") {
            return url;
        }
        let path = url.strip_prefix("./").unwrap_or(&url);
        let climbs = path.split('/').any(|part| matches!(part, "." | ".." | ""));
        if climbs || path.contains('\\') {
            return CowStr::Borrowed("#");
        }
        format!("{}{path}", self.files).into()
    }
}

fn shown(text: CowStr<'_>) -> CowStr<'_> {
    let changed = match visible(&text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(shown) => Some(shown),
    };
    changed.map_or(text, CowStr::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markup(text: &str) -> String {
        to_fragment(text, 2, "/d/a/b@1.0.0/file/")
            .as_str()
            .to_owned()
    }

    #[test]
    fn fragment_has_no_style_no_script_and_no_field() {
        let page = markup(
            "| a | b |\n|:--|--:|\n| 1 | 2 |\n\n- [x] done\n\n<script>x</script>\n\n<b onclick=x>t\n",
        );
        for bad in ["style", "<script", "<input", "<b "] {
            assert!(!page.contains(bad), "{bad} in {page}");
        }
        assert!(
            page.contains("☑ done") && page.contains("&lt;script&gt;"),
            "{page}"
        );
    }

    #[test]
    fn headings_leave_no_level_out() {
        let page = markup("# A\n\n### B\n\n###### C\n\n# D\n");
        for good in ["<h3>A</h3>", "<h4>B</h4>", "<h5>C</h5>", "<h3>D</h3>"] {
            assert!(page.contains(good), "{good} in {page}");
        }
    }

    #[test]
    fn links_have_a_text_and_stay_in_their_dataset() {
        let page = markup(
            "[a](data/x.csv) [b](../../y) [c](/z) ![](https://x.example/p.png) [![logo](p.png)](https://x.example/)\n\n[d](./n.md) [e](#f) [f](javascript:x)",
        );
        for good in [
            "<a href=\"/d/a/b@1.0.0/file/data/x.csv\">a</a>",
            "<a href=\"#\">b</a>",
            "<a href=\"#\">c</a>",
            "<a href=\"https://x.example/p.png\">(link)</a>",
            "<a href=\"https://x.example/\">logo</a>",
            "<a href=\"/d/a/b@1.0.0/file/n.md\">d</a>",
            "<a href=\"#f\">e</a>",
            "<a href=\"#\">f</a>",
        ] {
            assert!(page.contains(good), "{good} in {page}");
        }
    }

    #[test]
    fn characters_that_hide_are_shown() {
        let page = markup("a\u{202e}b `c\u{200b}d`");
        assert!(page.contains("a⟨U+202E⟩b"), "{page}");
        assert!(page.contains("<code>c⟨U+200B⟩d</code>"), "{page}");
    }
}
