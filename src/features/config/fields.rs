//! Typed fields of maps.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::features::config::duration::parse_duration;
use crate::features::config::fault::Fault;
use crate::features::config::fault::Place;
use crate::features::config::fault::nearest;
use crate::features::config::fault::shown;
use crate::features::config::node::Key;
use crate::features::config::node::Node;
use crate::features::config::node::Value;

/// The fields of a map, all of which are known.
pub(super) struct Fields<'a> {
    /// The place of the map.
    pub(super) place: Place,
    /// The name of the map for messages.
    name: &'a str,
    fields: &'a [(Key, Node)],
}

impl<'a> Fields<'a> {
    /// Takes a map. Fields that are not known are refused.
    pub(super) fn of(node: &'a Node, name: &'a str, known: &[&str]) -> Result<Self, Fault> {
        let fields = map(node, name)?;
        for (key, _) in fields {
            if !known.contains(&key.text.as_str()) {
                let advice = match nearest(&key.text, known.iter().copied()) {
                    Some(near) => format!("; did you mean `{near}`?"),
                    None => format!("; the fields are {}", known.join(", ")),
                };
                let why = format!("`{name}` has no field `{}`{advice}", shown(&key.text));
                return Fault::at(key.place, why);
            }
        }
        Ok(Self {
            place: node.place,
            name,
            fields,
        })
    }

    /// Returns a field.
    pub(super) fn get(&self, field: &str) -> Option<&'a Node> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(key, _)| key.text == field);
        found.map(|(_, node)| node)
    }

    /// Returns a field unless it is nothing.
    pub(super) fn optional(&self, field: &str) -> Option<&'a Node> {
        self.get(field).filter(|node| !node.value.is_nothing())
    }

    /// Returns a field that must be there.
    pub(super) fn required(&self, field: &str) -> Result<&'a Node, Fault> {
        match self.get(field) {
            Some(node) => Ok(node),
            None => Fault::at(self.place, format!("`{}` lacks `{field}`", self.name)),
        }
    }

    /// Returns the only field.
    pub(super) fn only(&self) -> Option<(&'a Key, &'a Node)> {
        match self.fields {
            [(key, node)] => Some((key, node)),
            _ => None,
        }
    }
}

fn wrong<T>(node: &Node, name: &str, wanted: &str) -> Result<T, Fault> {
    let why = format!("`{name}` is {wanted}, and this is {}", node.value.kind());
    Fault::at(node.place, why)
}

/// Returns the fields of a map with any keys.
pub(super) fn map<'a>(node: &'a Node, name: &str) -> Result<&'a [(Key, Node)], Fault> {
    match &node.value {
        Value::Map(fields) => Ok(fields),
        _ => wrong(node, name, "a map"),
    }
}

/// Returns the values of a list.
pub(super) fn list<'a>(node: &'a Node, name: &str) -> Result<&'a [Node], Fault> {
    match &node.value {
        Value::List(items) => Ok(items),
        _ => wrong(node, name, "a list"),
    }
}

/// Returns a text that is not empty.
pub(super) fn text<'a>(node: &'a Node, name: &str) -> Result<&'a str, Fault> {
    match any_text(node, name)? {
        "" => Fault::at(node.place, format!("`{name}` is empty")),
        text => Ok(text),
    }
}

/// Returns a text.
pub(super) fn any_text<'a>(node: &'a Node, name: &str) -> Result<&'a str, Fault> {
    match &node.value {
        Value::Quoted(text) => Ok(text),
        Value::Plain(text) if node.value.kind() == "a text" => Ok(text),
        Value::Plain(_) if !node.value.is_nothing() => {
            let kind = node.value.kind();
            let why = format!("`{name}` is a text, and this is {kind}; put it in quotes");
            Fault::at(node.place, why)
        }
        _ => wrong(node, name, "a text"),
    }
}

/// Returns a text as it is written, also one that looks like a number.
pub(super) fn written<'a>(node: &'a Node, name: &str) -> Result<&'a str, Fault> {
    match &node.value {
        Value::Quoted(text) | Value::Plain(text) if !node.value.is_nothing() => Ok(text),
        _ => wrong(node, name, "a text"),
    }
}

/// Returns one of some words.
pub(super) fn word<T: Copy>(node: &Node, name: &str, words: &[(&str, T)]) -> Result<T, Fault> {
    let found = any_text(node, name)?;
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == found) {
        return Ok(*value);
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let why = format!(
        "`{name}` is {}, and this is `{}`",
        known.join(" or "),
        shown(found)
    );
    Fault::at(node.place, why)
}

/// Returns a truth value.
pub(super) fn truth(node: &Node, name: &str) -> Result<bool, Fault> {
    match &node.value {
        Value::Plain(text) if node.value.kind() == "a truth value" => {
            Ok(text.eq_ignore_ascii_case("true"))
        }
        _ => wrong(node, name, "true or false"),
    }
}

/// Returns a whole number within bounds.
pub(super) fn number(node: &Node, name: &str, within: RangeInclusive<u64>) -> Result<u64, Fault> {
    let Value::Plain(text) = &node.value else {
        return wrong(node, name, "a whole number");
    };
    match text.parse::<u64>() {
        Ok(number) if within.contains(&number) => Ok(number),
        _ if node.value.kind() == "a number" => {
            let (least, most) = (within.start(), within.end());
            let why = format!(
                "`{name}` is a whole number from {least} to {most}, and this is {}",
                shown(text)
            );
            Fault::at(node.place, why)
        }
        _ => wrong(node, name, "a whole number"),
    }
}

/// Returns a span of time within bounds.
pub(super) fn duration(
    node: &Node,
    name: &str,
    within: RangeInclusive<Duration>,
) -> Result<Duration, Fault> {
    let found = match &node.value {
        Value::Quoted(text) | Value::Plain(text) if !node.value.is_nothing() => text,
        _ => return wrong(node, name, "a span of time such as `5m 30s`"),
    };
    let parsed = match parse_duration(found) {
        Ok(parsed) => parsed,
        Err(why) => return Fault::at(node.place, format!("`{name}`: {why}")),
    };
    if !within.contains(&parsed) {
        let (least, most) = (within.start(), within.end());
        let why = format!(
            "`{name}` is from {least:?} to {} days",
            most.as_secs() / 86_400
        );
        return Fault::at(node.place, why);
    }
    Ok(parsed)
}
