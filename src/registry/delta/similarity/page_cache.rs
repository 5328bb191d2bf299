//! Pages of a file that are kept in memory, and written back together.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

const PAGE_BYTES: usize = 4 << 10;
/// 32 MiB.
const PAGES_KEPT: usize = 8 << 10;
/// What is read and written at a time: a part of one page.
const UNIT_BYTES: usize = 64;

pub(in crate::registry::delta::similarity) struct Pages {
    pub(in crate::registry::delta::similarity) file: File,
    kept: HashMap<u64, Page>,
}

struct Page {
    bytes: Box<[u8; PAGE_BYTES]>,
    /// How many of them are in the file.
    length: usize,
    is_changed: bool,
}

impl Pages {
    pub(in crate::registry::delta::similarity) fn new(file: File) -> Self {
        Self {
            file,
            kept: HashMap::new(),
        }
    }

    /// The unit at a place.
    pub(in crate::registry::delta::similarity) fn read(
        &mut self,
        at: u64,
    ) -> io::Result<&[u8; UNIT_BYTES]> {
        self.unit(at).map(|(unit, _)| &*unit)
    }

    /// The same, which is changed by whoever asks.
    pub(in crate::registry::delta::similarity) fn change(
        &mut self,
        at: u64,
    ) -> io::Result<&mut [u8; UNIT_BYTES]> {
        let (unit, is_changed) = self.unit(at)?;
        *is_changed = true;
        Ok(unit)
    }

    fn unit(&mut self, at: u64) -> io::Result<(&mut [u8; UNIT_BYTES], &mut bool)> {
        let number = at / PAGE_BYTES as u64;
        if self.kept.len() >= PAGES_KEPT && !self.kept.contains_key(&number) {
            self.flush()?;
            self.kept.clear();
        }
        let page = match self.kept.entry(number) {
            std::collections::hash_map::Entry::Occupied(kept) => kept.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(Page::load(&self.file, number)?)
            }
        };
        let start = usize::try_from(at % PAGE_BYTES as u64).unwrap_or(usize::MAX);
        let is_there = start + UNIT_BYTES <= page.length;
        let rest = page.bytes.get_mut(start..).filter(|_| is_there);
        let unit = rest.and_then(|rest| rest.first_chunk_mut());
        let unit = unit.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok((unit, &mut page.is_changed))
    }

    /// Writes what was changed, in the order of the file.
    pub(in crate::registry::delta::similarity) fn flush(&mut self) -> io::Result<()> {
        let mut changed: Vec<_> = self.kept.iter_mut().filter(|(_, p)| p.is_changed).collect();
        changed.sort_unstable_by_key(|(number, _)| **number);
        for (number, page) in changed {
            let bytes = page.bytes.get(..page.length).unwrap_or_default();
            self.file.write_all_at(bytes, number * PAGE_BYTES as u64)?;
            page.is_changed = false;
        }
        Ok(())
    }
}

impl Page {
    fn load(file: &File, number: u64) -> io::Result<Self> {
        let mut bytes = Box::new([0; PAGE_BYTES]);
        let mut length = 0;
        while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, number * PAGE_BYTES as u64 + length as u64) {
                Ok(0) => break,
                Ok(n) => length += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(Self {
            bytes,
            length,
            is_changed: false,
        })
    }
}
