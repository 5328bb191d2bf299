//! Cards: what people write about a dataset. Markdown, with YAML front matter where they like.

mod html;
#[cfg(test)]
mod tests;
mod yaml;

pub use html::to_html;
pub use yaml::YamlError;

use serde_json::Map;
use serde_json::Value;

/// A card, read leniently: front matter that is broken is said, and the text is still there.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// The front matter's keys, all of them, as the writer named them.
    pub front_matter: Map<String, Value>,
    /// The text after the front matter.
    pub markdown: String,
    /// What is wrong with the front matter; its keys are left out then.
    pub error: Option<YamlError>,
}

impl Card {
    /// Reads a card. Bytes that are not UTF-8 become replacement characters.
    pub fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let Some((front, markdown)) = split(text) else {
            return Self {
                front_matter: Map::new(),
                markdown: text.to_owned(),
                error: None,
            };
        };
        // The fence is the first line of the file.
        let (front_matter, error) = match yaml::read(front, 1) {
            Ok(Value::Object(map)) => (map, None),
            Ok(Value::Null) => (Map::new(), None),
            Ok(_) => (
                Map::new(),
                Some(YamlError::at(2, "the front matter has no keys")),
            ),
            Err(error) => (Map::new(), Some(error)),
        };
        Self {
            front_matter,
            markdown: markdown.to_owned(),
            error,
        }
    }

    /// The licence that the front matter names.
    pub fn license(&self) -> Option<&str> {
        self.front_matter.get("license").and_then(Value::as_str)
    }

    /// The labels that the front matter lists, whether as a list or as one.
    pub fn tags(&self) -> Vec<String> {
        match self.front_matter.get("tags") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(several)) => {
                let text = |v: &Value| v.as_str().map(str::to_owned);
                several.iter().filter_map(text).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The front matter between two lines of three dashes, and what follows.
fn split(text: &str) -> Option<(&str, &str)> {
    let after = text.strip_prefix("---")?;
    let after = after.strip_prefix("\r\n").or(after.strip_prefix('\n'))?;
    let mut at = 0;
    for line in after.split_inclusive('\n') {
        if matches!(line.trim_end(), "---" | "...") {
            let (front, rest) = after.split_at(at);
            return Some((front, rest.get(line.len()..).unwrap_or_default()));
        }
        at += line.len();
    }
    None
}
