//! Begins a look into an accepted offer, or into a partial holding.

use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::manifest::FileTable;
use crate::progress::Progress;
use crate::protocol::PeerError;
use crate::protocol::TreeKind;
use crate::registry::LocalRegistry;
use crate::registry::delta::similarity::ReceivedRecords;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::integrity::claims;
use crate::registry::integrity::claims::attribute_to_signer;
use crate::registry::integrity::expansion::FREE_TABLE_BYTES;
use crate::registry::peers::Peers;
use crate::registry::peers::client::accepted_offer::AcceptedOffer;
use crate::registry::peers::client::downloader::TreeDownloader;
use crate::registry::peers::client::fetch::DeltaFlag;
use crate::registry::peers::client::fetch::FilledWindow;
use crate::registry::peers::client::fetch::WindowError;
use crate::registry::peers::client::fetch::WindowFiller;
use crate::registry::peers::client::offers::Offer;
use crate::registry::peers::client::peer_state::fill_with_retries;
use crate::registry::peers::client::peer_state::no_peer_left;
use crate::registry::peers::client::prefetch::PrefetchRequests;
use crate::registry::peers::client::window::Window;
use crate::registry::peers::look::handle::Look;
use crate::registry::peers::look::keep::Keeping;
use crate::registry::peers::look::keep::LookKeeper;
use crate::registry::peers::look::nodes::CachedNodes;
use crate::registry::peers::look::nodes::LookNodes;
use crate::registry::peers::look::peers::LookPeers;
use crate::registry::peers::look::peers::PeerPool;
use crate::registry::peers::look::read_ahead::ReadAhead;
use crate::registry::peers::look::shared::LookShared;
use crate::registry::peers::look::shared::Planning;
use crate::registry::peers::look::state::LookState;
use crate::registry::peers::look::tree_cursor::LeafGoal;
use crate::registry::peers::look::tree_cursor::TreeCursor;
use crate::registry::peers::tree_nodes::node_key;
use crate::registry::peers::tree_nodes::tree_of;
use crate::registry::step::Step;
use crate::store::disk::BlobReader;
use crate::store::disk::WriteSession;

/// Raw bytes of all partial holdings, unless the settings say otherwise.
pub const PARTIAL_BYTES_MAX: u64 = 16 << 30;

/// Leaves of a file table that one request brings, besides the one that is needed.
const LEAVES_AHEAD: usize = 63;

/// Options of a look.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LookOptions {
    /// Raw bytes of all partial holdings at most; 0 keeps nothing.
    pub partial_limit: u64,
    /// Accept a dataset that is far larger than its distinct chunks.
    pub allow_large: bool,
    /// Set if a person agreed to the dataset.
    pub is_by_person: bool,
}

impl Default for LookOptions {
    fn default() -> Self {
        Self {
            partial_limit: PARTIAL_BYTES_MAX,
            allow_large: false,
            is_by_person: false,
        }
    }
}

/// Progress without output.
struct Silent<'a>(&'a dyn Progress);

impl Progress for Silent<'_> {
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

impl Peers<'_> {
    /// Begins a look into an accepted offer. Its file table is fetched, and its data only when it is
    /// read.
    ///
    /// # Errors
    /// [`Error::Peer`] when no usable peer is left, [`Error::SignedLie`] when the file table or the tree
    /// does not match the manifest.
    pub fn look(
        &self,
        accepted: &AcceptedOffer,
        peers: LookPeers,
        options: LookOptions,
        progress: &dyn Progress,
    ) -> Result<Look, Error> {
        let offer = accepted.offer();
        let _step = Step::begin("look into", &offer.manifest().name);
        let looked = self.begin_look(offer, peers, options, progress);
        looked.map_err(|e| match e.kind() {
            ErrorKind::Integrity => attribute_to_signer(e, offer.listed.publisher()),
            _ => e,
        })
    }

    fn begin_look(
        &self,
        offer: &Offer,
        peers: LookPeers,
        options: LookOptions,
        progress: &dyn Progress,
    ) -> Result<Look, Error> {
        let (m, envelope) = (offer.manifest(), offer.envelope_id());
        let session = WriteSession::begin(&self.registry.store)?;
        let reader = BlobReader::new(&self.registry.store)?;
        let similarity = SimilarityIndex::open(&self.registry.store)?;
        let mut first = PrefetchRequests::default();
        let (table_root, _) = tree_of(m, TreeKind::Table);
        let here = session.locate(&[node_key(table_root), node_key(m.chunk_tree_root)])?;
        if matches!(here.as_slice(), [None, _]) {
            first.tree(envelope, m, TreeKind::Table);
        }
        if matches!(here.as_slice(), [_, None]) {
            first.front(envelope, m);
        }
        let pauses = self.registry.sizes.reconnect_pauses;
        let peers = PeerPool::new(peers, &first, pauses);
        let keeping = Keeping::new(session, options.partial_limit, options.is_by_person);
        let cache = CachedNodes::default();
        let cursor = TreeCursor::new(
            m.chunk_tree_root,
            m.size_bytes,
            &LookNodes {
                manifest: m,
                envelope,
                tree: TreeKind::Data,
                keeping: &keeping,
                reader: &reader,
                peers: &peers,
                cache: &cache,
                is_over: &|| progress.cancelled(),
            },
        )?;
        claims::check_totals(m, cursor.totals())?;
        let table = TableFetch {
            registry: self.registry,
            offer,
            keeping: &keeping,
            reader: &reader,
            similarity: &similarity,
            peers: &peers,
            allow_large: options.allow_large,
        };
        let table = table.get(progress)?;
        let read_ahead = ReadAhead::new(m.size_bytes, self.registry.sizes.window_bytes);
        let shared = Arc::new_cyclic(|me| LookShared {
            me: me.clone(),
            offer: offer.clone(),
            keeping,
            reader,
            similarity,
            peers,
            cache,
            cursor,
            sizes: self.registry.sizes,
            allow_large: options.allow_large,
            planning: Mutex::new(Planning::default()),
            state: Mutex::new(LookState::new(read_ahead)),
            news: Condvar::new(),
            begun: host::instant(),
            threads: Mutex::default(),
        });
        Ok(Look {
            shared,
            table,
            is_planning: AtomicBool::new(false),
        })
    }
}

/// The file table of a look: from the store, or from peers.
struct TableFetch<'a> {
    registry: &'a LocalRegistry,
    offer: &'a Offer,
    keeping: &'a Keeping,
    reader: &'a BlobReader,
    similarity: &'a SimilarityIndex,
    peers: &'a PeerPool,
    allow_large: bool,
}

impl TableFetch<'_> {
    fn get(&self, progress: &dyn Progress) -> Result<FileTable, Error> {
        let m = self.offer.manifest();
        let table = match self.registry.files_by(self.reader, m) {
            Ok(table) => table,
            Err(Error::Store(_)) => claims::table_of(&self.fetch(progress)?, m)?,
            Err(error) => return Err(error),
        };
        claims::check_table(m, &table)?;
        Ok(table)
    }

    /// Fetches the table. A small one is fetched window by window: it is read even if the store cannot
    /// take it. A large one may repeat, and is pulled.
    fn fetch(&self, progress: &dyn Progress) -> Result<Vec<u8>, Error> {
        match self.offer.manifest().file_table_bytes {
            small if small <= FREE_TABLE_BYTES => self.read(progress),
            _ => self.pull(progress),
        }
    }

    fn read(&self, progress: &dyn Progress) -> Result<Vec<u8>, Error> {
        let m = self.offer.manifest();
        let is_over = || progress.cancelled();
        let nodes = LookNodes {
            manifest: m,
            envelope: self.offer.envelope_id(),
            tree: TreeKind::Table,
            keeping: self.keeping,
            reader: self.reader,
            peers: self.peers,
            cache: &CachedNodes::default(),
            is_over: &is_over,
        };
        let cursor = TreeCursor::new(m.file_table_root, m.file_table_bytes, &nodes)?;
        let mut bytes: Vec<u8> = Vec::new();
        loop {
            let offset = bytes.len() as u64;
            // A leaf has at most 512 chunks of 64 KiB.
            let leaf = cursor.leaf(LeafGoal::Byte(offset), LEAVES_AHEAD, &nodes)?;
            let Some(leaf) = leaf else {
                return Ok(bytes);
            };
            let window = Window {
                number: 0,
                offset,
                chunks: leaf.chunks().to_vec(),
                places: Vec::new(),
            };
            bytes.extend_from_slice(self.fill(&window, &is_over)?.data());
        }
    }

    /// Fills a window from the store, and from one peer after the other.
    fn fill(
        &self,
        window: &Window,
        is_over: &(dyn Fn() -> bool + Sync),
    ) -> Result<FilledWindow, Error> {
        let records = ReceivedRecords::new(&self.keeping.session, self.similarity);
        let keeping = LookKeeper {
            keeping: self.keeping,
            records: &records,
        };
        let is_unneeded = |_| is_over();
        let deltas = DeltaFlag::default();
        let filler = WindowFiller {
            manifest: self.offer.manifest(),
            envelope: self.offer.envelope_id(),
            tree: TreeKind::Table,
            session: &self.keeping.session,
            keeping: &keeping,
            reader: self.reader,
            is_unneeded: &is_unneeded,
            held: None,
            reads_deltas: &deltas,
        };
        let peers = self
            .peers
            .get(self.offer.envelope_id(), self.offer.manifest())?;
        let mut last = None;
        for peer in peers.iter().filter(|p| p.is_usable()) {
            loop {
                match fill_with_retries(&filler, window, &*peer.source, Vec::new()) {
                    Ok(filled) => return Ok(filled),
                    Err(WindowError::Here(error)) => return Err(error),
                    Err(WindowError::Peer(PeerError::Stopped)) => return Err(Error::Interrupted),
                    Err(WindowError::Peer(error))
                        if !error.is_final() && peer.reconnected(&error, is_over) => {}
                    Err(WindowError::Peer(error)) => {
                        peer.give_up(&error);
                        last = Some((peer.source.address(), error));
                        break;
                    }
                }
            }
        }
        Err(no_peer_left(last))
    }

    fn pull(&self, progress: &dyn Progress) -> Result<Vec<u8>, Error> {
        let m = self.offer.manifest();
        let envelope = self.offer.envelope_id();
        let quiet = Silent(progress);
        let pulling = TreeDownloader {
            session: &self.keeping.session,
            similarity: self.similarity,
            reader: self.reader,
            manifest: m,
            envelope,
            tree: TreeKind::Table,
            peers: self.peers.get(envelope, m)?,
            parent: None,
            files: None,
            allow_large: self.allow_large,
            sizes: self.registry.sizes,
            progress: &quiet,
        };
        let mut bytes = Vec::new();
        pulling.run(&mut |data| {
            bytes.extend_from_slice(data);
            Ok(())
        })?;
        Ok(bytes)
    }
}
