//! The messages of a record as a chat: roles, texts, thinking, tool calls and their results.

use crate::inspect::chat::ChatItem;
use crate::inspect::chat::ChatMessage;
use crate::inspect::chat::ChatPart;
use crate::inspect::chat::Speaker;
use crate::inspect::chat::ToolCall;
use crate::inspect::chat::chat_items;
use crate::inspect::chat::compact;
use crate::tui::limits::STRING_BYTES_MAX;
use crate::tui::pane::Line;
use crate::tui::pane::Tone;
use crate::tui::text::count_of;
use crate::tui::text::lossy;
use crate::tui::work::layout::wrapping::add_wrapped;

/// Lays the messages of a row out.
pub(super) fn lines(row: &[u8], width: u16) -> Vec<Line> {
    let mut chat = Chat {
        width,
        lines: Vec::new(),
    };
    match chat_items(row) {
        Some(items) => items.iter().for_each(|item| chat.item(item)),
        None => chat.lines.push(Line::of(
            Tone::Error,
            "this row is no JSON object: `w` shows its bytes",
        )),
    }
    chat.lines
}

struct Chat {
    width: u16,
    lines: Vec<Line>,
}

impl Chat {
    fn item(&mut self, item: &ChatItem) {
        match item {
            ChatItem::Side(name) => self.lines.push(Line::of(Tone::Title, name)),
            ChatItem::NoMessage => {
                let line = Line::of(Tone::Error, "a message that is no object");
                self.lines.push(line);
            }
            ChatItem::Message(message) => self.message(message),
            ChatItem::Field(name, value) => {
                let shown = compact(value);
                let line = Line::of(Tone::Key, name.as_str()).with(Tone::Quiet, ": ");
                let room = usize::from(self.width).saturating_sub(name.len() + 2);
                let short: String = shown.chars().take(room).collect();
                self.lines.push(line.with(Tone::Quiet, short));
            }
        }
    }

    fn message(&mut self, message: &ChatMessage) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        let tone = tone_of(message.speaker());
        self.lines.push(Line::of(tone, message.heading()));
        for part in &message.parts {
            match part {
                ChatPart::Text(text) => self.text(text, 2, Tone::Plain),
                ChatPart::Thinking(text) => self.thinking(text),
                ChatPart::Call(call) => self.call(call),
                ChatPart::Result => {
                    self.lines.push(Line::new(2).with(Tone::Tool, "← result"));
                }
                ChatPart::Kind(kind) => {
                    let line = Line::new(2).with(Tone::Quiet, format!("[{kind}]"));
                    self.lines.push(line);
                }
                ChatPart::Other(text) => self.text(text, 2, Tone::Quiet),
            }
        }
    }

    fn thinking(&mut self, text: &str) {
        let words = text.split_whitespace().count();
        let at = self.lines.len();
        self.lines.push(Line::new(2).with(
            Tone::Quiet,
            format!("thinking, {}", count_of(words as u64, "word")),
        ));
        self.text(text.trim(), 4, Tone::Quiet);
        let end = self.lines.len() - 1;
        if let Some(line) = self.lines.get_mut(at).filter(|_| end > at) {
            line.fold_end = Some(end);
            line.starts_folded = true;
        }
    }

    fn call(&mut self, call: &ToolCall) {
        let name = call.name.as_deref().unwrap_or("(no name)");
        let id = call.id.as_deref().unwrap_or_default();
        let at = self.lines.len();
        let line = Line::new(2).with(Tone::Tool, format!("→ {name}"));
        self.lines.push(line.with(Tone::Quiet, format!("  {id}")));
        if let Some(arguments) = &call.arguments {
            self.text(arguments, 4, Tone::Text);
        }
        let end = self.lines.len() - 1;
        if let Some(line) = self.lines.get_mut(at).filter(|_| end > at) {
            line.fold_end = Some(end);
        }
    }

    fn text(&mut self, text: &str, indent: u16, tone: Tone) {
        let shown = lossy(text.as_bytes(), STRING_BYTES_MAX);
        add_wrapped(&mut self.lines, &shown, (indent, self.width), tone);
    }
}

fn tone_of(speaker: Speaker) -> Tone {
    match speaker {
        Speaker::System => Tone::System,
        Speaker::User => Tone::User,
        Speaker::Tool => Tone::Tool,
        Speaker::Nobody => Tone::Error,
        Speaker::Assistant => Tone::Assistant,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(row: &str) -> Vec<String> {
        let all = lines(row.as_bytes(), 60);
        let text = |line: &Line| line.parts.iter().map(|part| part.text.as_str()).collect();
        all.iter().map(text).collect()
    }

    #[test]
    fn both_layouts_of_messages_are_shown_alike() {
        let roles =
            r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"yo"}]}"#;
        let from =
            r#"{"conversations":[{"from":"user","value":"hi"},{"from":"assistant","value":"yo"}]}"#;
        assert_eq!(shown(roles), ["user", "hi", "", "assistant", "yo"]);
        assert_eq!(shown(roles), shown(from));
    }

    #[test]
    fn thinking_is_folded_and_calls_show_their_arguments() {
        let row = r#"{"messages":[{"role":"assistant","content":"<think>a b</think>\nc","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\"x\":1}"}}]}]}"#;
        let all = lines(row.as_bytes(), 60);
        let folded: Vec<&Line> = all.iter().filter(|line| line.starts_folded).collect();
        assert_eq!(folded.len(), 1);
        let text = shown(row);
        assert!(text.contains(&"thinking, 2 words".to_owned()), "{text:?}");
        assert!(text.iter().any(|line| line.starts_with("→ f")), "{text:?}");
        assert!(
            text.iter().any(|line| line.contains("\"x\": 1")),
            "{text:?}"
        );
    }
}
