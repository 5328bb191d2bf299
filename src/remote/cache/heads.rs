//! States that files had when they were last asked for, to read their blocks without a connection.

use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;

use crate::file_io::IfExists;
use crate::file_io::write_atomically;
use crate::remote::answer::Validator;
use crate::remote::cache::blocks::open_kept;
use crate::remote::cache::name_of;

/// Bytes of a stored state.
const HEAD_BYTES_MAX: u64 = 16 << 10;

/// The state that a file had last. The URL is not stored, because it may have secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) validator: Validator,
    pub(crate) commit: Option<String>,
}

impl Head {
    /// Returns the state of a URL's file, if one is stored.
    pub(crate) fn read(directory: &Path, url: &str) -> Option<Self> {
        let file = open_kept(&directory.join(file_name(url))).ok()?;
        let mut bytes = Vec::new();
        file.take(HEAD_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Stores the state, if that can be.
    pub(crate) fn write(&self, directory: &Path, url: &str) {
        if let Ok(bytes) = serde_json::to_vec(self)
            && Self::read(directory, url).as_ref() != Some(self)
        {
            let path = directory.join(file_name(url));
            let _ = write_atomically(&path, &bytes, Some(0o600), IfExists::Replace);
        }
    }
}

fn file_name(url: &str) -> String {
    format!("{}.head", name_of(&[url]))
}
