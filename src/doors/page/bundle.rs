//! `/open/`: the page that looks into files of the browser's machine. Its files are in a directory beside the program.

use std::path::Path;
use std::sync::Arc;

use hyper::Response;
use hyper::StatusCode;
use hyper::header;
use hyper::header::HeaderName;

use crate::doors::body::Answer;
use crate::doors::body::DoorBody;
use crate::doors::error::DoorError;
use crate::doors::page::headers::harden;
use crate::doors::page::headers::set;
use crate::doors::page::layout;
use crate::doors::page::limits::BUNDLE_FILE_BYTES_MAX;
use crate::doors::page::links::Link;
use crate::doors::request::DoorRequest;
use crate::doors::state::Doors;
use crate::file_io::read_given;

/// The policy of the page. Its own policy, in the page, permits the one script in it by its hash.
const POLICY: &str = "default-src 'none'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; style-src 'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; manifest-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The names and types of the files. No other is served.
const FILES: [(&str, &str); 5] = [
    ("index.html", "text/html; charset=utf-8"),
    ("alimentar.js", "text/javascript; charset=utf-8"),
    ("service-worker.js", "text/javascript; charset=utf-8"),
    ("manifest.webmanifest", "application/manifest+json"),
    ("icon.svg", "image/svg+xml"),
];

/// The place of the page, if its files are there.
pub(super) fn link(doors: &Doors) -> Option<Link> {
    let has_files = doors.options.bundle.is_some();
    has_files.then(|| Link::literal("/open/"))
}

/// Answers with a file of the page.
pub(super) async fn answer(
    doors: &Arc<Doors>,
    name: &[&str],
    request: &DoorRequest,
) -> Result<Answer, DoorError> {
    let nothing = || DoorError::NotFound("there is no such file of the page".to_owned());
    let directory = doors.options.bundle.clone().ok_or_else(nothing)?;
    let name = match name {
        // Relative links of the page begin in `/open/`.
        [] if !request.raw_path.ends_with('/') => {
            return Ok(layout::moved(&Link::literal("/open/")));
        }
        [] => "index.html",
        [name] => name,
        _ => return Err(nothing()),
    };
    let (name, kind) = FILES
        .into_iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(nothing)?;
    let reading = move || read(&directory, name);
    let (bytes, etag) = doors.catalogue.blocking(reading).await??;
    let known = request.text(&header::IF_NONE_MATCH);
    let is_known = known.is_some_and(|known| {
        let mut tags = known.split(',');
        tags.any(|tag| tag.trim().trim_start_matches("W/") == etag)
    });
    let mut answer = Response::new(DoorBody::empty());
    let headers = answer.headers_mut();
    harden(headers, POLICY);
    set(headers, header::CONTENT_TYPE, kind);
    // Another version of the page is there after the directory was replaced.
    set(headers, header::CACHE_CONTROL, "private, no-cache");
    set(headers, header::VARY, "Authorization");
    set(headers, header::ETAG, &etag);
    if name == "service-worker.js" {
        let scope = HeaderName::from_static("service-worker-allowed");
        set(headers, scope, "/open/");
    }
    if is_known {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(answer);
    }
    set(headers, header::CONTENT_LENGTH, &bytes.len().to_string());
    if !request.is_head() {
        *answer.body_mut() = DoorBody::of(bytes);
    }
    Ok(answer)
}

/// Reads a file and makes its tag.
fn read(directory: &Path, name: &str) -> Result<(Vec<u8>, String), DoorError> {
    let bytes = read_given(&directory.join(name), BUNDLE_FILE_BYTES_MAX);
    let bytes = bytes.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            DoorError::NotFound("there is no such file of the page".to_owned())
        }
        _ => e.into(),
    })?;
    let hash = blake3::hash(&bytes).to_hex();
    let etag = format!("\"{}\"", hash.get(..32).unwrap_or_default());
    Ok((bytes, etag))
}
