//! The values of a target's files, column by column.

use std::io;
use std::io::Read;
use std::sync::Arc;

use arrow_schema::Schema;

use crate::inspect::Compression;
use crate::inspect::has_profile;
use crate::inspect::profile_front;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::registry::FileSchema;
use crate::registry::Target;
use crate::registry::error::Error;
use crate::registry::targets::file::TargetFile;

impl Target {
    /// Reads the values of the files without declared types, as
    /// [`profiles`](crate::registry::Descriptions::profiles) does those of a dataset, in the first
    /// `bytes_max` bytes of each. Reads no more than `files_max` files, and returns the number of those left.
    ///
    /// # Errors
    /// Errors of reading.
    pub fn profiles(
        &self,
        (bytes_max, files_max): (u64, usize),
        progress: &dyn Progress,
    ) -> Result<(Vec<FileSchema>, usize), Error> {
        let sizes = self.files().iter().take(files_max);
        let sizes = sizes.map(|file| file.size_bytes().min(bytes_max));
        progress.phase("reading", Some(sizes.fold(0, u64::saturating_add)));
        let mut found = Vec::new();
        for file in self.files().iter().take(files_max) {
            let format = file.opened()?.format;
            if !has_profile(format) {
                continue;
            }
            let front = Front {
                source: file.bytes()?,
                at: 0,
                progress,
            };
            let profile = profile_front(format, Box::new(front), bytes_max);
            if progress.cancelled() {
                return Err(Error::Interrupted);
            }
            let (profile, is_cut) = profile.map_err(|e| unread(file, e))?;
            // All of a file of exactly this length was read.
            let is_whole =
                file.size_bytes() <= bytes_max && format.compression == Compression::None;
            found.push(FileSchema {
                path: file.path().to_owned(),
                format,
                profile,
                first_bytes: (is_cut && !is_whole).then_some(bytes_max),
            });
        }
        Ok((found, self.files().len().saturating_sub(files_max)))
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
