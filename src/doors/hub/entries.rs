//! Files and directories as the API describes them.

use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

use crate::doors::error::DoorError;
use crate::doors::hub::limits::LARGE_FILE_BYTES;
use crate::doors::hub::reply::hub_time;
use crate::doors::hub::repo::commit_of;
use crate::doors::open_dataset::Digests;
use crate::doors::open_dataset::OpenDataset;
use crate::doors::shown::ShownDataset;

/// A file or a directory of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Listed {
    Directory(String),
    /// The place of a file in the table.
    File(usize),
}

/// A file or a directory, as JSON.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum EntryJson {
    #[serde(rename_all = "camelCase")]
    Directory {
        oid: String,
        size: u64,
        path: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        last_commit: Option<CommitJson>,
    },
    #[serde(rename_all = "camelCase")]
    File {
        /// SHA-1 of the file as a blob of git.
        oid: String,
        size: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        lfs: Option<LfsJson>,
        path: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        last_commit: Option<CommitJson>,
    },
}

/// The digest of a large file.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LfsJson {
    /// SHA-256 of the file.
    pub(super) oid: String,
    pub(super) size: u64,
    pub(super) pointer_size: usize,
}

/// The version that a path comes from.
#[derive(Clone, Serialize)]
pub(super) struct CommitJson {
    id: String,
    title: String,
    date: String,
}

impl CommitJson {
    pub(super) fn of(dataset: &ShownDataset) -> Self {
        Self {
            id: commit_of(&dataset.content_id),
            title: format!("{}@{}", dataset.name, dataset.version),
            date: hub_time(dataset.created_at),
        }
    }
}

impl LfsJson {
    /// Returns the digest if a file is large.
    pub(super) fn of(sha256: &str, size: u64) -> Option<Self> {
        (size >= LARGE_FILE_BYTES).then(|| Self {
            oid: sha256.to_owned(),
            size,
            pointer_size: pointer_size(size),
        })
    }
}

/// Returns the length of the text by which git stands for a large file.
fn pointer_size(size: u64) -> usize {
    let oid = "0".repeat(64);
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n").len()
}

/// Describes files and directories.
///
/// # Errors
/// [`DoorError::Failed`] for a file that cannot be read.
pub(super) async fn described(
    open: &Arc<OpenDataset>,
    listed: &[Listed],
    with_commit: bool,
) -> Result<Vec<EntryJson>, DoorError> {
    let mut digests = Vec::new();
    for run in runs(listed) {
        digests.extend(open.digests(run).await?);
    }
    let mut digests = digests.into_iter();
    let last_commit = with_commit.then(|| CommitJson::of(&open.dataset));
    let mut entries = Vec::with_capacity(listed.len());
    for one in listed {
        entries.push(match one {
            Listed::Directory(path) => EntryJson::Directory {
                oid: directory_oid(open, path),
                size: 0,
                path: path.clone(),
                last_commit: last_commit.clone(),
            },
            Listed::File(index) => {
                let (Some(file), Some(found)) = (open.files().get(*index), digests.next()) else {
                    return Err(DoorError::NotFound("there is no such file".to_owned()));
                };
                let Digests { git_sha1, sha256 } = found;
                EntryJson::File {
                    oid: git_sha1,
                    size: file.size_bytes,
                    lfs: LfsJson::of(&sha256, file.size_bytes),
                    path: file.path.clone(),
                    last_commit: last_commit.clone(),
                }
            }
        });
    }
    Ok(entries)
}

/// Returns the places of the files, as runs of places that follow each other.
fn runs(listed: &[Listed]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for one in listed {
        let Listed::File(index) = one else { continue };
        match runs.last_mut() {
            Some(run) if run.end == *index => run.end += 1,
            _ => runs.push(*index..*index + 1),
        }
    }
    runs
}

/// Returns an id of a directory. Nobody can compare it, as trees of git do not exist here.
fn directory_oid(open: &OpenDataset, path: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(open.dataset.content_id.as_bytes());
    hasher.update(path.as_bytes());
    let mut hex = crate::ident::to_hex(hasher.finalize().as_bytes());
    hex.truncate(40);
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_follow_each_other_are_one_run() {
        let listed = [
            Listed::Directory("a".to_owned()),
            Listed::File(3),
            Listed::File(4),
            Listed::Directory("b".to_owned()),
            Listed::File(5),
            Listed::File(9),
        ];
        assert_eq!(runs(&listed), [3..6, 9..10]);
        assert!(runs(&[]).is_empty());
    }

    #[test]
    fn large_file_has_a_digest_and_the_length_of_its_pointer() {
        assert!(LfsJson::of("", LARGE_FILE_BYTES - 1).is_none());
        let large = LfsJson::of("ab", LARGE_FILE_BYTES).unwrap();
        assert_eq!((large.oid.as_str(), large.pointer_size), ("ab", 133));
    }
}
