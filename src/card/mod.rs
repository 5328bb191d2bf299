//! Dataset cards: Markdown with optional YAML front matter. `yaml` parses the front matter, `html`
//! renders a page, and `fragment` a part of one.

mod fragment;
mod html;
#[cfg(test)]
mod tests;
mod yaml;

pub use fragment::SafeHtml;
pub use fragment::to_fragment;
pub use html::to_html;
pub use yaml::YamlError;

use serde_json::Map;
use serde_json::Value;

/// A leniently parsed card. Broken front matter is reported, and the text is still available.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// All keys of the front matter, as written.
    pub front_matter: Map<String, Value>,
    /// The text after the front matter.
    pub markdown: String,
    /// Error in the front matter, whose keys are then missing.
    pub error: Option<YamlError>,
}

impl Card {
    /// Parses a card. Bytes that are not UTF-8 become replacement characters.
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

    /// Returns the licence in the front matter.
    pub fn license(&self) -> Option<&str> {
        self.front_matter.get("license").and_then(Value::as_str)
    }

    /// Returns the labels in the front matter, which may be a list or a single value.
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

/// Splits off the front matter between two lines of three dashes.
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
