//! The serving node: its sockets, its control socket, and an orderly end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use quinn::Endpoint;
use tokio::runtime::Runtime;

use crate::ident::NodeId;
use crate::keyring;
use crate::net::gossip::GossipHandle;
use crate::net::gossip::GossipOptions;
use crate::net::offline;
use crate::net::quic::endpoint;
use crate::net::quic::peer::runtime;
use crate::net::server::control;
use crate::net::server::control::ControlSocket;
use crate::net::server::control::Serving;
use crate::net::server::event::Event;
use crate::net::server::event::Observer;
use crate::net::server::metrics;
use crate::net::server::shared::CloseCode;
use crate::net::server::shared::Server;
use crate::protocol::Access;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::NodeError;
use crate::registry::host;
use crate::registry::peers::Showing;
use crate::store::disk::LockGuard;

const LOCK: &str = "serve.lock";

/// Maximum time of running transfers after a request to stop.
const GRACE: Duration = Duration::from_secs(10);
/// Time without data from any peer after which the remaining ones count as gone.
const LOST: Duration = Duration::from_millis(1_300);
/// Maximum time of the farewell to all peers.
const FAREWELL: Duration = Duration::from_millis(300);

/// Options of a serving node.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ServeOptions {
    /// The addresses to listen on.
    pub addresses: Vec<SocketAddr>,
    /// The group of nodes to serve.
    pub access: Access,
    /// The datasets to share.
    pub showing: Showing,
    /// The port on loopback for Prometheus, if any.
    pub metrics_port: Option<u16>,
    /// Options of the gossip.
    pub neighbours: GossipOptions,
}

impl ServeOptions {
    /// Creates options for a node that listens on these addresses, without gossip.
    pub fn on(addresses: Vec<SocketAddr>) -> Self {
        Self {
            addresses,
            ..Self::default()
        }
    }
}

/// A node that serves its registry, until it is stopped or dropped.
pub struct Node {
    server: Arc<Server>,
    endpoints: Vec<Endpoint>,
    addresses: Vec<SocketAddr>,
    node_id: NodeId,
    control: ControlSocket,
    neighbours: GossipHandle,
    runtime: Option<Runtime>,
    /// The lock that keeps other processes from serving this home.
    _lock: Box<dyn LockGuard>,
}

impl Node {
    /// Starts to serve.
    ///
    /// # Errors
    /// [`NodeError::AlreadyServing`] when another process does; [`NodeError::Bind`].
    pub fn start(
        registry: &LocalRegistry,
        options: &ServeOptions,
        observer: Arc<Observer>,
    ) -> Result<Self, Error> {
        offline::check("serve")?;
        let lock = registry.exclusive_now(LOCK)?;
        let lock =
            lock.ok_or_else(|| Error::Node(NodeError::AlreadyServing(registry.home().to_owned())))?;
        let key = keyring::node_key(registry.home())?;
        let node_id = NodeId::new(*key.public_key().as_bytes());
        let runtime = runtime()?;
        let server = Arc::new(Server::new(
            registry.clone(),
            options.access,
            options.showing,
            observer,
        ));
        let guard = runtime.enter();
        let mut endpoints = Vec::new();
        let mut addresses = Vec::new();
        let mut port = 0;
        for address in &options.addresses {
            let mut at = *address;
            if at.port() == 0 {
                // The same port on all addresses.
                at.set_port(port);
            }
            let config = endpoint::server_config(&key)?;
            match endpoint::endpoint(at, Some(config)) {
                Ok(endpoint) => {
                    let bound = endpoint.local_addr();
                    let bound = bound.map_err(|e| Error::machine("look at a socket", e))?;
                    port = bound.port();
                    addresses.push(bound);
                    endpoints.push(endpoint);
                }
                // A machine without IPv6 serves over IPv4.
                Err(_) if !endpoints.is_empty() && at.ip().is_unspecified() => {}
                Err(error) => return Err(error),
            }
        }
        for endpoint in &endpoints {
            runtime.spawn(server.clone().accept(endpoint.clone()));
        }
        runtime.spawn(server.clone().watch());
        if let Some(port) = options.metrics_port {
            runtime.block_on(metrics::listen(port, server.clone()))?;
        }
        let around = (node_id, addresses.as_slice());
        let neighbours =
            GossipHandle::start(&server, runtime.handle(), around, &options.neighbours)?;
        server.attach(neighbours.inbox());
        let serving = Serving {
            node: node_id,
            addresses: addresses.clone(),
            server: server.clone(),
            view: neighbours.view(),
        };
        let control = control::listen(registry.home(), serving)?;
        drop(guard);
        server.report(&Event::Ready {
            node_id,
            addresses: addresses.clone(),
        });
        neighbours.begin();
        Ok(Self {
            server,
            endpoints,
            addresses,
            node_id,
            control,
            neighbours,
            runtime: Some(runtime),
            _lock: lock,
        })
    }

    /// Returns the addresses it listens on.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns its node id.
    pub fn node_id(&self) -> NodeId {
        self.node_id
    }

    /// Stops: accepts no connections, gives running pulls some time to finish, and ends.
    pub fn stop(mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        self.server.report(&Event::Stopping);
        self.server.is_stopping.store(true, Ordering::Relaxed);
        self.control.remove();
        self.neighbours.stop();
        let server = self.server.clone();
        let endpoints = std::mem::take(&mut self.endpoints);
        runtime.block_on(async move {
            let _ = tokio::time::timeout(GRACE, quiet(&server)).await;
            for endpoint in &endpoints {
                endpoint.close((CloseCode::ShuttingDown as u32).into(), b"shutting down");
            }
            let _ = tokio::time::timeout(FAREWELL, async {
                for endpoint in &endpoints {
                    endpoint.wait_idle().await;
                }
            })
            .await;
        });
        // A running read from the disk is not waited for.
        runtime.shutdown_background();
        self.server.report(&Event::Stopped);
    }
}

/// Waits until no request has run for a moment, because a pull is many requests, or until no
/// peer is left.
async fn quiet(server: &Server) {
    const LOOKS: u32 = 15;
    let mut quiet = 0;
    let mut received = (server.connection_limiter.received(), host::instant());
    while quiet < LOOKS && received.1.elapsed() < LOST {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = server.connection_limiter.received();
        if now != received.0 {
            received = (now, host::instant());
        }
        quiet = match server.counters.under_way.load(Ordering::Relaxed) {
            0 => quiet + 1,
            _ => 0,
        };
    }
}
