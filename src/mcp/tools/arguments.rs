//! Arguments of a call: typed, and refused with the names that are known.

use serde_json::Map;
use serde_json::Value;

use crate::mcp::error::ToolError;

/// The arguments of one call. Assistants write numbers as strings now and then, so both are read.
pub(crate) struct Arguments {
    values: Map<String, Value>,
}

impl Arguments {
    /// Takes the arguments of a call whose tool knows these names.
    ///
    /// # Errors
    /// [`ToolError`] for an unknown name.
    pub(crate) fn new(values: Map<String, Value>, known: &[&str]) -> Result<Self, ToolError> {
        if let Some(name) = values.keys().find(|name| !known.contains(&name.as_str())) {
            let shown: String = name.chars().take(60).collect();
            return Err(ToolError::new(format!("there is no argument `{shown}`"))
                .with_next(format!("use {}", known.join(", "))));
        }
        Ok(Self { values })
    }

    /// Returns a text; `None` if it is absent, null or empty.
    ///
    /// # Errors
    /// [`ToolError`] for another type.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, ToolError> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(name, "a string")),
        }
    }

    /// Returns a text that the call needs.
    ///
    /// # Errors
    /// [`ToolError`] if it is absent.
    pub(crate) fn required(&self, name: &str) -> Result<&str, ToolError> {
        self.text(name)?
            .ok_or_else(|| ToolError::new(format!("`{name}` is missing")))
    }

    /// Returns a whole number, or the default. Numbers above `most` become `most`.
    ///
    /// # Errors
    /// [`ToolError`] for another type or a negative number.
    pub(crate) fn count(&self, name: &str, default: u64, most: u64) -> Result<u64, ToolError> {
        let number = match self.values.get(name) {
            None | Some(Value::Null) => return Ok(default),
            Some(Value::Number(number)) => number.as_u64().or_else(|| {
                let float = number.as_f64().filter(|f| f.fract() == 0.0 && *f >= 0.0)?;
                (float < 1e18).then_some(float as u64)
            }),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        let number = number.ok_or_else(|| wrong(name, "a whole number from 0"))?;
        Ok(number.min(most))
    }

    /// Returns true if an argument is given, and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| !value.is_null())
    }

    /// Returns a number; `None` if it is absent.
    ///
    /// # Errors
    /// [`ToolError`] for another type.
    pub(crate) fn number(&self, name: &str) -> Result<Option<f64>, ToolError> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => Ok(number.as_f64()),
            Some(Value::String(text)) => {
                let number = text.trim().parse().ok().filter(|n: &f64| n.is_finite());
                number.map(Some).ok_or_else(|| wrong(name, "a number"))
            }
            Some(_) => Err(wrong(name, "a number")),
        }
    }

    /// Returns a flag, false if it is absent.
    ///
    /// # Errors
    /// [`ToolError`] for another type.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ToolError> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) if text == "true" => Ok(true),
            Some(Value::String(text)) if text == "false" => Ok(false),
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    /// Returns a list of texts. One text is a list of one.
    ///
    /// # Errors
    /// [`ToolError`] for another type.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, ToolError> {
        let fail = || wrong(name, "a list of strings");
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text.clone()]),
            Some(Value::Array(items)) => {
                let text = |item: &Value| item.as_str().map(str::to_owned).ok_or_else(fail);
                items.iter().map(text).collect()
            }
            Some(_) => Err(fail()),
        }
    }

    /// Returns the arguments that decide an answer, as text: the same text for the same question.
    pub(crate) fn question(&self, without: &[&str]) -> String {
        let mut values = self.values.clone();
        values.retain(|name, value| !without.contains(&name.as_str()) && !value.is_null());
        Value::Object(values).to_string()
    }
}

fn wrong(name: &str, wanted: &str) -> ToolError {
    ToolError::new(format!("`{name}` is {wanted}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Arguments;

    fn arguments(value: serde_json::Value) -> Arguments {
        let values = value.as_object().unwrap().clone();
        Arguments::new(values, &["count", "column", "pattern"]).unwrap()
    }

    #[test]
    fn unknown_argument_is_refused_with_known_names() {
        let values = json!({"limits": 3}).as_object().unwrap().clone();
        let error = Arguments::new(values, &["limit"]).err().unwrap();
        assert!(error.text().contains("use limit"), "{}", error.text());
    }

    #[test]
    fn number_written_as_text_is_read() {
        let given = arguments(json!({"count": "12"}));
        assert_eq!(given.count("count", 1, 100).unwrap(), 12);
        assert_eq!(given.count("count", 1, 5).unwrap(), 5);
        assert!(
            arguments(json!({"count": -1}))
                .count("count", 1, 9)
                .is_err()
        );
        assert!(
            arguments(json!({"count": 1.5}))
                .count("count", 1, 9)
                .is_err()
        );
    }

    #[test]
    fn single_text_is_list_of_one() {
        let given = arguments(json!({"column": "a", "pattern": null}));
        assert_eq!(given.texts("column").unwrap(), ["a"]);
        assert!(given.required("pattern").is_err());
    }
}
