//! A file on its way into the pipeline: hashes, format, promises and secrets while its bytes pass.

use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use arrow_schema::Schema;

use crate::ident::ContentId;
use crate::inspect::Describer;
use crate::inspect::Description;
use crate::inspect::table::SchemaFrom;
use crate::manifest::FileEntry;
use crate::read_at::ReadAt;
use crate::registry::error::Error;
use crate::registry::index::secrets::FRONT_BYTES;
use crate::registry::index::secrets::SecretWarning;
use crate::registry::index::secrets::suspicion;
use crate::registry::intake::error::IntakeError;
use crate::registry::intake::promise::PromiseCheck;
use crate::registry::intake::source::SourceItem;

/// A file that was stored.
pub(super) struct FedFile {
    pub(super) entry: FileEntry,
    pub(super) schema: Option<Schema>,
    pub(super) schema_from: SchemaFrom,
    /// True where the description needs bytes at other places, which are in the store now.
    pub(super) is_undescribed: bool,
}

/// A large file while its bytes pass.
pub(super) struct StreamedFile {
    describer: Describer,
    hasher: blake3::Hasher,
    check: PromiseCheck,
    pub(super) front: Vec<u8>,
    /// Number of first bytes to keep.
    front_bytes_max: usize,
    pub(super) size_bytes: u64,
}

impl StreamedFile {
    pub(super) fn new(item: &SourceItem, card_bytes_max: Option<usize>) -> Self {
        Self {
            describer: Describer::new(&item.path),
            hasher: blake3::Hasher::new(),
            check: PromiseCheck::new(&item.promise, item.size_bytes),
            front: Vec::new(),
            front_bytes_max: card_bytes_max.unwrap_or(FRONT_BYTES),
            size_bytes: 0,
        }
    }

    pub(super) fn push(&mut self, piece: &[u8]) {
        self.hasher.update(piece);
        self.check.push(piece);
        self.describer.push(piece);
        let room = self.front_bytes_max.saturating_sub(self.front.len());
        let wanted = room.min(piece.len());
        let front = piece.get(..wanted).unwrap_or_default();
        self.front.extend_from_slice(front);
        self.size_bytes += piece.len() as u64;
    }

    pub(super) fn finish(
        self,
        item: &SourceItem,
        has_md5: bool,
    ) -> Result<(FedFile, Option<SecretWarning>), Error> {
        let kept = self.check.finish(has_md5);
        kept.map_err(|hashes| IntakeError::broken_promise(&item.path, hashes))?;
        let later = NotYet {
            size_bytes: self.size_bytes,
            is_asked: AtomicBool::new(false),
        };
        let found = self.describer.finish(&later);
        let is_undescribed = later.is_asked.into_inner();
        let hash = *self.hasher.finalize().as_bytes();
        let file = fed_file(item, (self.size_bytes, hash), found, is_undescribed);
        let warning = suspicion(&item.path, &self.front);
        Ok((file, warning.map(|reason| warning_of(item, reason))))
    }
}

/// A file that cannot be read at a place before it is stored.
struct NotYet {
    size_bytes: u64,
    is_asked: AtomicBool,
}

impl ReadAt for NotYet {
    fn len(&self) -> u64 {
        // A description that is made of the length alone would be wrong too.
        self.is_asked.store(true, Ordering::Relaxed);
        self.size_bytes
    }

    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
        self.is_asked.store(true, Ordering::Relaxed);
        Err(io::ErrorKind::Unsupported.into())
    }
}

pub(super) fn fed_file(
    item: &SourceItem,
    (size_bytes, hash): (u64, [u8; 32]),
    found: Description,
    is_undescribed: bool,
) -> FedFile {
    FedFile {
        entry: FileEntry {
            path: item.path.clone(),
            size_bytes,
            content_id: Some(ContentId::new(hash)),
            format: found.format.number(),
            rows: found.rows,
            schema: None,
        },
        schema: found.schema,
        schema_from: found.schema_from,
        is_undescribed,
    }
}

pub(super) fn warning_of(item: &SourceItem, reason: &'static str) -> SecretWarning {
    SecretWarning {
        path: item.path.clone().into(),
        reason,
    }
}
