//! Looks: datasets that are not here, or only in part, read at peers.

use std::cell::OnceCell;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::Mutex;

use clap::Args;

use crate::catalog::Dataset;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::output::text::human_bytes;
use crate::cli::registry::network::connect::connect_all;
use crate::cli::registry::network::connect::open_net;
use crate::cli::registry::network::connect::warn_about_silent_peers;
use crate::cli::registry::network::consent::accept_offer;
use crate::cli::registry::reference::find_dataset;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::PublisherKey;
use crate::ident::Reference;
use crate::inspect::table::has_rows;
use crate::locks::lock;
use crate::net::LookPeerFinder;
use crate::net::Net;
use crate::net::OwnedPeer;
use crate::net::Peer;
use crate::net::PeerAddress;
use crate::protocol::PeerCatalog;
use crate::registry::DatasetError;
use crate::registry::Error;
use crate::registry::peers::AcceptedOffer;
use crate::registry::peers::GivenConsent;
use crate::registry::peers::Look;
use crate::registry::peers::LookOptions;
use crate::registry::peers::LookPeers;
use crate::registry::peers::NotKept;
use crate::registry::peers::Offer;
use crate::registry::peers::PARTIAL_BYTES_MAX;
use crate::registry::split_reference;

/// Options for datasets that are not here.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Datasets at peers")]
pub(crate) struct LookArgs {
    /// A peer to look at for a dataset that is not here: host:port or nodeid@host:port; may be given
    /// several times [default: every peer that is found or known]
    #[arg(long, global = true, value_name = "ADDR")]
    peer: Vec<PeerAddress>,
    /// Do not ask about this publisher; may be given several times
    #[arg(long, global = true, value_name = "KEYHEX")]
    accept_publisher: Vec<PublisherKey>,
    /// Do not ask about data without a signature
    #[arg(long, global = true)]
    accept_unsigned: bool,
}

/// The looks of one command.
pub(crate) struct Looks<'a> {
    ctx: &'a Context,
    args: &'a LookArgs,
    net: OnceCell<Arc<Net>>,
    /// Peers that were connected to, also by looks themselves.
    met: Arc<Mutex<Vec<Arc<Peer>>>>,
    opened: RefCell<Vec<Arc<Look>>>,
}

/// An accepted offer and the peers that have it.
struct Found {
    accepted: AcceptedOffer,
    is_by_person: bool,
    peers: LookPeers,
}

impl<'a> Looks<'a> {
    pub(crate) fn new(ctx: &'a Context, args: &'a LookArgs) -> Self {
        Self {
            ctx,
            args,
            net: OnceCell::new(),
            met: Arc::default(),
            opened: RefCell::default(),
        }
    }

    /// Looks for the dataset of a reference that is `not_here`. Partial holdings come first, unless peers
    /// are named.
    ///
    /// # Errors
    /// `not_here` if no peer is named and none has it; else as [`connect_all`], and
    /// [`Failure::NotTrusted`].
    pub(crate) fn find(&self, text: &str, not_here: Error) -> Result<Arc<Look>, Failure> {
        let Ok(reference) = text.parse::<Reference>() else {
            return Err(not_here.into());
        };
        let is_named = !self.named().is_empty();
        if !is_named && (has_rows(text) || !self.ctx.home()?.exists()) {
            return Err(not_here.into());
        }
        let registry = self.ctx.registry()?;
        let partial = registry.peers().resolve_partial(&reference)?;
        let found = match (partial, self.args.peer.is_empty()) {
            (Some(partial), true) => self.of_partial(partial, &reference)?,
            (partial, _) => match (self.at_peers(&reference), partial) {
                (Ok(found), _) => found,
                (Err(failure), Some(partial)) if is_of_network(&failure) => {
                    let message = failure.message();
                    self.remark(&format!("warning: {message}; reading what is here of it"));
                    self.of_partial(partial, &reference)?
                }
                (Err(failure), _) if interrupt::is_requested() => return Err(failure),
                // Nobody was named, so nobody is missed.
                (Err(failure), _) if !is_named && !is_decided(&failure) => {
                    return Err(not_here.into());
                }
                (Err(failure), _) => return Err(failure),
            },
        };
        self.open(found)
    }

    fn named(&self) -> &[PeerAddress] {
        self.ctx.peers_or_default(&self.args.peer)
    }

    fn given(&self) -> GivenConsent<'_> {
        GivenConsent {
            publishers: &self.args.accept_publisher,
            unsigned: self.args.accept_unsigned,
        }
    }

    /// Accepts a partial holding again. Its peers are looked for when something is missing.
    fn of_partial(
        &self,
        (offer, was_by_person): (Offer, bool),
        reference: &Reference,
    ) -> Result<Found, Failure> {
        let (accepted, is_by_person) = match offer.listed.signer.filter(|_| was_by_person) {
            Some(key) => {
                let given = GivenConsent {
                    publishers: &[key],
                    unsigned: true,
                };
                accept_offer(self.ctx, &offer, reference, given, "Look into it")?
            }
            None => {
                let given = GivenConsent {
                    unsigned: was_by_person || self.args.accept_unsigned,
                    ..self.given()
                };
                accept_offer(self.ctx, &offer, reference, given, "Look into it")?
            }
        };
        let registry = self.ctx.registry()?;
        let met = Arc::clone(&self.met);
        let note = move |peer: &Arc<Peer>| lock(&met).push(Arc::clone(peer));
        let stop = interrupt::stop_condition();
        let finder = LookPeerFinder::new(registry, self.named(), stop, Box::new(note));
        Ok(Found {
            accepted,
            is_by_person,
            peers: LookPeers::Found(Box::new(finder)),
        })
    }

    /// Asks the peers for the dataset.
    fn at_peers(&self, reference: &Reference) -> Result<Found, Failure> {
        let registry = self.ctx.registry()?;
        let net = match self.net.get() {
            Some(net) => Arc::clone(net),
            None => {
                let net = Arc::new(open_net(registry)?);
                Arc::clone(self.net.get_or_init(|| net))
            }
        };
        let peers = connect_all(self.ctx, &net, self.named(), Some(reference))?;
        let peers: Vec<Arc<Peer>> = peers.into_iter().map(Arc::new).collect();
        lock(&self.met).extend(peers.iter().cloned());
        let catalogs: Vec<&dyn PeerCatalog> = peers.iter().map(|p| &**p as _).collect();
        let (offer, holders, faults) = registry.peers().resolve_remote(reference, &catalogs)?;
        let faults: Vec<Failure> = faults.into_iter().map(Failure::from).collect();
        warn_about_silent_peers(self.ctx.out, &faults, self.named().is_empty(), peers.len());
        let (accepted, is_by_person) =
            accept_offer(self.ctx, &offer, reference, self.given(), "Look into it")?;
        let holders = holders.iter().filter_map(|n| peers.get(*n));
        let holders = holders.map(|peer| OwnedPeer::shared(Arc::clone(peer), Arc::clone(&net)));
        Ok(Found {
            accepted,
            is_by_person,
            peers: LookPeers::Connected(holders.collect()),
        })
    }

    fn open(&self, found: Found) -> Result<Arc<Look>, Failure> {
        let registry = self.ctx.registry()?;
        let limit = self.ctx.defaults.partial_limit;
        let options = LookOptions {
            partial_limit: limit.unwrap_or(PARTIAL_BYTES_MAX),
            allow_large: self.ctx.global.allow_large,
            is_by_person: found.is_by_person,
        };
        let bar = self.ctx.progress_bar();
        let look = Arc::new(
            registry
                .peers()
                .look(&found.accepted, found.peers, options, &bar)?,
        );
        self.opened.borrow_mut().push(Arc::clone(&look));
        Ok(look)
    }

    /// Says what the looks cost, with `--verbose`, and which peers were given up.
    pub(crate) fn report(&self) {
        let opened = self.opened.borrow();
        if opened.is_empty() {
            return;
        }
        let (mut size, mut stored) = (0, 0);
        for look in opened.iter() {
            look.save();
            let report = look.report();
            size += report.size_bytes;
            stored += report.stored_bytes;
            for source in &report.sources {
                if let Some(reason) = &source.gave_up {
                    let address = &source.address;
                    self.remark(&format!("warning: gave up peer {address}: {reason}"));
                }
            }
            match report.not_kept {
                Some(NotKept::OverLimit) => self.remark(
                    "note: not all that was read is kept; the setting `partial_limit` bounds it",
                ),
                Some(NotKept::Store(why)) => {
                    self.remark(&format!("warning: not all that was read is kept: {why}"));
                }
                _ => {}
            }
        }
        if self.ctx.global.verbose > 0 {
            let met = lock(&self.met);
            let traffic: Vec<_> = met.iter().map(|peer| peer.traffic()).collect();
            // A hello is part of the handshake.
            let trips: u64 = traffic
                .iter()
                .map(|t| t.round_trips.saturating_sub(1))
                .sum();
            let requests: u64 = traffic.iter().map(|t| t.requests.saturating_sub(1)).sum();
            let received: u64 = traffic.iter().map(|t| t.received).sum();
            let share = received as f64 * 100.0 / (size.max(1)) as f64;
            self.ctx.out.diagnostic(&format!(
                "peers: {requests} requests in {trips} round trips, {} of {} received ({share:.3} %), {} stored",
                human_bytes(received),
                human_bytes(size),
                human_bytes(stored),
            ));
        }
    }

    fn remark(&self, text: &str) {
        if !self.ctx.out.is_quiet() {
            self.ctx.out.diagnostic(text);
        }
    }
}

impl Drop for Looks<'_> {
    fn drop(&mut self) {
        self.report();
    }
}

/// A dataset that is here, or one that is looked into.
pub(crate) enum FoundDataset {
    /// It is here.
    Held(Box<Dataset>),
    /// It is not here, or only in part.
    Look(Arc<Look>),
}

impl Looks<'_> {
    /// Finds the dataset of a reference, here or at peers.
    ///
    /// # Errors
    /// As [`find_dataset`] and [`Looks::find`].
    pub(crate) fn dataset(&self, text: &str) -> Result<FoundDataset, Failure> {
        match find_dataset(self.ctx, text) {
            Ok(dataset) => Ok(FoundDataset::Held(Box::new(dataset))),
            Err(Failure::Library(
                not_here
                @ Error::Dataset(DatasetError::NotFound(_) | DatasetError::NearMiss { .. }),
            )) => Ok(FoundDataset::Look(self.find(text, not_here)?)),
            Err(other) => Err(other),
        }
    }

    /// Finds a dataset that is here.
    ///
    /// # Errors
    /// As [`find_dataset`].
    pub(crate) fn held(&self, text: &str) -> Result<Dataset, Failure> {
        find_dataset(self.ctx, text)
    }

    /// Finds the dataset of `REF` or `REF:path`, here or at peers, and returns the path.
    ///
    /// # Errors
    /// As [`Looks::dataset`].
    pub(crate) fn target<'t>(
        &self,
        text: &'t str,
    ) -> Result<(FoundDataset, Option<&'t str>), Failure> {
        let (reference, path) = split_reference(text);
        Ok((self.dataset(&reference)?, path))
    }

    /// Finds a dataset as [`Looks::dataset`], and fetches all of one that is not here.
    ///
    /// # Errors
    /// As [`Looks::dataset`], and [`TransferError::NotKept`](crate::registry::TransferError) when there is no room for it.
    pub(crate) fn whole_dataset(&self, text: &str) -> Result<Dataset, Failure> {
        match self.dataset(text)? {
            FoundDataset::Held(dataset) => Ok(*dataset),
            FoundDataset::Look(look) => self.fetched(&look),
        }
    }

    /// Fetches all of a dataset that is looked into.
    ///
    /// # Errors
    /// [`TransferError::NotKept`](crate::registry::TransferError) when there is no room for it.
    pub(crate) fn fetched(&self, look: &Look) -> Result<Dataset, Failure> {
        look.fetch_all(&self.ctx.progress_bar())?;
        Ok(look.offer().listed.dataset.clone())
    }
}

/// Returns true if no peer could be asked.
fn is_of_network(failure: &Failure) -> bool {
    matches!(failure, Failure::Library(error) if error.kind() == ErrorKind::Network)
}

/// Returns true if the dataset was found, and the failure is about it.
fn is_decided(failure: &Failure) -> bool {
    match failure {
        Failure::NotTrusted(_) => true,
        Failure::Library(error) => {
            let kinds = [
                ErrorKind::Denied,
                ErrorKind::Ambiguous,
                ErrorKind::Integrity,
            ];
            kinds.contains(&error.kind())
        }
        _ => false,
    }
}
