//! State that all requests share.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;

use crate::doors::catalogue::Catalogue;
use crate::doors::catalogue::PullThrough;
use crate::doors::event::RequestObserver;
use crate::doors::hub::Uploads;
use crate::doors::metrics::Metrics;
use crate::keyring::AccessTokens;
use crate::registry::peers::Showing;

/// Options of the doors.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct DoorOptions {
    /// The address of the hub's API and the page.
    pub http: Option<SocketAddr>,
    /// The address of S3.
    pub s3: Option<SocketAddr>,
    /// The datasets that are shown.
    pub showing: Showing,
    /// Every client needs a token.
    pub is_token_needed: bool,
    /// Tokens that may write bring in new versions.
    pub allows_upload: bool,
    /// Origins of pages in browsers that may read answers (CORS).
    pub origins: Vec<String>,
    /// Finds peers for datasets that are not here. Without it, only those that are here are shown.
    pub pull_through: Option<PullThrough>,
    /// The directory with the files of the page that opens files in the browser (`web/`). Without it, there is none.
    pub bundle: Option<PathBuf>,
    /// The certificate and its key. Without it, connections are not encrypted.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

/// State that all requests share.
pub(super) struct Doors {
    pub(super) catalogue: Catalogue,
    pub(super) tokens: AccessTokens,
    pub(super) options: DoorOptions,
    /// The address of S3, once it is bound.
    pub(super) s3_address: OnceLock<SocketAddr>,
    pub(super) metrics: Metrics,
    pub(super) observer: Arc<RequestObserver>,
    pub(super) uploads: Uploads,
}
