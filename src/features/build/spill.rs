//! Records that wait for their part: in memory while there is room, and then in a file without a name.

use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use arrow_array::Array as _;
use arrow_array::StringArray;

use crate::features::error::FeatureError;
use crate::features::segment::share_of;
use crate::file_io::TemporaryPath;
use crate::locks::lock;
use crate::read_at::read_range;

/// Bytes of records that a thread gathers for a part.
const BUFFER_BYTES: usize = 64 << 10;
/// Bytes of all buffers of a thread.
const BUFFERS_BYTES_MAX: usize = 32 << 20;

/// Records of all parts.
pub(super) struct Spill {
    path: PathBuf,
    parts: u32,
    memory_bytes: u64,
    state: Mutex<State>,
}

struct State {
    /// The blocks of each part.
    parts: Vec<Vec<Block>>,
    in_memory: u64,
    /// The file by its path, open for writing and for reading.
    file: Option<(TemporaryPath, File, Arc<File>)>,
    file_bytes: u64,
}

/// Records of a part.
enum Block {
    Memory(Vec<u8>),
    /// A range of the file.
    File(std::ops::Range<u64>),
}

impl Block {
    fn bytes(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(range) => range.end - range.start,
        }
    }
}

impl Spill {
    /// Makes room for records. The file is made beside `path`, once it is needed.
    pub(super) fn new(path: &Path, parts: u32, memory_bytes: u64) -> Self {
        Self {
            path: path.to_owned(),
            parts,
            memory_bytes,
            state: Mutex::new(State {
                parts: (0..parts).map(|_| Vec::new()).collect(),
                in_memory: 0,
                file: None,
                file_bytes: 0,
            }),
        }
    }

    pub(super) fn parts(&self) -> u32 {
        self.parts
    }

    /// Stores a block, and leaves its memory to the caller if it went to the file.
    fn put(&self, part: usize, block: &mut Vec<u8>) -> Result<(), FeatureError> {
        let bytes = block.len() as u64;
        let (file, range) = {
            let mut state = lock(&self.state);
            if state.in_memory + bytes <= self.memory_bytes {
                state.in_memory += bytes;
                let kept = std::mem::take(block);
                if let Some(blocks) = state.parts.get_mut(part) {
                    blocks.push(Block::Memory(kept));
                }
                return Ok(());
            }
            if state.file.is_none() {
                state.file = Some(self.create().map_err(|e| self.failed("create", e))?);
            }
            let range = state.file_bytes..state.file_bytes + bytes;
            state.file_bytes = range.end;
            if let Some(blocks) = state.parts.get_mut(part) {
                blocks.push(Block::File(range.clone()));
            }
            let file = state.file.as_ref().map(|(_, file, _)| file.try_clone());
            let file = file.transpose().map_err(|e| self.failed("write", e))?;
            (file, range)
        };
        if let Some(file) = file {
            let written = write_all_at(&file, block, range.start);
            written.map_err(|e| self.failed("write", e))?;
        }
        block.clear();
        Ok(())
    }

    /// Takes the records of a part out of memory, or reads them.
    pub(super) fn take(&self, part: usize) -> Result<Vec<u8>, FeatureError> {
        let (blocks, file) = {
            let mut state = lock(&self.state);
            let blocks = state.parts.get_mut(part).map(std::mem::take);
            let file = state.file.as_ref().map(|(_, _, file)| Arc::clone(file));
            (blocks.unwrap_or_default(), file)
        };
        let bytes: u64 = blocks.iter().map(Block::bytes).sum();
        let mut records = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
        let mut freed = 0;
        for block in blocks {
            match block {
                Block::Memory(bytes) => {
                    freed += bytes.len() as u64;
                    records.extend_from_slice(&bytes);
                }
                Block::File(range) => {
                    let Some(file) = &file else { continue };
                    let read = read_range(&**file, &range);
                    records.extend_from_slice(&read.map_err(|e| self.failed("read", e))?);
                }
            }
        }
        let mut state = lock(&self.state);
        state.in_memory = state.in_memory.saturating_sub(freed);
        Ok(records)
    }

    fn create(&self) -> std::io::Result<(TemporaryPath, File, Arc<File>)> {
        let (temporary, file) = TemporaryPath::file(&self.spill_path(), Some(0o600))?;
        let readable = File::open(temporary.path())?;
        Ok((temporary, file, Arc::new(readable)))
    }

    fn spill_path(&self) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".rows");
        self.path.with_file_name(name)
    }

    fn failed(&self, action: &'static str, source: std::io::Error) -> FeatureError {
        FeatureError::file(action, &self.spill_path(), source)
    }
}

fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> std::io::Result<()> {
    use std::os::unix::fs::FileExt as _;
    file.write_all_at(bytes, offset)
}

/// Records that a thread gathers.
pub(super) struct SpillBuffers<'a> {
    spill: &'a Spill,
    buffers: Vec<Vec<u8>>,
    buffer_bytes: usize,
}

impl<'a> SpillBuffers<'a> {
    pub(super) fn new(spill: &'a Spill) -> Self {
        let parts = spill.parts as usize;
        Self {
            spill,
            buffers: vec![Vec::new(); parts],
            buffer_bytes: BUFFER_BYTES.min(BUFFERS_BYTES_MAX / parts.max(1)),
        }
    }

    /// Adds a record: head, fixed part, and the texts of a row.
    pub(super) fn put(
        &mut self,
        hash: u64,
        order: u64,
        fixed: &[u8],
        texts: &[&StringArray],
        row: usize,
    ) -> Result<(), FeatureError> {
        let part = share_of(hash, u64::from(self.spill.parts)) as usize;
        let Some(buffer) = self.buffers.get_mut(part) else {
            return Ok(());
        };
        // It went to the others with its memory.
        if buffer.capacity() == 0 {
            let record = size_of_val(&hash) + size_of_val(&order) + fixed.len();
            buffer.reserve_exact(self.buffer_bytes + record);
        }
        buffer.extend_from_slice(&hash.to_le_bytes());
        buffer.extend_from_slice(&order.to_le_bytes());
        buffer.extend_from_slice(fixed);
        for text in texts {
            if text.is_valid(row) {
                buffer.extend_from_slice(text.value(row).as_bytes());
            }
        }
        if buffer.len() >= self.buffer_bytes {
            self.spill.put(part, buffer)?;
        }
        Ok(())
    }

    /// Stores the rest.
    pub(super) fn finish(mut self) -> Result<(), FeatureError> {
        for (part, buffer) in self.buffers.iter_mut().enumerate() {
            if !buffer.is_empty() {
                buffer.shrink_to_fit();
                self.spill.put(part, buffer)?;
            }
        }
        Ok(())
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        if let Some((temporary, ..)) = lock(&self.state).file.take() {
            // A file that stays is recognised as abandoned by the next one.
            let _ = std::fs::remove_file(temporary.path());
        }
    }
}
