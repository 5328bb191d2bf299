//! Rows with messages, as chats.

use crate::doors::page::html::At;
use crate::doors::page::html::Html;
use crate::doors::page::limits::CELL_CHARS_MAX;
use crate::doors::page::limits::FIELD_CHARS_MAX;
use crate::doors::page::limits::MARKUP_BYTES_MAX;
use crate::doors::page::limits::MESSAGES_MAX;
use crate::doors::page::links::Link;
use crate::doors::page::rows::read::FoundRow;
use crate::doors::page::rows::table::beginning;
use crate::doors::page::rows::table::more;
use crate::doors::page::words;
use crate::inspect::chat::ChatItem;
use crate::inspect::chat::ChatMessage;
use crate::inspect::chat::ChatPart;
use crate::inspect::chat::Speaker;
use crate::inspect::chat::ToolCall;
use crate::inspect::chat::chat_items;
use crate::inspect::chat::compact;

/// Characters of a text in a list of chats.
const LISTED_CHARS: usize = 2000;

/// Writes rows as chats. Returns the number of the first row that has no room.
pub(in crate::doors::page) fn chats(h: &mut Html, rows: &[FoundRow], place: &Link) -> Option<u64> {
    let chat = Chat {
        chars_max: LISTED_CHARS,
        messages_max: MESSAGES_MAX,
    };
    let before = h.len();
    for (n, row) in rows.iter().enumerate() {
        if n > 0 && h.len() - before > MARKUP_BYTES_MAX {
            return Some(row.number);
        }
        h.element("article", &[At::Lit("class", "chat")], |h| {
            let number = row.number.to_string();
            h.element("h3", &[], |h| {
                h.link(
                    &place.clone().with("row", &number),
                    &format!("Row {number}"),
                );
            });
            chat.row(h, row);
        });
    }
    None
}

/// Writes one row as a chat, as far as its texts go.
pub(in crate::doors::page) fn chat(h: &mut Html, row: &FoundRow) {
    let chat = Chat {
        chars_max: FIELD_CHARS_MAX,
        messages_max: usize::MAX,
    };
    h.element("article", &[At::Lit("class", "chat")], |h| chat.row(h, row));
}

struct Chat {
    chars_max: usize,
    messages_max: usize,
}

impl Chat {
    fn row(&self, h: &mut Html, row: &FoundRow) {
        match row.json.as_deref().and_then(chat_items) {
            Some(items) => self.items(h, &items),
            None => {
                let text = "This row is no JSON object, or its beginning alone was read.";
                h.leaf("p", &[At::Lit("class", "note")], text);
            }
        }
    }

    fn items(&self, h: &mut Html, items: &[ChatItem]) {
        let mut messages = 0;
        for item in items {
            match item {
                ChatItem::Side(name) => {
                    h.leaf("h4", &[], name);
                    messages = 0;
                }
                ChatItem::Message(_) | ChatItem::NoMessage if messages == self.messages_max => {
                    h.leaf(
                        "p",
                        &[At::Lit("class", "hint")],
                        "Further messages are on the page of the row.",
                    );
                    messages += 1;
                }
                ChatItem::Message(_) | ChatItem::NoMessage if messages > self.messages_max => {}
                ChatItem::Message(message) => {
                    self.message(h, message);
                    messages += 1;
                }
                ChatItem::NoMessage => {
                    h.leaf(
                        "p",
                        &[At::Lit("class", "note")],
                        "A message that is no object.",
                    );
                    messages += 1;
                }
                ChatItem::Field(name, value) => {
                    h.element("p", &[At::Lit("class", "field")], |h| {
                        h.leaf("b", &[], name).literal(" ");
                        let text = compact(value);
                        let (shown, left_out) = beginning(&text, CELL_CHARS_MAX);
                        h.text(shown);
                        more(h, left_out);
                    });
                }
            }
        }
    }

    fn message(&self, h: &mut Html, message: &ChatMessage) {
        let class = match message.speaker() {
            Speaker::Assistant => "message assistant",
            Speaker::Nobody => "message nobody",
            Speaker::System => "message system",
            Speaker::Tool => "message tool",
            Speaker::User => "message user",
        };
        h.element("div", &[At::Lit("class", class)], |h| {
            h.leaf("p", &[At::Lit("class", "role")], &message.heading());
            for part in &message.parts {
                self.part(h, part);
            }
        });
    }

    fn part(&self, h: &mut Html, part: &ChatPart) {
        match part {
            ChatPart::Text(text) => self.text(h, "said", text),
            ChatPart::Other(text) => self.text(h, "said code", text),
            ChatPart::Thinking(text) => {
                h.element("details", &[], |h| {
                    let count = text.split_whitespace().count() as u64;
                    let title = format!("thinking, {}", words::count_of(count, "word"));
                    h.leaf("summary", &[], &title);
                    self.text(h, "said", text.trim());
                });
            }
            ChatPart::Result => {
                h.leaf("p", &[At::Lit("class", "role")], "← result");
            }
            ChatPart::Kind(kind) => {
                h.leaf("p", &[At::Lit("class", "hint")], &format!("[{kind}]"));
            }
            ChatPart::Call(call) => self.call(h, call),
        }
    }

    fn call(&self, h: &mut Html, call: &ToolCall) {
        h.element("p", &[At::Lit("class", "role")], |h| {
            h.text("→ ")
                .text(call.name.as_deref().unwrap_or("(no name)"));
            if let Some(id) = &call.id {
                h.literal(" ").leaf("span", &[At::Lit("class", "more")], id);
            }
        });
        if let Some(arguments) = &call.arguments {
            self.text(h, "said code", arguments);
        }
    }

    fn text(&self, h: &mut Html, class: &'static str, text: &str) {
        let (shown, left_out) = beginning(text, self.chars_max);
        h.element("div", &[At::Lit("class", class)], |h| {
            h.text(shown);
            more(h, left_out);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_roles_and_messages_become_text() {
        let json =
            br#"{"messages":[{"role":"<img src=x>","content":"<script>1</script>"}],"<b>":"</p>"}"#;
        let row = FoundRow {
            number: 3,
            cells: Vec::new(),
            json: Some(json.to_vec()),
            left_out: 0,
            is_broken: false,
        };
        let mut html = Html::new();
        assert_eq!(chats(&mut html, &[row], &Link::literal("/x")), None);
        let markup = String::from_utf8(html.into_bytes()).unwrap();
        for bad in ["<img", "<script", "<b><b>", "</p></p>"] {
            assert!(!markup.contains(bad), "{bad} in {markup}");
        }
        assert!(markup.contains("message assistant"), "{markup}");
        assert!(
            markup.contains("&lt;script&gt;1&lt;/script&gt;"),
            "{markup}"
        );
    }
}
