//! The serving node: sockets, the control socket, and an orderly end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use quinn::Endpoint;
use tokio::runtime::Runtime;

use crate::ident::NodeId;
use crate::keyring;
use crate::net::gossip::NeighbourOptions;
use crate::net::gossip::Neighbours;
use crate::net::quic::endpoint;
use crate::net::quic::peer::runtime;
use crate::net::server::accept::Close;
use crate::net::server::accept::Server;
use crate::net::server::control;
use crate::net::server::control::ControlSocket;
use crate::net::server::control::Serving;
use crate::net::server::event::Event;
use crate::net::server::event::Observer;
use crate::net::server::metrics;
use crate::protocol::Access;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::host;
use crate::registry::peers::Showing;
use crate::store::disk::LockGuard;

const LOCK: &str = "serve.lock";

/// How long transfers may go on once the node is told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// Unless nothing came from any peer for this long: then those that it still waits for are gone.
const LOST: Duration = Duration::from_millis(1_300);
/// How long the last word to all peers together may take.
const FAREWELL: Duration = Duration::from_millis(300);

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where to listen.
    pub addresses: Vec<SocketAddr>,
    /// Whom to serve.
    pub access: Access,
    /// What to show.
    pub showing: Showing,
    /// Where on loopback Prometheus is answered, if anywhere.
    pub metrics_port: Option<u16>,
    /// How to deal with the nodes around.
    pub neighbours: NeighbourOptions,
}

/// A node that serves its registry, until it is stopped or dropped.
pub struct Node {
    server: Arc<Server>,
    endpoints: Vec<Endpoint>,
    addresses: Vec<SocketAddr>,
    node_id: NodeId,
    control: ControlSocket,
    neighbours: Neighbours,
    runtime: Option<Runtime>,
    /// Nobody else serves this home meanwhile.
    _lock: Box<dyn LockGuard>,
}

impl Node {
    /// Begins to serve.
    ///
    /// # Errors
    /// [`Error::AlreadyServing`] when another process does; [`Error::Bind`].
    pub fn start(
        registry: &LocalRegistry,
        options: &ServeOptions,
        observer: Arc<Observer>,
    ) -> Result<Self, Error> {
        let lock = registry.exclusive_now(LOCK)?;
        let lock = lock.ok_or_else(|| Error::AlreadyServing(registry.home().to_owned()))?;
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
                // The same one everywhere.
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
        let neighbours = Neighbours::start(&server, runtime.handle(), around, &options.neighbours)?;
        server.attach(neighbours.inbox());
        let serving = Serving {
            node: node_id,
            addresses: addresses.clone(),
            server: server.clone(),
            view: neighbours.view(),
        };
        let control = control::listen(registry.home(), serving)?;
        drop(guard);
        server.tell(&Event::Ready {
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

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Who it is.
    pub fn node_id(&self) -> NodeId {
        self.node_id
    }

    /// Lets nobody in, lets those who are pulling come to the end of it for a while, and ends.
    pub fn stop(mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        self.server.tell(&Event::Stopping);
        self.server.is_stopping.store(true, Ordering::Relaxed);
        self.control.remove();
        self.neighbours.stop();
        let server = self.server.clone();
        let endpoints = std::mem::take(&mut self.endpoints);
        runtime.block_on(async move {
            let _ = tokio::time::timeout(GRACE, quiet(&server)).await;
            for endpoint in &endpoints {
                endpoint.close((Close::ShuttingDown as u32).into(), b"shutting down");
            }
            let _ = tokio::time::timeout(FAREWELL, async {
                for endpoint in &endpoints {
                    endpoint.wait_idle().await;
                }
            })
            .await;
        });
        // What still reads from the disk is not waited for.
        runtime.shutdown_background();
        self.server.tell(&Event::Stopped);
    }
}

/// Waits until nothing has been under way for a moment, as a pull is many requests, or until
/// nobody is there any more to whom it could matter.
async fn quiet(server: &Server) {
    const LOOKS: u32 = 15;
    let mut quiet = 0;
    let mut heard = (server.gate.heard(), host::instant());
    while quiet < LOOKS && heard.1.elapsed() < LOST {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = server.gate.heard();
        if now != heard.0 {
            heard = (now, host::instant());
        }
        quiet = match server.counters.under_way.load(Ordering::Relaxed) {
            0 => quiet + 1,
            _ => 0,
        };
    }
}
