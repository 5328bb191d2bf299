//! A server of feature tables: its addresses, its start and its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::sync::watch;

use crate::feature_server::connection::Endpoint;
use crate::feature_server::connection::Protocol;
use crate::feature_server::connection::serve;
use crate::feature_server::guard::Guard;
use crate::feature_server::limits::CONNECTIONS_MAX;
use crate::feature_server::limits::PARTING;
use crate::feature_server::limits::STALL;
use crate::feature_server::state::Shared;
use crate::features::serving::FeatureTables;
use crate::keyring::BearerToken;
use crate::locks::threads;

/// Interval at which a server asks for its end.
const LOOK_UP: Duration = Duration::from_millis(20);
/// Threads for large lookups, writes and loads.
const BLOCKING_THREADS: usize = 32;

/// The addresses of a server, and the condition of access.
#[derive(Clone)]
pub struct FeatureServerOptions {
    /// The address of HTTP.
    pub http: SocketAddr,
    /// The address of Arrow Flight.
    pub flight: Option<SocketAddr>,
    /// A token that clients send with each request.
    pub token: Option<BearerToken>,
}

/// A server cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// An address cannot be used.
    #[error("cannot use the address `{address}`")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// The threads cannot be started.
    #[error("cannot start the threads of the server")]
    Runtime(#[source] io::Error),
    /// The address is not on loopback, and there is no token.
    #[error("the address `{0}` needs a token")]
    TokenNeeded(SocketAddr),
}

/// A server of feature tables. It serves until it is dropped.
pub struct FeatureServer {
    runtime: Option<Runtime>,
    slots: Arc<Semaphore>,
    ending: watch::Sender<bool>,
    http: SocketAddr,
    flight: Option<SocketAddr>,
}

impl FeatureServer {
    /// Binds to the addresses and begins to serve.
    ///
    /// # Errors
    /// [`ServeError`].
    pub fn start(
        tables: Arc<FeatureTables>,
        options: &FeatureServerOptions,
    ) -> Result<Self, ServeError> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(threads().max(2));
        builder.max_blocking_threads(BLOCKING_THREADS);
        let runtime = builder.enable_all().build().map_err(ServeError::Runtime)?;
        let shared = Arc::new(Shared::new(tables));
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let (ending, ended) = watch::channel(false);
        let listen = |address: SocketAddr, protocol| {
            if !address.ip().is_loopback() && options.token.is_none() {
                return Err(ServeError::TokenNeeded(address));
            }
            let bind = |source| ServeError::Bind { address, source };
            let listener = runtime.block_on(TcpListener::bind(address)).map_err(bind)?;
            let bound = listener.local_addr().map_err(bind)?;
            let endpoint = Endpoint {
                protocol,
                guard: Guard::new(bound, options.token.clone()),
                shared: Arc::clone(&shared),
                slots: Arc::clone(&slots),
                ending: ended.clone(),
                stall: STALL,
            };
            runtime.spawn(serve(listener, endpoint));
            Ok(bound)
        };
        let http = listen(options.http, Protocol::Http)?;
        let flight = options
            .flight
            .map(|at| listen(at, Protocol::Flight))
            .transpose()?;
        Ok(Self {
            runtime: Some(runtime),
            slots,
            ending,
            http,
            flight,
        })
    }

    /// Returns the address of HTTP.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Returns the address of Arrow Flight.
    pub fn flight(&self) -> Option<SocketAddr> {
        self.flight
    }

    /// Serves until a question returns true. Answers under way are finished.
    pub fn run(mut self, is_ending: impl Fn() -> bool) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        while !is_ending() {
            std::thread::sleep(LOOK_UP);
        }
        // Nobody listens any more if this fails.
        let _ = self.ending.send(true);
        let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
        runtime.block_on(async {
            // The accepting tasks hold none of the slots for long.
            let _ = tokio::time::timeout(PARTING, self.slots.acquire_many(all)).await;
        });
        runtime.shutdown_timeout(Duration::from_millis(50));
    }
}

impl Drop for FeatureServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
