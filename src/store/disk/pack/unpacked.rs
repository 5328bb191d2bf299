//! A decompressed record.

use crate::blob_store::BlobKey;
use crate::pack::Item;

/// The decompressed blobs of a record.
#[derive(Debug)]
pub struct Unpacked {
    items: Vec<Item>,
    starts: Vec<usize>,
    raw: Vec<u8>,
}

impl Unpacked {
    pub(crate) fn new(items: Vec<Item>, raw: Vec<u8>) -> Self {
        let starts = items
            .iter()
            .scan(0_usize, |next, item| {
                let start = *next;
                *next = start.saturating_add(usize::try_from(item.raw_bytes).unwrap_or(usize::MAX));
                Some(start)
            })
            .collect();
        Self { items, starts, raw }
    }

    /// Returns the bytes of an item, not checked against its hash.
    pub fn item(&self, key: &BlobKey, at: u16) -> Option<&[u8]> {
        let index = usize::from(at);
        let item = self.items.get(index).filter(|i| i.id == key.id)?;
        let start = *self.starts.get(index)?;
        self.raw
            .get(start..start.checked_add(usize::try_from(item.raw_bytes).ok()?)?)
    }

    /// Returns the bytes of adjacent items, the last included.
    pub fn items(&self, first: u16, last: u16) -> Option<&[u8]> {
        let start = *self.starts.get(usize::from(first))?;
        let end = match self.starts.get(usize::from(last) + 1) {
            Some(end) => *end,
            None => self.raw.len(),
        };
        self.raw.get(start..end)
    }
}
