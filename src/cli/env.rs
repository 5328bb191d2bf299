//! Environment variables. No other file reads one, but for those that clap takes for options.
#![allow(
    clippy::disallowed_methods,
    reason = "this file is the one place that reads the environment"
)]

use std::env::VarError;
use std::path::PathBuf;

use crate::remote::is_yes;

/// The variable with a filter for the log.
pub(crate) const LOG_FILTER: &str = "RUST_LOG";
/// The variable with the passphrase of a key.
pub(crate) const PASSPHRASE: &str = "ALIMENTAR_PASSPHRASE";
/// The variable with the passphrase that replaces another.
pub(crate) const NEW_PASSPHRASE: &str = "ALIMENTAR_NEW_PASSPHRASE";

/// The variable with the token of clients of feature tables.
pub(crate) const FEATURES_TOKEN: &str = "ALIMENTAR_FEATURES_TOKEN";
/// The variable with the token of MCP clients.
pub(crate) const MCP_TOKEN: &str = "ALIMENTAR_MCP_TOKEN";

/// A variable that is set and not empty, and that is UTF-8.
pub(crate) fn text(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|text| !text.is_empty())
}

/// True if a variable is set to something else than `0`, `n`, `no`, `f`, `false`, `off`.
pub(crate) fn is_on(variable: &str) -> bool {
    text(variable).is_some_and(|text| is_yes(&text))
}

/// The user's home directory.
pub(crate) fn user_home() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    home.map(PathBuf::from)
}

/// The filter for the log.
pub(crate) fn log_filter() -> Option<String> {
    std::env::var(LOG_FILTER)
        .ok()
        .filter(|text| !text.is_empty())
}

/// The editor that the user has chosen.
pub(crate) fn editor() -> Option<String> {
    let named = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|variable| std::env::var(variable).ok());
    named.filter(|editor| !editor.trim().is_empty())
}

/// The secret in a variable, if the variable is set.
///
/// # Errors
/// [`VarError::NotUnicode`].
pub(crate) fn secret(variable: &str) -> Result<Option<String>, VarError> {
    match std::env::var(variable) {
        Ok(text) => Ok(Some(text)),
        Err(VarError::NotPresent) => Ok(None),
        Err(error) => Err(error),
    }
}
