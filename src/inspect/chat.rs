//! The messages of a record: roles, texts, thinking, tool calls and their results.

use serde_json::Value;

use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;

/// Columns that hold messages, as lint knows them, and the two sides of a preference.
pub const CHAT_COLUMNS: [&str; 6] = [
    "messages",
    "conversations",
    "conversation",
    "chat",
    "chosen",
    "rejected",
];

/// Keys of a text that a model thought before it answered.
const THINKING: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];

/// A piece of a record with messages.
#[derive(Clone, Debug, PartialEq)]
pub enum ChatItem {
    /// A column that holds no message: its name and its value.
    Field(String, Value),
    /// A message.
    Message(ChatMessage),
    /// An element of a list of messages that is no object.
    NoMessage,
    /// The name of a side of a preference, before its messages.
    Side(String),
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatMessage {
    /// The role as written.
    pub role: Option<String>,
    /// The name of the speaker or of the tool.
    pub name: Option<String>,
    /// Its content in order.
    pub parts: Vec<ChatPart>,
}

/// The party that a role stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// A model.
    Assistant,
    /// Nobody is named.
    Nobody,
    /// The author of the instructions.
    System,
    /// A tool.
    Tool,
    /// A person.
    User,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum ChatPart {
    /// A call of a tool.
    Call(ToolCall),
    /// A part of this kind, which has no text.
    Kind(String),
    /// A value of unknown form, as JSON.
    Other(String),
    /// The beginning of a result of a tool; its content follows.
    Result,
    /// Text.
    Text(String),
    /// Text that a model thought before it answered.
    Thinking(String),
}

/// A call of a tool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolCall {
    /// The name of the tool.
    pub name: Option<String>,
    /// The id that the result refers to.
    pub id: Option<String>,
    /// The arguments, as indented JSON where they are JSON.
    pub arguments: Option<String>,
}

impl ChatMessage {
    /// Returns the party that speaks.
    pub fn speaker(&self) -> Speaker {
        match self.role.as_deref().unwrap_or_default() {
            "system" | "developer" => Speaker::System,
            "user" | "human" | "prompter" => Speaker::User,
            "tool" | "function" | "observation" | "ipython" | "tool_response" | "tool_result"
            | "function_response" | "function_call" | "tool_call" | "tool_calls" => Speaker::Tool,
            "" => Speaker::Nobody,
            _ => Speaker::Assistant,
        }
    }

    /// Returns the role and the name, for a heading.
    pub fn heading(&self) -> String {
        match (&self.role, &self.name) {
            (Some(role), Some(name)) => format!("{role} ({name})"),
            (Some(role), None) => role.clone(),
            (None, _) => "(no role)".to_owned(),
        }
    }
}

/// Reads the messages and the other columns of a row; `None` if the row is no JSON object.
pub fn chat_items(row: &[u8]) -> Option<Vec<ChatItem>> {
    let Ok(Value::Object(row)) = serde_json::from_slice::<Value>(row) else {
        return None;
    };
    let mut items = Vec::new();
    for (name, value) in row {
        let is_chat = CHAT_COLUMNS.contains(&name.as_str());
        match value {
            Value::Array(messages) if is_chat => {
                if matches!(name.as_str(), "chosen" | "rejected") {
                    items.push(ChatItem::Side(name));
                }
                items.extend(messages.iter().map(message));
            }
            Value::String(text) if matches!(name.as_str(), "system" | "system_prompt") => {
                items.push(ChatItem::Message(ChatMessage {
                    role: Some("system".to_owned()),
                    name: None,
                    parts: vec![ChatPart::Text(text)],
                }));
            }
            value => items.push(ChatItem::Field(name, value)),
        }
    }
    Some(items)
}

/// Returns true if a row has a list of messages.
pub fn has_chat(row: &[u8]) -> bool {
    let mut scratch = Scratch::default();
    CHAT_COLUMNS.iter().any(|column| {
        let cell = Shape::Json.cell(row, column, &mut scratch);
        let inside = match cell {
            Some(Cell::Nested(raw)) => raw.strip_prefix(b"[").unwrap_or_default(),
            _ => return false,
        };
        inside.trim_ascii_start().starts_with(b"{")
    })
}

/// Returns a value as one line: the text itself, or JSON.
pub fn compact(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn message(value: &Value) -> ChatItem {
    let Value::Object(message) = value else {
        return ChatItem::NoMessage;
    };
    let text = |key: &str| message.get(key).and_then(Value::as_str);
    let mut parts = Vec::new();
    for thought in THINKING.iter().filter_map(|key| text(key)) {
        parts.push(ChatPart::Thinking(thought.to_owned()));
    }
    for key in ["content", "value", "text"] {
        if let Some(content) = message.get(key) {
            add_content(content, &mut parts);
        }
    }
    if let Some(Value::Array(calls)) = message.get("tool_calls") {
        parts.extend(calls.iter().map(|call| ChatPart::Call(tool_call(call))));
    }
    let single = message.get("function_call");
    parts.extend(single.map(|call| ChatPart::Call(tool_call(call))));
    ChatItem::Message(ChatMessage {
        role: text("role").or_else(|| text("from")).map(str::to_owned),
        name: text("name").map(str::to_owned),
        parts,
    })
}

fn add_content(content: &Value, parts: &mut Vec<ChatPart>) {
    match content {
        Value::Null => {}
        Value::String(text) => add_spoken(text, parts),
        Value::Array(all) => all.iter().for_each(|part| add_part(part, parts)),
        other => parts.push(ChatPart::Other(compact(other))),
    }
}

/// Adds a part of a message: text, thinking, a call, a result, or something else.
fn add_part(part: &Value, parts: &mut Vec<ChatPart>) {
    let text = |key: &str| part.get(key).and_then(Value::as_str);
    match text("type") {
        Some("text" | "input_text" | "output_text") => {
            add_spoken(text("text").unwrap_or_default(), parts);
        }
        Some("thinking" | "reasoning") => {
            let said = text("thinking").or_else(|| text("text"));
            parts.push(ChatPart::Thinking(said.unwrap_or_default().to_owned()));
        }
        Some("tool_use" | "tool_call") => parts.push(ChatPart::Call(tool_call(part))),
        Some("tool_result") => {
            parts.push(ChatPart::Result);
            if let Some(content) = part.get("content") {
                add_content(content, parts);
            }
        }
        Some(other) => parts.push(ChatPart::Kind(other.to_owned())),
        None => parts.push(ChatPart::Other(compact(part))),
    }
}

/// Adds text with thinking between tags.
fn add_spoken(text: &str, parts: &mut Vec<ChatPart>) {
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("<think>") {
        if !before.trim().is_empty() {
            parts.push(ChatPart::Text(before.trim_end().to_owned()));
        }
        let (thought, after) = behind.split_once("</think>").unwrap_or((behind, ""));
        parts.push(ChatPart::Thinking(thought.to_owned()));
        rest = after.trim_start_matches(['\r', '\n']);
    }
    if !rest.is_empty() {
        parts.push(ChatPart::Text(rest.to_owned()));
    }
}

fn tool_call(call: &Value) -> ToolCall {
    let inner = call.get("function").unwrap_or(call);
    let arguments = ["arguments", "input", "parameters"]
        .iter()
        .find_map(|key| inner.get(*key));
    let pretty = |value: &Value| serde_json::to_string_pretty(value).ok();
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    ToolCall {
        name: text(inner.get("name")),
        id: text(call.get("id")),
        arguments: arguments.and_then(|value| match value {
            Value::String(text) => {
                let parsed = serde_json::from_str::<Value>(text).ok();
                let shown = parsed.and_then(|parsed| pretty(&parsed));
                Some(shown.unwrap_or_else(|| text.clone()))
            }
            value => pretty(value),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_both_layouts_have_the_same_messages() {
        let roles = br#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"text","text":"yo"}]}]}"#;
        let from = br#"{"conversations":[{"from":"user","value":"hi"},{"from":"assistant","value":"yo"}]}"#;
        let items = chat_items(roles).unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!(Some(items), chat_items(from));
        assert_eq!(chat_items(b"[1]"), None);
        assert_eq!(
            chat_items(b"{\"messages\":[3]}"),
            Some(vec![ChatItem::NoMessage])
        );
    }

    #[test]
    fn thinking_calls_and_results_are_told_apart() {
        let row = br#"{"messages":[{"role":"assistant","content":"<think>a</think>\nb","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\"x\":1}"}}]},
            {"role":"tool","content":[{"type":"tool_result","content":"r"},{"type":"image"},{"x":1}]}],"z":7}"#;
        let items = chat_items(row).unwrap();
        let ChatItem::Message(first) = &items[0] else {
            panic!("{items:?}")
        };
        let call = ToolCall {
            name: Some("f".to_owned()),
            id: Some("1".to_owned()),
            arguments: Some("{\n  \"x\": 1\n}".to_owned()),
        };
        assert_eq!(
            first.parts,
            [
                ChatPart::Thinking("a".to_owned()),
                ChatPart::Text("b".to_owned()),
                ChatPart::Call(call),
            ]
        );
        let ChatItem::Message(second) = &items[1] else {
            panic!("{items:?}")
        };
        assert_eq!(second.speaker(), Speaker::Tool);
        assert_eq!(
            second.parts,
            [
                ChatPart::Result,
                ChatPart::Text("r".to_owned()),
                ChatPart::Kind("image".to_owned()),
                ChatPart::Other("{\"x\":1}".to_owned()),
            ]
        );
        assert_eq!(items[2], ChatItem::Field("z".to_owned(), 7.into()));
    }
}
