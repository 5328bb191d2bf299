//! The values of a target's files, column by column.

use std::io;
use std::io::Read;
use std::sync::Arc;

use arrow_schema::Schema;

use crate::inspect::has_profile;
use crate::inspect::profile;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::registry::FileSchema;
use crate::registry::Target;
use crate::registry::error::Error;
use crate::registry::targets::file::TargetFile;

impl Target {
    /// Reads all values of the files without declared types, as
    /// [`profiles`](crate::registry::Descriptions::profiles) does those of a dataset.
    ///
    /// # Errors
    /// Errors of reading.
    pub fn profiles(&self, progress: &dyn Progress) -> Result<Vec<FileSchema>, Error> {
        progress.phase("reading", Some(self.size_bytes()));
        let mut found = Vec::new();
        for file in self.files() {
            let format = file.opened()?.format;
            if !has_profile(format) {
                continue;
            }
            let front = Front {
                source: file.bytes()?,
                at: 0,
                progress,
            };
            let profile = profile(format, Box::new(front));
            if progress.cancelled() {
                return Err(Error::Interrupted);
            }
            found.push(FileSchema {
                path: file.path().to_owned(),
                format,
                profile: profile.map_err(|e| unread(file, e))?,
            });
        }
        Ok(found)
    }

    /// Returns the schema that the first file declares.
    ///
    /// # Errors
    /// Errors of reading.
    pub fn declared_schema(&self) -> Result<Option<Schema>, Error> {
        let Some(first) = self.files().first() else {
            return Ok(None);
        };
        let (_, schema) = first.describe()?;
        Ok(schema)
    }
}

fn unread(file: &TargetFile, error: io::Error) -> Error {
    Error::file("read", file.path(), error)
}

/// Reader of a source from its front.
struct Front<'a> {
    source: Arc<dyn ReadAt>,
    at: u64,
    progress: &'a dyn Progress,
}

impl Read for Front<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.progress.cancelled() {
            return Ok(0);
        }
        let n = self.source.read_at(buffer, self.at)?;
        self.at += n as u64;
        self.progress.advance(n as u64);
        Ok(n)
    }
}
