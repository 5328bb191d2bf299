//! Search over the summaries of a registry, in memory.

use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::failure::Failure;

/// A dataset of the registry, by the id that the page gave it.
#[derive(Debug, Deserialize)]
struct Entry {
    id: Value,
    summary: Value,
}

/// Weight of a word in each part of a summary.
const WEIGHTS: [(&str, u64); 6] = [
    ("name", 16),
    ("publisher", 8),
    ("tags", 8),
    ("columns", 4),
    ("description", 2),
    ("card", 1),
];

/// Finds the datasets that have every word of a query, the best first.
///
/// # Errors
/// [`Failure`] if the summaries are malformed.
pub(crate) fn find(summaries: &str, query: &str) -> Result<Value, Failure> {
    let entries: Vec<Entry> = serde_json::from_str(summaries)?;
    let words: Vec<String> = words_of(query).collect();
    let mut found: Vec<(u64, Value)> = Vec::new();
    for entry in entries {
        let parts: Vec<(Vec<String>, u64)> = WEIGHTS
            .iter()
            .filter_map(|(part, weight)| {
                let text = text_of(entry.summary.get(part)?);
                Some((words_of(&text).collect(), *weight))
            })
            .collect();
        let scores: Option<Vec<u64>> = words.iter().map(|word| score(word, &parts)).collect();
        if let Some(scores) = scores {
            found.push((scores.iter().sum(), entry.id));
        }
    }
    // The order of the page decides between equal ones.
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    let shown = found
        .into_iter()
        .map(|(score, id)| json!({"id": id, "score": score}));
    Ok(shown.collect())
}

/// Returns the weight of a word in the parts; `None` if it is in none. The beginning of a word counts half.
fn score(word: &str, parts: &[(Vec<String>, u64)]) -> Option<u64> {
    let in_part = |(words, weight): &(Vec<String>, u64)| {
        let whole = words.iter().any(|w| w == word);
        let begins = || words.iter().any(|w| w.starts_with(word));
        match whole {
            true => Some(2 * weight),
            false => begins().then_some(*weight),
        }
    };
    parts.iter().filter_map(in_part).max()
}

fn words_of(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// Returns all texts of a value: of a list, of its elements; of a column, its name.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(text_of).collect::<Vec<_>>().join(" "),
        Value::Object(object) => object.get("name").map(text_of).unwrap_or_default(),
        _ => String::new(),
    }
}
