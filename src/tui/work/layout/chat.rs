//! The messages of a record as a chat: roles, texts, thinking, tool calls and their results.

use serde_json::Map;
use serde_json::Value;

use crate::tui::limits::STRING_BYTES_MAX;
use crate::tui::pane::Line;
use crate::tui::pane::Tone;
use crate::tui::text::count_of;
use crate::tui::text::lossy;
use crate::tui::work::layout::wrapping::add_wrapped;

/// Columns that hold messages, as lint knows them, and the two sides of a preference.
pub(in crate::tui) const COLUMNS: [&str; 6] = [
    "messages",
    "conversations",
    "conversation",
    "chat",
    "chosen",
    "rejected",
];

/// Keys of a text that a model thought before it answered.
const THINKING: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];

/// Lays the messages of a row out.
pub(super) fn lines(row: &[u8], width: u16) -> Vec<Line> {
    let mut chat = Chat {
        width,
        lines: Vec::new(),
    };
    match serde_json::from_slice::<Value>(row) {
        Ok(Value::Object(row)) => chat.row(&row),
        _ => chat.lines.push(Line::of(
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
    fn row(&mut self, row: &Map<String, Value>) {
        for (name, value) in row {
            let is_chat = COLUMNS.contains(&name.as_str());
            match value {
                Value::Array(messages) if is_chat => {
                    if matches!(name.as_str(), "chosen" | "rejected") {
                        self.lines.push(Line::of(Tone::Title, name));
                    }
                    for message in messages {
                        self.message(message);
                    }
                }
                Value::String(text) if matches!(name.as_str(), "system" | "system_prompt") => {
                    self.heading("system", Tone::System);
                    self.text(text, 2, Tone::Plain);
                }
                _ => {
                    let shown = compact(value);
                    let line = Line::of(Tone::Key, name.as_str()).with(Tone::Quiet, ": ");
                    let room = usize::from(self.width).saturating_sub(name.len() + 2);
                    let short: String = shown.chars().take(room).collect();
                    self.lines.push(line.with(Tone::Quiet, short));
                }
            }
        }
    }

    fn heading(&mut self, role: &str, tone: Tone) -> usize {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        self.lines.push(Line::of(tone, role));
        self.lines.len() - 1
    }

    fn message(&mut self, message: &Value) {
        let Value::Object(message) = message else {
            return self
                .lines
                .push(Line::of(Tone::Error, "a message that is no object"));
        };
        let role = ["role", "from"]
            .iter()
            .find_map(|key| message.get(*key)?.as_str());
        let tone = tone_of(role.unwrap_or_default());
        let name = message.get("name").and_then(Value::as_str);
        let heading = match (role, name) {
            (Some(role), Some(name)) => format!("{role} ({name})"),
            (Some(role), None) => role.to_owned(),
            (None, _) => "(no role)".to_owned(),
        };
        self.heading(&heading, tone);
        for key in THINKING {
            if let Some(text) = message.get(key).and_then(Value::as_str) {
                self.thinking(text);
            }
        }
        for key in ["content", "value", "text"] {
            if let Some(content) = message.get(key) {
                self.content(content);
            }
        }
        if let Some(Value::Array(calls)) = message.get("tool_calls") {
            calls.iter().for_each(|call| self.call(call));
        }
        if let Some(call) = message.get("function_call") {
            self.call(call);
        }
    }

    fn content(&mut self, content: &Value) {
        match content {
            Value::Null => {}
            Value::String(text) => self.spoken(text),
            Value::Array(parts) => parts.iter().for_each(|part| self.part(part)),
            other => self.text(&compact(other), 2, Tone::Quiet),
        }
    }

    /// A part of a message: text, thinking, a call, a result, or something else.
    fn part(&mut self, part: &Value) {
        let text = |key: &str| part.get(key).and_then(Value::as_str);
        match text("type") {
            Some("text" | "input_text" | "output_text") => {
                let said = text("text").unwrap_or_default().to_owned();
                self.spoken(&said);
            }
            Some("thinking" | "reasoning") => {
                let said = text("thinking")
                    .or_else(|| text("text"))
                    .unwrap_or_default()
                    .to_owned();
                self.thinking(&said);
            }
            Some("tool_use" | "tool_call") => self.call(part),
            Some("tool_result") => {
                self.lines.push(Line::new(2).with(Tone::Tool, "← result"));
                if let Some(content) = part.get("content") {
                    self.content(content);
                }
            }
            Some(other) => self
                .lines
                .push(Line::new(2).with(Tone::Quiet, format!("[{other}]"))),
            None => self.text(&compact(part), 2, Tone::Quiet),
        }
    }

    /// Text with thinking between tags.
    fn spoken(&mut self, text: &str) {
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("<think>") {
            if !before.trim().is_empty() {
                self.text(before.trim_end(), 2, Tone::Plain);
            }
            let (thought, after) = behind.split_once("</think>").unwrap_or((behind, ""));
            self.thinking(thought);
            rest = after.trim_start_matches(['\r', '\n']);
        }
        if !rest.is_empty() {
            self.text(rest, 2, Tone::Plain);
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

    fn call(&mut self, call: &Value) {
        let inner = call.get("function").unwrap_or(call);
        let name = inner
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or("(no name)");
        let id = call.get("id").and_then(Value::as_str).unwrap_or_default();
        let at = self.lines.len();
        let line = Line::new(2).with(Tone::Tool, format!("→ {name}"));
        self.lines.push(line.with(Tone::Quiet, format!("  {id}")));
        let arguments = ["arguments", "input", "parameters"]
            .iter()
            .find_map(|key| inner.get(*key));
        match arguments {
            None => {}
            Some(Value::String(text)) => {
                let parsed = serde_json::from_str::<Value>(text).ok();
                let pretty = parsed.and_then(|value| serde_json::to_string_pretty(&value).ok());
                self.text(&pretty.unwrap_or_else(|| text.clone()), 4, Tone::Text);
            }
            Some(value) => {
                let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
                self.text(&pretty, 4, Tone::Text);
            }
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

fn tone_of(role: &str) -> Tone {
    match role {
        "system" | "developer" => Tone::System,
        "user" | "human" | "prompter" => Tone::User,
        "tool" | "function" | "observation" | "ipython" | "tool_response" | "tool_result"
        | "function_response" | "function_call" | "tool_call" | "tool_calls" => Tone::Tool,
        "" => Tone::Error,
        _ => Tone::Assistant,
    }
}

fn compact(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
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
