//! Texts that change when a table would be loaded otherwise.

use blake3::Hasher;

use crate::features::config::SourceConfig;
use crate::features::config::TableConfig;
use crate::features::source::Partition;
use crate::ident::to_hex;

/// Bytes of the hash of a configuration.
const CONFIG_HASH_BYTES: usize = 8;
/// Bytes of the hash of files.
const FILES_HASH_BYTES: usize = 16;

/// Returns the hash of all that a segment depends on except for the files, in hex.
pub(super) fn config_hash(config: &TableConfig) -> String {
    let mut hash = Hasher::new_derive_key("alimentar 2026 configuration of a feature table");
    source_parts(&mut hash, config.source.as_ref());
    list(&mut hash, config.key.iter().map(String::as_str));
    list(&mut hash, config.timestamp.as_deref().into_iter());
    number(&mut hash, u64::from(config.parts));
    number(&mut hash, config.columns.len() as u64);
    for column in &config.columns {
        text(&mut hash, &column.name);
        text(&mut hash, &column.data_type.to_string());
        number(&mut hash, u64::from(column.is_nullable));
        number(&mut hash, u64::from(column.is_strict));
    }
    hex(&hash, CONFIG_HASH_BYTES)
}

/// Returns the hash of a source and of the name of its table, in hex.
pub(super) fn place_hash(name: &str, source: Option<&SourceConfig>) -> String {
    let mut hash = Hasher::new_derive_key("alimentar 2026 place of a feature table");
    text(&mut hash, name);
    source_parts(&mut hash, source);
    hex(&hash, CONFIG_HASH_BYTES)
}

/// Returns the fingerprint of a partition: the hash of the configuration, a dash and that of the files.
pub(super) fn fingerprint(config_hash: &str, partition: &Partition) -> String {
    let mut hash = Hasher::new_derive_key("alimentar 2026 files of a feature partition");
    text(&mut hash, &partition.name);
    list(&mut hash, partition.content_id.as_deref().into_iter());
    list(&mut hash, partition.publisher.as_deref().into_iter());
    number(&mut hash, partition.files.len() as u64);
    for file in &partition.files {
        text(&mut hash, &file.path);
        number(&mut hash, file.size_bytes);
        text(&mut hash, &file.validator);
    }
    format!("{config_hash}-{}", hex(&hash, FILES_HASH_BYTES))
}

fn source_parts(hash: &mut Hasher, source: Option<&SourceConfig>) {
    let parts = match source {
        None => vec![Some("none")],
        Some(SourceConfig::Local { path }) => {
            list(hash, ["local"].into_iter());
            let path = path.as_os_str().as_encoded_bytes();
            number(hash, path.len() as u64);
            hash.update(path);
            return;
        }
        Some(SourceConfig::Registry {
            name,
            version,
            path,
        }) => vec![
            Some("registry"),
            Some(name.as_str()),
            version.as_deref(),
            path.as_deref(),
        ],
        Some(SourceConfig::S3 {
            bucket,
            prefix,
            endpoint,
            region,
        }) => vec![
            Some("s3"),
            Some(bucket.as_str()),
            Some(prefix.as_str()),
            endpoint.as_deref(),
            region.as_deref(),
        ],
    };
    for part in parts {
        list(hash, part.into_iter());
    }
}

fn list<'a>(hash: &mut Hasher, texts: impl Iterator<Item = &'a str>) {
    let texts: Vec<&str> = texts.collect();
    number(hash, texts.len() as u64);
    for part in texts {
        text(hash, part);
    }
}

fn text(hash: &mut Hasher, text: &str) {
    number(hash, text.len() as u64);
    hash.update(text.as_bytes());
}

fn number(hash: &mut Hasher, number: u64) {
    hash.update(&number.to_le_bytes());
}

fn hex(hash: &Hasher, bytes: usize) -> String {
    let whole = hash.finalize();
    to_hex(whole.as_bytes().get(..bytes).unwrap_or_default())
}
