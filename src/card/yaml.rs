//! Bounded YAML parser into JSON values: no anchors that could expand, no depth that could exhaust
//! the stack, and a line number in every error.

use serde_json::Map;
use serde_json::Number;
use serde_json::Value;
use thiserror::Error;
use yaml_rust2::parser::Event;
use yaml_rust2::parser::Parser;
use yaml_rust2::scanner::Marker;
use yaml_rust2::scanner::TScalarStyle;

use crate::wire::limits::YAML_DEPTH_MAX;
use crate::wire::limits::YAML_VALUES_MAX;

/// Error in front matter, with its position.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {what}")]
pub struct YamlError {
    /// Line of the card, the first being 1.
    pub line: usize,
    /// Description of the error.
    pub what: String,
}

impl YamlError {
    pub(super) fn at(line: usize, what: &str) -> Self {
        Self {
            line,
            what: what.to_owned(),
        }
    }
}

/// Parses one document. `lines_before` is the number of card lines before it.
pub(super) fn read(text: &str, lines_before: usize) -> Result<Value, YamlError> {
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    // The parser keeps its place in a list of states. Its other interface recurses into each level.
    loop {
        let next = parser.next_token();
        let (event, mark) =
            next.map_err(|e| YamlError::at(e.marker().line() + lines_before, e.info()))?;
        if matches!(event, Event::DocumentEnd | Event::StreamEnd) {
            return Ok(builder.root.unwrap_or(Value::Null));
        }
        builder.on_event(event, mark);
        if let Some((line, what)) = builder.refused {
            return Err(YamlError::at(line + lines_before, what));
        }
    }
}

/// A collection in progress.
enum Open {
    List(Vec<Value>),
    /// A map, with the key whose value comes next.
    Map(Map<String, Value>, Option<String>),
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Value>,
    values: usize,
    refused: Option<(usize, &'static str)>,
}

impl Builder {
    fn value(&mut self, value: Value) {
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(map, key)) => match key.take() {
                Some(key) => {
                    map.insert(key, value);
                }
                None => *key = Some(key_text(value)),
            },
        }
    }

    fn close(&mut self) {
        match self.open.pop() {
            Some(Open::List(items)) => self.value(Value::Array(items)),
            Some(Open::Map(map, _)) => self.value(Value::Object(map)),
            None => {}
        }
    }
}

impl Builder {
    fn on_event(&mut self, event: Event, mark: Marker) {
        if self.refused.is_some() {
            return;
        }
        self.values += 1;
        let anchored = match &event {
            Event::Alias(_) => true,
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(anchor, _)
            | Event::MappingStart(anchor, _) => *anchor != 0,
            _ => false,
        };
        let reason = if anchored {
            Some("anchors and aliases are not read here")
        } else if self.values > YAML_VALUES_MAX {
            Some("more values than front matter may have")
        } else if self.open.len() > YAML_DEPTH_MAX {
            Some("nested too deeply")
        } else {
            None
        };
        if let Some(reason) = reason {
            self.refused = Some((mark.line(), reason));
            return;
        }
        match event {
            Event::Scalar(text, style, _, _) => self.value(scalar(text, style)),
            Event::SequenceStart(..) => self.open.push(Open::List(Vec::new())),
            Event::MappingStart(..) => self.open.push(Open::Map(Map::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            _ => {}
        }
    }
}

fn key_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Returns a plain scalar's value by the core schema. Quoted scalars are text.
fn scalar(text: String, style: TScalarStyle) -> Value {
    if style != TScalarStyle::Plain {
        return Value::String(text);
    }
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        number => {
            let whole = number.parse::<i64>().ok().map(Number::from);
            // `1.0.0` is a version, `1e3` and `.5` are numbers, `nan` and `inf` are words.
            let digits = number.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
            let float = || number.parse::<f64>().ok().filter(|_| digits);
            let number = whole.or_else(|| float().and_then(Number::from_f64));
            number.map_or(Value::String(text), Value::Number)
        }
    }
}
