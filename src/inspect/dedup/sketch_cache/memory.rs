//! Sketch cache in memory.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;

use crate::inspect::dedup::NewSketches;
use crate::inspect::dedup::SketchCache;
use crate::locks::lock;
use crate::read_at::ReadAt;

type Files = Arc<Mutex<HashMap<[u8; 32], Vec<u8>>>>;

/// Sketch cache that lives as long as this value: for comparisons without a home directory.
#[derive(Clone, Debug, Default)]
pub struct MemorySketches(Files);

impl MemorySketches {
    /// The cached files.
    pub fn files(&self) -> Vec<Vec<u8>> {
        lock(&self.0).values().cloned().collect()
    }

    /// Replaces the content of every cached file.
    pub fn replace_all(&self, with: &[u8]) {
        lock(&self.0).values_mut().for_each(|f| *f = with.to_vec());
    }
}

impl SketchCache for MemorySketches {
    fn open(&self, parameters: &[u8; 32]) -> Option<Box<dyn ReadAt>> {
        let file = lock(&self.0).get(parameters).cloned()?;
        Some(Box::new(file))
    }

    fn create(&self, parameters: &[u8; 32]) -> io::Result<Box<dyn NewSketches>> {
        Ok(Box::new(MemoryFile {
            files: Arc::clone(&self.0),
            parameters: *parameters,
            bytes: Vec::new(),
        }))
    }
}

struct MemoryFile {
    files: Files,
    parameters: [u8; 32],
    bytes: Vec<u8>,
}

impl NewSketches for MemoryFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn commit(self: Box<Self>) -> io::Result<()> {
        lock(&self.files).insert(self.parameters, self.bytes);
        Ok(())
    }
}
