//! Buffer pool for unpacked pages. Fresh memory costs a page fault per 4 KiB, which took an eighth
//! of the time of reading a Parquet file under zstd.

use std::sync::Arc;
use std::sync::Mutex;

use bytes::Bytes;

use crate::locks::lock;

/// Largest number of pooled buffers: a few per column of the slices being read.
const BUFFERS_MAX: usize = 32;
/// Capacity limit of a pooled buffer. Writers make pages of about 1 MiB.
const BUFFER_BYTES_MAX: usize = 2 << 20;
/// Largest number of pooled decoders: at most one per reading thread.
const DECODERS_MAX: usize = 64;

/// Buffers and decoders of one table.
#[derive(Default)]
pub(super) struct PageBuffers {
    free: Mutex<Vec<Vec<u8>>>,
    zstd: Mutex<Vec<zrip::DecompressContext>>,
}

/// A page in a pooled buffer, which returns to the pool on drop.
struct PooledPage {
    page: Vec<u8>,
    home: Arc<PageBuffers>,
}

impl PageBuffers {
    /// Takes an empty buffer, which may have a capacity.
    pub(super) fn take(&self) -> Vec<u8> {
        let mut free = lock(&self.free);
        free.pop().unwrap_or_default()
    }

    /// Converts a buffer to a page. The buffer returns to the pool on drop.
    pub(super) fn page(self: &Arc<Self>, page: Vec<u8>) -> Bytes {
        if page.capacity() > BUFFER_BYTES_MAX {
            return Bytes::from(page);
        }
        let home = Arc::clone(self);
        Bytes::from_owner(PooledPage { page, home })
    }

    /// Unpacks a zstd frame of at most `size` bytes, and appends it to `unpacked`.
    pub(super) fn unpack_zstd(
        &self,
        packed: &[u8],
        unpacked: &mut Vec<u8>,
        size: usize,
    ) -> Result<(), zrip::DecompressError> {
        let mut decoders = lock(&self.zstd);
        let mut decoder = decoders.pop().unwrap_or_default();
        drop(decoders);
        let done = decoder.decompress_into_with_limit(packed, unpacked, size);
        let mut decoders = lock(&self.zstd);
        if decoders.len() < DECODERS_MAX {
            decoders.push(decoder);
        }
        done.map(|_| ())
    }
}

impl AsRef<[u8]> for PooledPage {
    fn as_ref(&self) -> &[u8] {
        &self.page
    }
}

impl Drop for PooledPage {
    fn drop(&mut self) {
        let mut page = std::mem::take(&mut self.page);
        page.clear();
        let mut free = lock(&self.home.free);
        if free.len() < BUFFERS_MAX {
            free.push(page);
        }
    }
}

#[cfg(test)]
mod tests {
    use zrip::DecompressError;

    use super::*;

    #[test]
    fn page_buffer_is_reused_unless_large() {
        let buffers = Arc::new(PageBuffers::default());
        let mut small = buffers.take();
        small.extend_from_slice(&[7; 1000]);
        let place = small.as_ptr();
        let page = buffers.page(small);
        let copy = page.clone();
        drop(page);
        assert_eq!(buffers.take().capacity(), 0);
        assert_eq!(copy[..], [7; 1000]);
        drop(copy);
        let again = buffers.take();
        assert_eq!((again.len(), again.as_ptr()), (0, place));
        drop(buffers.page(vec![0; BUFFER_BYTES_MAX + 1]));
        assert_eq!(buffers.take().capacity(), 0);
    }

    #[test]
    fn zstd_frame_after_damaged_one_is_unpacked() {
        let buffers = PageBuffers::default();
        let packed = zrip::compress(&[b'a'; 5000], 1).unwrap();
        let mut page = Vec::new();
        let mut damaged = packed.clone();
        damaged.truncate(packed.len() - 1);
        let error = buffers.unpack_zstd(&damaged, &mut page, 5000);
        assert!(
            matches!(error, Err(DecompressError::InputExhausted)),
            "{error:?}"
        );
        page.clear();
        buffers.unpack_zstd(&packed, &mut page, 5000).unwrap();
        assert_eq!(page, [b'a'; 5000]);
        let error = buffers.unpack_zstd(&packed, &mut Vec::new(), 4999);
        assert!(
            matches!(error, Err(DecompressError::OutputTooSmall)),
            "{error:?}"
        );
    }
}
