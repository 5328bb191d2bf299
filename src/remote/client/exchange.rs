//! One request with its redirects and repetitions.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use url::Url;

use crate::locks::lock;
use crate::remote::answer::ContentRange;
use crate::remote::answer::Validator;
use crate::remote::answer::is_plain;
use crate::remote::answer::number;
use crate::remote::answer::redirect_target;
use crate::remote::answer::retry_after;
use crate::remote::client::Client;
use crate::remote::client::body::Body;
use crate::remote::client::body::failure;
use crate::remote::client::origin::Origin;
use crate::remote::client::refusal::refused;
use crate::remote::error::RemoteError;
use crate::remote::limits::ANSWER_TIMEOUT;
use crate::remote::limits::HEADER_BYTES_MAX;
use crate::remote::limits::REDIRECTS_MAX;
use crate::remote::limits::RETRY_AFTER_MAX;
use crate::remote::limits::RETRY_PAUSE;
use crate::remote::limits::TRIES_MAX;
use crate::remote::transport::Method;
use crate::remote::transport::Request;
use crate::remote::transport::Response;
use crate::remote::url::is_same_origin;
use crate::remote::url::shown;
use crate::splitmix;

/// Bytes that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The whole.
    Whole,
    /// From an offset, and how many.
    Part(u64, u64),
    /// The last bytes.
    Suffix(u64),
}

/// A request.
pub(crate) struct Call<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) asked: Asked,
    /// The strong ETag that the file must still have.
    pub(crate) if_match: Option<&'a str>,
    /// The place that the redirects of an earlier request of the same file led to.
    pub(crate) redirected: Option<&'a Redirected>,
}

/// The place that redirects led to; it may expire.
#[derive(Debug, Default)]
pub(crate) struct Redirected(Mutex<Option<Url>>);

/// An answer with status 200, 206 or 416.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    /// The commit that a hub names on the way.
    pub(crate) commit: Option<String>,
    shown: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the part of the file that the body of a 206 is, and the validator.
    ///
    /// # Errors
    /// [`RemoteError::Answer`] when it is not what was asked for.
    pub(crate) fn part(&self, asked: Asked) -> Result<(u64, u64, Validator), RemoteError> {
        let wrong = |why: String| RemoteError::answer(&self.shown, why);
        self.check_coding()?;
        let Some(value) = self.header("content-range") else {
            return Err(wrong("a part without `Content-Range`".to_owned()));
        };
        let range = ContentRange::parse(value);
        let Some(ContentRange::Part {
            first,
            last,
            whole: Some(whole),
        }) = range
        else {
            return Err(wrong(format!("`Content-Range: {}`", clipped(value))));
        };
        let expected = match asked {
            Asked::Whole => (0, whole),
            Asked::Part(from, count) => (from, from.saturating_add(count).min(whole)),
            Asked::Suffix(count) => (whole.saturating_sub(count), whole),
        };
        if (first, last + 1) != expected {
            let (from, to) = expected;
            let why = format!(
                "`Content-Range: {}`, where bytes {from} to {to} were asked for",
                clipped(value)
            );
            return Err(wrong(why));
        }
        let length = last + 1 - first;
        if let Some(said) = self.header("content-length")
            && number(said) != Some(length)
        {
            let why = format!("`Content-Length: {}` for {length} bytes", clipped(said));
            return Err(wrong(why));
        }
        Ok((first, length, self.validator(whole)))
    }

    /// Checks that the body is the bytes themselves.
    pub(crate) fn check_coding(&self) -> Result<(), RemoteError> {
        let coding = self.header("content-encoding");
        if is_plain(coding) {
            return Ok(());
        }
        let coding = clipped(coding.unwrap_or_default());
        let why = format!("with `Content-Encoding: {coding}`, which was not asked for");
        Err(RemoteError::answer(&self.shown, why))
    }

    /// Returns the length of the file by `Content-Range`, whatever part of it this is.
    pub(crate) fn whole_length(&self) -> Option<u64> {
        match ContentRange::parse(self.header("content-range")?)? {
            ContentRange::Part { whole, .. } => whole,
            ContentRange::Unsatisfied(whole) => Some(whole),
        }
    }

    /// Returns the length of a whole body, if it is known.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.header("content-length").and_then(number)
    }

    pub(crate) fn validator(&self, size_bytes: u64) -> Validator {
        Validator {
            size_bytes,
            etag: self.header("etag").map(str::to_owned),
            modified: self.header("last-modified").map(str::to_owned),
        }
    }
}

fn clipped(value: &str) -> String {
    value
        .chars()
        .filter(|c| !c.is_control())
        .take(100)
        .collect()
}

impl Client {
    /// Sends a request, follows its redirects, and repeats it where that may help.
    ///
    /// # Errors
    /// [`RemoteError`] for everything but 200, 206 and 416.
    pub(crate) fn send(self: &Arc<Self>, call: &Call<'_>) -> Result<Answer, RemoteError> {
        let shown = &call.origin.shown;
        if self.settings.is_offline {
            return Err(RemoteError::Offline(shown.clone()));
        }
        let (mut tries, mut may_resolve) = (0, true);
        loop {
            tries += 1;
            if tries > 1 {
                self.counters.repeated();
            }
            let known = call.redirected.and_then(|r| lock(&r.0).clone());
            let was_known = known.is_some();
            let pause = match self.follow(call, known) {
                Ok(answer) if matches!(answer.status, 200 | 206 | 416) => return Ok(answer),
                Ok(answer) => {
                    // A signed URL may have expired: resolve it again, once.
                    if was_known && may_resolve && matches!(answer.status, 401 | 403 | 404 | 410) {
                        may_resolve = false;
                        tries -= 1;
                        if let Some(redirected) = call.redirected {
                            *lock(&redirected.0) = None;
                        }
                        continue;
                    }
                    self.pause_after(answer, tries)?
                }
                Err(Failed::Final(error)) => return Err(error),
                Err(Failed::Again(error)) if tries >= TRIES_MAX => return Err(error),
                Err(Failed::Again(_)) => backoff(tries, (self.settings.now)().0),
            };
            self.rest(pause)?;
        }
    }

    /// Returns the pause before another try, if the status allows one.
    fn pause_after(&self, answer: Answer, tries: u32) -> Result<Duration, RemoteError> {
        let mut answer = answer;
        let status = answer.status;
        let may_repeat = matches!(status, 408 | 429 | 500 | 502 | 503 | 504);
        let asked = answer.header("retry-after").and_then(retry_after);
        let is_long = asked.is_some_and(|pause| pause > RETRY_AFTER_MAX);
        if may_repeat && tries < TRIES_MAX && !is_long {
            return Ok(asked.unwrap_or_else(|| backoff(tries, (self.settings.now)().0)));
        }
        let secrets = self.secrets();
        let what = (answer.shown.as_str(), status);
        let error = refused(what, &answer.headers, &mut answer.body, &secrets);
        Err(match (error, asked.filter(|_| is_long)) {
            (RemoteError::Status { url, status, .. }, Some(pause)) => RemoteError::Status {
                url,
                status,
                detail: format!(": it asks to wait for {} seconds", pause.as_secs()),
            },
            (error, _) => error,
        })
    }

    /// Returns the texts that no message may contain.
    fn secrets(&self) -> Vec<String> {
        let keys = self.settings.s3.keys.as_ref();
        let of_s3 = keys.map(|k| k.secret.reveal().to_owned());
        let session = keys.and_then(|k| k.session_token.as_ref());
        let token = self.settings.hub.token.as_ref();
        let both = [session, token].into_iter().flatten();
        both.map(|s| s.reveal().to_owned()).chain(of_s3).collect()
    }

    /// Waits, unless the program is asked to stop.
    fn rest(&self, pause: Duration) -> Result<(), RemoteError> {
        let step = Duration::from_millis(50);
        let started = Instant::now();
        while let Some(left) = pause.checked_sub(started.elapsed()) {
            if (self.settings.is_stopped)() {
                return Err(RemoteError::Interrupted);
            }
            std::thread::sleep(left.min(step));
        }
        Ok(())
    }

    /// Sends a request and follows redirects. `known` is where those of an earlier request led.
    fn follow(self: &Arc<Self>, call: &Call<'_>, known: Option<Url>) -> Result<Answer, Failed> {
        let origin = call.origin;
        let permit = self.permits.wait(self.settings.is_stopped);
        let mut permit = Some(permit.ok_or(Failed::Final(RemoteError::Interrupted))?);
        let (mut url, mut commit) = (known.unwrap_or_else(|| origin.url.clone()), None);
        let mut redirects = 0;
        loop {
            let started = Instant::now();
            let response = self.one(call, &url)?;
            commit = commit.or_else(|| response.header("x-repo-commit").map(str::to_owned));
            let Some(location) = location(&response) else {
                let shown = origin.shown.clone();
                let permit = permit.take();
                let Some(permit) = permit else {
                    return Err(Failed::Final(RemoteError::Interrupted));
                };
                if let Some(redirected) = call.redirected.filter(|_| url != origin.url) {
                    *lock(&redirected.0) = Some(url);
                }
                return Ok(Answer {
                    status: response.status,
                    headers: response.headers,
                    commit,
                    body: Body {
                        client: Arc::clone(self),
                        inner: response.body,
                        shown: shown.clone(),
                        started,
                        received: 0,
                        _permit: permit,
                    },
                    shown,
                });
            };
            redirects += 1;
            let refuse = |reason: String| {
                let url = shown(&url);
                Failed::Final(RemoteError::Redirect { url, reason })
            };
            if redirects > REDIRECTS_MAX {
                return Err(refuse(format!("more than {REDIRECTS_MAX} times")));
            }
            url = redirect_target(&url, &location).map_err(refuse)?;
        }
    }

    /// Sends one request to one URL. Credentials go to the server of the origin alone.
    fn one(&self, call: &Call<'_>, url: &Url) -> Result<Response, Failed> {
        let range = match call.asked {
            Asked::Whole => None,
            Asked::Part(from, count) => {
                let last = from.saturating_add(count.max(1)) - 1;
                Some(format!("bytes={from}-{last}"))
            }
            Asked::Suffix(count) => Some(format!("bytes=-{count}")),
        };
        let mut headers: Vec<(&'static str, String)> = Vec::new();
        headers.extend(range.map(|value| ("range", value)));
        headers.extend(call.if_match.map(|etag| ("if-match", etag.to_owned())));
        let method = Method::Get;
        if *url == call.origin.url {
            headers.extend(call.origin.headers(method, &[], &self.settings));
        } else if is_same_origin(url, &call.origin.url) {
            let own = call.origin.at(url.clone());
            headers.extend(own.headers(method, &[], &self.settings));
        }
        headers.push(("accept-encoding", "identity".to_owned()));
        let request = Request {
            method,
            url: url.clone(),
            headers,
            stall_timeout: self.settings.stall_timeout,
            total_timeout: ANSWER_TIMEOUT,
        };
        self.counters.sent();
        let response = self.transport.send(&request).map_err(|e| {
            use crate::remote::transport::TransportError::Refused;
            let is_final = matches!(e, Refused(_));
            let error = failure(&call.origin.shown, e);
            if is_final {
                Failed::Final(error)
            } else {
                Failed::Again(error)
            }
        })?;
        let lengths = response.headers.iter().map(|(n, v)| n.len() + v.len());
        if lengths.sum::<usize>() > HEADER_BYTES_MAX {
            let url = call.origin.shown.clone();
            let limit = format!("more than {HEADER_BYTES_MAX} bytes of headers");
            return Err(Failed::Final(RemoteError::Limit { url, limit }));
        }
        Ok(response)
    }
}

/// Reason that there is no answer.
enum Failed {
    /// Another try may help.
    Again(RemoteError),
    Final(RemoteError),
}

/// Returns the target of a redirect.
fn location(response: &Response) -> Option<String> {
    let is_redirect = matches!(response.status, 301 | 302 | 303 | 307 | 308);
    let location = response.header("location").filter(|_| is_redirect);
    location.map(str::to_owned)
}

/// Returns a pause before another try: twice as long each time, and up to half of it random.
fn backoff(tries: u32, seed: i64) -> Duration {
    let pause = RETRY_PAUSE.saturating_mul(1 << (tries - 1).min(6));
    let noise = splitmix::mix(seed.cast_unsigned() ^ u64::from(tries) ^ stamp());
    pause.mul_f64(0.5 + (noise >> 11) as f64 / (1_u64 << 54) as f64)
}

/// Returns a number that differs from thread to thread and from moment to moment.
fn stamp() -> u64 {
    let here = 0_u8;
    let address = std::ptr::from_ref(&here).addr() as u64;
    splitmix::mix(address)
}
