//! The asynchronous face of a peer, for programs with a runtime of their own.

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
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::peers::PullOptions;
use crate::trust::Action;
use crate::trust::Consent;

/// A connection to a peer, and the registry that its datasets go into.
#[derive(Clone, Debug)]
pub struct SyncClient {
    registry: LocalRegistry,
    peer: Arc<Peer>,
    /// Its socket.
    net: Arc<Net>,
}

impl SyncClient {
    /// Connects to a peer. Has to be called inside a runtime of tokio.
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

    /// The manifests that the peer shows, their signatures verified. Who is to be believed is the
    /// caller's to ask.
    ///
    /// # Errors
    /// [`Error::Peer`].
    pub async fn list_remote(&self) -> Result<Vec<Manifest>, Error> {
        let this = self.clone();
        blocking(move || {
            let offers = this.registry.list_remote(&*this.peer, &ListFilter::All)?;
            Ok(offers.iter().map(|o| o.manifest().clone()).collect())
        })
        .await
    }

    /// Pulls a dataset by its whole content id, and writes it to `dest`.
    ///
    /// # Errors
    /// [`Error::NotAtPeers`], [`Error::NotTrusted`] when its publisher is revoked,
    /// [`Error::Peer`], and [`Error::Exists`] when something is at `dest`.
    pub async fn pull(&self, id: &ContentId, dest: &Path) -> Result<(), Error> {
        let (this, id, dest) = (self.clone(), *id, dest.to_owned());
        blocking(move || {
            if dest.symlink_metadata().is_ok() {
                return Err(Error::Exists(dest));
            }
            let digits = HexPrefix::parse(&id.to_hex());
            let digits = digits.ok_or_else(|| Error::NotAtPeers(id.to_string()))?;
            let reference = Reference::Content(digits);
            let peers: [&dyn PeerCatalog; 1] = [&*this.peer];
            let (offer, _, _) = this.registry.resolve_remote(&reference, &peers)?;
            // A whole content id is a choice of bytes.
            let accepted = offer.accept(Action::PullById, Consent::Given)?;
            let sources: [&dyn ChunkSource; 1] = [&*this.peer];
            if this.registry.holds(&offer)? {
                let held = this.registry.get(&id)?;
                let held = held.ok_or_else(|| Error::NotFound(id.to_string()))?;
                this.registry.checkout(&held, None, &dest, &NoProgress)?;
                return Ok(());
            }
            let options = PullOptions {
                output: Some(dest),
                ..PullOptions::default()
            };
            this.registry
                .pull(&accepted, &sources, options, &NoProgress)?;
            Ok(())
        })
        .await
    }

    /// Tells the peer of a dataset that is here. Nothing is sent but the manifest.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not here; [`Error::Peer`].
    pub async fn announce(&self, manifest: &Manifest) -> Result<(), Error> {
        let (this, manifest) = (self.clone(), manifest.clone());
        blocking(move || {
            let envelope = this.registry.envelope_of(&manifest)?;
            let announced = this.peer.announce(vec![envelope.encode()], Vec::new());
            announced.map(drop).map_err(|source| Error::Peer {
                address: this.peer.address(),
                source,
            })
        })
        .await
    }

    /// The connection's socket.
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
