//! Data that is elsewhere: files of web servers, repositories of a hub, objects of S3. Blocking code
//! over a [`Transport`], which `net` implements; `spec/remote.md` is the specification.
//!
//! - `url`: places, from their texts; `listing`: what is in a repository or below a prefix
//! - `in_order`: files that are read once, from the front
//! - `file`: files as sources of bytes; `cache`, `pool`: blocks on disk and in memory
//! - `client`: requests, redirects, repetition; `answer`: headers; `hub`, `s3`: the two services
//! - `transport`: the trait of one request; `settings`, `limits`, `error`, `stats`, `permits`

pub mod answer;
mod cache;
mod client;
mod error;
mod file;
pub mod hub;
mod in_order;
pub mod limits;
mod listing;
mod permits;
mod pool;
pub mod s3;
mod settings;
mod stats;
mod transport;
mod url;
mod variables;

use std::fmt;
use std::sync::Arc;

use crate::remote::client::Asked;
use crate::remote::client::BodyError;
use crate::remote::client::Call;
use crate::remote::client::Client;
use crate::remote::client::Origin;

pub use crate::remote::answer::Validator;
pub use crate::remote::client::NoticeSink;
pub use crate::remote::error::RemoteError;
pub use crate::remote::file::RemoteFile;
pub use crate::remote::hub::HubRevision;
pub use crate::remote::in_order::InOrder;
pub use crate::remote::in_order::Probed;
pub use crate::remote::listing::Found;
pub use crate::remote::listing::ListedFile;
pub use crate::remote::listing::Listing;
pub use crate::remote::listing::Promise;
pub use crate::remote::settings::DEFAULT_HUB;
pub use crate::remote::settings::HubSettings;
pub use crate::remote::settings::RemoteSettings;
pub use crate::remote::settings::S3Keys;
pub use crate::remote::settings::S3Settings;
pub use crate::remote::settings::Secret;
pub use crate::remote::stats::Statistics;
pub use crate::remote::transport::Method;
pub use crate::remote::transport::Request;
pub use crate::remote::transport::Response;
pub use crate::remote::transport::Transport;
pub use crate::remote::transport::TransportError;
pub use crate::remote::url::HttpUrl;
pub use crate::remote::url::HubUrl;
pub use crate::remote::url::RemoteUrl;
pub use crate::remote::url::S3Url;
#[cfg(feature = "doors")]
pub(crate) use crate::remote::url::percent_decoded;
#[cfg(feature = "doors")]
pub(crate) use crate::remote::url::percent_encoded;
pub use crate::remote::variables::STALL_TIMEOUT;
pub use crate::remote::variables::Variables;
pub use crate::remote::variables::is_yes;

/// Reads what is elsewhere. Clones share memory, cache and counts.
#[derive(Clone)]
pub struct Remote(Arc<Client>);

impl Remote {
    /// Returns a reader over a transport. `notices` gets sentences for the user.
    pub fn new(
        transport: Arc<dyn Transport>,
        settings: RemoteSettings,
        notices: Box<NoticeSink>,
    ) -> Self {
        Self(Arc::new(Client::new(transport, settings, notices.into())))
    }

    /// Returns a reader of the same servers with another endpoint or region of S3, and without a cache on disk: for
    /// files that are read once. It shares the transport, and counts for itself.
    #[must_use]
    pub fn at_s3(&self, endpoint: Option<&str>, region: Option<&str>) -> Self {
        let client = &self.0;
        let mut settings = client.settings.clone();
        settings.cache_directory = None;
        let own = |named: Option<&str>, default| named.map(str::to_owned).or(default);
        settings.s3.endpoint = own(endpoint, settings.s3.endpoint.take());
        settings.s3.region = own(region, settings.s3.region.take());
        let transport = Arc::clone(&client.transport);
        let notices = Arc::clone(&client.notices);
        Self(Arc::new(Client::new(transport, settings, notices)))
    }

    /// Returns true if no connection is made.
    pub fn is_offline(&self) -> bool {
        self.0.settings.is_offline
    }

    /// Returns the requests and bytes until now.
    pub fn statistics(&self) -> Statistics {
        self.0.counters.now()
    }

    /// Writes what was received so far to the cache. The code that ends the program calls it, because
    /// requests may still run then.
    pub fn save(&self) {
        self.0.save();
    }

    /// Opens one file.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn open(&self, url: &RemoteUrl) -> Result<RemoteFile, RemoteError> {
        file::open(&self.0, url)
    }

    /// Looks up a place: a file, which is opened, or else all files of a repository, of a directory,
    /// or below a prefix.
    ///
    /// # Errors
    /// [`RemoteError::NotFound`] when it is neither.
    pub fn find(&self, url: &RemoteUrl) -> Result<Found, RemoteError> {
        let may_be_file = match url {
            RemoteUrl::Http(_) => return self.open(url).map(Found::File),
            RemoteUrl::Hub(hub) => !hub.is_directory(),
            RemoteUrl::S3(s3) => !s3.is_prefix(),
        };
        if may_be_file {
            match self.open(url) {
                Err(RemoteError::NotFound(_)) => {}
                opened => return opened.map(Found::File),
            }
        }
        let below = match url {
            RemoteUrl::S3(s3) if may_be_file => RemoteUrl::S3(s3.at_key(&format!("{}/", s3.key()))),
            _ => url.clone(),
        };
        let listing = self.list(&below)?;
        if listing.files.is_empty() {
            return Err(RemoteError::NotFound(url.to_string()));
        }
        Ok(Found::Files(listing))
    }

    /// Lists the files of a repository, of a directory of one, or below a prefix.
    ///
    /// # Errors
    /// [`RemoteError`]; [`RemoteError::Url`] for the URL of a web server, which has no lists.
    pub fn list(&self, url: &RemoteUrl) -> Result<Listing, RemoteError> {
        match url {
            RemoteUrl::Http(_) => {
                let why = "is a URL of a web server, which lists no files";
                Err(RemoteError::url(url.to_string(), why))
            }
            RemoteUrl::Hub(hub) => hub::list(&self.0, hub),
            RemoteUrl::S3(s3) => s3::list::list(&self.0, s3),
        }
    }

    /// Returns the revision that a URL of a hub names.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn revision(&self, hub: &HubUrl) -> Result<HubRevision, RemoteError> {
        hub::revision(&self.0, hub)
    }

    /// Asks for the state of a file. From a server without ranges the whole file comes, and can be read
    /// from the returned value.
    ///
    /// # Errors
    /// [`RemoteError`] when there is no such file, or no connection.
    pub fn probe(&self, url: &RemoteUrl) -> Result<(Probed, Option<InOrder>), RemoteError> {
        in_order::probe(&self.0, url)
    }

    /// Returns a file that is read in order, from an offset to its end. It must still be in the
    /// expected state, where one is given.
    ///
    /// # Errors
    /// [`RemoteError::Url`] when the endpoint of the settings is no URL.
    pub fn read_in_order(
        &self,
        url: &RemoteUrl,
        offset: u64,
        expected: Option<Probed>,
    ) -> Result<InOrder, RemoteError> {
        InOrder::new(&self.0, url, (offset, expected))
    }

    /// Reads a small file whole.
    ///
    /// # Errors
    /// [`RemoteError::Limit`] for more than `most` bytes.
    pub fn read_whole(&self, url: &RemoteUrl, most: u64) -> Result<Vec<u8>, RemoteError> {
        let origin = Origin::of_file(url, &self.0.settings)?;
        let mut answer = self.0.send(&Call {
            origin: &origin,
            asked: Asked::Whole,
            if_match: None,
            redirected: None,
        })?;
        answer.check_coding()?;
        let length = answer.content_length();
        let bytes = answer.body.read_all(most).map_err(BodyError::into_error)?;
        match length {
            Some(length) if length != bytes.len() as u64 => {
                let why = format!("{} bytes where {length} were due", bytes.len());
                Err(RemoteError::answer(&origin.shown, why))
            }
            _ => Ok(bytes),
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remote")
    }
}
