//! The YAML text as a tree, in which every value has its place. There are no anchors, which could expand, no tags and
//! one document.

use std::collections::HashSet;

use yaml_rust2::parser::Event;
use yaml_rust2::parser::Parser;
use yaml_rust2::scanner::Marker;
use yaml_rust2::scanner::TScalarStyle;

use crate::features::config::fault::Fault;
use crate::features::config::fault::Place;
use crate::features::config::fault::shown;
use crate::features::limits::CONFIG_BYTES_MAX;
use crate::features::limits::CONFIG_DEPTH_MAX;

/// A value of the text.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// The kinds of values.
#[derive(Debug)]
pub(super) enum Value {
    /// A list.
    List(Vec<Node>),
    /// A map, with the keys in the order of the text.
    Map(Vec<(Key, Node)>),
    /// Text in quotes.
    Quoted(String),
    /// Text without quotes: a number, a truth value, nothing, or a text.
    Plain(String),
}

/// The key of a value in a map.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) place: Place,
    pub(super) text: String,
}

impl Value {
    /// Returns the kind for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Quoted(_) => "a text",
            Self::Plain(text) => plain_kind(text),
        }
    }

    /// Returns true for nothing.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Plain(text) if is_nothing(text))
    }
}

fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Returns the kind of a scalar without quotes, by the core schema of YAML.
fn plain_kind(text: &str) -> &'static str {
    let is_digits = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    match text {
        _ if is_nothing(text) => "nothing",
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => "a truth value",
        _ if is_digits && text.parse::<f64>().is_ok() => "a number",
        _ => "a text",
    }
}

/// A collection that is not complete.
enum Open {
    List(Place, Vec<Node>),
    Map(Place, Vec<(Key, Node)>, HashSet<String>, Option<Key>),
}

/// Reads a text. Nothing at all is an empty map.
pub(super) fn read(text: &str) -> Result<Node, Fault> {
    let start = Place { line: 1, column: 1 };
    if text.len() > CONFIG_BYTES_MAX {
        let why = format!("the configuration has more than {CONFIG_BYTES_MAX} bytes");
        return Fault::at(start, why);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser::new_from_str(text);
    let (mut open, mut root): (Vec<Open>, Option<Node>) = (Vec::new(), None);
    loop {
        // The parser keeps its place in a list of states. Its other interface recurses into each level.
        let (event, mark) = match parser.next_token() {
            Ok(next) => next,
            Err(e) => return Fault::at(place_of(e.marker()), e.info()),
        };
        let place = place_of(&mark);
        refuse(&event, place)?;
        let complete = match event {
            Event::StreamEnd => break,
            Event::DocumentStart if root.is_some() => {
                return Fault::at(place, "a second document begins here, and one is read");
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(place, Vec::new()));
                None
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(place, Vec::new(), HashSet::new(), None));
                None
            }
            Event::Scalar(text, TScalarStyle::Plain, ..) => Some((place, Value::Plain(text))),
            Event::Scalar(text, ..) => Some((place, Value::Quoted(text))),
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(place, items)) => Some((place, Value::List(items))),
                Some(Open::Map(place, fields, ..)) => Some((place, Value::Map(fields))),
                None => None,
            },
            _ => None,
        };
        if open.len() > CONFIG_DEPTH_MAX {
            return Fault::at(place, "this is nested too deeply");
        }
        if let Some((place, value)) = complete {
            root = add(&mut open, Node { place, value })?.or(root);
        }
    }
    Ok(match root {
        Some(root) if !root.value.is_nothing() => root,
        _ => Node {
            place: start,
            value: Value::Map(Vec::new()),
        },
    })
}

/// Adds a value to the innermost collection. Returns it if there is none.
fn add(open: &mut [Open], node: Node) -> Result<Option<Node>, Fault> {
    match open.last_mut() {
        None => return Ok(Some(node)),
        Some(Open::List(_, items)) => items.push(node),
        Some(Open::Map(_, fields, names, key)) => match key.take() {
            Some(key) => fields.push((key, node)),
            None => {
                let found = key_of(node)?;
                if !names.insert(found.text.clone()) {
                    let why = format!("`{}` is here a second time", shown(&found.text));
                    return Fault::at(found.place, why);
                }
                *key = Some(found);
            }
        },
    }
    Ok(None)
}

fn key_of(node: Node) -> Result<Key, Fault> {
    let place = node.place;
    match node.value {
        Value::Quoted(text) => Ok(Key { place, text }),
        Value::Plain(text) if !is_nothing(&text) => Ok(Key { place, text }),
        other => Fault::at(
            place,
            format!("a key is a text, and this is {}", other.kind()),
        ),
    }
}

fn refuse(event: &Event, place: Place) -> Result<(), Fault> {
    let (anchor, tag) = match event {
        Event::Alias(_) => (1, &None),
        Event::Scalar(_, _, anchor, tag)
        | Event::SequenceStart(anchor, tag)
        | Event::MappingStart(anchor, tag) => (*anchor, tag),
        _ => return Ok(()),
    };
    match (anchor, tag) {
        (0, None) => Ok(()),
        (0, Some(_)) => Fault::at(place, "tags are not read here"),
        _ => Fault::at(place, "anchors and aliases are not read here"),
    }
}

fn place_of(mark: &Marker) -> Place {
    Place {
        line: mark.line().max(1),
        column: mark.col() + 1,
    }
}
