//! Large files, which are uploaded before their commit, by their SHA-256: the protocol of Git LFS with the transfer
//! `basic`.

use std::io::Read as _;
use std::io::Write as _;

use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderValue;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;

use crate::doors::body::Answer;
use crate::doors::body::DoorBody;
use crate::doors::body::read_body;
use crate::doors::error::DoorError;
use crate::doors::hub::limits::BATCH_OBJECTS_MAX;
use crate::doors::hub::limits::JSON_BYTES_MAX;
use crate::doors::hub::limits::OBJECT_TIME;
use crate::doors::hub::limits::TICKET_TIME;
use crate::doors::hub::limits::UPLOAD_BYTES_MAX;
use crate::doors::hub::refusal::Refusal;
use crate::doors::hub::reply::json;
use crate::doors::hub::route::RepoName;
use crate::doors::hub::upload::area::Oid;
use crate::doors::hub::upload::area::UploadArea;
use crate::doors::hub::upload::before::read_json;
use crate::doors::hub::upload::before::repo_url;
use crate::doors::hub::upload::changes::body_error;
use crate::doors::hub::upload::incoming::BodyReader;
use crate::doors::hub::upload::incoming::read_with;
use crate::doors::hub::upload::permission::permitted;
use crate::doors::hub::upload::ticket::Ticket;
use crate::doors::request::DoorRequest;
use crate::doors::state::Doors;
use crate::doors::visitor::Visitor;
use crate::ident::to_hex;
use crate::registry::host;

/// The type of the content of answers.
const LFS_JSON: &str = "application/vnd.git-lfs+json";

#[derive(Deserialize)]
struct BatchJson {
    operation: String,
    objects: Vec<ObjectJson>,
    hash_algo: Option<String>,
}

#[derive(Deserialize)]
struct ObjectJson {
    oid: String,
    size: u64,
}

#[derive(Serialize)]
struct PlacesJson {
    transfer: &'static str,
    hash_algo: &'static str,
    objects: Vec<PlaceJson>,
}

#[derive(Serialize)]
struct PlaceJson {
    oid: String,
    size: u64,
    authenticated: bool,
    /// Missing for a file that is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    actions: Option<ActionsJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ObjectErrorJson>,
}

#[derive(Serialize)]
struct ActionsJson {
    upload: ActionJson,
}

#[derive(Serialize)]
struct ActionJson {
    href: String,
    expires_in: u64,
}

#[derive(Serialize)]
struct ObjectErrorJson {
    code: u16,
    message: String,
}

/// Names the places to upload large files to.
///
/// # Errors
/// A refusal for a client that may not write, and for a body of another form.
pub(in crate::doors::hub) async fn places(
    doors: &Doors,
    visitor: &Visitor,
    request: DoorRequest,
    asked: &RepoName,
) -> Result<Answer, Refusal> {
    let name = permitted(doors, visitor, asked)?;
    let url = repo_url(&request.base(), &name);
    let body = read_body(request.body, JSON_BYTES_MAX).await?;
    let batch: BatchJson = read_json(&body)?;
    let is_sha256 = batch
        .hash_algo
        .as_deref()
        .is_none_or(|algo| algo == "sha256");
    if batch.operation != "upload" || !is_sha256 {
        let text = "this node takes uploads by SHA-256 here, and nothing else";
        return Err(DoorError::Invalid(text.to_owned()).into());
    }
    if batch.objects.len() > BATCH_OBJECTS_MAX {
        let text = format!("more than {BATCH_OBJECTS_MAX} files in one request");
        return Err(DoorError::TooLarge(text).into());
    }
    doors.uploads.area.sweep(OBJECT_TIME);
    let lifetime = TICKET_TIME.as_secs();
    let expires = host::now().0.saturating_add(lifetime.cast_signed());
    let place = |object: ObjectJson| {
        let oid = Oid::parse(&object.oid).filter(|_| object.size <= UPLOAD_BYTES_MAX);
        let Some(oid) = oid else {
            let message = "the digest or the size is not one".to_owned();
            return PlaceJson {
                oid: object.oid,
                size: object.size,
                authenticated: true,
                actions: None,
                error: Some(ObjectErrorJson { code: 422, message }),
            };
        };
        let is_here = doors.uploads.area.find(&oid, object.size).is_some();
        let actions = (!is_here).then(|| {
            let ticket = Ticket {
                name: name.to_string(),
                oid,
                size: object.size,
                expires,
            };
            let query = doors.uploads.tickets.query(&ticket);
            let href = format!("{url}.git/info/lfs/objects/{}?{query}", object.oid);
            let expires_in = lifetime;
            ActionsJson {
                upload: ActionJson { href, expires_in },
            }
        });
        PlaceJson {
            oid: object.oid,
            size: object.size,
            authenticated: true,
            actions,
            error: None,
        }
    };
    let places = PlacesJson {
        transfer: "basic",
        hash_algo: "sha256",
        objects: batch.objects.into_iter().map(place).collect(),
    };
    let mut answer = json(StatusCode::OK, &places);
    let kind = HeaderValue::from_static(LFS_JSON);
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(answer)
}

/// Reads the ticket of a request that brings a large file.
pub(in crate::doors::hub) fn ticket_of(
    doors: &Doors,
    request: &DoorRequest,
    repo: &RepoName,
    oid: &str,
) -> Option<Ticket> {
    let now = host::now().0;
    doors.uploads.tickets.read(request, (&repo.name, oid), now)
}

/// Takes a large file.
///
/// # Errors
/// A refusal for a ticket that is forged or too old, and for bytes that have another digest.
pub(in crate::doors::hub) async fn receive(
    doors: &Doors,
    request: DoorRequest,
    repo: &RepoName,
    oid: &str,
) -> Result<Answer, Refusal> {
    let Some(ticket) = ticket_of(doors, &request, repo, oid) else {
        let text = "the address of the upload is forged or too old";
        return Err(DoorError::Forbidden(text.to_owned()).into());
    };
    let room = doors.uploads.room_for_object().await?;
    let area = doors.uploads.area.clone();
    let size = ticket.size;
    read_with(request.body, size, move |body| {
        let _room = room;
        store(&area, body, &ticket)
    })
    .await?;
    Ok(Answer::new(DoorBody::empty()))
}

/// Writes a large file, which gets its name when its digest is the promised one.
fn store(area: &UploadArea, mut body: BodyReader, ticket: &Ticket) -> Result<(), DoorError> {
    let (part, mut file) = area.file()?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 256 << 10];
    let mut size = 0_u64;
    loop {
        let n = body.read(&mut piece).map_err(body_error)?;
        if n == 0 {
            break;
        }
        let bytes = piece.get(..n).unwrap_or_default();
        hasher.update(bytes);
        file.write_all(bytes)?;
        size += n as u64;
    }
    let digest = to_hex(&hasher.finalize()[..]);
    if size != ticket.size || digest != ticket.oid.as_str() {
        let text = "the bytes do not have the digest and the size that were promised";
        return Err(DoorError::Invalid(text.to_owned()));
    }
    Ok(area.keep(&part, &ticket.oid)?)
}
