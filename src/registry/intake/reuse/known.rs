//! Files that the last finished run took in with the promise that the place makes now: their chunks and their
//! entry are used as they are recorded.

use std::collections::HashMap;
use std::sync::Arc;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::inspect::Describer;
use crate::inspect::SchemaMessage;
use crate::inspect::table::SchemaFrom;
use crate::manifest::ChunkEntry;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::manifest::TreeWalk;
use crate::read_at::ReadAt as _;
use crate::registry::index::secrets::FRONT_BYTES;
use crate::registry::index::secrets::SecretWarning;
use crate::registry::index::secrets::suspicion;
use crate::registry::intake::fed_file::FedFile;
use crate::registry::intake::fed_file::warning_of;
use crate::registry::intake::promise::Promise;
use crate::registry::intake::source::SourceItem;
use crate::registry::targets::places::dataset_file::DatasetFile;
use crate::store::disk::BlobReader;

/// Bytes at the front that decide the schema of text.
const HEAD_BYTES: usize = 1 << 20;

/// Files of a dataset that a finished run made, with the promises of then.
pub(in crate::registry::intake) struct RecordedFiles {
    manifest: Arc<Manifest>,
    files: HashMap<String, RecordedFile>,
}

struct RecordedFile {
    start: u64,
    entry: FileEntry,
    promise: Promise,
}

/// A file that need not be read.
pub(in crate::registry::intake) struct KnownFile {
    pub(in crate::registry::intake) chunks: Vec<ChunkEntry>,
    pub(in crate::registry::intake) described: (FedFile, Option<SecretWarning>),
}

impl RecordedFiles {
    /// Collects the large files of a dataset, which have chunks of their own. `promises` has those of
    /// the run by path.
    pub(in crate::registry::intake) fn new(
        manifest: &Manifest,
        table: &FileTable,
        promises: &HashMap<&str, &Promise>,
    ) -> Self {
        let large = table
            .with_offsets()
            .filter(|(_, f)| f.size_bytes >= CHUNK_BYTES_MAX as u64 && f.content_id.is_some());
        let recorded = large.filter_map(|(start, entry)| {
            let file = RecordedFile {
                start,
                entry: entry.clone(),
                promise: (*promises.get(entry.path.as_str())?).clone(),
            };
            Some((entry.path.clone(), file))
        });
        Self {
            files: recorded.collect(),
            manifest: Arc::new(manifest.clone()),
        }
    }

    /// Returns a file with the same promise and size, if its chunks are here. Of its bytes only those
    /// are read that its description needs.
    pub(in crate::registry::intake) fn find(
        &self,
        item: &SourceItem,
        reader: &Arc<BlobReader>,
    ) -> Option<KnownFile> {
        let file = self.files.get(&item.path)?;
        let is_same =
            file.promise.is_same(&item.promise) && item.size_bytes == Some(file.entry.size_bytes);
        if !is_same {
            return None;
        }
        Some(KnownFile {
            chunks: self.chunks(file, reader)?,
            described: self.described(file, item, reader)?,
        })
    }

    /// Returns the chunks, if they begin and end with the file and all of them are here.
    fn chunks(&self, file: &RecordedFile, reader: &BlobReader) -> Option<Vec<ChunkEntry>> {
        let m = &self.manifest;
        let end = file.start + file.entry.size_bytes;
        let (mut chunks, mut next) = (Vec::new(), file.start);
        let walk = TreeWalk::new(reader, m.chunk_tree_root, m.size_bytes, file.start).ok()?;
        for placed in walk {
            let (at, chunk) = placed.ok()?;
            if at != next || at >= end {
                break;
            }
            next += u64::from(chunk.bytes);
            chunks.push(chunk);
            if next == end {
                break;
            }
        }
        let key = |c: &ChunkEntry| BlobKey::new(BlobKind::Chunk, *c.id.as_bytes());
        let keys: Vec<BlobKey> = chunks.iter().map(key).collect();
        let is_here = reader.locate(&keys).ok()?.iter().all(Option::is_some);
        (next == end && is_here).then_some(chunks)
    }

    /// Describes the file by its front and by what its format says, and takes the rest from its entry. A
    /// description that is another one now is made from all bytes.
    fn described(
        &self,
        file: &RecordedFile,
        item: &SourceItem,
        reader: &Arc<BlobReader>,
    ) -> Option<(FedFile, Option<SecretWarning>)> {
        let (reader, manifest) = (Arc::clone(reader), Arc::clone(&self.manifest));
        let entry = &file.entry;
        let stored = DatasetFile::new(reader, manifest, file.start, entry.clone());
        let size = usize::try_from(entry.size_bytes).unwrap_or(usize::MAX);
        let mut front = vec![0; size.min(HEAD_BYTES)];
        let mut filled = 0;
        while let Some(rest) = front.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match stored.read_at(rest, filled as u64) {
                Ok(n) if n > 0 => filled += n,
                _ => return None,
            }
        }
        let mut describer = Describer::new(&item.path);
        describer.push(&front);
        let found = describer.finish(&stored);
        let schema = found.schema.as_ref().map(SchemaMessage::of);
        let hash = match schema {
            Some(Some(message)) => Some(message.hash()),
            _ => None,
        };
        if found.format.number() != entry.format || hash != entry.schema {
            return None;
        }
        let schema_from = match found.schema_from {
            SchemaFrom::Metadata => SchemaFrom::Metadata,
            _ if size > HEAD_BYTES => SchemaFrom::Front(HEAD_BYTES as u64),
            other => other,
        };
        let fed = FedFile {
            entry: FileEntry {
                schema: None,
                ..entry.clone()
            },
            schema: found.schema,
            schema_from,
            is_undescribed: false,
        };
        let start = front.get(..FRONT_BYTES).unwrap_or(&front);
        let warning = suspicion(&item.path, start);
        Some((fed, warning.map(|reason| warning_of(item, reason))))
    }
}
