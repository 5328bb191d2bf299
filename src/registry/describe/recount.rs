//! Describing the files of a dataset once more, from what is stored: format, rows and schema have
//! to be what the file table says.

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
use crate::registry::describe::schema::Schemas;
use crate::registry::error::Error;
use crate::registry::integrity::claims::false_claim;
use crate::registry::targets::dataset_file::DatasetFile;
use crate::store::disk::BlobReader;
use crate::wire::limits::DECOMPRESSION_RATIO_MAX;

/// Whether any file has a format, rows or a schema that can be compared.
pub(crate) fn is_worthwhile(manifest: &Manifest, table: &FileTable) -> bool {
    if !manifest.schema.is_empty() {
        return true;
    }
    table
        .files()
        .iter()
        .any(|f| f.format != 0 || f.rows.is_some())
}

/// Describes all files, whose bytes come in order from the front of the dataset. After an error
/// the rest is taken and dropped.
///
/// # Errors
/// [`Error::FalseClaim`] naming the first file that is something else.
pub(crate) fn recount(
    (reader, manifest): (&Arc<BlobReader>, &Arc<Manifest>),
    table: &FileTable,
    pieces: &mpsc::Receiver<Vec<u8>>,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let files: Vec<(u64, &FileEntry)> = table.with_offsets().collect();
    let mut schemas = Schemas::default();
    let mut compare = |start: u64, file: &FileEntry, describer: Describer| {
        let (reader, manifest) = (Arc::clone(reader), Arc::clone(manifest));
        let source = Stoppable {
            file: DatasetFile::new(reader, Arc::clone(&manifest), start, file.clone()),
            progress,
        };
        let found = describer.finish(&source);
        // What was read no further is not what the file is.
        match progress.cancelled() {
            true => Err(Error::Interrupted),
            false => compare(&manifest, file, (found, &source), &mut schemas),
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
            // Whoever reads has failed, and says why.
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

/// A file that cannot be read any further once the work is to stop.
struct Stoppable<'a> {
    file: DatasetFile,
    progress: &'a dyn Progress,
}

impl ReadAt for Stoppable<'_> {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        match self.progress.cancelled() {
            true => Err(io::Error::other("stopped on request")),
            false => self.file.read_at(buf, offset),
        }
    }
}

/// Compares a file with its entry, and notes its schema.
fn compare(
    manifest: &Manifest,
    file: &FileEntry,
    (found, source): (Description, &dyn ReadAt),
    schemas: &mut Schemas,
) -> Result<(), Error> {
    let path = &file.path;
    let claimed = FileFormat::from_number(file.format);
    // Plain bytes are no claim; and there are formats that this program does not know.
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
    // It may be that of all rows, and not of those at the front.
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

/// The schema of all rows of a file; none where they cannot be read.
fn whole_schema(format: FileFormat, source: &dyn ReadAt) -> Option<Schema> {
    let free = TEXT_BYTES_FREE;
    let bytes_max = source.len().saturating_mul(DECOMPRESSION_RATIO_MAX);
    let text = Box::new(InOrder { source, at: 0 });
    let seen = profile_within(format, text, bytes_max.saturating_add(free));
    seen.ok()?.schema()
}

/// Bytes of text that are read whatever the length of the file.
const TEXT_BYTES_FREE: u64 = 64 << 20;

/// A source from its front on.
struct InOrder<'a> {
    source: &'a dyn ReadAt,
    at: u64,
}

impl io::Read for InOrder<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read_at(buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
