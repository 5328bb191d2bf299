//! The server of the doors: its addresses, its start and its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::sync::watch;

use crate::doors::catalogue::Catalogue;
use crate::doors::event::RequestObserver;
use crate::doors::hub::Uploads;
use crate::doors::limits::CONNECTIONS_MAX;
use crate::doors::limits::OPEN_TIME;
use crate::doors::limits::PARTING;
use crate::doors::limits::WORK_AT_ONCE;
use crate::doors::metrics::Metrics;
use crate::doors::serving::connection::Door;
use crate::doors::serving::connection::Endpoint;
use crate::doors::serving::connection::converse;
use crate::doors::state::DoorOptions;
use crate::doors::state::Doors;
use crate::http_server::HostNames;
use crate::http_server::accept;
use crate::keyring::AccessTokens;
use crate::keyring::KeyringError;
use crate::locks::threads;
use crate::registry::LocalRegistry;

/// The doors cannot be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DoorServerError {
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
    /// The tokens cannot be read.
    #[error(transparent)]
    Tokens(#[from] KeyringError),
}

/// Open doors. They serve until the value is dropped or stopped.
pub struct DoorServer {
    runtime: Option<Runtime>,
    doors: Arc<Doors>,
    slots: Arc<Semaphore>,
    ending: watch::Sender<bool>,
    http: Option<SocketAddr>,
    s3: Option<SocketAddr>,
    is_tls: bool,
}

impl DoorServer {
    /// Binds to the addresses and begins to serve.
    ///
    /// # Errors
    /// [`DoorServerError`].
    pub fn start(
        registry: &LocalRegistry,
        options: &DoorOptions,
        observer: Arc<RequestObserver>,
    ) -> Result<Self, DoorServerError> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(threads().max(2));
        // Each permit of the semaphore holds one thread; uploads have their own.
        builder.max_blocking_threads(2 * WORK_AT_ONCE);
        let runtime = builder
            .enable_all()
            .build()
            .map_err(DoorServerError::Runtime)?;
        let doors = Arc::new(Doors {
            catalogue: Catalogue::new(
                registry.clone(),
                options.showing,
                options.pull_through.clone(),
            ),
            tokens: AccessTokens::open(registry.home())?,
            options: options.clone(),
            s3_address: OnceLock::new(),
            metrics: Metrics::default(),
            observer,
            uploads: Uploads::of(registry.home()).map_err(DoorServerError::Runtime)?,
        });
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let (ending, ended) = watch::channel(false);
        let listen = |address: SocketAddr, door| {
            let bind = |source| DoorServerError::Bind { address, source };
            let listener = runtime.block_on(TcpListener::bind(address)).map_err(bind)?;
            let bound = listener.local_addr().map_err(bind)?;
            let endpoint = Arc::new(Endpoint {
                door,
                names: HostNames::new(bound),
                doors: Arc::clone(&doors),
                ending: ended.clone(),
            });
            let (slots, ended) = (Arc::clone(&slots), ended.clone());
            runtime.spawn(accept(listener, slots, ended, move |stream| {
                converse(stream, Arc::clone(&endpoint))
            }));
            Ok::<_, DoorServerError>(bound)
        };
        let http = options.http.map(|at| listen(at, Door::Http)).transpose()?;
        let s3 = options.s3.map(|at| listen(at, Door::S3)).transpose()?;
        if let Some(at) = s3 {
            doors.s3_address.get_or_init(|| at);
        }
        let watched = Arc::downgrade(&doors);
        runtime.spawn(async move {
            while let Some(doors) = watched.upgrade() {
                let tidied = tokio::task::spawn_blocking(move || doors.catalogue.tidy());
                // A panic there is no reason to stop.
                let _ = tidied.await;
                tokio::time::sleep(OPEN_TIME / 4).await;
            }
        });
        Ok(Self {
            runtime: Some(runtime),
            doors,
            slots,
            ending,
            http,
            s3,
            is_tls: options.tls.is_some(),
        })
    }

    /// Returns the URL of the hub's API and the page.
    pub fn http(&self) -> Option<String> {
        self.http.map(|at| self.url(at))
    }

    /// Returns the URL of S3.
    pub fn s3(&self) -> Option<String> {
        self.s3.map(|at| self.url(at))
    }

    fn url(&self, at: SocketAddr) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{at}")
    }

    /// Ends: takes no connections, and gives answers under way some time to finish.
    pub fn stop(mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        // Nobody listens any more if this fails.
        let _ = self.ending.send(true);
        let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
        runtime.block_on(async {
            // The accepting tasks hold none of the slots for long.
            let _ = tokio::time::timeout(PARTING, self.slots.acquire_many(all)).await;
        });
        self.doors.catalogue.tidy();
        runtime.shutdown_timeout(Duration::from_millis(50));
    }
}

impl Drop for DoorServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
