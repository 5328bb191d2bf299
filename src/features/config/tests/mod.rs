//! The grammar: what the facts list, what is new, and what is refused with its place.

mod grammar;
mod refused;

use crate::features::config::Config;

fn parsed(text: &str) -> Config {
    Config::parse(text, "features.yaml").unwrap()
}

/// The message of a text that is refused.
fn refused(text: &str) -> String {
    Config::parse(text, "features.yaml")
        .unwrap_err()
        .to_string()
}
