//! Describes stored files whose format says its schema and rows at several places of the file.

use std::io;
use std::io::Read;
use std::sync::Arc;

use crate::ident::TreeId;
use crate::inspect::Describer;
use crate::inspect::FileFormat;
use crate::inspect::profile;
use crate::inspect::table::SchemaFrom;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::registry::error::Error;
use crate::registry::intake::fed_file::FedFile;
use crate::registry::intake::reuse::bases::tree_alone;
use crate::registry::targets::places::dataset_file::DatasetFile;
use crate::store::disk::BlobReader;

/// Size of a piece that is read at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Returns true if any file has to be read again.
pub(super) fn is_needed(files: &[FedFile], full_schema: bool) -> bool {
    files
        .iter()
        .any(|file| file.is_undescribed || wants_profile(file, full_schema))
}

fn wants_profile(file: &FedFile, full_schema: bool) -> bool {
    full_schema && matches!(file.schema_from, SchemaFrom::Front(_))
}

/// Describes the files that need it, from the tree of all files.
pub(super) fn describe_stored(
    files: &mut [FedFile],
    (root, size_bytes): (TreeId, u64),
    reader: BlobReader,
    full_schema: bool,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let reader = Arc::new(reader);
    let manifest = Arc::new(tree_alone(root, size_bytes));
    let mut start = 0;
    for file in files {
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        let entry = file.entry.clone();
        let size = entry.size_bytes;
        let stored = DatasetFile::new(Arc::clone(&reader), Arc::clone(&manifest), start, entry);
        if file.is_undescribed {
            describe(file, &stored)?;
        }
        if wants_profile(file, full_schema) {
            let text = Box::new(InOrder {
                stored: &stored,
                at: 0,
            });
            let format = FileFormat::from_number(file.entry.format);
            let seen = profile(format, text).map_err(|e| read_error(file, e))?;
            (file.schema, file.schema_from) = (seen.schema(), SchemaFrom::WholeFile);
        }
        start += size;
    }
    Ok(())
}

fn describe(file: &mut FedFile, stored: &DatasetFile) -> Result<(), Error> {
    let mut describer = Describer::new(&file.entry.path);
    let mut text = InOrder { stored, at: 0 };
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let n = text.read(&mut piece).map_err(|e| read_error(file, e))?;
        if n == 0 {
            break;
        }
        describer.push(piece.get(..n).unwrap_or_default());
    }
    let found = describer.finish(stored);
    file.entry.format = found.format.number();
    file.entry.rows = found.rows;
    (file.schema, file.schema_from) = (found.schema, found.schema_from);
    Ok(())
}

fn read_error(file: &FedFile, error: io::Error) -> Error {
    Error::file("read", std::path::Path::new(&file.entry.path), error)
}

/// A stored file that is read from its front.
struct InOrder<'a> {
    stored: &'a DatasetFile,
    at: u64,
}

impl Read for InOrder<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.stored.read_at(buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
