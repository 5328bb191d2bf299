//! Collections of documents as datasets.

use std::fs::File;
use std::io::BufWriter;
use std::io::Write as _;
use std::path::PathBuf;

use crate::documents::Layout;
use crate::documents::snapshot_into;
use crate::registry::SpillDirectory;
use crate::registry::error::Error;

/// A file with the documents of a collection, which goes when this value does.
pub(in crate::registry) struct Snapshot {
    pub(in crate::registry) directory: SpillDirectory,
    pub(in crate::registry) path: PathBuf,
    pub(in crate::registry) size_bytes: u64,
}

impl Snapshot {
    /// Writes the live documents of a collection into a file `NAME.jsonl`, in the order of the log. The order
    /// is the same after a compaction, so that the next version shares its chunks.
    pub(in crate::registry) fn take(
        layout: &Layout,
        home: &std::path::Path,
    ) -> Result<Self, Error> {
        let directory = SpillDirectory::create(home)?;
        let path = directory.path().join(format!("{}.jsonl", layout.name()));
        let fail = |e| Error::file("write", &path, e);
        let mut to = BufWriter::with_capacity(1 << 20, File::create_new(&path).map_err(fail)?);
        snapshot_into(layout, &mut to)?;
        to.flush().map_err(fail)?;
        let size_bytes = path.metadata().map_err(fail)?.len();
        Ok(Self {
            directory,
            path,
            size_bytes,
        })
    }
}
