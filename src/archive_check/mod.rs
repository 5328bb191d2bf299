//! Archives without a registry: the front of one, the check of all of it, and its files as sources of
//! bytes. The module is pure; memory follows the number of chunks and not their bytes.
//!
//! - `open`, `check`: the two ways in; `error` and `words`: refusals
//! - `preamble`, `claims`, `hashing`, `expansion`, `standing`: the checks, which imports share
//! - `frames`, `blobs`, `intake`, `content`: the archive as it comes, and the data in its order

mod blobs;
mod check;
pub(crate) mod claims;
mod content;
mod error;
pub(crate) mod expansion;
mod frames;
pub(crate) mod hashing;
mod intake;
mod open;
pub(crate) mod preamble;
pub(crate) mod standing;
pub(crate) mod words;

pub use check::CheckedArchive;
pub use check::CheckedDataset;
pub use check::Outcome;
pub use check::TrustSettings;
pub use check::check_archive;
pub use content::ArchiveFile;
pub use error::CheckError;
pub use expansion::Expansion;
pub use open::OpenArchive;
pub use open::OpenDataset;
pub use standing::Standing;
