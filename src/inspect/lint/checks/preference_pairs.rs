//! Pairs of answers of which one is preferred: texts, or chats that differ in their last message.

use crate::inspect::json::Event;
use crate::inspect::json::Scanner;
use crate::inspect::json::Value;
use crate::inspect::json::ValueKind;
use crate::inspect::json::field;
use crate::inspect::lint::checks::whole_text::is_blank;

/// Messages of a chat that are compared.
const MESSAGES_MAX: usize = 256;

/// What is wrong with a pair of values.
pub(in crate::inspect::lint) fn fault(chosen: &[u8], rejected: &[u8]) -> Option<&'static str> {
    let (a, b) = (messages(chosen), messages(rejected));
    if says_nothing(chosen, &a) {
        return Some("`chosen` says nothing");
    }
    if says_nothing(rejected, &b) {
        return Some("`rejected` says nothing");
    }
    if chosen == rejected {
        return Some("`chosen` and `rejected` are the same");
    }
    let (Some((last_a, before_a)), Some((last_b, before_b))) = (a.split_last(), b.split_last())
    else {
        return None;
    };
    if role(last_a) != role(last_b) {
        return Some("the answers have other roles");
    }
    let roles = |all: &[Value<'_>]| all.iter().map(|m| role(m).map(<[u8]>::to_vec)).collect();
    let (roles_a, roles_b): (Vec<_>, Vec<_>) = (roles(before_a), roles(before_b));
    if roles_a != roles_b {
        return Some("the chats have other roles");
    }
    let same = before_a
        .iter()
        .zip(before_b)
        .all(|(a, b)| said(a) == said(b));
    (!same).then_some("they answer other prompts")
}

/// The messages of a chat; none of a text.
fn messages(value: &[u8]) -> Vec<Value<'_>> {
    let mut scanner = Scanner::new(value);
    let mut messages = Vec::new();
    if !matches!(scanner.next_event(), Ok(Some(Event::Array))) {
        return messages;
    }
    while let (Ok(Some(message)), true) = (scanner.skip_value(), messages.len() < MESSAGES_MAX) {
        messages.push(message);
    }
    messages
}

fn says_nothing(value: &[u8], messages: &[Value<'_>]) -> bool {
    let Ok(Some(whole)) = Scanner::new(value).skip_value() else {
        return false;
    };
    match whole.kind {
        ValueKind::Null => true,
        ValueKind::String => whole.text().is_some_and(|text| is_blank(text.raw)),
        ValueKind::Array => match messages.last() {
            None => true,
            Some(last) => said(last).is_some_and(|said| {
                said == b"null" || is_blank(said.trim_ascii().trim_matches_quotes())
            }),
        },
        _ => false,
    }
}

trait Quotes {
    fn trim_matches_quotes(&self) -> &Self;
}

impl Quotes for [u8] {
    fn trim_matches_quotes(&self) -> &[u8] {
        let inner = self.strip_prefix(b"\"").and_then(|s| s.strip_suffix(b"\""));
        inner.unwrap_or(self)
    }
}

fn role<'a>(message: &Value<'a>) -> Option<&'a [u8]> {
    one_of(message, &["role", "from"])
}

fn said<'a>(message: &Value<'a>) -> Option<&'a [u8]> {
    one_of(message, &["content", "value"])
}

fn one_of<'a>(message: &Value<'a>, keys: &[&str]) -> Option<&'a [u8]> {
    let mut found = keys
        .iter()
        .filter_map(|key| field(message.raw, key).ok().flatten());
    found.next().map(|value| value.raw)
}
