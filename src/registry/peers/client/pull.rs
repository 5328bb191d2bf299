//! TreeDownloader one dataset. It is visible when all of it is here and is what its manifest says, and
//! not before; what came before an interruption is found by the next pull.

use std::path::Path;
use std::path::PathBuf;
use std::time::Instant;

use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::Merged;
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
use crate::registry::LocalRegistry;
use crate::registry::checkout::streaming::FILES_STRAIGHT_MAX;
use crate::registry::checkout::streaming::Straight;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::integrity::claims;
use crate::registry::integrity::claims::accuse;
use crate::registry::integrity::hashing::Hashing;
use crate::registry::peers::client::accepted_offer::AcceptedOffer;
use crate::registry::peers::client::downloader::TreeDownloader;
use crate::registry::peers::client::offers::Offer;
use crate::registry::peers::client::peer_state::PullPeer;
use crate::registry::peers::client::peer_state::SourceReport;
use crate::registry::peers::client::peer_state::retried;
use crate::registry::peers::client::prefetch::Ahead;
use crate::registry::peers::client::prefetch::Questions;
use crate::registry::peers::tree_nodes::node_key;
use crate::registry::peers::tree_nodes::tree_of;
use crate::registry::publishing::sign;
use crate::registry::step::Step;
use crate::registry::working_copy::Chosen;
use crate::store::disk::BlobReader;
use crate::store::disk::WriteSession;

/// How to pull.
#[derive(Clone, Debug, Default)]
pub struct PullOptions {
    /// Keep it from peers whatever its manifest says.
    pub private: bool,
    /// Also write it here, as a checkout does.
    pub output: Option<PathBuf>,
    /// Take it however much larger it is than what is sent for it.
    pub allow_large: bool,
    /// What to do where a plain file is already.
    pub if_exists: IfExists,
}

/// What a pull did.
#[derive(Clone, Debug)]
pub struct PullReport {
    /// What was pulled.
    pub content_id: ContentId,
    /// Chunks that came from peers, each counted once a window.
    pub chunks_fetched: u64,
    /// Chunks that were here.
    pub chunks_local: u64,
    /// Peers, and what came from each.
    pub sources: Vec<SourceReport>,
    /// How long it took.
    pub seconds: f64,
}

impl LocalRegistry {
    /// Pulls a dataset that trust lets in from peers that have it.
    ///
    /// # Errors
    /// [`Error::Peer`] when no peer is left that gives it; [`Error::SignedLie`] when all of it
    /// came and is not what its manifest says, [`Error::TooLarge`] when that takes a person's word.
    /// What came is kept for the next try, unseen.
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
        let ahead: Vec<Ahead<'_>> = sources.iter().map(|s| Ahead::new(*s)).collect();
        let supplies: Vec<PullPeer<'_>> = ahead.iter().map(|s| PullPeer::new(s)).collect();
        let session = WriteSession::begin(&self.store)?;
        // Among several, one that is slow must not hold up what the others have.
        let alone = ahead.first().filter(|_| ahead.len() == 1);
        let from = (alone, supplies.as_slice());
        let gathered = self.gather(offer, &session, from, &options, progress);
        let fetched = match gathered {
            Ok(fetched) => fetched,
            Err(error) => {
                // What came is worth keeping; the first error is the one to tell.
                let _ = session.commit(|_, _| Ok::<_, Error>(()));
                // Peers were checked chunk by chunk: what is wrong with the whole is what the
                // manifest says.
                return Err(accuse(error, offer.listed.publisher()));
            }
        };
        let from_listed = sources.iter().any(|s| s.access() == Access::Listed);
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
                self.checkout_over(&offer.listed.dataset, None, dest, progress)?;
            }
            (None, None) => {}
        }
        Ok(PullReport {
            content_id: offer.manifest().content_id,
            chunks_fetched: fetched.fetched,
            chunks_local: fetched.local,
            sources: supplies.iter().map(|s| s.report().clone()).collect(),
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    fn gather(
        &self,
        offer: &Offer,
        session: &WriteSession,
        (ahead, supplies): (Option<&Ahead<'_>>, &[PullPeer<'_>]),
        options: &PullOptions,
        progress: &dyn Progress,
    ) -> Result<Gathered, Error> {
        let reader = BlobReader::new(&self.store)?;
        let resembling = SimilarityIndex::open(&self.store)?;
        let m = offer.manifest();
        let before = [TreeKind::Table, TreeKind::Data].map(|tree| self.before(offer, tree));
        let [table_before, data_before] = before;
        let (table_before, data_before) = (table_before?, data_before?);
        let pulling = |tree, progress| TreeDownloader {
            session,
            resembling: &resembling,
            reader: &reader,
            manifest: m,
            envelope: offer.envelope_id(),
            tree,
            supplies,
            before: match tree {
                TreeKind::Table => table_before.as_ref(),
                TreeKind::Data => data_before.as_ref(),
            },
            files: None,
            allow_large: options.allow_large,
            progress,
        };
        let trees = [
            (TreeKind::Table, table_before.is_some()),
            (TreeKind::Data, data_before.is_some()),
        ];
        if let Some(ahead) = ahead {
            ahead.ask(&questions(offer, session, trees)?, &|| progress.cancelled());
        }
        fetch_card(offer, session, supplies)?;
        let mut bytes = Vec::new();
        let quiet = Quiet(progress);
        pulling(TreeKind::Table, &quiet).run(&mut |data| {
            bytes.extend_from_slice(data);
            Ok(())
        })?;
        let table = claims::table_of(&bytes, m)?;
        claims::check_table(m, &table)?;
        drop(bytes);
        let phase = match supplies {
            [only] => format!("pulling from {}", only.source.address()),
            several => format!("pulling from {} peers", several.len()),
        };
        progress.phase(&phase, Some(m.size_bytes));
        let files: Vec<(u64, &FileEntry)> = table.with_offsets().collect();
        let mut hashing = Hashing::new(&files, 0);
        let mut straight = match &options.output {
            Some(dest) if is_straight(offer) => {
                Straight::new(&files, m.dataset_kind, (dest, options.if_exists))?
            }
            _ => None,
        };
        let pulling = TreeDownloader {
            files: Some(&table),
            ..pulling(TreeKind::Data, progress)
        };
        let fetched = pulling.run(&mut |data| {
            hashing.push(data);
            straight.as_mut().map_or(Ok(()), |s| s.push(data))
        })?;
        check_ids(m, &table, hashing.into_ids())?;
        let placed_at = host::now();
        let placed = straight.map(Straight::finish).transpose()?;
        Ok(Gathered {
            fetched: fetched.fetched,
            local: fetched.local,
            placed: placed.map(|at| (at, placed_at)),
        })
    }

    /// Remembers what was written while it arrived.
    fn note_pulled(&self, at: (&Path, Timestamp), dataset: &Dataset) {
        let Ok(reader) = BlobReader::new(&self.store) else {
            return;
        };
        if let Ok(table) = self.files_by(&reader, &dataset.manifest)
            && let Ok(chosen) = Chosen::of(&table, &dataset.manifest, None)
        {
            self.note_checkout(at, dataset, None, &chosen);
        }
    }

    fn publish_pulled(
        &self,
        session: WriteSession,
        accepted: &AcceptedOffer,
        flags: Flags,
    ) -> Result<(), Error> {
        let salt: [u8; 16] = host::random().map_err(|e| Error::file("seed", self.home(), e))?;
        let admitted = accepted.admitted();
        session.commit(|tables, entries| {
            let held = catalog::of_register(tables, admitted.manifest(), admitted.origin())?;
            // Private stays private, and made here stays made here.
            let flags = held.as_ref().map_or(flags, |h| h.flags);
            let merged = sign::publish(tables, entries, admitted, flags)?;
            if let (Merged::Replaced(_), Some(held)) = (merged, held) {
                sign::retire(entries, salt, &held);
            }
            Ok(catalog::forget_known(tables, &[admitted.envelope().id()])?)
        })
    }
}

/// What gathering a dataset did.
struct Gathered {
    /// Chunks that came, and that were here.
    fetched: u64,
    local: u64,
    /// Where its files were put that were written while they arrived, and when.
    placed: Option<(PathBuf, Timestamp)>,
}

/// Whether its files are written while they arrive.
fn is_straight(offer: &Offer) -> bool {
    offer.manifest().num_files <= FILES_STRAIGHT_MAX
}

/// The file table is no part of what the bar counts.
struct Quiet<'a>(&'a dyn Progress);

impl Progress for Quiet<'_> {
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// What can be asked by the manifest alone, and is not here. Trees of which another version is here
/// come as deltas, which are asked for otherwise.
fn questions(
    offer: &Offer,
    session: &WriteSession,
    trees: [(TreeKind, bool); 2],
) -> Result<Questions, Error> {
    let (envelope, manifest) = (offer.envelope_id(), offer.manifest());
    let mut questions = Questions::default();
    if absent_card(offer, session)?.is_some() {
        questions.card(envelope);
    }
    for (tree, has_before) in trees {
        let (root, _) = tree_of(manifest, tree);
        if !has_before && session.has(&[node_key(root)])? != [true] {
            questions.tree(envelope, manifest, tree);
        }
    }
    Ok(questions)
}

/// The card, if there is one that is not here.
fn absent_card(offer: &Offer, session: &WriteSession) -> Result<Option<BlobId>, Error> {
    let Some(id) = offer.manifest().card else {
        return Ok(None);
    };
    let key = crate::blob_store::BlobKey::new(BlobKind::Card, *id.as_bytes());
    Ok((session.has(&[key])? != [true]).then_some(id))
}

fn fetch_card(
    offer: &Offer,
    session: &WriteSession,
    supplies: &[PullPeer<'_>],
) -> Result<(), Error> {
    let Some(id) = absent_card(offer, session)? else {
        return Ok(());
    };
    let mut last = None;
    for supply in supplies {
        let card = retried(|| supply.source.card(&offer.envelope_id()));
        let card = card.and_then(|bytes| match BlobId::of(&bytes) == id {
            true => Ok(bytes),
            false => Err(PeerError::Misbehaved("a card that is not what its id says")),
        });
        match card {
            Ok(bytes) => {
                session.add(BlobKind::Card, &bytes)?;
                return Ok(());
            }
            Err(source) => {
                if source.is_misconduct() {
                    supply.give_up(&source);
                }
                let address = supply.source.address();
                last = Some(Error::Peer { address, source });
            }
        }
    }
    Err(last.unwrap_or(Error::NoPeer))
}

/// Whether files and content have the ids that the manifest says.
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
    match whole.content_id(m.dataset_kind) == Some(m.content_id) {
        true => Ok(()),
        false => Err(mismatch(m, "(content id)")),
    }
}

fn mismatch(m: &Manifest, file: &str) -> Error {
    Error::Mismatch {
        dataset: m.name.to_string(),
        file: file.to_owned(),
    }
}
