//! Configurations of feature tables, which people and programs write, requests of their clients, and segments.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;

use alimentar::feature_server::decode_message;
use alimentar::feature_server::decode_request;
use alimentar::features::FeatureError;
use alimentar::features::FeatureTable;
use alimentar::features::Keys;
use alimentar::features::MemoryMode;
use alimentar::features::assemble_segment;
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

/// A segment of any bytes, and one whose hashes are right. Of that, the first two bytes are the length of the
/// description, which comes before the parts.
pub fn feature_segment(data: &[u8]) {
    read_segment(data);
    if let Some((length, rest)) = data.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (description, parts) = rest.split_at(length);
        read_segment(&assemble_segment(parts, description));
    }
}

/// Reads a segment in all ways. It is refused as damaged, or has an answer.
fn read_segment(bytes: &[u8]) {
    static FILE: OnceLock<Mutex<PathBuf>> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        let name = format!("alimentar-fuzz-{}.segment", std::process::id());
        Mutex::new(std::env::temp_dir().join(name))
    });
    let path = file.lock().unwrap_or_else(PoisonError::into_inner);
    std::fs::write(&*path, bytes).unwrap();
    let may_be = |error: &FeatureError| {
        matches!(
            error,
            FeatureError::Damaged { .. } | FeatureError::Limit { .. }
        )
    };
    let table = match FeatureTable::open(&path, MemoryMode::Map) {
        Ok(table) => table,
        Err(error) => return assert!(may_be(&error), "{error}"),
    };
    let schema = table.schema();
    let names: Vec<&str> = schema.columns().iter().map(|c| c.name.as_str()).collect();
    let mut all = Vec::new();
    for text in ["1", "7", "ada", ""] {
        let key = vec![text; schema.key().len()].join(",");
        all.extend(Keys::of_texts(schema, &[key.as_str(), key.as_str()]));
    }
    match table.scan(0, 100) {
        Ok(rows) => {
            let columns = schema.key().filter_map(|column| {
                let values = rows.column_by_name(&column.name)?;
                Some((column.name.clone(), values.clone()))
            });
            all.extend(Keys::of_columns(schema, &columns.collect::<Vec<_>>()));
        }
        Err(error) => assert!(may_be(&error), "{error}"),
    }
    for keys in all {
        match table.get(&keys, &names, None) {
            Ok(answer) => {
                answer.dense().unwrap();
                answer.sparse().unwrap();
            }
            Err(error) => assert!(may_be(&error), "{error}"),
        }
    }
}
