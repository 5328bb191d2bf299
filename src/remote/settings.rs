//! Settings of reading from elsewhere. The caller reads the environment and the clock.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::remote::limits::CACHE_BYTES_MAX;
use crate::remote::limits::STALL_TIMEOUT;

/// The hub that is asked where the settings name no other.
pub const DEFAULT_HUB: &str = "https://huggingface.co";

/// Settings of reading from elsewhere.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RemoteSettings {
    /// Directory of the cache; without one nothing is kept.
    pub cache_directory: Option<PathBuf>,
    /// Bytes in the cache.
    pub cache_bytes_max: u64,
    /// True to make no connection: only the cache is read.
    pub is_offline: bool,
    /// The hub behind `hf://`.
    pub hub: HubSettings,
    /// The servers behind `s3://`.
    pub s3: S3Settings,
    /// Time without a byte after which a request fails.
    pub stall_timeout: Duration,
    /// Returns the present time.
    pub now: fn() -> Timestamp,
    /// Returns true when the program was asked to stop.
    pub is_stopped: fn() -> bool,
}

impl RemoteSettings {
    /// Returns settings without cache, credentials and other endpoints.
    pub fn new(now: fn() -> Timestamp) -> Self {
        Self {
            cache_directory: None,
            cache_bytes_max: CACHE_BYTES_MAX,
            is_offline: false,
            hub: HubSettings::default(),
            s3: S3Settings::default(),
            stall_timeout: STALL_TIMEOUT,
            now,
            is_stopped: || false,
        }
    }
}

/// Settings of the hub.
#[derive(Clone, Debug)]
pub struct HubSettings {
    /// URL of the hub, without a slash at its end.
    pub endpoint: String,
    /// Token of the user.
    pub token: Option<Secret>,
}

impl Default for HubSettings {
    fn default() -> Self {
        Self {
            endpoint: DEFAULT_HUB.to_owned(),
            token: None,
        }
    }
}

/// Settings of S3.
#[derive(Clone, Debug, Default)]
pub struct S3Settings {
    /// Keys of the user; requests are anonymous without them.
    pub keys: Option<S3Keys>,
    /// Region, `us-east-1` if not set.
    pub region: Option<String>,
    /// URL of the server, if it is not Amazon's. Buckets are then parts of paths.
    pub endpoint: Option<String>,
    /// The fault of the user's profile, as the rest of a sentence. It ends what needs S3.
    pub fault: Option<String>,
}

/// Keys of S3.
#[derive(Clone, Debug)]
pub struct S3Keys {
    /// The public half.
    pub id: String,
    /// The secret half.
    pub secret: Secret,
    /// Token of a session, for keys that expire.
    pub session_token: Option<Secret>,
}

/// A text that is in no log and no message, and that is erased when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Returns the text.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
