//! Files behind a URL as a source: one file of a web server, files of a hub's repository, objects of S3.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use crate::ident::from_hex;
use crate::locks::lock;
use crate::manifest::DatasetKind;
use crate::manifest::check_path;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;
use crate::registry::intake::promise::Promise;
use crate::registry::intake::source::FileSource;
use crate::registry::intake::source::Place;
use crate::registry::intake::source::SourceItem;
use crate::remote::HttpUrl;
use crate::remote::HubUrl;
use crate::remote::InOrder;
use crate::remote::ListedFile;
use crate::remote::Probed;
use crate::remote::Remote;
use crate::remote::RemoteError;
use crate::remote::RemoteUrl;
use crate::remote::S3Url;
use crate::remote::Validator;

/// Name of a file whose URL has none.
const NAMELESS: &str = "data";
/// Parts of the names of parameters that may be secrets.
const SECRET_PARAMETERS: [&str; 10] = [
    "sig",
    "token",
    "key",
    "secret",
    "auth",
    "pass",
    "credential",
    "x-amz-",
    "x-goog-",
    "session",
];

/// Files behind a URL.
#[derive(Debug)]
pub struct RemoteSource {
    remote: Remote,
    place: Place,
    items: Vec<SourceItem>,
    /// The place and the expected state of each item.
    files: Vec<(RemoteUrl, Option<Probed>)>,
    /// Files that arrive already, because their servers know no ranges.
    begun: Mutex<BTreeMap<usize, InOrder>>,
    /// Set for an item whose ETag is no MD5.
    without_md5: Vec<Arc<AtomicBool>>,
}

impl RemoteSource {
    /// Looks up what is behind a URL.
    ///
    /// # Errors
    /// [`Error`] when nothing is there, or it cannot be reached.
    pub fn find(remote: &Remote, url: &RemoteUrl) -> Result<Self, Error> {
        let found = match url {
            RemoteUrl::Http(http) => Self::of_http(remote, http),
            RemoteUrl::Hub(hub) => Self::of_hub(remote, hub),
            RemoteUrl::S3(s3) => Self::of_s3(remote, s3),
        };
        Ok(found?)
    }

    fn of_http(remote: &Remote, http: &HttpUrl) -> Result<Self, RemoteError> {
        let url = RemoteUrl::Http(http.clone());
        let (probed, begun) = remote.probe(&url)?;
        let name = file_name(&url.decoded_file_name());
        let shown = recorded(http);
        let place = Place {
            shared_url: http.url().to_string(),
            url: shown,
            revision: None,
            kind: DatasetKind::File,
            name: name.clone(),
        };
        let item = SourceItem {
            path: name,
            size_bytes: probed.size_bytes,
            promise: match (strong_tag(&probed.validator), probed.is_of_s3) {
                (etag, true) => object_promise(etag),
                (etag, false) => Promise {
                    etag,
                    ..Promise::default()
                },
            },
        };
        let source = Self::new(remote, place, vec![(item, url, Some(probed))]);
        lock(&source.begun).extend(begun.map(|begun| (0, begun)));
        Ok(source)
    }

    fn of_hub(remote: &Remote, hub: &HubUrl) -> Result<Self, RemoteError> {
        let path = hub.path();
        let (above, last) = path.rsplit_once('/').unwrap_or(("", path));
        // Whether a path is a file or a directory shows in the list of the directory above.
        let is_sure = path.is_empty() || hub.is_directory();
        let listed_at = if is_sure {
            hub.clone()
        } else {
            hub.at_directory(above)
        };
        let listing = remote.list(&RemoteUrl::Hub(listed_at))?;
        let mut place = Place {
            url: hub.to_string(),
            shared_url: hub.without_revision().to_string(),
            revision: listing.commit.clone(),
            kind: DatasetKind::Directory,
            name: hub.name().to_owned(),
        };
        let is_it = |file: &&ListedFile| !is_sure && file.path == last;
        if let Some(file) = listing.files.iter().find(is_it) {
            place.kind = DatasetKind::File;
            place.name = last.to_owned();
            return Ok(Self::new(
                remote,
                place,
                vec![item_of(file.clone(), last.to_owned())],
            ));
        }
        if !last.is_empty() {
            place.name = format!("{}-{last}", hub.name());
        }
        let below = if is_sure {
            String::new()
        } else {
            format!("{last}/")
        };
        let files = listing.files.into_iter().filter_map(|file| {
            let path = file.path.strip_prefix(&below)?.to_owned();
            Some(item_of(file, path))
        });
        let files: Vec<_> = files.collect();
        if files.is_empty() && !path.is_empty() {
            return Err(RemoteError::NotFound(hub.to_string()));
        }
        Ok(Self::new(remote, place, files))
    }

    fn of_s3(remote: &Remote, s3: &S3Url) -> Result<Self, RemoteError> {
        let url = RemoteUrl::S3(s3.clone());
        let key = s3.key().trim_end_matches('/');
        let last = key.rsplit('/').next().filter(|last| !last.is_empty());
        let mut place = Place {
            url: url.to_string(),
            shared_url: url.to_string(),
            revision: None,
            kind: DatasetKind::Directory,
            name: last.unwrap_or(s3.bucket()).to_owned(),
        };
        if !s3.is_prefix() {
            match remote.probe(&url) {
                Ok((probed, begun)) => {
                    place.kind = DatasetKind::File;
                    let item = SourceItem {
                        path: file_name(&place.name),
                        size_bytes: probed.size_bytes,
                        promise: object_promise(strong_tag(&probed.validator)),
                    };
                    let source = Self::new(remote, place, vec![(item, url, Some(probed))]);
                    lock(&source.begun).extend(begun.map(|begun| (0, begun)));
                    return Ok(source);
                }
                Err(RemoteError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let prefix = if s3.is_prefix() {
            s3.clone()
        } else {
            s3.at_key(&format!("{key}/"))
        };
        let listing = remote.list(&RemoteUrl::S3(prefix))?;
        if listing.files.is_empty() {
            return Err(RemoteError::NotFound(url.to_string()));
        }
        let files = listing.files.into_iter().map(|file| {
            let path = file.path.clone();
            item_of(file, path)
        });
        Ok(Self::new(remote, place, files.collect()))
    }

    fn new(
        remote: &Remote,
        place: Place,
        files: Vec<(SourceItem, RemoteUrl, Option<Probed>)>,
    ) -> Self {
        let mut source = Self {
            remote: remote.clone(),
            place,
            items: Vec::with_capacity(files.len()),
            files: Vec::with_capacity(files.len()),
            begun: Mutex::default(),
            without_md5: Vec::with_capacity(files.len()),
        };
        for (item, url, probed) in files {
            source.items.push(item);
            source.files.push((url, probed));
            source.without_md5.push(Arc::default());
        }
        source
    }
}

impl FileSource for RemoteSource {
    fn place(&self) -> &Place {
        &self.place
    }

    fn items(&self) -> &[SourceItem] {
        &self.items
    }

    fn read(&self, number: usize, offset: u64) -> Result<Box<dyn Read + Send>, Error> {
        let begun = lock(&self.begun).remove(&number).filter(|_| offset == 0);
        let (Some((url, probed)), Some(flag)) =
            (self.files.get(number), self.without_md5.get(number))
        else {
            return Err(Error::Dataset(DatasetError::NotFound(
                self.place.url.clone(),
            )));
        };
        let reading = match begun {
            Some(begun) => begun,
            None => self.remote.read_in_order(url, offset, probed.clone())?,
        };
        Ok(Box::new(Noticing {
            reading,
            without_md5: Arc::clone(flag),
        }))
    }

    fn has_md5(&self, number: usize) -> bool {
        let flag = self.without_md5.get(number);
        flag.is_none_or(|flag| !flag.load(Ordering::Relaxed))
    }
}

/// A file that is read, and that says whether its ETag is an MD5.
struct Noticing {
    reading: InOrder,
    without_md5: Arc<AtomicBool>,
}

impl Read for Noticing {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.reading.read(buf)?;
        if !self.reading.is_tag_md5() {
            self.without_md5.store(true, Ordering::Relaxed);
        }
        Ok(n)
    }
}

/// Makes an item of a listed file. Its state is what the list says.
fn item_of(file: ListedFile, path: String) -> (SourceItem, RemoteUrl, Option<Probed>) {
    let ListedFile {
        url,
        size_bytes,
        promise,
        ..
    } = file;
    let is_object = matches!(url, RemoteUrl::S3(_));
    let promise = if is_object {
        object_promise(promise.etag)
    } else {
        Promise {
            sha256: promise.sha256,
            git_sha1: promise.git_sha1,
            md5: None,
            etag: promise.etag,
        }
    };
    let etag = promise.etag.as_ref().filter(|_| is_object);
    let validator = Validator {
        size_bytes,
        etag: etag.map(|tag| format!("\"{tag}\"")),
        modified: None,
    };
    let item = SourceItem {
        path,
        size_bytes: Some(size_bytes),
        promise,
    };
    let probed = Probed {
        size_bytes: Some(size_bytes),
        validator,
        commit: None,
        is_of_s3: is_object,
    };
    (item, url, Some(probed))
}

/// Returns the promise of an object. Its tag is an MD5, unless it was uploaded in parts or is encrypted
/// with keys of its own.
fn object_promise(etag: Option<String>) -> Promise {
    Promise {
        md5: etag.as_deref().and_then(from_hex),
        etag,
        ..Promise::default()
    }
}

fn strong_tag(validator: &Validator) -> Option<String> {
    let tag = validator.strong_etag()?;
    Some(tag.trim_matches('"').to_owned())
}

/// Returns a name that a file of a dataset can have.
fn file_name(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or_default();
    match check_path(last) {
        Ok(()) if !last.chars().any(char::is_control) => last.to_owned(),
        _ => NAMELESS.to_owned(),
    }
}

/// Returns the text of a URL that is recorded: with its query, unless that may be a secret.
fn recorded(http: &HttpUrl) -> String {
    let query = http.url().query().unwrap_or_default().to_ascii_lowercase();
    let mut names = query.split('&').filter_map(|pair| pair.split('=').next());
    let is_secret = |name: &str| SECRET_PARAMETERS.iter().any(|part| name.contains(part));
    if names.any(is_secret) {
        RemoteUrl::Http(http.clone()).to_string()
    } else {
        http.url().to_string()
    }
}
