//! The file of the tokens: JSON, written whole and renamed into place.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use serde::Deserialize;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::file_io::IfExists;
use crate::file_io::open_plain;
use crate::file_io::read_own_text;
use crate::file_io::write_atomically;
use crate::ident::from_hex;
use crate::ident::to_hex;
use crate::keyring::KeyringError;
use crate::keyring::access_tokens::token::AccessToken;
use crate::keyring::access_tokens::token::SecretHash;
use crate::keyring::file_error;
use crate::keyring::refuse_readable;
use crate::wire::limits::NODE_FILE_BYTES_MAX;

/// Version of the file's format.
const VERSION: u32 = 1;

/// A token as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeptToken {
    pub(super) token: AccessToken,
    pub(super) secret_hash: SecretHash,
}

/// The state of a file, by which a change of it is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileStamp {
    modified: Option<SystemTime>,
    length: u64,
    /// Number of the file in its file system. A replaced file has another.
    number: u64,
}

impl FileStamp {
    /// Returns the stamp of the file at a path; `None` without one.
    pub(super) fn of(path: &Path) -> Option<Self> {
        path.metadata().ok().map(|meta| Self::of_metadata(&meta))
    }

    fn of_metadata(meta: &std::fs::Metadata) -> Self {
        Self {
            modified: meta.modified().ok(),
            length: meta.len(),
            number: file_number(meta),
        }
    }
}

#[cfg(unix)]
fn file_number(meta: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

#[cfg(not(unix))]
fn file_number(_: &std::fs::Metadata) -> u64 {
    0
}

#[derive(Deserialize, Serialize)]
struct TokensText {
    version: u32,
    tokens: Vec<TokenText>,
}

#[derive(Deserialize, Serialize)]
struct TokenText {
    name: String,
    access_key: String,
    secret_blake3: String,
    datasets: Vec<String>,
    write: bool,
    created: String,
    last_used: Option<String>,
}

/// Reads the tokens and the stamp of their file. A missing file has none.
///
/// # Errors
/// [`KeyringError`] when it cannot be read, others may read it, or it is damaged.
pub(super) fn read(path: &Path) -> Result<(Vec<KeptToken>, Option<FileStamp>), KeyringError> {
    // Before the content: if a change comes between the two, the stamp is too old and the file is read again.
    let stamp = FileStamp::of(path);
    let fail = |source| file_error("read", path, source);
    match open_plain(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), None)),
        opened => refuse_readable(&opened.map_err(fail)?, path)?,
    }
    let text = read_own_text(path, NODE_FILE_BYTES_MAX).map_err(fail)?;
    let tokens = decode(&text).map_err(|why| KeyringError::Tokens {
        path: path.to_owned(),
        why,
    })?;
    Ok((tokens, stamp))
}

/// Replaces the tokens of a file.
///
/// # Errors
/// [`KeyringError`] when it cannot be written, or would be too long to be read. The old content stays then.
pub(super) fn write(path: &Path, tokens: &[KeptToken]) -> Result<(), KeyringError> {
    let text = encode(tokens);
    if text.len() > NODE_FILE_BYTES_MAX {
        let why = format!("more than {NODE_FILE_BYTES_MAX} bytes of tokens");
        let path = path.to_owned();
        return Err(KeyringError::Tokens { path, why });
    }
    write_atomically(path, text.as_bytes(), Some(0o600), IfExists::Replace)
        .map_err(|source| file_error("write", path, source))
}

pub(super) fn encode(tokens: &[KeptToken]) -> String {
    let tokens = tokens.iter().map(|kept| TokenText {
        name: kept.token.name.clone(),
        access_key: kept.token.access_key.clone(),
        secret_blake3: to_hex(&kept.secret_hash.0),
        datasets: kept.token.datasets.clone(),
        write: kept.token.can_write,
        created: kept.token.created.to_rfc3339(),
        last_used: kept.token.last_used.map(Timestamp::to_rfc3339),
    });
    let text = TokensText {
        version: VERSION,
        tokens: tokens.collect(),
    };
    // Strings and numbers have a JSON form.
    serde_json::to_string_pretty(&text).unwrap_or_default() + "\n"
}

pub(super) fn decode(text: &str) -> Result<Vec<KeptToken>, String> {
    let text: TokensText = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if text.version != VERSION {
        return Err(format!("it has version {}", text.version));
    }
    let tokens: Option<Vec<KeptToken>> = text.tokens.into_iter().map(kept).collect();
    tokens.ok_or_else(|| "a hash or a time is malformed".to_owned())
}

fn kept(text: TokenText) -> Option<KeptToken> {
    let time = |text: &str| Timestamp::parse_rfc3339(text);
    let last_used = match &text.last_used {
        Some(at) => Some(time(at)?),
        None => None,
    };
    Some(KeptToken {
        secret_hash: SecretHash(from_hex(&text.secret_blake3)?),
        token: AccessToken {
            created: time(&text.created)?,
            name: text.name,
            access_key: text.access_key,
            datasets: text.datasets,
            can_write: text.write,
            last_used,
        },
    })
}
