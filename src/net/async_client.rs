//! Asynchronous client of a peer, for programs with a runtime of their own.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::ident::ContentId;
use crate::ident::HexPrefix;
use crate::ident::Reference;
use crate::manifest::Manifest;
use crate::net::address::PeerAddress;
use crate::net::quic::peer::Net;
use crate::net::quic::peer::Peer;
use crate::progress::NoProgress;
use crate::protocol::ChunkSource;
use crate::protocol::ListFilter;
use crate::protocol::PeerCatalog;
use crate::registry::CheckoutError;
use crate::registry::DatasetError;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::NodeError;
use crate::registry::peers::PullOptions;
use crate::trust::Action;
use crate::trust::Consent;

/// A connection to a peer, and the registry for its datasets.
#[derive(Clone, Debug)]
pub struct SyncClient {
    registry: LocalRegistry,
    peer: Arc<Peer>,
    /// The client's socket.
    net: Arc<Net>,
}

impl SyncClient {
    /// Connects to a peer. Call it inside a runtime of tokio.
    ///
    /// # Errors
    /// [`Error::Peer`] as [`Net::connect`].
    pub async fn connect(registry: &LocalRegistry, address: &PeerAddress) -> Result<Self, Error> {
        let (registry, address) = (registry.clone(), address.clone());
        let handle = Handle::current();
        blocking(move || {
            let net = Arc::new(Net::on(&registry, handle)?);
            let peer = Arc::new(net.connect(&address)?);
            Ok(Self {
                registry,
                peer,
                net,
            })
        })
        .await
    }

    /// Returns the manifests that the peer shows, with verified signatures. The caller has to ask the
    /// policy about their publishers.
    ///
    /// # Errors
    /// [`Error::Peer`].
    pub async fn list_remote(&self) -> Result<Vec<Manifest>, Error> {
        let this = self.clone();
        blocking(move || {
            let offers = this
                .registry
                .peers()
                .list_remote(&*this.peer, &ListFilter::All)?;
            Ok(offers.iter().map(|o| o.manifest().clone()).collect())
        })
        .await
    }

    /// Pulls a dataset by its full content id, and writes it to `dest`.
    ///
    /// # Errors
    /// [`NodeError::NotAtPeers`], `PublisherError::NotTrusted` when its publisher is revoked, [`Error::Peer`], and
    /// [`CheckoutError::Exists`] when something is at `dest`.
    pub async fn pull(&self, id: &ContentId, dest: &Path) -> Result<(), Error> {
        let (this, id, dest) = (self.clone(), *id, dest.to_owned());
        blocking(move || {
            if dest.symlink_metadata().is_ok() {
                return Err(Error::Checkout(CheckoutError::Exists(dest)));
            }
            let digits = HexPrefix::parse(&id.to_hex());
            let digits =
                digits.ok_or_else(|| Error::Node(NodeError::NotAtPeers(id.to_string())))?;
            let reference = Reference::Content(digits);
            let peers: [&dyn PeerCatalog; 1] = [&*this.peer];
            let (offer, _, _) = this.registry.peers().resolve_remote(&reference, &peers)?;
            // A full content id is a choice of bytes.
            let accepted = offer.accept(Action::PullById, Consent::Given)?;
            let sources: [&dyn ChunkSource; 1] = [&*this.peer];
            if this.registry.peers().holds(&offer)? {
                let held = this.registry.get(&id)?;
                let held =
                    held.ok_or_else(|| Error::Dataset(DatasetError::NotFound(id.to_string())))?;
                this.registry.checkout(&held, None, &dest, &NoProgress)?;
                return Ok(());
            }
            let options = PullOptions {
                output: Some(dest),
                ..PullOptions::default()
            };
            this.registry
                .peers()
                .pull(&accepted, &sources, options, &NoProgress)?;
            Ok(())
        })
        .await
    }

    /// Announces a local dataset to the peer. It sends only the manifest.
    ///
    /// # Errors
    /// [`DatasetError::NotFound`] when the dataset is not here; [`Error::Peer`].
    pub async fn announce(&self, manifest: &Manifest) -> Result<(), Error> {
        let (this, manifest) = (self.clone(), manifest.clone());
        blocking(move || {
            let envelope = this.registry.peers().envelope_of(&manifest)?;
            let announced = this.peer.announce(vec![envelope.encode()], Vec::new());
            announced.map(drop).map_err(|source| Error::Peer {
                address: this.peer.address(),
                source,
            })
        })
        .await
    }

    /// Returns the connection's socket.
    pub fn net(&self) -> &Net {
        &self.net
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    let panicked = |e| Error::machine("run a worker thread", std::io::Error::other(e));
    done.map_err(panicked)?
}
