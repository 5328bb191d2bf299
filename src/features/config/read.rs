//! Files and texts.

use std::path::Path;

use crate::features::config::Config;
use crate::features::config::node;
use crate::features::config::tables;
use crate::features::error::FeatureError;
use crate::features::limits::CONFIG_BYTES_MAX;
use crate::file_io::read_given_text;

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`FeatureError::File`]; as [`Config::parse`].
    pub fn read(path: &Path) -> Result<Self, FeatureError> {
        let text = read_given_text(path, CONFIG_BYTES_MAX);
        let text = text.map_err(|e| FeatureError::file("read", path, e))?;
        Self::parse(&text, &path.to_string_lossy())
    }

    /// Parses the text of a file, whose name is for messages.
    ///
    /// # Errors
    /// [`FeatureError::Config`] with line and column.
    pub fn parse(text: &str, file: &str) -> Result<Self, FeatureError> {
        let root = node::read(text);
        let config = root.and_then(|root| tables::config(&root));
        config.map_err(|fault| FeatureError::Config {
            file: file.to_owned(),
            line: fault.place.line,
            column: fault.place.column,
            why: fault.why,
        })
    }
}
