//! `index.bin` in the making: entry by entry, with its hash.

use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::documents::format::Content;
use crate::documents::format::IndexForm;
use crate::documents::format::index_entry_into;
use crate::documents::format::index_header;
use crate::read_at::read_range;

/// Number of bytes that are hashed and written at once.
const PIECE_BYTES: usize = 256 << 10;

/// An index that is written.
pub(crate) struct IndexWriter<'a> {
    form: IndexForm,
    file: &'a File,
    /// Number of entries that the header tells.
    expected: u64,
    count: u64,
    length: u64,
    hasher: blake3::Hasher,
    piece: Vec<u8>,
}

impl<'a> IndexWriter<'a> {
    /// Begins an index with so many entries.
    pub(crate) fn new(form: IndexForm, file: &'a File, expected: u64) -> Self {
        Self {
            form,
            file,
            expected,
            count: 0,
            length: 0,
            hasher: blake3::Hasher::new(),
            piece: index_header(form, expected),
        }
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
        (&mut &*self.file).write_all(&self.piece)?;
        self.piece.clear();
        Ok(())
    }

    /// Writes what is left of the file at a path. Returns the content.
    ///
    /// # Errors
    /// As writing.
    pub(crate) fn finish(mut self, path: &Path) -> io::Result<Content> {
        self.write_piece()?;
        if self.count != self.expected && self.form == IndexForm::Binary {
            // Some id does not fit into an entry.
            self.file
                .write_all_at(&index_header(self.form, self.count), 0)?;
            self.hasher.reset();
            let (file, mut at) = (File::open(path)?, 0);
            while at < self.length {
                let end = self.length.min(at + PIECE_BYTES as u64);
                self.hasher.update(&read_range(&file, &(at..end))?);
                at = end;
            }
        }
        Ok(Content {
            length: self.length,
            hash: *self.hasher.finalize().as_bytes(),
        })
    }
}
