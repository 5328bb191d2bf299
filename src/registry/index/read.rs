//! Reads the files of a dataset. Large ones go piece by piece into the pipeline. Several threads
//! read runs of small ones, because opening them takes most of the time.

use std::fs::File;
use std::io::Read;
use std::sync::mpsc;

use arrow_schema::Schema;

use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::file_io::open_plain;
use crate::ident::ContentId;
use crate::inspect::Describer;
use crate::inspect::Description;
use crate::inspect::profile;
use crate::inspect::table::SchemaFrom;
use crate::locks::threads;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::progress::Progress;
use crate::registry::describe::schema::SchemaSet;
use crate::registry::error::Error;
use crate::registry::error::skipped::SkipReason;
use crate::registry::error::skipped::Skipped;
use crate::registry::error::source::SourceError;
use crate::registry::index::homes::is_key_file;
use crate::registry::index::secrets::FRONT_BYTES;
use crate::registry::index::secrets::SecretWarning;
use crate::registry::index::secrets::suspicion;
use crate::registry::index::source_file::SourceFile;
use crate::registry::index::source_file::SourceStamp;
use crate::registry::store_pipeline::chunker::Chunker;

/// Number of small files that one thread reads before it passes them on.
const GROUP_FILES: usize = 256;

/// A file's entry, its schema if it has one, and the source of that schema.
pub(in crate::registry) type ReadFile = (FileEntry, Option<Schema>, SchemaFrom);

/// Small files with their content.
pub(in crate::registry) struct SmallFiles {
    /// Concatenated bytes of the files.
    pub(in crate::registry) data: Vec<u8>,
    pub(in crate::registry) files: Vec<ReadFile>,
    pub(in crate::registry) secrets: Secrets,
}

/// Secrets found among the files.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    /// Secret keys of registries, which were skipped.
    pub keys: Vec<Skipped>,
    /// Files that look like secrets, which were indexed.
    pub warnings: Vec<SecretWarning>,
}

impl Secrets {
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.warnings.is_empty()
    }

    pub(in crate::registry) fn append(&mut self, mut more: Self) {
        self.keys.append(&mut more.keys);
        self.warnings.append(&mut more.warnings);
    }

    fn look_at(&mut self, source: &SourceFile, front: &[u8]) {
        let real_path = source.real_path.as_deref().unwrap_or_default();
        let found = suspicion(&source.path, front).or_else(|| suspicion(real_path, b""));
        if let Some(reason) = found {
            self.warnings.push(SecretWarning {
                path: source.at.clone(),
                reason,
            });
        }
    }
}

/// Result of reading files.
pub(crate) struct ReadFiles {
    pub table: FileTable,
    pub schemas: SchemaSet,
    /// Source of the column types.
    pub schema_from: SchemaFrom,
    pub secrets: Secrets,
}

/// Feeds all files in order, except secret keys of registries.
pub(crate) fn read_all(
    chunker: &mut Chunker<'_>,
    files: &[SourceFile],
    full_schema: bool,
    progress: &dyn Progress,
) -> Result<ReadFiles, Error> {
    let mut secrets = Secrets::default();
    let mut entries = Vec::with_capacity(files.len());
    let mut schemas = SchemaSet::default();
    let mut schema_from = SchemaFrom::Metadata;
    let mut keep = |(mut entry, schema, from): ReadFile| {
        schema_from = schema_from.max(from);
        entry.schema = schema.and_then(|s| schemas.add(s));
        entries.push(entry);
    };
    for run in files.chunk_by(|a, b| is_small(a) && is_small(b)) {
        match run {
            [only] if !is_small(only) => {
                // A large file starts and ends at a cut, so that it has the same chunks in every
                // dataset.
                chunker.end_region();
                keep(read_large(
                    chunker,
                    only,
                    (full_schema, &mut secrets),
                    progress,
                )?);
                chunker.end_region();
            }
            _ => each_group(run, full_schema, progress, &mut |group| {
                chunker.append(&group.data);
                group.files.into_iter().for_each(&mut keep);
                secrets.append(group.secrets);
            })?,
        }
    }
    Ok(ReadFiles {
        table: FileTable::new(entries)?,
        schemas,
        schema_from,
        secrets,
    })
}

fn is_small(file: &SourceFile) -> bool {
    file.seen.size_bytes < CHUNK_BYTES_MAX as u64
}

/// Feeds a large file, piece by piece.
pub(in crate::registry) fn read_large(
    chunker: &mut Chunker<'_>,
    source: &SourceFile,
    (full_schema, secrets): (bool, &mut Secrets),
    progress: &dyn Progress,
) -> Result<ReadFile, Error> {
    let fail = |e| Error::file("read", &source.at, e);
    let file = open_plain(&source.at).map_err(fail)?;
    let mut describer = Describer::new(&source.path);
    let mut hasher = blake3::Hasher::new();
    let (mut cancelled, mut front) = (false, Vec::new());
    let size_bytes = chunker
        .read_from(&file, |piece| {
            hasher.update(piece);
            describer.push(piece);
            let wanted = FRONT_BYTES.saturating_sub(front.len()).min(piece.len());
            front.extend_from_slice(piece.get(..wanted).unwrap_or_default());
            progress.advance(piece.len() as u64);
            cancelled |= progress.cancelled();
        })
        .map_err(fail)?;
    if cancelled {
        return Err(Error::Interrupted);
    }
    secrets.look_at(source, &front);
    let mut found = describer.finish(&file);
    if full_schema && matches!(found.schema_from, SchemaFrom::Front(_)) {
        let again = open_plain(&source.at).map_err(fail)?;
        take_all_types(&mut found, Box::new(again)).map_err(fail)?;
    }
    check_unchanged(source, &file, size_bytes)?;
    Ok(entry(source, *hasher.finalize().as_bytes(), found))
}

/// Infers column types from all rows.
fn take_all_types(found: &mut Description, text: Box<dyn Read + '_>) -> std::io::Result<()> {
    let seen = profile(found.format, text)?;
    (found.schema, found.schema_from) = (seen.schema(), SchemaFrom::WholeFile);
    Ok(())
}

fn check_unchanged(source: &SourceFile, file: &File, size_bytes: u64) -> Result<(), Error> {
    let after = file.metadata();
    let after = SourceStamp::of(&after.map_err(|e| Error::file("read", &source.at, e))?);
    if after == source.seen && size_bytes == source.seen.size_bytes {
        Ok(())
    } else {
        Err(Error::Source(SourceError::Changed(source.at.clone())))
    }
}

fn entry(source: &SourceFile, hash: [u8; 32], found: Description) -> ReadFile {
    let entry = FileEntry {
        path: source.path.clone(),
        size_bytes: source.seen.size_bytes,
        content_id: Some(ContentId::new(hash)),
        format: found.format.number(),
        rows: found.rows,
        schema: None,
    };
    (entry, found.schema, found.schema_from)
}

/// Reads a run of small files in concurrent groups. The groups arrive in order.
fn each_group(
    run: &[SourceFile],
    full_schema: bool,
    progress: &dyn Progress,
    each: &mut dyn FnMut(SmallFiles),
) -> Result<(), Error> {
    let groups: Vec<&[SourceFile]> = run.chunks(GROUP_FILES).collect();
    if let [only] = groups.as_slice() {
        each(read_group(only, full_schema, progress)?);
        return Ok(());
    }
    let readers = threads();
    std::thread::scope(|scope| {
        // Reader number n takes every n-th group and has a short queue of its own, so that groups
        // arrive in order and no reader runs far ahead.
        let queues: Vec<mpsc::Receiver<_>> = (0..readers)
            .map(|first| {
                let (queue, read) = mpsc::sync_channel(2);
                let own = groups.iter().skip(first).step_by(readers);
                scope.spawn(move || {
                    for group in own {
                        let done = read_group(group, full_schema, progress);
                        let failed = done.is_err();
                        // The receiver is gone after another reader failed.
                        if queue.send(done).is_err() || failed {
                            break;
                        }
                    }
                });
                read
            })
            .collect();
        for queue in queues.iter().cycle().take(groups.len()) {
            let panicked = |_| Error::WorkerPanicked("reading");
            each(queue.recv().map_err(panicked)??);
        }
        Ok(())
    })
}

/// Reads small files.
pub(in crate::registry) fn read_group(
    files: &[SourceFile],
    full_schema: bool,
    progress: &dyn Progress,
) -> Result<SmallFiles, Error> {
    if progress.cancelled() {
        return Err(Error::Interrupted);
    }
    let total = files.iter().map(|f| f.seen.size_bytes).sum();
    let mut group = SmallFiles {
        // Sizes below CHUNK_BYTES_MAX each.
        data: Vec::with_capacity(usize::try_from(total).unwrap_or(0)),
        files: Vec::with_capacity(files.len()),
        secrets: Secrets::default(),
    };
    for source in files {
        let start = group.data.len();
        read_small(source, &mut group.data)?;
        let bytes = group.data.get(start..).unwrap_or_default();
        let name = source.path.rsplit('/').next().unwrap_or_default();
        // A key is recognised behind a link of another name.
        let real_path = source.real_path.as_deref().unwrap_or_default();
        let real_name = real_path.rsplit('/').next().unwrap_or_default();
        if is_key_file(name, bytes) || is_key_file(real_name, bytes) {
            group.secrets.keys.push(Skipped {
                path: source.at.clone(),
                why: SkipReason::KeyFile,
            });
            group.data.truncate(start);
            continue;
        }
        group.secrets.look_at(source, bytes);
        let mut describer = Describer::new(&source.path);
        describer.push(bytes);
        let hash = *blake3::hash(bytes).as_bytes();
        let mut found = describer.finish(&bytes);
        if full_schema && matches!(found.schema_from, SchemaFrom::Front(_)) {
            let taken = take_all_types(&mut found, Box::new(bytes));
            taken.map_err(|e| Error::file("read", &source.at, e))?;
        }
        group.files.push(entry(source, hash, found));
    }
    progress.advance(total);
    Ok(group)
}

/// Appends a file's bytes.
fn read_small(source: &SourceFile, data: &mut Vec<u8>) -> Result<(), Error> {
    let fail = |e| Error::file("read", &source.at, e);
    let file = open_plain(&source.at).map_err(fail)?;
    let (start, size) = (data.len(), source.seen.size_bytes);
    // One extra byte detects that the file grew.
    (&file).take(size + 1).read_to_end(data).map_err(fail)?;
    check_unchanged(source, &file, (data.len() - start) as u64)
}
