//! Drafts the manifest of stored files.

use std::collections::BTreeMap;

use crate::blob_store::BlobKind;
use crate::card::Card;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::SeriesId;
use crate::ident::TreeId;
use crate::manifest::DatasetKind;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::manifest::Provenance;
use crate::manifest::Totals;
use crate::registry::LocalRegistry;
use crate::registry::delta::parent::ParentTree;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::index::options::IndexOptions;
use crate::registry::metadata;
use crate::registry::store_pipeline::pipeline::ingest;
use crate::store::disk::SessionStats;
use crate::store::disk::WriteSession;
use crate::trust::KeyPair;

/// Files whose chunks are stored.
pub(crate) struct StoredFiles {
    pub(crate) kind: DatasetKind,
    pub(crate) table: FileTable,
    /// The schema that they have in common, as a message.
    pub(crate) schema: Vec<u8>,
    pub(crate) root: TreeId,
    pub(crate) totals: Totals,
}

/// Further content of a manifest.
pub(crate) struct DraftWords<'a> {
    pub(crate) name: DatasetName,
    pub(crate) card: Option<&'a [u8]>,
    pub(crate) source: Option<Provenance>,
    pub(crate) options: &'a IndexOptions,
}

impl LocalRegistry {
    /// Stores the file table and the card, and drafts the manifest. Returns it with the figures of the
    /// session before the card, or `None` if a file has no hash, because it was not read.
    pub(crate) fn draft_manifest(
        &self,
        session: &WriteSession,
        files: &StoredFiles,
        (table_before, near): (Option<&ParentTree>, &SimilarityIndex),
        words: DraftWords<'_>,
    ) -> Result<Option<(Manifest, SessionStats)>, Error> {
        let DraftWords {
            name,
            card,
            source,
            options,
        } = words;
        let encoded = files.table.encode()?;
        let ((), table_root, _) = ingest(session, table_before, near, |chunker| {
            chunker.append(&encoded);
            Ok(())
        })?;
        let stats = session.stats();
        let Some(content_id) = files.table.content_id(files.kind) else {
            return Ok(None);
        };
        let said = card.map(Card::read);
        let card = card
            .map(|bytes| session.add(BlobKind::Card, bytes))
            .transpose()?;
        let mut tags = options.tags.clone();
        tags.extend(said.iter().flat_map(metadata::card_tags));
        tags.sort();
        tags.dedup();
        let draft = Manifest {
            name,
            dataset_version: options
                .version
                .clone()
                .unwrap_or_else(DatasetVersion::first),
            dataset_kind: files.kind,
            content_id,
            chunk_tree_root: files.root,
            file_table_root: table_root,
            file_table_bytes: encoded.len() as u64,
            num_files: files.table.files().len() as u64,
            schema: files.schema.clone(),
            num_rows: files.table.rows(),
            size_bytes: files.totals.bytes,
            description: options.description.clone().filter(|d| !d.is_empty()),
            license: match &options.license {
                Some(given) => Some(given.clone()).filter(|l| !l.is_empty()),
                None => said.as_ref().and_then(Card::license).map(str::to_owned),
            },
            tags,
            card: card.map(|key| key.id),
            series: SeriesId::new(host::random().map_err(Error::Random)?),
            seq: 1,
            prev: Vec::new(),
            clock: BTreeMap::new(),
            created_at: host::now(),
            signer: options.sign_with.as_ref().map(KeyPair::public_key),
            source,
        };
        if let Some(pair) = &options.sign_with {
            self.may_sign(&draft, pair)?;
        }
        Ok(Some((draft, stats)))
    }
}
