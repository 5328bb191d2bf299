//! Revisions and files of a dataset repository, as a hub lists them. The decoders are pure.

use std::sync::Arc;

use serde::Deserialize;
use url::Url;

use crate::remote::answer::next_link;
use crate::remote::answer::redirect_target;
use crate::remote::client::Asked;
use crate::remote::client::BodyError;
use crate::remote::client::Call;
use crate::remote::client::Client;
use crate::remote::client::Origin;
use crate::remote::error::RemoteError;
use crate::remote::limits::LISTING_FILES_MAX;
use crate::remote::limits::LISTING_PAGE_BYTES_MAX;
use crate::remote::limits::LISTING_PAGES_MAX;
use crate::remote::listing::ListedFile;
use crate::remote::listing::Listing;
use crate::remote::listing::Promise;
use crate::remote::url::HubUrl;
use crate::remote::url::RemoteUrl;
use crate::remote::url::check_path;
use crate::remote::url::is_same_origin;

/// A revision of a repository, as a hub describes it. Other members are not read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct HubRevision {
    /// The commit, 40 lower-case hex digits.
    pub sha: String,
    /// Time of the last change, in the form of the hub.
    #[serde(default, rename = "lastModified")]
    pub last_modified: Option<String>,
    /// Tags of the repository.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// An entry of a list of files.
#[derive(Debug, Deserialize)]
struct TreeEntry {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    oid: Option<String>,
    #[serde(default)]
    lfs: Option<LargeFile>,
}

#[derive(Debug, Deserialize)]
struct LargeFile {
    #[serde(default)]
    oid: Option<String>,
    #[serde(default)]
    size: Option<u64>,
}

/// A file of a list, by its path in the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubFile {
    /// The path in the repository.
    pub path: String,
    /// The length in bytes.
    pub size_bytes: u64,
    /// Its hashes.
    pub promise: Promise,
}

/// Decodes the description of a revision.
///
/// # Errors
/// The fault.
pub fn decode_revision(bytes: &[u8]) -> Result<HubRevision, String> {
    let found: HubRevision = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let is_commit = found.sha.len() == 40 && found.sha.bytes().all(is_lower_hex);
    if is_commit {
        Ok(found)
    } else {
        Err("a commit that is not 40 hex digits".to_owned())
    }
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// Decodes one page of a list of files; directories are left out.
///
/// # Errors
/// The fault: a path that leaves the repository, too.
pub fn decode_tree(bytes: &[u8]) -> Result<Vec<HubFile>, String> {
    let entries: Vec<TreeEntry> = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let files = entries.into_iter().filter(|entry| entry.kind == "file");
    let file = |entry: TreeEntry| {
        check_path(&entry.path).map_err(|why| format!("a file that {why}: {:?}", entry.path))?;
        let sha256 = entry.lfs.as_ref().and_then(|lfs| lfs.oid.as_deref());
        // Git's own id of a large file is that of the pointer.
        let git = entry.oid.as_deref().filter(|_| entry.lfs.is_none());
        let size_bytes = entry.lfs.as_ref().and_then(|lfs| lfs.size);
        Ok(HubFile {
            size_bytes: size_bytes.unwrap_or(entry.size),
            promise: Promise {
                sha256: sha256.and_then(digest),
                git_sha1: git.and_then(digest),
                etag: None,
            },
            path: entry.path,
        })
    };
    files.map(file).collect()
}

/// Decodes hex digits.
fn digest<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.strip_prefix("sha256:").unwrap_or(text);
    if text.len() != 2 * N || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// Returns the revision that a URL names, or the default one.
pub(crate) fn revision(client: &Arc<Client>, hub: &HubUrl) -> Result<HubRevision, RemoteError> {
    let origin = Origin::of_revision(hub, &client.settings)?;
    let (bytes, _) = page(client, &origin)?;
    decode_revision(&bytes).map_err(|why| wrong(&origin, &why))
}

/// Returns the files of a repository, or of a directory of one, at the commit that the revision names
/// now.
pub(crate) fn list(client: &Arc<Client>, hub: &HubUrl) -> Result<Listing, RemoteError> {
    let commit = revision(client, hub)?.sha;
    let hub = hub.at_revision(&commit);
    let mut origin = Origin::of_tree(&hub, &client.settings)?;
    let mut files = Vec::new();
    for _ in 0..LISTING_PAGES_MAX {
        let (bytes, next) = page(client, &origin)?;
        let found = decode_tree(&bytes).map_err(|why| wrong(&origin, &why))?;
        files.extend(found);
        if files.len() > LISTING_FILES_MAX {
            return Err(too_many(&origin));
        }
        match next {
            Some(next) => origin = origin.at(next),
            None => return listing(&hub, &commit, files),
        }
    }
    Err(too_many(&origin))
}

fn listing(hub: &HubUrl, commit: &str, files: Vec<HubFile>) -> Result<Listing, RemoteError> {
    let below = match hub.path() {
        "" => String::new(),
        path => format!("{path}/"),
    };
    let listed = files.into_iter().map(|file| {
        let path = file.path.strip_prefix(&below).ok_or_else(|| {
            let why = format!("a file outside of `{below}`: {:?}", file.path);
            RemoteError::answer(&hub.to_string(), why)
        })?;
        Ok(ListedFile {
            path: path.to_owned(),
            url: RemoteUrl::Hub(hub.at_path(&file.path)),
            size_bytes: file.size_bytes,
            promise: file.promise,
            modified: None,
        })
    });
    let mut files: Vec<ListedFile> = listed.collect::<Result<_, RemoteError>>()?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    Ok(Listing {
        url: RemoteUrl::Hub(hub.clone()),
        commit: Some(commit.to_owned()),
        files,
    })
}

/// Reads one page, and returns the URL of the next one.
fn page(client: &Arc<Client>, origin: &Origin) -> Result<(Vec<u8>, Option<Url>), RemoteError> {
    let mut answer = client.send(&Call {
        origin,
        asked: Asked::Whole,
        if_match: None,
        redirected: None,
    })?;
    answer.check_coding()?;
    if answer.status != 200 {
        return Err(wrong(origin, &format!("HTTP {}", answer.status)));
    }
    let next = answer.header("link").and_then(next_link).map(str::to_owned);
    let next = next.map(|target| {
        let to = redirect_target(&origin.url, &target).map_err(|why| wrong(origin, &why))?;
        // The next page of a list is at the same server, and the token goes there.
        if is_same_origin(&to, &origin.url) {
            Ok(to)
        } else {
            Err(wrong(origin, "a next page at another server"))
        }
    });
    let bytes = answer.body.read_all(LISTING_PAGE_BYTES_MAX);
    Ok((bytes.map_err(BodyError::into_error)?, next.transpose()?))
}

fn wrong(origin: &Origin, why: &str) -> RemoteError {
    RemoteError::answer(&origin.shown, why)
}

fn too_many(origin: &Origin) -> RemoteError {
    RemoteError::Limit {
        url: origin.shown.clone(),
        limit: format!("more than {LISTING_FILES_MAX} files or {LISTING_PAGES_MAX} pages"),
    }
}

#[cfg(test)]
mod tests {
    use super::decode_revision;
    use super::decode_tree;

    #[test]
    fn revision_has_a_commit_or_is_refused() {
        let sha = "0123456789abcdef0123456789abcdef01234567";
        let json = format!(
            r#"{{"id":"a/b","sha":"{sha}","lastModified":"2026-01-01T00:00:00.000Z","tags":["x"],"siblings":[{{"rfilename":"y"}}]}}"#
        );
        assert_eq!(decode_revision(json.as_bytes()).unwrap().sha, sha);
        for wrong in [
            r#"{"sha":"../x"}"#,
            r#"{"id":"a/b"}"#,
            "[]",
            "",
            r#"{"sha":7}"#,
        ] {
            assert!(decode_revision(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tree_has_files_with_their_hashes() {
        let oid = "ab".repeat(20);
        let lfs = "cd".repeat(32);
        let json = format!(
            r#"[{{"type":"directory","path":"data","oid":"x"}},
                {{"type":"file","path":"README.md","size":7,"oid":"{oid}"}},
                {{"type":"file","path":"data/x.parquet","size":100,"oid":"{oid}","lfs":{{"oid":"{lfs}","size":100,"pointerSize":130}}}}]"#
        );
        let files = decode_tree(json.as_bytes()).unwrap();
        assert_eq!(files.len(), 2);
        assert_eq!(files[0].promise.git_sha1, Some([0xab; 20]));
        assert_eq!(files[0].promise.sha256, None);
        assert_eq!(files[1].promise.sha256, Some([0xcd; 32]));
        assert_eq!(files[1].promise.git_sha1, None);
        assert_eq!(
            (files[1].path.as_str(), files[1].size_bytes),
            ("data/x.parquet", 100)
        );
    }

    #[test]
    fn tree_with_a_path_that_leaves_is_refused() {
        for path in [
            "../x",
            "/etc/passwd",
            "a/../../x",
            "a//b",
            "",
            "a\\\\..\\\\b",
            "a/./b",
        ] {
            let json = format!(r#"[{{"type":"file","path":"{path}","size":1,"oid":"x"}}]"#);
            assert!(decode_tree(json.as_bytes()).is_err(), "{path}");
        }
    }
}
