//! Describes the stored files of a dataset again, and compares format, rows and schema with the
//! file table.

use std::io;
use std::sync::Arc;
use std::sync::mpsc;

use arrow_schema::Schema;

use crate::inspect::Describer;
use crate::inspect::Description;
use crate::inspect::FileFormat;
use crate::inspect::SchemaMessage;
use crate::inspect::profile_within;
use crate::inspect::table::SchemaFrom;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::registry::describe::schema::SchemaSet;
use crate::registry::error::Error;
use crate::registry::integrity::claims::false_claim;
use crate::registry::targets::places::dataset_file::DatasetFile;
use crate::store::disk::BlobReader;
use crate::wire::limits::DECOMPRESSION_RATIO_MAX;

/// Returns true if any file has a format, rows or a schema to compare.
pub(crate) fn is_worthwhile(manifest: &Manifest, table: &FileTable) -> bool {
    if !manifest.schema.is_empty() {
        return true;
    }
    table
        .files()
        .iter()
        .any(|f| f.format != 0 || f.rows.is_some())
}

/// Describes all files, whose bytes arrive in order from the front of the dataset. After an error
/// the remaining bytes are dropped.
///
/// # Errors
/// `IntegrityError::FalseClaim` naming the first file that differs.
pub(crate) fn recount(
    (reader, manifest): (&Arc<BlobReader>, &Arc<Manifest>),
    table: &FileTable,
    pieces: &mpsc::Receiver<Vec<u8>>,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let files: Vec<(u64, &FileEntry)> = table.with_offsets().collect();
    let mut schemas = SchemaSet::default();
    let mut compare = |start: u64, file: &FileEntry, describer: Describer| {
        let (reader, manifest) = (Arc::clone(reader), Arc::clone(manifest));
        let source = StoppableRead {
            file: DatasetFile::new(reader, Arc::clone(&manifest), start, file.clone()),
            progress,
        };
        let found = describer.finish(&source);
        // A partly read file proves nothing.
        if progress.cancelled() {
            Err(Error::Interrupted)
        } else {
            compare(&manifest, file, (found, &source), &mut schemas)
        }
    };
    let mut rest = files.as_slice();
    let mut position = 0;
    let mut describer = None;
    let mut piece: &[u8] = &[];
    let mut received;
    while let Some(((start, file), later)) = rest.split_first() {
        let describing = describer.get_or_insert_with(|| Describer::new(&file.path));
        let left = start
            .saturating_add(file.size_bytes)
            .saturating_sub(position);
        if left > 0 && piece.is_empty() {
            // The reader has failed, and reports its own error.
            let Ok(next) = pieces.recv() else {
                return Ok(());
            };
            received = next;
            piece = &received;
            continue;
        }
        let take = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let (now, after) = piece.split_at(take);
        describing.push(now);
        position += now.len() as u64;
        piece = after;
        if now.len() as u64 == left {
            if let Some(describer) = describer.take() {
                compare(*start, file, describer)?;
            }
            rest = later;
        }
    }
    let common = schemas.common();
    match common == manifest.schema {
        true => Ok(()),
        false => {
            let claim = "`schema` is not what its files have in common".to_owned();
            Err(false_claim(manifest, claim))
        }
    }
}

/// A file whose reads fail once the work is to stop.
struct StoppableRead<'a> {
    file: DatasetFile,
    progress: &'a dyn Progress,
}

impl ReadAt for StoppableRead<'_> {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        if self.progress.cancelled() {
            Err(io::Error::other("stopped on request"))
        } else {
            self.file.read_at(buf, offset)
        }
    }
}

/// Compares a file with its entry, and records its schema.
fn compare(
    manifest: &Manifest,
    file: &FileEntry,
    (found, source): (Description, &dyn ReadAt),
    schemas: &mut SchemaSet,
) -> Result<(), Error> {
    let path = &file.path;
    let claimed = FileFormat::from_number(file.format);
    // Plain bytes are no claim, and a newer program may know more formats.
    if file.format == 0 || claimed.number() != file.format {
        return Ok(());
    }
    if found.format != claimed {
        let (claimed, found) = (claimed.name(), found.format.name());
        let claim = format!("`{path}` is listed as {claimed}, and is {found}");
        return Err(false_claim(manifest, claim));
    }
    if found.rows != file.rows {
        let rows = |rows: Option<u64>| rows.map_or_else(|| "no".to_owned(), |n| n.to_string());
        let (claimed, found) = (rows(file.rows), rows(found.rows));
        let claim = format!("`{path}` is listed with {claimed} rows, and has {found}");
        return Err(false_claim(manifest, claim));
    }
    if found.schema.as_ref().and_then(hash_of) == file.schema {
        found.schema.and_then(|schema| schemas.add(schema));
        return Ok(());
    }
    // The entry may have the schema of all rows, which differs from that of the first rows.
    let whole = match found.schema_from {
        SchemaFrom::Front(_) => whole_schema(found.format, source),
        _ => None,
    };
    if file.schema.is_none() || whole.as_ref().and_then(hash_of) != file.schema {
        let claim = format!("`{path}` is listed with another schema than it has");
        return Err(false_claim(manifest, claim));
    }
    whole.and_then(|schema| schemas.add(schema));
    Ok(())
}

fn hash_of(schema: &Schema) -> Option<[u8; 32]> {
    SchemaMessage::of(schema).map(|message| message.hash())
}

/// Returns the schema of all rows of a file, or `None` if they cannot be read.
fn whole_schema(format: FileFormat, source: &dyn ReadAt) -> Option<Schema> {
    let free = TEXT_BYTES_FREE;
    let bytes_max = source.len().saturating_mul(DECOMPRESSION_RATIO_MAX);
    let text = Box::new(SequentialRead { source, at: 0 });
    let seen = profile_within(format, text, bytes_max.saturating_add(free));
    seen.ok()?.schema()
}

/// Bytes of text that are read regardless of the file's length.
const TEXT_BYTES_FREE: u64 = 64 << 20;

/// A source that is read from its front.
struct SequentialRead<'a> {
    source: &'a dyn ReadAt,
    at: u64,
}

impl io::Read for SequentialRead<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read_at(buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
