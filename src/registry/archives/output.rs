//! Where an export goes: one file, or volumes. Nothing has its name before it is whole.

use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::archive::TRAILER_BYTES;
use crate::archive::VolumeTrailer;
use crate::file_io::IfExists;
use crate::file_io::OutputFile;
use crate::file_io::Written;
use crate::registry::archives::encryption::EncryptedWriter;
use crate::registry::archives::encryption::Passphrase;
use crate::registry::archives::encryption::Recipient;
use crate::registry::archives::encryption::room;
use crate::registry::archives::export::ExportOptions;
use crate::registry::error::Error;
use crate::wire::limits::VOLUMES_MAX;

/// Takes frames in order.
pub(crate) struct Output {
    dest: PathBuf,
    split: Option<u64>,
    recipients: Vec<Recipient>,
    passphrase: Option<Passphrase>,
    if_exists: IfExists,
    open: Option<Open>,
    /// Whole, without its name yet, and what each is to be called.
    done: Vec<(Written, PathBuf)>,
    archive: [u8; 16],
    bytes: u64,
}

struct Open {
    path: PathBuf,
    file: EncryptedWriter,
    bytes: u64,
    hasher: blake3::Hasher,
}

impl Output {
    pub(crate) fn new(dest: &Path, options: &ExportOptions) -> Self {
        let is_sealed = options.passphrase.is_some() || !options.recipients.is_empty();
        let inside = |limit| match is_sealed {
            true => room(limit, options.recipients.len()),
            false => limit,
        };
        Self {
            dest: dest.to_owned(),
            split: options.split.map(inside),
            recipients: options.recipients.clone(),
            passphrase: options.passphrase.clone(),
            if_exists: options.if_exists,
            open: None,
            done: Vec::new(),
            archive: [0; 16],
            bytes: 0,
        }
    }

    /// Writes a frame, whole in one file.
    pub(crate) fn frame(&mut self, frame: &[u8]) -> Result<(), Error> {
        if self.done.is_empty() && self.open.is_none() {
            let hash = blake3::hash(frame);
            self.archive = hash.as_bytes().first_chunk().copied().unwrap_or_default();
        }
        let needed = (frame.len() + TRAILER_BYTES) as u64;
        let is_full = |o: &Open| {
            let limit = self.split.unwrap_or(u64::MAX);
            o.bytes > 0 && o.bytes.saturating_add(needed) > limit
        };
        if self.open.as_ref().is_some_and(is_full) {
            self.close(false)?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let path = match self.split {
                    Some(_) => volume_path(&self.dest, self.done.len() + 1)?,
                    None => self.dest.clone(),
                };
                let keys = (self.recipients.as_slice(), self.passphrase.as_ref());
                none.insert(Open::create(path, self.if_exists, keys)?)
            }
        };
        if self.split.is_some() {
            open.hasher.update(frame);
        }
        open.write(frame)?;
        self.bytes += frame.len() as u64;
        Ok(())
    }

    /// Ends the archive and gives everything its name. The files, and their bytes together.
    pub(crate) fn finish(mut self) -> Result<(Vec<PathBuf>, u64), Error> {
        self.close(true)?;
        let mut paths = Vec::new();
        for (written, path) in self.done {
            written.place().map_err(|e| Error::output(&path, e))?;
            paths.push(path);
        }
        Ok((paths, self.bytes))
    }

    fn close(&mut self, is_last: bool) -> Result<(), Error> {
        let Some(mut open) = self.open.take() else {
            return Ok(());
        };
        let number = u32::try_from(self.done.len() + 1).unwrap_or(u32::MAX);
        if self.split.is_some() {
            let trailer = VolumeTrailer {
                archive: self.archive,
                number,
                is_last,
                bytes: open.bytes,
                hash: *open.hasher.finalize().as_bytes(),
            };
            open.write(&trailer.encode())?;
            self.bytes += TRAILER_BYTES as u64;
        }
        let Open { path, file, .. } = open;
        let mut written = file.finish().map_err(|e| Error::output(&path, e))?;
        if self.done.len() >= VOLUMES_HELD_MAX {
            written.let_go();
        }
        self.done.push((written, path));
        Ok(())
    }
}

/// Volumes that keep a handle open until all have their names.
const VOLUMES_HELD_MAX: usize = 128;

/// What a volume is called.
fn volume_path(dest: &Path, number: usize) -> Result<PathBuf, Error> {
    if number > VOLUMES_MAX as usize {
        let many = std::io::Error::other("more volumes than there may be");
        return Err(Error::file("split", dest, many));
    }
    let mut path = dest.to_owned().into_os_string();
    path.push(format!(".{number:03}"));
    Ok(path.into())
}

impl Open {
    fn create(
        path: PathBuf,
        if_exists: IfExists,
        (recipients, passphrase): (&[Recipient], Option<&Passphrase>),
    ) -> Result<Self, Error> {
        let file = OutputFile::create(&path, if_exists, None);
        let file = file.and_then(|f| EncryptedWriter::new(f, recipients, passphrase));
        Ok(Self {
            file: file.map_err(|e| Error::output(&path, e))?,
            path,
            bytes: 0,
            hasher: blake3::Hasher::new(),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.file.write_all(bytes);
        written.map_err(|e| Error::file("write", &self.path, e))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}
