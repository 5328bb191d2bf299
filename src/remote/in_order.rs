//! Files that are read in order, from an offset to their end: one request, unless the connection breaks.
//! Nothing of them is cached.

use std::fmt;
use std::io;
use std::io::Read;
use std::sync::Arc;

use crate::remote::answer::Validator;
use crate::remote::client::Answer;
use crate::remote::client::Asked;
use crate::remote::client::Body;
use crate::remote::client::BodyError;
use crate::remote::client::Call;
use crate::remote::client::Client;
use crate::remote::client::Origin;
use crate::remote::client::Redirected;
use crate::remote::error::RemoteError;
use crate::remote::limits::TRIES_MAX;
use crate::remote::url::RemoteUrl;

/// Bytes of a piece of a body that is read over.
const PIECE_BYTES: usize = 64 << 10;
/// The header by which a server of S3 shows.
const S3_HEADER: &str = "x-amz-request-id";
/// Headers of S3 which say that an ETag is no MD5 of the bytes.
const KMS_HEADER: &str = "x-amz-server-side-encryption";
const CUSTOMER_KEY_HEADER: &str = "x-amz-server-side-encryption-customer-algorithm";

/// The state of a file, as the headers of its first answer say it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probed {
    /// Length in bytes, where the server says it.
    pub size_bytes: Option<u64>,
    /// Its headers; the length is 0 where it is not known.
    pub validator: Validator,
    /// The commit that a hub names.
    pub commit: Option<String>,
    /// True if the server speaks S3, whose ETags may be hashes.
    pub is_of_s3: bool,
}

/// A file that is read in order.
pub struct InOrder {
    client: Arc<Client>,
    origin: Origin,
    redirected: Redirected,
    /// The state that the file must have, once it is known.
    expected: Option<Probed>,
    at: u64,
    body: Option<Body>,
    is_ended: bool,
    tries: u32,
    is_tag_md5: bool,
}

/// Asks for the first byte of a file, to learn its state. From a server without ranges the whole file
/// comes, and can be read from the returned value.
///
/// # Errors
/// [`RemoteError`] when there is no such file, or no connection.
pub(crate) fn probe(
    client: &Arc<Client>,
    url: &RemoteUrl,
) -> Result<(Probed, Option<InOrder>), RemoteError> {
    let mut file = InOrder::new(client, url, (0, None))?;
    let asked = Asked::Part(0, 1);
    let answer = file.client.send(&file.call(asked, None))?;
    let commit = answer.commit.clone();
    let is_of_s3 = answer.header(S3_HEADER).is_some();
    let probed = |size_bytes: Option<u64>, validator| Probed {
        size_bytes,
        validator,
        commit: commit.clone(),
        is_of_s3,
    };
    match answer.status {
        206 => {
            let (_, _, validator) = answer.part(asked)?;
            Ok((probed(Some(validator.size_bytes), validator), None))
        }
        416 if answer.whole_length() == Some(0) => Ok((probed(Some(0), answer.validator(0)), None)),
        416 => {
            let why = "that the first byte is not there";
            Err(RemoteError::answer(&file.origin.shown, why))
        }
        _ => {
            answer.check_coding()?;
            let size = answer.content_length();
            let probed = probed(size, answer.validator(size.unwrap_or(0)));
            file.expected = Some(probed.clone());
            file.is_tag_md5 = is_tag_md5(&answer);
            file.body = Some(answer.body);
            Ok((probed, Some(file)))
        }
    }
}

impl InOrder {
    /// Returns a file that is read from an offset on. No request is made before the first read.
    ///
    /// # Errors
    /// [`RemoteError::Url`] when the endpoint of the settings is no URL.
    pub(crate) fn new(
        client: &Arc<Client>,
        url: &RemoteUrl,
        (at, expected): (u64, Option<Probed>),
    ) -> Result<Self, RemoteError> {
        Ok(Self {
            origin: Origin::of_file(url, &client.settings)?,
            client: Arc::clone(client),
            redirected: Redirected::default(),
            expected,
            at,
            body: None,
            is_ended: false,
            tries: 0,
            is_tag_md5: true,
        })
    }

    /// Returns false if an answer said that an ETag of 32 digits is no MD5 of the bytes.
    pub fn is_tag_md5(&self) -> bool {
        self.is_tag_md5
    }

    fn call<'a>(&'a self, asked: Asked, if_match: Option<&'a str>) -> Call<'a> {
        Call {
            origin: &self.origin,
            asked,
            if_match,
            redirected: Some(&self.redirected),
        }
    }

    fn size_bytes(&self) -> Option<u64> {
        self.expected.as_ref().and_then(|probed| probed.size_bytes)
    }

    /// Asks for the rest of the file.
    fn ask(&mut self) -> Result<(), RemoteError> {
        let asked = match (self.at, self.size_bytes()) {
            (0, _) => Asked::Whole,
            (at, Some(size)) => Asked::Part(at, size.saturating_sub(at)),
            (at, None) => Asked::Part(at, u64::MAX - at),
        };
        let expected = self.expected.clone();
        let tag = expected.as_ref().and_then(|p| p.validator.strong_etag());
        let mut answer = self.client.send(&self.call(asked, tag))?;
        self.is_tag_md5 &= is_tag_md5(&answer);
        match answer.status {
            206 => {
                let (_, _, validator) = answer.part(asked)?;
                self.check_same(Some(validator.size_bytes), &validator, &answer)?;
                self.body = Some(answer.body);
            }
            416 if answer.whole_length() == Some(self.at) => self.is_ended = true,
            416 => return Err(RemoteError::Changed(self.origin.shown.clone())),
            _ => {
                answer.check_coding()?;
                let size = answer.content_length();
                let validator = answer.validator(size.unwrap_or(0));
                self.check_same(size, &validator, &answer)?;
                self.read_over(&mut answer.body)?;
                self.body = Some(answer.body);
            }
        }
        Ok(())
    }

    /// Checks that an answer is of the expected state, or makes its state the expected one.
    fn check_same(
        &mut self,
        size_bytes: Option<u64>,
        validator: &Validator,
        answer: &Answer,
    ) -> Result<(), RemoteError> {
        let Some(expected) = &self.expected else {
            self.expected = Some(Probed {
                size_bytes,
                validator: validator.clone(),
                commit: answer.commit.clone(),
                is_of_s3: answer.header(S3_HEADER).is_some(),
            });
            return Ok(());
        };
        let is_size = expected.size_bytes.is_none() || size_bytes.is_none();
        let of_size = |v: &Validator| Validator {
            size_bytes: 0,
            ..v.clone()
        };
        let is_same = (is_size || expected.size_bytes == size_bytes)
            && of_size(&expected.validator).may_be(&of_size(validator));
        if is_same {
            Ok(())
        } else {
            Err(RemoteError::Changed(self.origin.shown.clone()))
        }
    }

    /// Reads over the bytes before the offset, because the server sends the whole file.
    fn read_over(&self, body: &mut Body) -> Result<(), RemoteError> {
        let mut left = self.at;
        let mut piece = vec![0; PIECE_BYTES];
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE_BYTES);
            let piece = piece.get_mut(..wanted).unwrap_or_default();
            match body.read(piece).map_err(BodyError::into_error)? {
                0 => return Err(RemoteError::Changed(self.origin.shown.clone())),
                n => left -= n as u64,
            }
        }
        Ok(())
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, RemoteError> {
        loop {
            if self.is_ended || buffer.is_empty() {
                return Ok(0);
            }
            if self.body.is_none() {
                self.ask()?;
            }
            let Some(body) = &mut self.body else {
                continue;
            };
            match body.read(buffer) {
                Ok(0) if self.size_bytes().is_none_or(|size| self.at >= size) => {
                    self.is_ended = true;
                    self.body = None;
                }
                Ok(0) => {
                    let why = format!("{} bytes where more were due", self.at);
                    self.again(RemoteError::answer(&self.origin.shown, why))?;
                }
                Ok(n) => {
                    self.at += n as u64;
                    self.tries = 0;
                    return Ok(n);
                }
                Err(BodyError::Broken(error)) => self.again(error)?,
                Err(BodyError::Final(error)) => return Err(error),
            }
        }
    }

    /// Drops the broken answer, so that the rest is asked for again.
    fn again(&mut self, error: RemoteError) -> Result<(), RemoteError> {
        self.body = None;
        self.tries += 1;
        if self.tries >= TRIES_MAX {
            return Err(error);
        }
        self.client.counters.repeated();
        Ok(())
    }
}

impl fmt::Debug for InOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InOrder({} from {})", self.origin.shown, self.at)
    }
}

impl Read for InOrder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_some(buffer).map_err(RemoteError::into_io)
    }
}

fn is_tag_md5(answer: &Answer) -> bool {
    let is_kms = answer
        .header(KMS_HEADER)
        .is_some_and(|how| how.contains("kms"));
    !is_kms && answer.header(CUSTOMER_KEY_HEADER).is_none()
}
