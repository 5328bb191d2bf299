//! Facts about a dataset.

use std::sync::Arc;

use hyper::StatusCode;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

use crate::card::Card;
use crate::doors::body::Answer;
use crate::doors::hub::entries::LfsJson;
use crate::doors::hub::limits::SIBLINGS_MAX;
use crate::doors::hub::refusal::Refusal;
use crate::doors::hub::reply::X_REPO_COMMIT;
use crate::doors::hub::reply::hub_time;
use crate::doors::hub::reply::json;
use crate::doors::hub::reply::put;
use crate::doors::hub::repo::NO_COMMIT;
use crate::doors::hub::repo::Repo;
use crate::doors::hub::repo::Revision;
use crate::doors::hub::repo::commit_of;
use crate::doors::hub::tree::is_set;
use crate::doors::open_dataset::OpenDataset;
use crate::doors::request::DoorRequest;
use crate::doors::shown::ShownDataset;
use crate::doors::state::Doors;
use crate::ident::labels;
use crate::wire::limits::CARD_BYTES_MAX;

/// Path of the file that is the card.
const CARD_FILE: &str = "README.md";

/// A dataset, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InfoJson {
    #[serde(rename = "_id")]
    internal_id: String,
    id: String,
    author: String,
    sha: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    private: bool,
    gated: bool,
    disabled: bool,
    downloads: u64,
    likes: u64,
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_data: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    siblings: Option<Vec<SiblingJson>>,
    used_storage: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    alimentar: Option<OwnJson>,
}

/// A file of a dataset, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SiblingJson {
    rfilename: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lfs: Option<SiblingLfsJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SiblingLfsJson {
    sha256: String,
    size: u64,
    pointer_size: usize,
}

/// Facts that the hub does not have.
#[derive(Serialize)]
struct OwnJson {
    content_id: String,
    version: String,
    rows: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    publisher_key: Option<String>,
    trust: &'static str,
}

impl InfoJson {
    /// Describes a version, without its files.
    pub(super) fn of(d: &ShownDataset) -> Self {
        let mut tags = labels(&d.tags);
        tags.extend(
            d.license
                .iter()
                .map(|l| format!("license:{}", l.to_lowercase())),
        );
        Self {
            internal_id: internal_id(&d.content_id.to_hex()),
            id: d.repo_id(),
            author: d.publisher.clone(),
            sha: commit_of(&d.content_id),
            last_modified: Some(hub_time(d.created_at)),
            created_at: Some(hub_time(d.created_at)),
            private: false,
            gated: false,
            disabled: false,
            downloads: 0,
            likes: 0,
            tags,
            description: None,
            card_data: None,
            siblings: None,
            used_storage: d.size_bytes,
            alimentar: Some(OwnJson {
                content_id: d.content_id.to_string(),
                version: d.version.to_string(),
                rows: d.rows,
                publisher_key: d.publisher_key.map(|key| key.to_hex()),
                trust: d.trust.name(),
            }),
        }
    }

    /// Describes a repository without files.
    fn empty(repo: &Repo) -> Self {
        Self {
            internal_id: internal_id(NO_COMMIT),
            id: repo.id(),
            author: repo.publisher.clone(),
            sha: NO_COMMIT.to_owned(),
            last_modified: None,
            created_at: None,
            private: false,
            gated: false,
            disabled: false,
            downloads: 0,
            likes: 0,
            tags: Vec::new(),
            description: None,
            card_data: None,
            siblings: Some(Vec::new()),
            used_storage: 0,
            alimentar: None,
        }
    }
}

/// Returns 24 digits, as the hub's own ids have.
fn internal_id(hex: &str) -> String {
    hex.chars().take(24).collect()
}

/// Describes a revision with its files.
///
/// # Errors
/// `RevisionNotFound`.
pub(super) async fn info(
    doors: &Doors,
    repo: &Repo,
    request: &DoorRequest,
    revision: Option<&str>,
) -> Result<Answer, Refusal> {
    let Revision::Version(dataset) = repo.revision(revision.unwrap_or("main"))? else {
        return Ok(json(StatusCode::OK, &InfoJson::empty(repo)));
    };
    let open = doors.catalogue.open(&dataset).await?;
    let mut info = InfoJson::of(&dataset);
    info.description.clone_from(&open.manifest.description);
    info.card_data = card_data(&open).await;
    if open.files().len() <= SIBLINGS_MAX {
        let siblings = match is_set(request, "blobs") {
            true => siblings_with_digests(&open).await?,
            false => siblings(&open),
        };
        info.siblings = Some(siblings);
    }
    let mut answer = json(StatusCode::OK, &info);
    put(answer.headers_mut(), X_REPO_COMMIT, &info.sha);
    Ok(answer)
}

/// Returns the front matter of the card. A card that cannot be read has none.
async fn card_data(open: &Arc<OpenDataset>) -> Option<Map<String, Value>> {
    let index = open.find(CARD_FILE)?;
    let bytes = open.read_whole(index, CARD_BYTES_MAX as u64).await.ok()?;
    Some(Card::read(&bytes).front_matter)
}

fn siblings(open: &OpenDataset) -> Vec<SiblingJson> {
    let files = open.files().iter();
    files
        .map(|file| SiblingJson {
            rfilename: file.path.clone(),
            size: None,
            blob_id: None,
            lfs: None,
        })
        .collect()
}

async fn siblings_with_digests(open: &OpenDataset) -> Result<Vec<SiblingJson>, Refusal> {
    let files = open.files();
    let digests = open.digests(0..files.len()).await?;
    let with_digests = files.iter().zip(digests).map(|(file, digests)| {
        let lfs = LfsJson::of(&digests.sha256, file.size_bytes);
        SiblingJson {
            rfilename: file.path.clone(),
            size: Some(file.size_bytes),
            blob_id: Some(digests.git_sha1),
            lfs: lfs.map(|lfs| SiblingLfsJson {
                sha256: lfs.oid,
                size: lfs.size,
                pointer_size: lfs.pointer_size,
            }),
        }
    });
    Ok(with_digests.collect())
}
