//! Requests before an upload: a new dataset, the ways of its files, the check of a card.

use hyper::StatusCode;
use serde::Deserialize;
use serde::Serialize;

use crate::card::Card;
use crate::doors::body::Answer;
use crate::doors::body::read_body;
use crate::doors::error::DoorError;
use crate::doors::hub::limits::JSON_BYTES_MAX;
use crate::doors::hub::limits::LARGE_FILE_BYTES;
use crate::doors::hub::limits::PREUPLOAD_FILES_MAX;
use crate::doors::hub::refusal::Refusal;
use crate::doors::hub::reply::json;
use crate::doors::hub::reply::percent_encoded;
use crate::doors::hub::route::RepoName;
use crate::doors::hub::upload::changes::checked_path;
use crate::doors::hub::upload::permission::permitted;
use crate::doors::request::DoorRequest;
use crate::doors::shown::LOCAL;
use crate::doors::state::Doors;
use crate::doors::visitor::Visitor;
use crate::ident::DatasetName;

/// Ends of the names of files that the hub takes before their commit, whatever their size.
const DATA_ENDINGS: [&str; 6] = [".arrow", ".parquet", ".tar", ".webdataset", ".zip", ".zst"];

/// A dataset to create.
#[derive(Deserialize)]
struct NewRepoJson {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: String,
    organization: Option<String>,
    private: Option<bool>,
    visibility: Option<String>,
}

#[derive(Serialize)]
struct CreatedJson {
    url: String,
    name: String,
    id: String,
}

/// Creates a dataset without files.
///
/// # Errors
/// A refusal for a client that may not write, a name that is none, and a dataset that is there.
pub(in crate::doors::hub) async fn create(
    doors: &Doors,
    visitor: &Visitor,
    request: DoorRequest,
) -> Result<Answer, Refusal> {
    let base = request.base();
    let body = read_body(request.body, JSON_BYTES_MAX).await?;
    let new: NewRepoJson = read_json(&body)?;
    if new.kind.as_deref() != Some("dataset") {
        let text = "this node has datasets only; name the type, as `--repo-type dataset` does";
        return Err(DoorError::Invalid(text.to_owned()).into());
    }
    let (publisher, name) = match new.name.split_once('/') {
        Some((publisher, name)) => (Some(publisher.to_owned()), name.to_owned()),
        None => (new.organization, new.name),
    };
    let asked = RepoName { publisher, name };
    let name = permitted(doors, visitor, &asked)?;
    if new.private == Some(true) || new.visibility.as_deref() == Some("private") {
        let text = "a node serves no private datasets; upload without `--private`";
        return Err(DoorError::Invalid(text.to_owned()).into());
    }
    let id = format!("{LOCAL}/{name}");
    let url = repo_url(&base, &name);
    let list = doors.catalogue.list(visitor).await?;
    let is_there = !list.versions(LOCAL, name.as_str()).is_empty();
    if is_there || doors.uploads.is_created(name.as_str()) {
        return Err(Refusal::exists(format!("`{id}` is here already"), url));
    }
    doors.uploads.note_created(name.as_str());
    let name = id.clone();
    Ok(json(StatusCode::OK, &CreatedJson { url, name, id }))
}

/// Returns the address of a dataset that nobody signed.
pub(super) fn repo_url(base: &str, name: &DatasetName) -> String {
    format!("{base}/datasets/{LOCAL}/{}", percent_encoded(name.as_str()))
}

#[derive(Deserialize)]
struct PlannedJson {
    files: Vec<PlannedFileJson>,
}

#[derive(Deserialize)]
struct PlannedFileJson {
    path: String,
    size: u64,
}

#[derive(Serialize)]
struct WaysJson {
    files: Vec<WayJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WayJson {
    path: String,
    upload_mode: &'static str,
    should_ignore: bool,
    /// The digest of the file that is there, so that equal ones are not sent.
    oid: Option<String>,
}

/// Tells the ways of files: small ones in the commit, large ones before it.
///
/// # Errors
/// A refusal for a client that may not write, and for paths that no dataset has.
pub(in crate::doors::hub) async fn ways(
    doors: &Doors,
    visitor: &Visitor,
    request: DoorRequest,
    asked: &RepoName,
) -> Result<Answer, Refusal> {
    let name = permitted(doors, visitor, asked)?;
    let body = read_body(request.body, JSON_BYTES_MAX).await?;
    let planned: PlannedJson = read_json(&body)?;
    if planned.files.len() > PREUPLOAD_FILES_MAX {
        let text = format!("more than {PREUPLOAD_FILES_MAX} files in one request");
        return Err(DoorError::TooLarge(text).into());
    }
    let list = doors.catalogue.list(visitor).await?;
    let open = match list.newest(LOCAL, name.as_str()) {
        Some(newest) => Some(doors.catalogue.open(&newest).await?),
        None => None,
    };
    let mut files = Vec::with_capacity(planned.files.len());
    for file in planned.files {
        checked_path(&file.path)?;
        let is_large = is_sent_before(&file.path, file.size);
        let mut oid = None;
        if let Some(open) = &open
            && let Some(index) = open.find(&file.path)
            && open.files().get(index).map(|f| f.size_bytes) == Some(file.size)
        {
            let digests = open.digests(index..index + 1).await?;
            oid = digests.into_iter().next().map(|d| match is_large {
                true => d.sha256,
                false => d.git_sha1,
            });
        }
        files.push(WayJson {
            path: file.path,
            upload_mode: if is_large { "lfs" } else { "regular" },
            should_ignore: false,
            oid,
        });
    }
    Ok(json(StatusCode::OK, &WaysJson { files }))
}

/// Returns true for a file that goes before its commit. Clients of `push_to_hub` need that for all files of data.
fn is_sent_before(path: &str, size: u64) -> bool {
    let lower = path.to_ascii_lowercase();
    size >= LARGE_FILE_BYTES || DATA_ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

#[derive(Deserialize)]
struct CardJson {
    content: String,
}

#[derive(Serialize)]
struct CardCheckJson {
    errors: Vec<CardFaultJson>,
    warnings: Vec<CardFaultJson>,
}

#[derive(Serialize)]
struct CardFaultJson {
    message: String,
}

/// Checks the front matter of a card. A fault is a warning: the card is kept as it is.
///
/// # Errors
/// A refusal for a body of another form.
pub(in crate::doors::hub) async fn check_card(request: DoorRequest) -> Result<Answer, Refusal> {
    let body = read_body(request.body, JSON_BYTES_MAX).await?;
    let card: CardJson = read_json(&body)?;
    let fault = Card::read(card.content.as_bytes()).error;
    let warnings = fault.into_iter().map(|fault| CardFaultJson {
        message: fault.to_string(),
    });
    let check = CardCheckJson {
        errors: Vec::new(),
        warnings: warnings.collect(),
    };
    Ok(json(StatusCode::OK, &check))
}

/// Reads bytes as each kind of body. For tests with random bytes.
pub(super) fn decode(bytes: &[u8]) {
    let _ = read_json::<NewRepoJson>(bytes);
    let _ = read_json::<PlannedJson>(bytes);
    let _ = read_json::<CardJson>(bytes);
}

/// Reads a body of JSON.
///
/// # Errors
/// [`DoorError::Invalid`].
pub(super) fn read_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, DoorError> {
    let read = serde_json::from_slice(body);
    read.map_err(|e| DoorError::Invalid(format!("the body of the request: {e}")))
}
