//! Sketches that are kept in memory.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::inspect::dedup::NewSketches;
use crate::inspect::dedup::SketchCache;
use crate::read_at::ReadAt;

type Files = Arc<Mutex<HashMap<[u8; 32], Vec<u8>>>>;

/// Keeps prints as long as it lives, for who compares versions without a home.
#[derive(Clone, Debug, Default)]
pub struct MemorySketches(Files);

impl MemorySketches {
    /// The files that are kept.
    pub fn files(&self) -> Vec<Vec<u8>> {
        lock(&self.0).values().cloned().collect()
    }

    /// Puts a file in the place of each that is kept.
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
        Ok(Box::new(InMemory {
            files: Arc::clone(&self.0),
            parameters: *parameters,
            bytes: Vec::new(),
        }))
    }
}

struct InMemory {
    files: Files,
    parameters: [u8; 32],
    bytes: Vec<u8>,
}

impl NewSketches for InMemory {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn commit(self: Box<Self>) -> io::Result<()> {
        lock(&self.files).insert(self.parameters, self.bytes);
        Ok(())
    }
}

fn lock(files: &Files) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Vec<u8>>> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}
