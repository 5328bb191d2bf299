//! Cache of blocks on disk, under the home. It saves time, and may be lost at any moment: a block is
//! used only if it has its checksum, and a full disk only ends the keeping.
//!
//! - `blocks`: the blocks of one state of one file; `queue`: those that are not written yet
//! - `heads`: the states that files had last
//! - `budget`: the files that were not used for the longest time go first

mod blocks;
mod budget;
mod heads;
mod queue;

use crate::ident::to_hex;

pub(crate) use blocks::BlockFile;
pub(crate) use budget::keep_within;
pub(crate) use heads::Head;
pub(crate) use queue::KeptBlocks;

/// Returns the name of the files for a text.
fn name_of(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let hash = hasher.finalize();
    let name = hash.as_bytes().first_chunk::<16>();
    to_hex(name.map_or(&[], |n| n.as_slice()))
}

#[cfg(test)]
mod tests;
