//! Chats: who speaks when, and whether tools are answered. Two ways to write a message are known,
//! `role` and `content` (OpenAI, Anthropic), and `from` and `value` (ShareGPT).

use crate::inspect::json::Event;
use crate::inspect::json::ScanError;
use crate::inspect::json::Scanner;
use crate::inspect::json::Span;
use crate::inspect::json::Value;
use crate::inspect::json::ValueKind;
use crate::inspect::json::validate;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::checks::whole_text::is_blank;
use crate::inspect::lint::scan::findings::Findings;
use crate::wire::limits::LINT_TOOL_CALLS_MAX;

/// Columns that hold a chat, where they hold an array of objects.
pub(in crate::inspect::lint) const COLUMNS: [&[u8]; 4] =
    [b"messages", b"conversations", b"conversation", b"chat"];

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    System,
    User,
    Assistant,
    /// A call of a tool that is a message of its own.
    Call,
    Tool,
    Unknown,
}

impl Role {
    fn of(said: &[u8]) -> Self {
        match said {
            b"system" | b"developer" => Self::System,
            b"user" | b"human" | b"prompter" => Self::User,
            b"assistant" | b"gpt" | b"model" | b"bot" | b"chatgpt" | b"bing" | b"bard" => {
                Self::Assistant
            }
            b"function_call" | b"tool_call" | b"tool_calls" => Self::Call,
            b"tool" | b"function" | b"observation" | b"ipython" | b"tool_response"
            | b"tool_result" | b"function_response" => Self::Tool,
            _ => Self::Unknown,
        }
    }
}

/// What was gathered of one message; places are in the row.
#[derive(Debug, Default)]
struct Message {
    at: usize,
    role: Option<(Span, Option<Role>)>,
    has_content: bool,
    has_text: bool,
    calls: Vec<Span>,
    /// Calls without an id: the older `function_call`.
    has_call: bool,
    results: Vec<Span>,
    /// Arguments of calls that are no JSON objects.
    wrong_arguments: Option<Span>,
    /// It says who speaks as ShareGPT does, with `from`.
    has_from: bool,
    /// It is one of several parts of an answer, each in a channel of its own.
    has_channel: bool,
}

/// Looks over chats, in memory that it keeps.
#[derive(Debug, Default)]
pub(in crate::inspect::lint) struct Chats {
    message: Message,
    /// Ids of calls that wait for their results.
    pending: Vec<Span>,
    lost_count: bool,
}

/// Where a chat stands.
#[derive(Debug, Default)]
struct Course {
    before: Option<Role>,
    /// Whether the first message says who speaks with `from`.
    has_from: Option<bool>,
    messages: usize,
    /// Where the last message begins.
    last_at: usize,
}

impl Chats {
    /// Looks over the array at `at` of a row that is JSON. Arrays of something else than objects
    /// are none of a chat.
    pub(in crate::inspect::lint) fn check(&mut self, row: &[u8], span: Span, found: &mut Findings) {
        self.pending.clear();
        self.lost_count = false;
        // That it is JSON is known, so there is no error to tell.
        let _ = self.walk(row, span, found);
    }

    fn walk(&mut self, row: &[u8], span: Span, found: &mut Findings) -> Result<(), ScanError> {
        let mut scanner = Scanner::new(span.of(row));
        scanner.next_event()?;
        let mut course = Course::default();
        loop {
            match scanner.next_event()? {
                Some(Event::Object) => {
                    self.message.clear(span.start + scanner.token_at());
                    self.message.read(&mut scanner, span.start)?;
                    self.judge(row, &mut course, found);
                }
                Some(Event::Array) => scanner.leave()?,
                Some(Event::ArrayEnd) | None => break,
                Some(_) => {
                    let at = span.start + scanner.token_at();
                    found.tell(RuleId::ChatShape, row, at, || {
                        "a message that is no object".to_owned()
                    });
                    // Lists of tags and texts are called the same sometimes.
                    return Ok(());
                }
            }
        }
        self.end(row, span.start, &course, found);
        Ok(())
    }

    fn judge(&mut self, row: &[u8], course: &mut Course, found: &mut Findings) {
        let message = &self.message;
        let at = message.at;
        course.messages += 1;
        course.last_at = at;
        let calls = message.has_call || !message.calls.is_empty();
        let Some((role_span, role)) = message.role else {
            found.tell(RuleId::ChatShape, row, at, || {
                "a message without a role".to_owned()
            });
            return;
        };
        let role = match role {
            Some(Role::User) if !message.results.is_empty() => Role::Tool,
            Some(role) => role,
            None => Role::of(role_span.of(row)),
        };
        if role == Role::Unknown {
            found.tell(RuleId::ChatRoleUnknown, row, role_span.start, || {
                "a role that no template knows".to_owned()
            });
        }
        if !message.has_content && !calls {
            found.tell(RuleId::ChatShape, row, at, || {
                "a message without content".to_owned()
            });
        } else if !message.has_text && !calls && role != Role::Tool {
            found.tell(RuleId::ChatEmptyContent, row, at, || {
                "a message that says nothing".to_owned()
            });
        }
        let has_from = message.has_from;
        if *course.has_from.get_or_insert(has_from) != has_from {
            found.tell(RuleId::ChatShape, row, at, || {
                "`from` and `role` in one chat".to_owned()
            });
        }
        if let Some(span) = message.wrong_arguments {
            found.tell(RuleId::ToolArguments, row, span.start, || {
                "arguments that are no JSON object".to_owned()
            });
        }
        // Thinking, calls and answers in channels of their own follow each other.
        let is_part = message.has_channel && role == Role::Assistant;
        if let Some(fault) = out_of_order(course.before, role).filter(|_| !is_part) {
            found.tell(RuleId::ChatRoleOrder, row, at, || fault.to_owned());
        }
        self.pair(row, role, found);
        course.before = Some(match (role, calls) {
            (Role::Assistant, true) => Role::Call,
            _ => role,
        });
    }

    /// Results answer calls, and calls wait for nothing else.
    fn pair(&mut self, row: &[u8], role: Role, found: &mut Findings) {
        let at = self.message.at;
        for result in &self.message.results {
            let id = result.of(row);
            match self.pending.iter().position(|call| call.of(row) == id) {
                Some(n) => drop(self.pending.swap_remove(n)),
                None if self.lost_count => {}
                None => found.tell(RuleId::ToolResultUnasked, row, result.start, || {
                    "a tool result whose id no open call has".to_owned()
                }),
            }
        }
        let goes_on = matches!(role, Role::User | Role::Assistant | Role::System);
        if goes_on && !self.pending.is_empty() {
            found.tell(RuleId::ToolCallUnanswered, row, at, || {
                format!("{} tool calls before it have no result", self.pending.len())
            });
            self.pending.clear();
        }
        let room = LINT_TOOL_CALLS_MAX.saturating_sub(self.pending.len());
        self.lost_count |= self.message.calls.len() > room;
        self.pending.extend(self.message.calls.iter().take(room));
    }

    fn end(&self, row: &[u8], start: usize, course: &Course, found: &mut Findings) {
        match course.before {
            _ if course.messages == 0 => found.tell(RuleId::ChatShape, row, start, || {
                "a chat without messages".to_owned()
            }),
            Some(Role::Assistant | Role::Call | Role::Unknown) | None => {}
            Some(_) => found.tell(RuleId::ChatNoAnswer, row, course.last_at, || {
                "the chat does not end with the assistant".to_owned()
            }),
        }
    }
}

/// What is wrong with a role behind another.
fn out_of_order(before: Option<Role>, role: Role) -> Option<&'static str> {
    match (before, role) {
        (Some(Role::System), Role::System) => Some("two system messages"),
        (Some(_), Role::System) => Some("a system message behind others"),
        (None | Some(Role::System), Role::Assistant) => Some("the assistant speaks first"),
        (None | Some(Role::System), Role::Tool) => Some("a tool speaks first"),
        (Some(Role::User), Role::User) => Some("two messages of the user follow each other"),
        (Some(Role::Assistant), Role::Assistant) => {
            Some("two messages of the assistant follow each other")
        }
        _ => None,
    }
}

impl Message {
    fn clear(&mut self, at: usize) {
        let (mut calls, mut results) = (
            std::mem::take(&mut self.calls),
            std::mem::take(&mut self.results),
        );
        calls.clear();
        results.clear();
        *self = Self {
            at,
            calls,
            results,
            ..Self::default()
        };
    }

    /// Reads the members of the object that was just opened. `base` is where the scanner's text
    /// begins in the row.
    fn read(&mut self, scanner: &mut Scanner<'_>, base: usize) -> Result<(), ScanError> {
        loop {
            let key = match scanner.next_event()? {
                Some(Event::Key(key)) => key.raw,
                _ => return Ok(()),
            };
            let Some(value) = scanner.skip_value()? else {
                return Ok(());
            };
            match key {
                b"role" | b"from" if value.kind == ValueKind::String => {
                    self.has_from = key == b"from";
                    let role = value.text().map(|text| Role::of(text.raw));
                    self.role = Some((inside(&value, base), role));
                }
                b"content" | b"value" | b"text" => self.content(&value, base)?,
                b"tool_calls" => self.tool_calls(&value, base)?,
                b"function_call" => {
                    self.has_call |= value.kind == ValueKind::Object;
                    self.arguments(&value, base)?;
                }
                b"channel" => self.has_channel |= value.kind == ValueKind::String,
                b"reasoning_content" | b"reasoning" | b"thinking" => {
                    self.has_content = true;
                    self.has_text |= value.text().is_some_and(|text| !is_blank(text.raw));
                }
                b"tool_call_id" if value.kind == ValueKind::String => {
                    self.results.push(inside(&value, base));
                }
                _ => {}
            }
        }
    }

    /// A text, or blocks as OpenAI and Anthropic have them.
    fn content(&mut self, value: &Value<'_>, base: usize) -> Result<(), ScanError> {
        self.has_content = true;
        match value.kind {
            ValueKind::String => {
                self.has_text |= value.text().is_some_and(|text| !is_blank(text.raw));
                Ok(())
            }
            ValueKind::Array => self.blocks(value, base),
            ValueKind::Object | ValueKind::Number | ValueKind::Bool => {
                self.has_text = true;
                Ok(())
            }
            ValueKind::Null => Ok(()),
        }
    }

    fn blocks(&mut self, value: &Value<'_>, base: usize) -> Result<(), ScanError> {
        let mut scanner = Scanner::new(value.raw);
        scanner.next_event()?;
        while let Some(event) = scanner.next_event()? {
            match event {
                Event::Object => {}
                Event::ArrayEnd => break,
                _ => {
                    self.has_text = true;
                    continue;
                }
            }
            let (mut id, mut result) = (None, None);
            let (mut is_call, mut is_text) = (false, true);
            while let Some(Event::Key(key)) = scanner.next_event()? {
                let Some(value) = scanner.skip_value()? else {
                    break;
                };
                let text = value.text();
                match key.raw {
                    b"type" => is_call = text.is_some_and(|t| t.raw == b"tool_use"),
                    b"text" => is_text = text.is_none_or(|t| !is_blank(t.raw)),
                    b"id" if text.is_some() => id = Some(value),
                    b"tool_use_id" if text.is_some() => result = Some(value),
                    _ => {}
                }
            }
            let base = base + value.at;
            self.has_text |= is_text;
            self.has_call |= is_call;
            self.calls
                .extend(id.filter(|_| is_call).map(|id| inside(&id, base)));
            self.results.extend(result.map(|id| inside(&id, base)));
        }
        Ok(())
    }

    fn tool_calls(&mut self, value: &Value<'_>, base: usize) -> Result<(), ScanError> {
        let mut scanner = Scanner::new(value.raw);
        if !matches!(scanner.next_event()?, Some(Event::Array)) {
            return Ok(());
        }
        while let Some(Event::Object) = scanner.next_event()? {
            self.has_call = true;
            while let Some(Event::Key(key)) = scanner.next_event()? {
                let Some(id) = scanner.skip_value()? else {
                    break;
                };
                if key.is("id") && id.kind == ValueKind::String {
                    self.calls.push(inside(&id, base + value.at));
                }
                if key.is("function") {
                    self.arguments(&id, base + value.at)?;
                }
            }
        }
        Ok(())
    }
}

impl Message {
    /// Looks at the arguments of a call of a function, which are the text of a JSON object.
    fn arguments(&mut self, function: &Value<'_>, base: usize) -> Result<(), ScanError> {
        let mut scanner = Scanner::new(function.raw);
        if !matches!(scanner.next_event()?, Some(Event::Object)) {
            return Ok(());
        }
        while let Some(Event::Key(key)) = scanner.next_event()? {
            let Some(value) = scanner.skip_value()? else {
                break;
            };
            let Some(text) = value.text().filter(|_| key.is("arguments")) else {
                continue;
            };
            let mut said = String::new();
            let _ = text.unescape_into(&mut said);
            let said = said.trim();
            let is_object = said.starts_with('{') && validate(said.as_bytes()).is_ok();
            if !is_object && !said.is_empty() {
                self.wrong_arguments = Some(inside(&value, base + function.at));
            }
        }
        Ok(())
    }
}

/// What is between the quotes of a string, in the row.
fn inside(value: &Value<'_>, base: usize) -> Span {
    let start = base + value.at + 1;
    Span {
        start,
        end: start + value.raw.len().saturating_sub(2),
    }
}
