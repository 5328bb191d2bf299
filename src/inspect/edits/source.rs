//! The bytes of an edited file.

use std::io;
use std::sync::Arc;

use crate::inspect::edits::overlay::FileOverlay;
use crate::inspect::edits::region::Region;
use crate::inspect::edits::region::Span;
use crate::read_at::ReadAt;

/// A file read as if its edits were applied.
pub struct EditedSource {
    base: Arc<dyn ReadAt>,
    overlay: Arc<FileOverlay>,
}

impl EditedSource {
    /// Combines the bytes of the base with its edits.
    pub fn new(base: Arc<dyn ReadAt>, overlay: Arc<FileOverlay>) -> Self {
        Self { base, overlay }
    }

    /// Reads bytes of the base.
    fn read_base(&self, buf: &mut [u8], at: u64, most: u64) -> io::Result<usize> {
        let room = usize::try_from(most).unwrap_or(usize::MAX).min(buf.len());
        let buf = buf.get_mut(..room).unwrap_or_default();
        match self.base.read_at(buf, at)? {
            0 if room > 0 => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it became shorter while it was being read",
            )),
            n => Ok(n),
        }
    }

    /// Reads bytes of a region, from an offset in it.
    fn read_region(&self, region: &Region, buf: &mut [u8], mut from: u64) -> io::Result<usize> {
        for span in &region.spans {
            let (at, bytes) = match *span {
                Span::Base { at, bytes } | Span::New { at, bytes } => (at, bytes),
            };
            if from >= bytes {
                from -= bytes;
                continue;
            }
            let left = bytes - from;
            if matches!(span, Span::Base { .. }) {
                return self.read_base(buf, at + from, left);
            }
            let room = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
            let start = usize::try_from(at + from).unwrap_or(usize::MAX);
            let text = self.overlay.text().get(start..).unwrap_or_default();
            let text = text.get(..room).ok_or(io::ErrorKind::UnexpectedEof)?;
            if let Some(to) = buf.get_mut(..room) {
                to.copy_from_slice(text);
            }
            return Ok(room);
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

impl ReadAt for EditedSource {
    fn len(&self) -> u64 {
        self.overlay.bytes()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= self.overlay.bytes() || buf.is_empty() {
            return Ok(0);
        }
        let (regions, starts) = (self.overlay.regions(), self.overlay.starts());
        let after = starts.partition_point(|start| start.at <= offset);
        // Of the regions that begin here, only the last has bytes or is followed by unedited ones.
        let region = after.checked_sub(1).and_then(|n| regions.get(n));
        let start = after.checked_sub(1).and_then(|n| starts.get(n));
        let next = starts.get(after).map_or(self.overlay.bytes(), |s| s.at);
        match (region, start) {
            (Some(region), Some(start)) if offset < start.at + region.bytes => {
                self.read_region(region, buf, offset - start.at)
            }
            (Some(region), Some(start)) => {
                let far = offset - (start.at + region.bytes);
                let at = region.base_at + region.base_bytes + far;
                self.read_base(buf, at, next - offset)
            }
            _ => self.read_base(buf, offset, next - offset),
        }
    }
}
