//! Configurations of feature tables, which people and programs write, and requests of their clients.

use alimentar::feature_server::decode_message;
use alimentar::feature_server::decode_request;
use alimentar::features::FeatureError;
use alimentar::features::config::Config;

/// A configuration. Each refusal has a place in the text.
pub fn feature_config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Config::parse(text, "features.yaml") {
        Ok(config) => {
            for table in &config.tables {
                assert!(!table.key.is_empty() && table.parts > 0);
                assert!(!table.name.contains(['/', '\\', '\0']) && table.name != "..");
            }
        }
        Err(FeatureError::Config { line, column, .. }) => {
            assert!(line > 0 && column > 0 && line <= text.lines().count() + 2);
        }
        Err(other) => panic!("{other}"),
    }
}

/// The body of a request over HTTP, and a message of Arrow Flight.
pub fn feature_request(data: &[u8]) {
    decode_message(data);
    decode_request(data);
}
