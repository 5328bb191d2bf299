//! Files of targets that are elsewhere, opened when they are first read.

use std::io;
use std::sync::Mutex;
use std::sync::OnceLock;

use crate::ident::TreeId;
use crate::inspect::table::StoredText;
use crate::locks::lock;
use crate::read_at::ReadAt;
use crate::remote::Remote;
use crate::remote::RemoteError;
use crate::remote::RemoteFile;
use crate::remote::RemoteUrl;

/// A file that is elsewhere.
pub(in crate::registry) struct RemotePlace {
    remote: Remote,
    url: RemoteUrl,
    opened: OnceLock<RemoteFile>,
    /// Held while the file is opened, so that others wait for it.
    opening: Mutex<()>,
}

impl RemotePlace {
    /// Returns the place of a file, which may be open already.
    pub(in crate::registry) fn new(
        remote: &Remote,
        url: RemoteUrl,
        opened: Option<RemoteFile>,
    ) -> Self {
        Self {
            remote: remote.clone(),
            url,
            opened: opened.map_or_else(OnceLock::new, OnceLock::from),
            opening: Mutex::default(),
        }
    }

    /// Returns the file, which the first call opens.
    pub(in crate::registry) fn file(&self) -> Result<&RemoteFile, RemoteError> {
        let _opening = lock(&self.opening);
        if let Some(file) = self.opened.get() {
            return Ok(file);
        }
        let file = self.remote.open(&self.url)?;
        Ok(self.opened.get_or_init(|| file))
    }

    /// Returns the identity of its bytes, by which indexes of its rows are kept.
    pub(in crate::registry) fn text(&self) -> Option<StoredText> {
        let file = self.file().ok()?;
        Some(StoredText {
            tree: TreeId::new(file.state_id()?),
            start: 0,
            size: ReadAt::len(file),
        })
    }

    /// Returns the first error of reading the file. Decoders of formats hide it.
    pub(in crate::registry) fn failure(&self) -> Option<io::Error> {
        self.opened.get().and_then(ReadAt::failure)
    }
}
