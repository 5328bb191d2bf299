//! Uploads by Xet, which clients with its library use for all large files: blocks of chunks (`xorb.rs`), then the files
//! that are made of them (`shard.rs`). Nothing is kept in this form: a file is put together at once, and compared with its
//! SHA-256.

mod shard;
mod xorb;

use std::fs::File;
use std::io;
use std::io::Read as _;
use std::io::Write as _;

use hyper::Method;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderName;
use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;

use crate::doors::body::Answer;
use crate::doors::error::DoorError;
use crate::doors::hub::limits::SHARD_BYTES_MAX;
use crate::doors::hub::limits::TICKET_TIME;
use crate::doors::hub::limits::UPLOAD_BYTES_MAX;
use crate::doors::hub::limits::XORB_BYTES_MAX;
use crate::doors::hub::refusal::Refusal;
use crate::doors::hub::reply::json;
use crate::doors::hub::reply::percent_encoded;
use crate::doors::hub::reply::put;
use crate::doors::hub::route::RepoName;
use crate::doors::hub::upload::area::Oid;
use crate::doors::hub::upload::area::Temporary;
use crate::doors::hub::upload::area::UploadArea;
use crate::doors::hub::upload::area::XorbPlace;
use crate::doors::hub::upload::changes::body_error;
use crate::doors::hub::upload::incoming::BodyReader;
use crate::doors::hub::upload::incoming::read_with;
use crate::doors::hub::upload::permission::permitted;
use crate::doors::request::DoorRequest;
use crate::doors::state::Doors;
use crate::doors::visitor::Visitor;
use crate::registry::host;

const CAS_URL: HeaderName = HeaderName::from_static("x-xet-cas-url");
const ACCESS_TOKEN: HeaderName = HeaderName::from_static("x-xet-access-token");
const EXPIRATION: HeaderName = HeaderName::from_static("x-xet-token-expiration");

/// The place of an upload, as JSON. The headers say the same.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlaceJson<'a> {
    cas_url: &'a str,
    access_token: &'a str,
    exp: i64,
}

#[derive(Serialize)]
struct InsertedJson {
    was_inserted: bool,
}

#[derive(Serialize)]
struct RegisteredJson {
    /// 1 for files that are made now.
    result: u8,
}

/// Names the place of an upload, which is a new one each time: clients remember the blocks of a place. The token is that of
/// the client itself.
///
/// # Errors
/// A refusal for a client that may not write.
pub(in crate::doors::hub) fn place(
    doors: &Doors,
    visitor: &Visitor,
    request: &DoorRequest,
    asked: &RepoName,
) -> Result<Answer, Refusal> {
    let name = permitted(doors, visitor, asked)?;
    let authorization = request.text(&header::AUTHORIZATION).unwrap_or_default();
    let secret = authorization
        .split_once(' ')
        .map_or("", |(_, secret)| secret);
    let noise: [u8; 12] = host::random().map_err(DoorError::from)?;
    let place = crate::ident::to_hex(&noise);
    let name = percent_encoded(name.as_str());
    let cas_url = format!("{}/api/xet/{name}/{place}", request.base());
    let lifetime = TICKET_TIME.as_secs().cast_signed();
    let exp = host::now().0.saturating_add(lifetime);
    let found = PlaceJson {
        cas_url: &cas_url,
        access_token: secret,
        exp,
    };
    let mut answer = json(StatusCode::OK, &found);
    let headers = answer.headers_mut();
    put(headers, CAS_URL, &cas_url);
    put(headers, ACCESS_TOKEN, secret);
    put(headers, EXPIRATION, &exp.to_string());
    put(headers, header::CACHE_CONTROL, "no-store");
    Ok(answer)
}

/// Answers a request at the place of an upload.
///
/// # Errors
/// A refusal for a client that may not write, and for bytes of another form.
pub(in crate::doors::hub) async fn answer(
    doors: &Doors,
    visitor: &Visitor,
    request: DoorRequest,
    (asked, place): (&RepoName, &str),
    path: &[String],
) -> Result<Answer, Refusal> {
    permitted(doors, visitor, asked)?;
    let place = XorbPlace::parse(place).ok_or_else(Refusal::no_such_path)?;
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let area = doors.uploads.area.clone();
    match path.as_slice() {
        ["v1", "xorbs", _, hash] if request.method == Method::POST => {
            let hash = Oid::parse(hash).ok_or_else(Refusal::no_such_path)?;
            let room = doors.uploads.room_for_object().await?;
            read_with(request.body, XORB_BYTES_MAX, move |body| {
                let _room = room;
                store(&area, &place, &hash, body)
            })
            .await?;
            let was_inserted = true;
            Ok(json(StatusCode::OK, &InsertedJson { was_inserted }))
        }
        ["v1", "shards"] | ["shards"] if request.method == Method::POST => {
            let room = doors.uploads.room_for_object().await?;
            read_with(request.body, SHARD_BYTES_MAX, move |body| {
                let _room = room;
                make_files(area, place, body)
            })
            .await?;
            Ok(json(StatusCode::OK, &RegisteredJson { result: 1 }))
        }
        // No chunk is known, and there are no other ways; the clients know that of older servers.
        _ => Err(Refusal::no_such_path()),
    }
}

/// Reads bytes as a shard, and as a xorb. For tests with random bytes.
pub(super) fn decode(bytes: &[u8]) {
    struct Ignored;

    impl shard::FileSink for Ignored {
        fn begin(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn segment(&mut self, _: &shard::Segment) -> io::Result<()> {
            Ok(())
        }

        fn end(&mut self, _: Option<&[u8; 32]>) -> io::Result<()> {
            Ok(())
        }
    }

    let mut rest = bytes;
    let _ = shard::read_files(&mut rest, &mut Ignored);
    let xorb = io::Cursor::new(bytes);
    let _ = xorb::each_chunk(xorb, 1..64, &mut |_| Ok(()));
}

/// Writes a xorb.
fn store(
    area: &UploadArea,
    place: &XorbPlace,
    hash: &Oid,
    mut body: BodyReader,
) -> Result<(), DoorError> {
    let (part, mut file) = area.file()?;
    let mut piece = vec![0; 256 << 10];
    loop {
        let n = body.read(&mut piece).map_err(body_error)?;
        if n == 0 {
            break;
        }
        file.write_all(piece.get(..n).unwrap_or_default())?;
    }
    drop(file);
    let mut file = File::open(part.path())?;
    xorb::check(&mut file).map_err(form_error)?;
    Ok(area.keep_xorb(&part, place, hash)?)
}

/// Puts the files of a shard together.
fn make_files(area: UploadArea, place: XorbPlace, mut body: BodyReader) -> Result<(), DoorError> {
    let mut made = MadeFiles {
        area,
        place,
        file: None,
    };
    shard::read_files(&mut body, &mut made).map_err(form_error)?;
    // The rest is the list of the xorbs.
    io::copy(&mut body, &mut io::sink()).map_err(body_error)?;
    Ok(())
}

/// Returns the error of bytes of another form, or of the disk.
fn form_error(e: io::Error) -> DoorError {
    match e.kind() {
        io::ErrorKind::InvalidData => DoorError::Invalid(e.to_string()),
        _ => body_error(e),
    }
}

/// Files that are put together.
struct MadeFiles {
    area: UploadArea,
    place: XorbPlace,
    file: Option<MadeFile>,
}

/// A file that is put together.
struct MadeFile {
    part: Temporary,
    to: File,
    hasher: Sha256,
    size: u64,
}

impl shard::FileSink for MadeFiles {
    fn begin(&mut self) -> io::Result<()> {
        let (part, to) = self.area.file()?;
        self.file = Some(MadeFile {
            part,
            to,
            hasher: Sha256::new(),
            size: 0,
        });
        Ok(())
    }

    fn segment(&mut self, segment: &shard::Segment) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let invalid = |text: &str| io::Error::new(io::ErrorKind::InvalidData, text.to_owned());
        let hash = xorb::hash_text(&segment.xorb);
        let opened = Oid::parse(&hash).and_then(|hash| self.area.open_xorb(&self.place, &hash));
        let xorb = opened.ok_or_else(|| invalid("a block of the file was not uploaded"))?;
        let before = file.size;
        xorb::each_chunk(xorb, segment.first..segment.end, &mut |bytes| {
            file.size = file.size.saturating_add(bytes.len() as u64);
            if file.size > UPLOAD_BYTES_MAX {
                return Err(invalid("the file is too large"));
            }
            file.hasher.update(bytes);
            file.to.write_all(bytes)
        })?;
        match file.size - before == u64::from(segment.bytes) {
            true => Ok(()),
            false => Err(invalid("a block of the file has another length")),
        }
    }

    fn end(&mut self, sha256: Option<&[u8; 32]>) -> io::Result<()> {
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        // Without its digest, no commit can name it.
        let Some(promised) = sha256.map(xorb::hash_text) else {
            return Ok(());
        };
        let found = crate::ident::to_hex(&file.hasher.finalize()[..]);
        match Oid::parse(&found).filter(|_| found == promised) {
            Some(oid) => self.area.keep(&file.part, &oid),
            None => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the bytes do not have the digest that was promised",
            )),
        }
    }
}
