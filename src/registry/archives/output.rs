//! Where an export goes: one file, or volumes. Nothing has its name before it is whole.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::archive::TRAILER_BYTES;
use crate::archive::VolumeTrailer;
use crate::registry::archives::export::ExportOptions;
use crate::registry::archives::seal::Passphrase;
use crate::registry::archives::seal::Recipient;
use crate::registry::archives::seal::Sealed;
use crate::registry::archives::seal::room;
use crate::registry::error::Error;
use crate::registry::host;
use crate::wire::limits::VOLUMES_MAX;

/// Takes frames in order.
pub(crate) struct Output {
    dest: PathBuf,
    split: Option<u64>,
    recipients: Vec<Recipient>,
    passphrase: Option<Passphrase>,
    open: Option<Open>,
    /// Written aside, and what each is to be called.
    done: Vec<(PathBuf, PathBuf)>,
    archive: [u8; 16],
    bytes: u64,
}

struct Open {
    aside: PathBuf,
    file: Sealed,
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
                let passphrase = self.passphrase.as_ref();
                none.insert(Open::beside(&self.dest, &self.recipients, passphrase)?)
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
        for (aside, path) in std::mem::take(&mut self.done) {
            std::fs::rename(&aside, &path).map_err(|e| Error::file("create", &path, e))?;
            paths.push(path);
        }
        if let Some(dir) = self.dest.parent() {
            let dir = if dir.as_os_str().is_empty() {
                Path::new(".")
            } else {
                dir
            };
            // Names are durable where the system can make them so.
            let _ = File::open(dir).and_then(|d| d.sync_all());
        }
        Ok((paths, self.bytes))
    }

    fn close(&mut self, is_last: bool) -> Result<(), Error> {
        let Some(mut open) = self.open.take() else {
            return Ok(());
        };
        let number = u32::try_from(self.done.len() + 1).unwrap_or(u32::MAX);
        let mut path = self.dest.clone().into_os_string();
        if self.split.is_some() {
            if number > VOLUMES_MAX {
                let many = std::io::Error::other("more volumes than there may be");
                return Err(Error::file("split", &self.dest, many));
            }
            let trailer = VolumeTrailer {
                archive: self.archive,
                number,
                is_last,
                bytes: open.bytes,
                hash: *open.hasher.finalize().as_bytes(),
            };
            open.write(&trailer.encode())?;
            self.bytes += TRAILER_BYTES as u64;
            path.push(format!(".{number:03}"));
        }
        let Open { aside, file, .. } = open;
        let ended = file.finish();
        self.done.push((aside, path.into()));
        ended.map_err(|e| Error::file("write", &self.dest, e))
    }
}

impl Drop for Output {
    /// What was not finished goes; what cannot be removed has a name that says what it is.
    fn drop(&mut self) {
        let open = self.open.take().map(|o| o.aside);
        for aside in self.done.drain(..).map(|(aside, _)| aside).chain(open) {
            let _ = std::fs::remove_file(aside);
        }
    }
}

impl Open {
    fn beside(
        dest: &Path,
        recipients: &[Recipient],
        passphrase: Option<&Passphrase>,
    ) -> Result<Self, Error> {
        let noise: [u8; 6] = host::random().map_err(|e| Error::file("seed", dest, e))?;
        let name = dest.file_name().unwrap_or_default().to_string_lossy();
        let hex = crate::ident::to_hex(&noise);
        let aside = dest.with_file_name(format!(".{name}.partial-{hex}"));
        let file = File::create_new(&aside).and_then(|f| Sealed::new(f, recipients, passphrase));
        let file = file.map_err(|e| Error::file("create", dest, e))?;
        Ok(Self {
            aside,
            file,
            bytes: 0,
            hasher: blake3::Hasher::new(),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.file.write_all(bytes);
        written.map_err(|e| Error::file("write", &self.aside, e))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}
