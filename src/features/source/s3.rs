//! Partitions below a prefix of a bucket.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::features::build::BuildInput;
use crate::features::error::FeatureError;
use crate::features::source::Listing;
use crate::features::source::Partition;
use crate::features::source::PartitionFile;
use crate::features::source::PartitionSource;
use crate::features::source::partition::partitions_of;
use crate::locks::lock;
use crate::remote::Remote;
use crate::remote::RemoteError;
use crate::remote::RemoteUrl;
use crate::remote::limits::REQUESTS_MAX;

/// The front of a validator that is a time.
const AT: &str = "at ";

/// A prefix of a bucket.
pub(crate) struct S3Source {
    remote: Remote,
    /// The prefix with a slash at its end.
    url: RemoteUrl,
}

impl S3Source {
    /// Takes a prefix. Keys begin with the whole of it: `a/b` is not a prefix of `a/bc`.
    ///
    /// # Errors
    /// [`FeatureError::Source`] for a name that no bucket has.
    pub(crate) fn new(remote: Remote, bucket: &str, prefix: &str) -> Result<Self, FeatureError> {
        let prefix = prefix.trim_matches('/');
        let end = if prefix.is_empty() { "" } else { "/" };
        let text = format!("s3://{bucket}/{prefix}{end}");
        let url = RemoteUrl::parse(&text).map_err(|e| fault(&text, &e))?;
        Ok(Self { remote, url })
    }

    fn opened(&self, listed: &PartitionFile) -> Result<BuildInput, FeatureError> {
        let text = format!("{}{}", self.url, listed.path);
        let open = || self.remote.open(&RemoteUrl::parse(&text)?);
        let file = open().map_err(|e| fault(&text, &e))?;
        let found = file.validator();
        let etag = found.etag.as_deref().map(bare);
        let is_dated = listed.validator.starts_with(AT);
        let is_other = etag.is_some_and(|etag| !is_dated && etag != listed.validator);
        if found.size_bytes != listed.size_bytes || is_other {
            return Err(FeatureError::Source {
                place: text,
                why: "it changed since it was listed".to_owned(),
                kind: ErrorKind::Integrity,
            });
        }
        Ok(BuildInput {
            name: text,
            source: Arc::new(file),
        })
    }
}

/// Returns an ETag without its quotes.
fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}

fn fault(place: &str, error: &RemoteError) -> FeatureError {
    FeatureError::Source {
        place: place.to_owned(),
        why: error.to_string(),
        kind: error.kind(),
    }
}

impl PartitionSource for S3Source {
    fn place(&self) -> String {
        self.url.to_string()
    }

    fn partitions(&self) -> Result<Listing, FeatureError> {
        let listing = self.remote.list(&self.url);
        let listing = listing.map_err(|e| fault(&self.place(), &e))?;
        let files = listing.files.into_iter().map(|file| PartitionFile {
            path: file.path,
            size_bytes: file.size_bytes,
            validator: match file.promise.etag {
                Some(etag) => etag,
                // Such a server says less of a file when it is opened.
                None => format!("{AT}{}", file.modified.unwrap_or_default()),
            },
        });
        Ok(partitions_of(files.collect()))
    }

    fn open(&self, partition: &Partition) -> Result<Vec<BuildInput>, FeatureError> {
        let files = &partition.files;
        let (next, failure) = (AtomicUsize::new(0), Mutex::new(None));
        let opened = Mutex::new(vec![None; files.len()]);
        // Opening waits for one answer of the server a file.
        let open_all = || {
            while let Some((n, file)) = {
                let n = next.fetch_add(1, Ordering::Relaxed);
                files.get(n).map(|file| (n, file))
            } {
                match self.opened(file) {
                    Ok(input) => {
                        if let Some(place) = lock(&opened).get_mut(n) {
                            *place = Some(input);
                        }
                    }
                    Err(e) => {
                        lock(&failure).get_or_insert(e);
                        next.store(files.len(), Ordering::Relaxed);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..files.len().min(REQUESTS_MAX) {
                scope.spawn(open_all);
            }
        });
        match failure.into_inner() {
            Ok(Some(e)) => Err(e),
            _ => Ok(lock(&opened).drain(..).flatten().collect()),
        }
    }
}
