//! What tests do to the files of a simulated disk behind its back.

use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;

use crate::store::disk::io::sim::Inode;
use crate::store::disk::io::sim::Shared;
use crate::store::disk::io::sim::SimDisk;
use crate::store::disk::io::sim::State;

impl SimDisk {
    /// Another disk with the same files, everything synced.
    pub(crate) fn copy(&self) -> Self {
        let state = self.state();
        let inodes = state.inodes.iter().map(|inode| Inode {
            data: inode.data.clone(),
            synced: inode.data.clone(),
            ..Inode::default()
        });
        let copied = State {
            inodes: inodes.collect(),
            names: state.names.clone(),
            names_synced: state.names.clone(),
            ..State::default()
        };
        Self(Arc::new(Shared {
            state: Mutex::new(copied),
            unlocked: Condvar::new(),
        }))
    }

    /// The bytes of a file.
    pub(crate) fn contents(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state();
        let inode = state.names.get(path)?;
        Some(state.inodes[*inode].data.clone())
    }

    /// Makes a file, for good.
    pub(crate) fn create(&self, path: &str, bytes: &[u8]) {
        let mut state = self.state();
        state.inodes.push(Inode::default());
        let inode = state.inodes.len() - 1;
        state.names.insert(path.to_owned(), inode);
        state.names_synced.insert(path.to_owned(), inode);
        drop(state);
        self.overwrite(path, bytes);
    }

    /// Puts other bytes in the place of a file's, for good.
    pub(crate) fn overwrite(&self, path: &str, bytes: &[u8]) {
        let mut state = self.state();
        let inode = state.names[path];
        let inode = &mut state.inodes[inode];
        inode.data = bytes.to_vec();
        inode.synced = bytes.to_vec();
        inode.pending.clear();
    }

    /// Removes a file for good.
    pub(crate) fn remove_file(&self, path: &str) {
        let mut state = self.state();
        state.names.remove(path);
        state.names_synced.remove(path);
    }
}
