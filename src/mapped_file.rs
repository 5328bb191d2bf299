//! Files in memory by `mmap`: the only module with `unsafe` code.
//!
//! Two facts make a map dangerous, and this module answers both:
//!
//! - Bytes may change while a slice of them is borrowed. The log of a collection changes only behind the bytes that
//!   are read, and tables are never written in place; a program that edits them by hand changes values that are
//!   checked afterwards, in every build.
//! - A page behind the end of the file raises `SIGBUS`. Every access to a log, which other programs write too,
//!   compares its range with the length that the file has at this moment. A log that is cut between that and the
//!   access, a microsecond, ends the process, and so does a table, which nobody else has a reason to touch, that is
//!   cut while it is mapped. Everything that was reported durable stays.

#![allow(
    unsafe_code,
    reason = "a map cannot be made without; nothing else may use it"
)]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// A file that is read through memory.
#[derive(Debug)]
pub(crate) struct MappedFile {
    file: Arc<File>,
    map: memmap2::Mmap,
}

impl MappedFile {
    /// Maps the first `length` bytes, whether the file has them already or will have them later.
    ///
    /// # Errors
    /// As `mmap`.
    pub(crate) fn new(file: Arc<File>, length: usize) -> io::Result<Self> {
        let mut options = memmap2::MmapOptions::new();
        options.len(length.max(1));
        // SAFETY: slices are made by `bytes` alone, which compares them with the length of the file. The rest is in
        // the documentation of the module.
        let map = unsafe { options.map(&*file)? };
        // Reads are random: reading ahead would only fill the memory.
        let _ = map.advise(memmap2::Advice::Random);
        Ok(Self { file, map })
    }

    /// Returns the length of the file at this moment. Cheaper than its metadata.
    pub(crate) fn file_length(&self) -> io::Result<u64> {
        Ok(rustix::fs::seek(&*self.file, rustix::fs::SeekFrom::End(0))?)
    }

    /// Returns a range of the file, if it is mapped. `file_length` is the length of the file at this moment.
    pub(crate) fn bytes_within(&self, range: Range<u64>, file_length: u64) -> Option<&[u8]> {
        if range.end > file_length {
            return None;
        }
        let start = usize::try_from(range.start).ok()?;
        self.map.get(start..usize::try_from(range.end).ok()?)
    }
}

impl MappedFile {
    /// Asks for the pages of a range, which are read soon. It does not wait for them.
    #[cfg(feature = "features")]
    pub(crate) fn will_need(&self, range: Range<usize>) {
        let length = range.end.saturating_sub(range.start);
        // Advice that is refused changes nothing.
        let _ = self
            .map
            .advise_range(memmap2::Advice::WillNeed, range.start, length);
    }
}

/// Memory that may be changed without a change of any file: that of a file, or zeros.
#[derive(Debug)]
pub(crate) struct PrivateMap(memmap2::MmapMut);

impl PrivateMap {
    /// Maps a file that is complete and that nobody cuts.
    ///
    /// # Errors
    /// As `mmap`.
    pub(crate) fn new(file: &File) -> io::Result<Self> {
        // SAFETY: the file is one of ours that is replaced by renaming and never changed.
        let map = unsafe { memmap2::MmapOptions::new().map_copy(file)? };
        let _ = map.advise(memmap2::Advice::Random);
        Ok(Self(map))
    }

    /// Maps zeros that no file has, in large pages where the system has them: random places in many small ones cost a
    /// walk through their tables each.
    ///
    /// # Errors
    /// As `mmap`.
    pub(crate) fn zeros(length: usize) -> io::Result<Self> {
        let map = memmap2::MmapMut::map_anon(length)?;
        let _ = map.advise(memmap2::Advice::HugePage);
        Ok(Self(map))
    }

    /// Returns the bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes for changes in memory.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
