//! The reason of an answer that is an error, in the form that clients of the hub read.

use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderName;
use serde::Serialize;

use crate::doors::body::Answer;
use crate::doors::error::DoorError;
use crate::doors::hub::reply::X_REPO_COMMIT;
use crate::doors::hub::reply::json;
use crate::doors::hub::reply::put;

const X_ERROR_CODE: HeaderName = HeaderName::from_static("x-error-code");
const X_ERROR_MESSAGE: HeaderName = HeaderName::from_static("x-error-message");

/// Bytes of a message in a header.
const MESSAGE_BYTES_MAX: usize = 1000;

/// The reason of an answer that is an error.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    /// The code of the hub for something that is not there.
    code: Option<&'static str>,
    message: String,
    /// The revision that was looked into.
    commit: Option<String>,
    /// The methods of the path.
    allowed: Option<&'static str>,
    /// The place of what is there already.
    url: Option<String>,
}

#[derive(Serialize)]
struct RefusalJson<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

impl Refusal {
    fn new(status: StatusCode, code: Option<&'static str>, message: String) -> Self {
        Self {
            status,
            code,
            message,
            commit: None,
            allowed: None,
            url: None,
        }
    }

    /// No repository, as far as this visitor may know.
    pub(super) fn no_repo(message: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, Some("RepoNotFound"), message)
    }

    /// A repository without this revision.
    pub(super) fn no_revision(message: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, Some("RevisionNotFound"), message)
    }

    /// A revision without this path. With the revision in the answer, clients remember that.
    pub(super) fn no_entry(path: &str, commit: &str) -> Self {
        let message = format!("there is no `{path}` in this revision");
        let mut refusal = Self::new(StatusCode::NOT_FOUND, Some("EntryNotFound"), message);
        refusal.commit = Some(commit.to_owned());
        refusal
    }

    /// A path of the API that this node does not have.
    pub(super) fn no_such_path() -> Self {
        let message = "this node has no such path of the hub's API";
        Self::new(StatusCode::NOT_FOUND, None, message.to_owned())
    }

    /// A method that the path does not have.
    pub(super) fn wrong_method(allowed: &'static str) -> Self {
        let message = format!("this path takes {allowed}");
        let mut refusal = Self::new(StatusCode::METHOD_NOT_ALLOWED, None, message);
        refusal.allowed = Some(allowed);
        refusal
    }

    /// A dataset that is there already.
    pub(super) fn exists(message: String, url: String) -> Self {
        let mut refusal = Self::new(StatusCode::CONFLICT, None, message);
        refusal.url = Some(url);
        refusal
    }

    /// A state that is no longer the newest.
    pub(super) fn outdated(message: String) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, None, message)
    }

    /// Returns the answer.
    pub(super) fn answer(&self) -> Answer {
        let body = RefusalJson {
            error: &self.message,
            url: self.url.as_deref(),
        };
        let mut answer = json(self.status, &body);
        let headers = answer.headers_mut();
        if let Some(commit) = &self.commit {
            put(headers, X_REPO_COMMIT, commit);
        }
        if let Some(allowed) = self.allowed {
            put(headers, header::ALLOW, allowed);
        }
        if let Some(code) = self.code {
            put(headers, X_ERROR_CODE, code);
        }
        put(headers, X_ERROR_MESSAGE, &header_text(&self.message));
        match self.status {
            StatusCode::UNAUTHORIZED => put(headers, header::WWW_AUTHENTICATE, "Bearer"),
            StatusCode::SERVICE_UNAVAILABLE => put(headers, header::RETRY_AFTER, "1"),
            _ => {}
        }
        answer
    }
}

impl From<DoorError> for Refusal {
    fn from(error: DoorError) -> Self {
        // A dataset that is gone since it was listed.
        let code = matches!(error, DoorError::NotFound(_)).then_some("RepoNotFound");
        Self::new(error.status(), code, error.message().to_owned())
    }
}

/// Returns the text as a header can hold it.
fn header_text(text: &str) -> String {
    let shown = text.chars().take(MESSAGE_BYTES_MAX);
    let visible = |c: char| match c {
        ' '..='~' => c,
        _ => '?',
    };
    shown.map(visible).collect()
}
