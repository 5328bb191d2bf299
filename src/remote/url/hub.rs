//! URLs of a hub: `hf://[datasets/]NAMESPACE/NAME[@REVISION][/PATH]`.

use std::fmt;

use crate::remote::error::RemoteError;
use crate::remote::url::check_path;
use crate::remote::url::percent_decoded;
use crate::remote::url::percent_encoded;

/// Bytes of a namespace or a name.
const NAME_BYTES_MAX: usize = 96;
/// Kinds of repositories that hold no datasets.
const OTHER_KINDS: [&str; 4] = ["models", "spaces", "kernels", "buckets"];
/// The revision that a repository has where none is named.
const DEFAULT_REVISION: &str = "main";

/// A dataset repository of a hub, or a directory or a file of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubUrl {
    namespace: String,
    name: String,
    revision: Option<String>,
    path: String,
    is_directory: bool,
}

impl HubUrl {
    /// Parses the text behind `hf://`.
    pub(super) fn parse(rest: &str) -> Result<Self, RemoteError> {
        let fail = |why: &str| RemoteError::url(format!("hf://{rest}"), why);
        let first = rest.split('/').next().unwrap_or_default();
        if OTHER_KINDS.contains(&first) {
            let why = format!("is one of the hub's {first}; only datasets are read here");
            return Err(fail(&why));
        }
        let rest = rest.strip_prefix("datasets/").unwrap_or(rest);
        let usual = "names no repository: `hf://[datasets/]NAMESPACE/NAME[@REVISION][/PATH]`";
        let (namespace, rest) = rest.split_once('/').ok_or_else(|| fail(usual))?;
        let end = rest.find(['/', '@']).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        if !is_name(namespace) || !is_name(name) {
            return Err(fail(usual));
        }
        let (revision, path) = match rest.strip_prefix('@') {
            Some(rest) => {
                let (revision, path) = split_revision(rest);
                let decoded = String::from_utf8(percent_decoded(revision));
                let revision = decoded.map_err(|_| fail("has a revision that is not UTF-8"))?;
                check_revision(&revision).map_err(fail)?;
                (Some(revision), path)
            }
            None => (None, rest),
        };
        let path = path.strip_prefix('/').unwrap_or(path);
        let is_directory = path.is_empty() || path.ends_with('/');
        let path = path.strip_suffix('/').unwrap_or(path);
        if !path.is_empty() {
            check_path(path).map_err(fail)?;
        }
        Ok(Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            revision,
            path: path.to_owned(),
            is_directory,
        })
    }

    /// Returns the repository: `NAMESPACE/NAME`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Returns the repository's name, without its namespace.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the same place at the default revision.
    #[must_use]
    pub fn without_revision(&self) -> Self {
        Self {
            revision: None,
            ..self.clone()
        }
    }

    /// Returns a directory of the repository; an empty path means the repository.
    #[must_use]
    pub fn at_directory(&self, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            is_directory: true,
            ..self.clone()
        }
    }

    /// Returns the revision that the URL names.
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    /// Returns the revision, or the default one.
    pub(crate) fn revision_or_default(&self) -> &str {
        self.revision.as_deref().unwrap_or(DEFAULT_REVISION)
    }

    /// Returns the path in the repository without a slash at the end; empty for the repository.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns true if the URL says that it is a directory or the repository.
    pub fn is_directory(&self) -> bool {
        self.is_directory
    }

    /// Returns the same repository at another revision.
    #[must_use]
    pub fn at_revision(&self, revision: &str) -> Self {
        Self {
            revision: Some(revision.to_owned()),
            ..self.clone()
        }
    }

    /// Returns a file of the repository.
    #[must_use]
    pub fn at_path(&self, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            is_directory: false,
            ..self.clone()
        }
    }

    /// Returns the URL of the description of its revision at an endpoint.
    pub(crate) fn revision_url(&self, endpoint: &str) -> String {
        let revision = percent_encoded(self.revision_or_default(), false);
        format!(
            "{endpoint}/api/datasets/{}/revision/{revision}",
            self.repository()
        )
    }

    /// Returns the URL of the list of its files at an endpoint.
    pub(crate) fn tree_url(&self, endpoint: &str) -> String {
        let revision = percent_encoded(self.revision_or_default(), false);
        let path = percent_encoded(&self.path, true);
        let slash = if path.is_empty() { "" } else { "/" };
        let repository = self.repository();
        format!(
            "{endpoint}/api/datasets/{repository}/tree/{revision}{slash}{path}?recursive=true&expand=false"
        )
    }

    /// Returns the URL of the bytes of its file at an endpoint.
    pub(crate) fn file_url(&self, endpoint: &str) -> String {
        let revision = percent_encoded(self.revision_or_default(), false);
        let path = percent_encoded(&self.path, true);
        format!(
            "{endpoint}/datasets/{}/resolve/{revision}/{path}",
            self.repository()
        )
    }
}

impl fmt::Display for HubUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hf://datasets/{}/{}", self.namespace, self.name)?;
        if let Some(revision) = &self.revision {
            let is_verbatim = split_revision(revision) == (revision, "");
            let coded = percent_encoded(revision, is_verbatim);
            write!(f, "@{coded}")?;
        }
        if !self.path.is_empty() {
            write!(f, "/{}", self.path)?;
        }
        if self.is_directory && !self.path.is_empty() {
            f.write_str("/")?;
        }
        Ok(())
    }
}

/// Splits the text behind `@` where the revision ends. `refs/pr/N` and `refs/convert/NAME` have
/// slashes of their own.
fn split_revision(rest: &str) -> (&str, &str) {
    let slashes = match rest {
        _ if rest.starts_with("refs/pr/") || rest.starts_with("refs/convert/") => 2,
        _ => 0,
    };
    let end = rest.match_indices('/').nth(slashes);
    end.map_or((rest, ""), |(at, _)| rest.split_at(at))
}

fn check_revision(revision: &str) -> Result<(), &'static str> {
    if revision.is_empty() {
        return Err("has an empty revision");
    }
    let is_wrong = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '\\' | '?' | '#');
    if revision.contains(is_wrong) || check_path(revision).is_err() {
        return Err("has a revision that cannot be one");
    }
    Ok(())
}

/// Returns true for a namespace or a name that the hub allows.
fn is_name(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    let is_edge = |c: char| matches!(c, '.' | '-');
    !text.is_empty()
        && text.len() <= NAME_BYTES_MAX
        && text.bytes().all(is_part)
        && !text.starts_with(is_edge)
        && !text.ends_with(is_edge)
        && !text.contains("..")
        && !text.contains("--")
}
