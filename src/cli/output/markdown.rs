//! Markdown on a terminal: headings, lists, quotes, code, tables, paragraphs that fit the width.

use pulldown_cmark::CodeBlockKind;
use pulldown_cmark::Event;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;
use pulldown_cmark::TagEnd;

use crate::cli::output::out::Out;
use crate::cli::output::table::TableLayout;
use crate::cli::output::table::format_table;
use crate::cli::output::text::printable;

const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const PLAIN: &str = "\u{1b}[0m";

/// Renders Markdown for the terminal that `out` writes to. A word longer than a line is not broken.
pub(crate) fn render_markdown(markdown: &str, out: Out) -> String {
    render(
        markdown,
        Page {
            width: out.width().max(20),
            style: out.has_style(),
            layout: out.layout(),
            ..Page::default()
        },
    )
}

fn render(markdown: &str, mut page: Page) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    Parser::new_ext(markdown, options).for_each(|event| page.event(event));
    page.end_block();
    page.text
}

#[derive(Default)]
struct Page {
    width: usize,
    /// Headings are bold, code is dim.
    style: bool,
    layout: TableLayout,
    text: String,
    /// The words of the open block.
    block: String,
    /// The bullet or the number of the next line.
    bullet: String,
    /// The next numbers of the open lists; `None` for a list with bullets.
    lists: Vec<Option<u64>>,
    quotes: usize,
    heading: bool,
    code: bool,
    rows: Vec<Vec<String>>,
    links: Vec<String>,
}

impl Page {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.block += &printable(&text);
            }
            Event::Code(text) => self.block += &format!("`{}`", printable(&text)),
            Event::SoftBreak => self.block.push(' '),
            Event::HardBreak => self.block.push('\n'),
            Event::Rule => {
                self.end_block();
                self.text += &format!("{}\n\n", "-".repeat(self.width.min(40)));
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { .. } => {
                self.end_block();
                self.heading = true;
            }
            Tag::BlockQuote(_) => {
                self.end_block();
                self.quotes += 1;
            }
            Tag::CodeBlock(kind) => {
                self.end_block();
                self.code = true;
                if let CodeBlockKind::Fenced(language) = kind
                    && !language.is_empty()
                {
                    self.text += &format!("    ({})\n", printable(&language));
                }
            }
            Tag::List(first) => {
                self.end_block();
                self.lists.push(first);
            }
            Tag::Item => {
                self.end_block();
                self.bullet = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".to_owned(),
                };
            }
            Tag::Table(_) => {
                self.end_block();
                self.rows.clear();
            }
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            Tag::TableCell => self.block.clear(),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.links.push(printable(&dest_url));
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                let line = std::mem::take(&mut self.block);
                let (on, off) = if self.style { (BOLD, PLAIN) } else { ("", "") };
                self.text += &format!("{on}{line}{off}\n");
                if !self.style {
                    self.text += &format!("{}\n", "=".repeat(line.chars().count()));
                }
                self.text.push('\n');
                self.heading = false;
            }
            TagEnd::CodeBlock => {
                let (on, off) = if self.style { (DIM, PLAIN) } else { ("", "") };
                for line in std::mem::take(&mut self.block).lines() {
                    self.text += &format!("    {on}{line}{off}\n");
                }
                self.text.push('\n');
                self.code = false;
            }
            TagEnd::BlockQuote(_) => {
                self.end_block();
                self.quotes -= 1;
            }
            TagEnd::List(_) => {
                self.end_block();
                self.lists.pop();
                if self.lists.is_empty() {
                    self.text.push('\n');
                }
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.block);
                self.rows
                    .last_mut()
                    .into_iter()
                    .for_each(|row| row.push(cell.clone()));
            }
            TagEnd::Table => {
                if let Some((head, rows)) = self.rows.split_first() {
                    let head: Vec<&str> = head.iter().map(String::as_str).collect();
                    self.text += &format!("{}\n", format_table(self.layout, &head, rows));
                }
                self.rows.clear();
            }
            TagEnd::Link | TagEnd::Image => {
                if let Some(url) = self.links.pop().filter(|url| !self.block.ends_with(url)) {
                    self.block += &format!(" <{url}>");
                }
            }
            TagEnd::Paragraph | TagEnd::Item | TagEnd::HtmlBlock => self.end_block(),
            _ => {}
        }
    }

    /// Wraps the open block and adds it to the page.
    fn end_block(&mut self) {
        let block = std::mem::take(&mut self.block);
        if block.trim().is_empty() {
            return;
        }
        let quote = "> ".repeat(self.quotes);
        let depth = "  ".repeat(self.lists.len().saturating_sub(1));
        let bullet = std::mem::take(&mut self.bullet);
        let hang = " ".repeat(bullet.chars().count());
        let room = self
            .width
            .saturating_sub(quote.len() + depth.len() + hang.len())
            .max(10);
        let mut lead = &bullet;
        for line in wrap_words(&block, room) {
            self.text += &format!("{quote}{depth}{lead}{line}\n");
            lead = &hang;
        }
        if self.lists.is_empty() {
            self.text.push('\n');
        }
    }
}

/// Breaks a text into lines of at most `room` characters. A longer word gets its own line.
fn wrap_words(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for part in text.lines() {
        let mut line = String::new();
        let mut length = 0;
        for word in part.split_whitespace() {
            let word_length = word.chars().count();
            if length > 0 && length + 1 + word_length > room {
                lines.push(std::mem::take(&mut line));
                length = 0;
            }
            if length > 0 {
                line.push(' ');
                length += 1;
            }
            line += word;
            length += word_length;
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::Page;
    use super::render;

    #[test]
    fn cards_fit_the_width_and_hold_no_escapes() {
        let text = "# Title\n\nSome words that go on until they have to be wrapped somewhere.\n\n\
            - one `code`\n  1. nested\n- two [link](https://x.example)\n\n> quoted\n\n```sh\nls \u{1b}[31m\n```\n\n\
            | a | b |\n|---|---|\n| 1 | \u{1b}]0;x\u{7} |\n\n<b>raw</b>\n";
        let page = render(
            text,
            Page {
                width: 30,
                ..Page::default()
            },
        );
        assert!(
            !page.contains('\u{1b}') && !page.contains('\u{7}'),
            "{page:?}"
        );
        assert!(page.lines().all(|l| l.chars().count() <= 32), "{page}");
        for part in [
            "Title\n=====",
            "- one `code`\n  1. nested\n- two",
            "> quoted",
            "    ls ",
            "a  b\n1  ",
        ] {
            assert!(page.contains(part), "{part:?} not in {page}");
        }
    }
}
