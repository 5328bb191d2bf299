//! Pull of one dataset. The dataset becomes visible only after all of it is stored and matches its
//! manifest. An interrupted pull resumes: the next one finds the chunks that were stored
//! (`fetch.rs` takes those before it asks a peer).

use std::path::Path;
use std::path::PathBuf;
use std::time::Instant;

use crate::archive_check::hashing::FileHasher;
use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::Merged;
use crate::catalog::PartialHolding;
use crate::catalog::RegisterKey;
use crate::clock::Timestamp;
use crate::file_io::IfExists;
use crate::ident::BlobId;
use crate::ident::ContentId;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::pack::Flags;
use crate::progress::Progress;
use crate::protocol::Access;
use crate::protocol::ChunkSource;
use crate::protocol::PeerError;
use crate::protocol::TreeKind;
use crate::registry::checkout::streaming::STREAMED_FILES_MAX;
use crate::registry::checkout::streaming::StreamingCheckout;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::error::Error;
use crate::registry::error::integrity::IntegrityError;
use crate::registry::error::node::NodeError;
use crate::registry::host;
use crate::registry::integrity::claims;
use crate::registry::integrity::claims::attribute_to_signer;
use crate::registry::peers::Peers;
use crate::registry::peers::client::accepted_offer::AcceptedOffer;
use crate::registry::peers::client::downloader::TreeDownloader;
use crate::registry::peers::client::offers::Offer;
use crate::registry::peers::client::peer_state::PullPeer;
use crate::registry::peers::client::peer_state::SourceReport;
use crate::registry::peers::client::peer_state::retry_if_busy;
use crate::registry::peers::client::prefetch::Prefetch;
use crate::registry::peers::client::prefetch::PrefetchRequests;
use crate::registry::peers::tree_nodes::node_key;
use crate::registry::peers::tree_nodes::tree_of;
use crate::registry::publishing::sign;
use crate::registry::step::Step;
use crate::registry::working_copy::FileSelection;
use crate::store::disk::BlobReader;
use crate::store::disk::WriteSession;
use crate::trust::Origin;

/// Options of a pull.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PullOptions {
    /// Do not share the dataset with peers, regardless of its manifest.
    pub private: bool,
    /// Also write the files to this path, as a checkout does.
    pub output: Option<PathBuf>,
    /// Accept a dataset that is far larger than the bytes sent for it.
    pub allow_large: bool,
    /// Action if a plain file is in the way.
    pub if_exists: IfExists,
}

impl PullOptions {
    /// Creates options for a pull that also writes the files to a path.
    pub fn into_path(output: PathBuf) -> Self {
        Self {
            output: Some(output),
            ..Self::default()
        }
    }
}

/// Result of a pull.
#[derive(Clone, Debug)]
pub struct PullReport {
    /// Content id of the pulled dataset.
    pub content_id: ContentId,
    /// Chunks that came from peers. A chunk counts once in each window.
    pub chunks_fetched: u64,
    /// Chunks that were already held.
    pub chunks_local: u64,
    /// Report on each peer.
    pub sources: Vec<SourceReport>,
    /// Duration in seconds.
    pub seconds: f64,
}

impl Peers<'_> {
    /// Pulls an accepted offer from peers that have it.
    ///
    /// # Errors
    /// [`Error::Peer`] when no usable peer is left. [`Error::SignedLie`] when everything arrived
    /// and does not match its manifest. [`IntegrityError::TooLarge`] when the size needs a person's consent.
    /// Received chunks stay in the store for the next pull, as a partial holding of a large dataset.
    pub fn pull(
        &self,
        accepted: &AcceptedOffer,
        sources: &[&dyn ChunkSource],
        options: PullOptions,
        progress: &dyn Progress,
    ) -> Result<PullReport, Error> {
        let offer = accepted.offer();
        let _step = Step::begin("pull", &offer.manifest().name);
        let started: Instant = host::instant();
        let prefetches: Vec<Prefetch<'_>> = sources.iter().map(|s| Prefetch::new(*s)).collect();
        let pauses = self.registry.sizes.reconnect_pauses;
        let peers: Vec<PullPeer<'_>> = prefetches
            .iter()
            .map(|s| PullPeer::new(s as &dyn ChunkSource, pauses))
            .collect();
        let session = WriteSession::begin(&self.registry.store)?;
        let from_listed = sources.iter().any(|s| s.access() == Access::Listed);
        let noted = self.note_pull(offer, options.private || from_listed)?;
        // A slow peer must not hold up the data of the others.
        let alone = prefetches.first().filter(|_| prefetches.len() == 1);
        let from = (alone, peers.as_slice());
        let gathered = self.gather(offer, &session, from, &options, progress);
        let fetched = match gathered {
            Ok(fetched) => fetched,
            Err(error) => {
                // Commit the received chunks, and return the first error.
                let bytes = session.stats().new_bytes;
                let _ = session.commit(|tables, _| match noted {
                    Some(row) => {
                        let row = PartialHolding { bytes, ..row };
                        Ok::<_, Error>(catalog::note_partial(tables, &row, u64::MAX).map(drop)?)
                    }
                    None => Ok(()),
                });
                // Every chunk of the peers was verified. If the whole does not match, the manifest
                // is wrong.
                return Err(attribute_to_signer(error, offer.listed.publisher()));
            }
        };
        let flags = Flags {
            private: options.private || from_listed,
            foreign: true,
            shared: false,
        };
        self.publish_pulled(session, accepted, flags)?;
        match (&fetched.placed, &options.output) {
            (Some((at, when)), _) => self.note_pulled((at, *when), &offer.listed.dataset),
            (None, Some(dest)) => {
                let dest = (dest.as_path(), options.if_exists);
                self.registry.working_copies().checkout_over(
                    &offer.listed.dataset,
                    None,
                    dest,
                    progress,
                )?;
            }
            (None, None) => {}
        }
        Ok(PullReport {
            content_id: offer.manifest().content_id,
            chunks_fetched: fetched.fetched,
            chunks_local: fetched.local,
            sources: peers.iter().map(|s| s.report().clone()).collect(),
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    fn gather(
        &self,
        offer: &Offer,
        session: &WriteSession,
        (prefetches, peers): (Option<&Prefetch<'_>>, &[PullPeer<'_>]),
        options: &PullOptions,
        progress: &dyn Progress,
    ) -> Result<GatheredDataset, Error> {
        let reader = BlobReader::new(&self.registry.store)?;
        let similarity = SimilarityIndex::open(&self.registry.store)?;
        let m = offer.manifest();
        let parent = [TreeKind::Table, TreeKind::Data].map(|tree| self.held_parent(offer, tree));
        let [table_parent, data_parent] = parent;
        let (table_parent, data_parent) = (table_parent?, data_parent?);
        let pulling = |tree, progress| TreeDownloader {
            session,
            similarity: &similarity,
            reader: &reader,
            manifest: m,
            envelope: offer.envelope_id(),
            tree,
            peers,
            parent: match tree {
                TreeKind::Table => table_parent.as_ref(),
                TreeKind::Data => data_parent.as_ref(),
            },
            files: None,
            allow_large: options.allow_large,
            sizes: self.registry.sizes,
            progress,
        };
        let trees = [
            (TreeKind::Table, table_parent.is_some()),
            (TreeKind::Data, data_parent.is_some()),
        ];
        if let Some(prefetches) = prefetches {
            prefetches.ask(&prefetch_requests(offer, session, trees)?, &|| {
                progress.cancelled()
            });
        }
        fetch_card(offer, session, peers)?;
        let mut bytes = Vec::new();
        let quiet = SilentProgress(progress);
        pulling(TreeKind::Table, &quiet).run(&mut |data| {
            bytes.extend_from_slice(data);
            Ok(())
        })?;
        let table = claims::table_of(&bytes, m)?;
        claims::check_table(m, &table)?;
        drop(bytes);
        let phase = match peers {
            [only] => format!("pulling from {}", only.source.address()),
            several => format!("pulling from {} peers", several.len()),
        };
        progress.phase(&phase, Some(m.size_bytes));
        let files: Vec<(u64, &FileEntry)> = table.with_offsets().collect();
        let mut hashing = FileHasher::new(&files, 0);
        let mut streaming = match &options.output {
            Some(dest) if is_streamed(offer) => {
                StreamingCheckout::new(&files, m.dataset_kind, (dest, options.if_exists))?
            }
            _ => None,
        };
        let pulling = TreeDownloader {
            files: Some(&table),
            ..pulling(TreeKind::Data, progress)
        };
        let fetched = pulling.run(&mut |data| {
            hashing.push(data);
            streaming.as_mut().map_or(Ok(()), |s| s.push(data))
        })?;
        check_ids(m, &table, hashing.into_ids())?;
        let placed_at = host::now();
        let placed = streaming.map(StreamingCheckout::finish).transpose()?;
        Ok(GatheredDataset {
            fetched: fetched.fetched,
            local: fetched.local,
            placed: placed.map(|at| (at, placed_at)),
        })
    }

    /// Records the files that were written during the pull.
    fn note_pulled(&self, at: (&Path, Timestamp), dataset: &Dataset) {
        let Ok(reader) = BlobReader::new(&self.registry.store) else {
            return;
        };
        if let Ok(table) = self.registry.files_by(&reader, &dataset.manifest)
            && let Ok(chosen) = FileSelection::of(&table, &dataset.manifest, None)
        {
            self.registry.note_checkout(at, dataset, None, &chosen);
        }
    }

    fn publish_pulled(
        &self,
        session: WriteSession,
        accepted: &AcceptedOffer,
        flags: Flags,
    ) -> Result<(), Error> {
        let salt: [u8; 16] = host::random().map_err(Error::Random)?;
        let admitted = accepted.admitted();
        session.commit(|tables, entries| {
            let held = catalog::of_register(tables, admitted.manifest(), admitted.origin())?;
            // A private dataset stays private, and the mark for local origin stays.
            let mut flags = held.as_ref().map_or(flags, |h| h.flags);
            let key = RegisterKey::of(admitted.manifest(), Origin::Elsewhere);
            let partial = catalog::partial_of(tables, key)?;
            flags.private |= held.is_none() && partial.is_some_and(|p| p.is_private);
            let merged = sign::publish(tables, entries, admitted, flags)?;
            if let (Merged::Replaced(_), Some(held)) = (merged, held) {
                sign::retire(entries, salt, &held);
            }
            Ok(catalog::remove_remote_manifests(
                tables,
                &[admitted.envelope().id()],
            )?)
        })
    }
}

/// Result of gathering a dataset's bytes.
struct GatheredDataset {
    /// Number of chunks that arrived, and number that were held.
    fetched: u64,
    local: u64,
    /// Path and time of the files that were written during the pull, if any.
    placed: Option<(PathBuf, Timestamp)>,
}

/// Returns true if the files are written while they arrive.
fn is_streamed(offer: &Offer) -> bool {
    offer.manifest().num_files <= STREAMED_FILES_MAX
}

/// Progress without output: the bar does not count the file table.
struct SilentProgress<'a>(&'a dyn Progress);

impl Progress for SilentProgress<'_> {
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// Returns the requests that need only the manifest and whose data is not held. Trees with a held
/// parent version are excluded, because they are requested as deltas.
fn prefetch_requests(
    offer: &Offer,
    session: &WriteSession,
    trees: [(TreeKind, bool); 2],
) -> Result<PrefetchRequests, Error> {
    let (envelope, manifest) = (offer.envelope_id(), offer.manifest());
    let mut requests = PrefetchRequests::default();
    if absent_card(offer, session)?.is_some() {
        requests.card(envelope);
    }
    for (tree, has_before) in trees {
        let (root, _) = tree_of(manifest, tree);
        if !has_before && session.has(&[node_key(root)])? != [true] {
            requests.tree(envelope, manifest, tree);
        }
    }
    Ok(requests)
}

/// Returns the id of the card if there is one that is not held.
fn absent_card(offer: &Offer, session: &WriteSession) -> Result<Option<BlobId>, Error> {
    let Some(id) = offer.manifest().card else {
        return Ok(None);
    };
    let key = crate::blob_store::BlobKey::new(BlobKind::Card, *id.as_bytes());
    Ok((session.has(&[key])? != [true]).then_some(id))
}

fn fetch_card(offer: &Offer, session: &WriteSession, peers: &[PullPeer<'_>]) -> Result<(), Error> {
    let Some(id) = absent_card(offer, session)? else {
        return Ok(());
    };
    let mut last = None;
    for peer in peers {
        let card = retry_if_busy(|| peer.source.card(&offer.envelope_id()));
        let card = card.and_then(|bytes| {
            if BlobId::of(&bytes) == id {
                Ok(bytes)
            } else {
                Err(PeerError::Misbehaved("a card that is not what its id says"))
            }
        });
        match card {
            Ok(bytes) => {
                session.add(BlobKind::Card, &bytes)?;
                return Ok(());
            }
            Err(source) => {
                if source.is_misconduct() {
                    peer.give_up(&source);
                }
                let address = peer.source.address();
                last = Some(Error::Peer { address, source });
            }
        }
    }
    Err(last.unwrap_or(Error::Node(NodeError::NoPeer)))
}

/// Checks that the ids of the files and of the content match the manifest.
fn check_ids(m: &Manifest, table: &FileTable, ids: Vec<ContentId>) -> Result<(), Error> {
    let mut whole = table.clone();
    if ids.len() != table.files().len() {
        return Err(mismatch(m, "(file table)"));
    }
    for (n, (file, id)) in table.files().iter().zip(ids).enumerate() {
        if file.content_id.is_some_and(|claimed| claimed != id) {
            return Err(mismatch(m, &file.path));
        }
        whole.set_content_id(n, id);
    }
    if whole.content_id(m.dataset_kind) == Some(m.content_id) {
        Ok(())
    } else {
        Err(mismatch(m, "(content id)"))
    }
}

fn mismatch(m: &Manifest, file: &str) -> Error {
    Error::Integrity(IntegrityError::Mismatch {
        dataset: m.name.to_string(),
        file: file.to_owned(),
    })
}
