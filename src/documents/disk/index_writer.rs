//! `index.bin` in the making: entry by entry, with its hash.

use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::Read;
use std::io::Seek;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use crate::documents::disk::resume::identity;
use crate::documents::format::Content;
use crate::documents::format::FileIdentity;
use crate::documents::format::IndexForm;
use crate::documents::format::index_entry_into;
use crate::documents::format::index_header;
use crate::file_io::IfExists;
use crate::file_io::TemporaryPath;
use crate::file_io::put_in_place;
use crate::read_at::read_range;

/// Number of bytes that are hashed and written at once.
const PIECE_BYTES: usize = 256 << 10;

/// An index that is written aside.
#[derive(Debug)]
pub(crate) struct IndexWriter {
    temporary: TemporaryPath,
    file: File,
    form: IndexForm,
    /// Number of entries that the header tells.
    expected: u64,
    count: u64,
    length: u64,
    hasher: blake3::Hasher,
    piece: Vec<u8>,
}

/// An index that is on the device, and not in its place yet.
#[derive(Debug)]
pub(crate) struct NewIndex {
    temporary: TemporaryPath,
    pub(crate) content: Content,
    pub(crate) identity: FileIdentity,
}

impl NewIndex {
    /// Puts it into its place.
    ///
    /// # Errors
    /// As renaming.
    pub(crate) fn put_at(&self, path: &Path) -> io::Result<()> {
        put_in_place(self.temporary.path(), path, IfExists::Replace)
    }
}

impl IndexWriter {
    /// Begins an index for a path with so many entries.
    ///
    /// # Errors
    /// As making a file.
    pub(crate) fn new(path: &Path, form: IndexForm, expected: u64) -> io::Result<Self> {
        let (temporary, file) = TemporaryPath::file(path, None)?;
        Ok(Self {
            temporary,
            file,
            form,
            expected,
            count: 0,
            length: 0,
            hasher: blake3::Hasher::new(),
            piece: index_header(form, expected),
        })
    }

    /// Begins anew.
    ///
    /// # Errors
    /// As cutting a file.
    pub(crate) fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.hasher.reset();
        (self.count, self.length) = (0, 0);
        self.piece = index_header(self.form, self.expected);
        Ok(())
    }

    /// Appends an entry, unless its form cannot hold the id.
    ///
    /// # Errors
    /// As writing.
    pub(crate) fn add(&mut self, id: &str, offset: u64, length: u32) -> io::Result<()> {
        let is_held = index_entry_into(self.form, (id, offset, length), &mut self.piece);
        self.count += u64::from(is_held);
        match self.piece.len() >= PIECE_BYTES {
            true => self.write_piece(),
            false => Ok(()),
        }
    }

    /// Appends the entries of an older binary index whose lines begin before an offset and are not dead. `dead` is
    /// sorted.
    ///
    /// # Errors
    /// As reading and writing; `InvalidData` if the older index is not one of this program for the same log.
    pub(crate) fn copy(&mut self, older: &File, covered: u64, dead: &[u64]) -> io::Result<()> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        let mut reader = BufReader::with_capacity(PIECE_BYTES, older);
        let mut header = index_header(IndexForm::Binary, 0);
        reader.read_exact(&mut header)?;
        let count = header.last_chunk().copied().map(u64::from_le_bytes);
        let count = count.ok_or_else(invalid)?;
        if header != index_header(IndexForm::Binary, count) {
            return Err(invalid());
        }
        let (mut dead, mut reached) = (dead.iter().copied().peekable(), 0);
        let mut entry = Vec::new();
        for _ in 0..count {
            entry.resize(2, 0);
            reader.read_exact(&mut entry)?;
            let id_length = entry.first_chunk().copied().map_or(0, u16::from_le_bytes);
            entry.resize(2 + usize::from(id_length) + 12, 0);
            reader.read_exact(entry.get_mut(2..).unwrap_or_default())?;
            let place = entry.last_chunk::<12>().ok_or_else(invalid)?;
            let (offset, length) = place.split_first_chunk::<8>().ok_or_else(invalid)?;
            let offset = u64::from_le_bytes(*offset);
            let length = length.first_chunk().copied().map_or(0, u32::from_le_bytes);
            if offset < reached || offset >= covered {
                return Err(invalid());
            }
            reached = offset.saturating_add(length.into());
            while dead.next_if(|d| *d < offset).is_some() {}
            if dead.next_if_eq(&offset).is_some() {
                continue;
            }
            self.piece.extend_from_slice(&entry);
            self.count += 1;
            if self.piece.len() >= PIECE_BYTES {
                self.write_piece()?;
            }
        }
        Ok(())
    }

    fn write_piece(&mut self) -> io::Result<()> {
        self.hasher.update(&self.piece);
        self.length += self.piece.len() as u64;
        self.file.write_all(&self.piece)?;
        self.piece.clear();
        Ok(())
    }

    /// Writes what is left, durably.
    ///
    /// # Errors
    /// As writing.
    pub(crate) fn finish(mut self) -> io::Result<NewIndex> {
        self.write_piece()?;
        if self.count != self.expected && self.form == IndexForm::Binary {
            // Some id does not fit into an entry.
            let header = index_header(self.form, self.count);
            self.file.write_all_at(&header, 0)?;
            self.hasher.reset();
            let (file, mut at) = (File::open(self.temporary.path())?, 0);
            while at < self.length {
                let end = self.length.min(at + PIECE_BYTES as u64);
                self.hasher.update(&read_range(&file, &(at..end))?);
                at = end;
            }
        }
        // A program that writes to it from now on changes this time, whatever the resolution of the clock is.
        let written = self.file.metadata()?.modified()?;
        let before = written.checked_sub(Duration::from_secs(1));
        self.file.set_modified(before.unwrap_or(written))?;
        self.file.sync_all()?;
        Ok(NewIndex {
            identity: identity(&self.file.metadata()?),
            content: Content {
                length: self.length,
                hash: *self.hasher.finalize().as_bytes(),
            },
            temporary: self.temporary,
        })
    }
}
