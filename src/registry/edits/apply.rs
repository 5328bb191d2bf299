//! The edited bytes of a target as a file.

use std::io::Write;
use std::path::Path;

use crate::file_io::IfExists;
use crate::file_io::OutputFile;
use crate::progress::Progress;
use crate::registry::Target;
use crate::registry::error::Error;
use crate::registry::targets::edited::EditForm;
use crate::registry::targets::edited::form_of;

/// Bytes per read.
const PIECE_BYTES: usize = 1 << 20;

impl Target {
    /// Writes the bytes of its only file, with its edits if it is read with them. Returns their
    /// number; `None` if it has several files, or one whose rows have no bytes of their own.
    ///
    /// # Errors
    /// Errors of reading and writing, and [`Error::Exists`]. Then nothing is written.
    pub fn copy_bytes(
        &self,
        path: &Path,
        if_exists: IfExists,
        progress: &dyn Progress,
    ) -> Result<Option<u64>, Error> {
        let [file] = self.files() else {
            return Ok(None);
        };
        if form_of(&file.opened()?) != Ok(EditForm::Bytes) {
            return Ok(None);
        }
        let source = file.source().map_err(|e| self.blame(e))?;
        progress.phase("writing", Some(source.len()));
        let fail = |e| Error::output(path, e);
        let mut to = OutputFile::create(path, if_exists, None).map_err(fail)?;
        let (mut piece, mut at) = (vec![0; PIECE_BYTES], 0);
        loop {
            if progress.cancelled() {
                return Err(Error::Interrupted);
            }
            let n = match source.read_at(&mut piece, at) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(self.blame(e.into())),
            };
            to.write_all(piece.get(..n).unwrap_or_default())
                .map_err(fail)?;
            at += n as u64;
            progress.advance(n as u64);
        }
        to.finish().map(Some).map_err(fail)
    }
}
