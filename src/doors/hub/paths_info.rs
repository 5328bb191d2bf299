//! Facts about single paths of a revision.

use hyper::HeaderMap;
use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use hyper::header::HeaderValue;
use serde::Deserialize;

use crate::doors::body::Answer;
use crate::doors::body::read_body;
use crate::doors::error::DoorError;
use crate::doors::hub::entries::EntryJson;
use crate::doors::hub::entries::Listed;
use crate::doors::hub::entries::described;
use crate::doors::hub::limits::JSON_BYTES_MAX;
use crate::doors::hub::limits::PATHS_MAX;
use crate::doors::hub::refusal::Refusal;
use crate::doors::hub::reply::X_REPO_COMMIT;
use crate::doors::hub::reply::json;
use crate::doors::hub::reply::put;
use crate::doors::hub::repo::Repo;
use crate::doors::hub::repo::Revision;
use crate::doors::hub::repo::commit_of;
use crate::doors::open_dataset::OpenDataset;
use crate::doors::request::DoorRequest;
use crate::doors::request::decoded;
use crate::doors::state::Doors;

/// The paths that a client asks for.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
struct AskedPaths {
    paths: OneOrSeveral,
    #[serde(default)]
    expand: bool,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum OneOrSeveral {
    One(String),
    Several(Vec<String>),
}

impl Default for OneOrSeveral {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

/// Describes those of the asked paths that are there.
///
/// # Errors
/// `RevisionNotFound`, and a refusal for a body of another form.
pub(super) async fn describe(
    doors: &Doors,
    repo: &Repo,
    request: DoorRequest,
    revision: &str,
) -> Result<Answer, Refusal> {
    let found = repo.revision(revision)?;
    let body = read_body(request.body, JSON_BYTES_MAX).await?;
    let asked = read(&request.headers, &body)?;
    let paths = match asked.paths {
        OneOrSeveral::One(path) => vec![path],
        OneOrSeveral::Several(paths) => paths,
    };
    if paths.len() > PATHS_MAX {
        let text = format!("more than {PATHS_MAX} paths in one request");
        return Err(DoorError::TooLarge(text).into());
    }
    let Revision::Version(dataset) = found else {
        return Ok(json(StatusCode::OK, &Vec::<EntryJson>::new()));
    };
    let open = doors.catalogue.open(&dataset).await?;
    let listed: Vec<Listed> = paths.iter().filter_map(|path| find(&open, path)).collect();
    let entries = described(&open, &listed, asked.expand).await?;
    let mut answer = json(StatusCode::OK, &entries);
    put(
        answer.headers_mut(),
        X_REPO_COMMIT,
        &commit_of(&dataset.content_id),
    );
    Ok(answer)
}

fn find(open: &OpenDataset, path: &str) -> Option<Listed> {
    let path = path.trim_matches('/');
    if let Some(index) = open.find(path) {
        return Some(Listed::File(index));
    }
    let is_directory = !path.is_empty() && !open.below(&format!("{path}/")).is_empty();
    is_directory.then(|| Listed::Directory(path.to_owned()))
}

/// Reads bytes as both kinds of body. For tests with random bytes.
pub(super) fn decode(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    let _ = read(&headers, bytes);
    let kind = HeaderValue::from_static("application/json");
    headers.insert(CONTENT_TYPE, kind);
    let _ = read(&headers, bytes);
}

/// Reads a body of JSON, or of a form.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<AskedPaths, DoorError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let is_json = kind.is_some_and(|kind| kind.to_ascii_lowercase().contains("json"));
    if is_json {
        let read = serde_json::from_slice(body);
        return read.map_err(|e| DoorError::Invalid(format!("the body of the request: {e}")));
    }
    let wrong = || DoorError::Invalid("the form of the request is not encoded as UTF-8".to_owned());
    let text = std::str::from_utf8(body).map_err(|_| wrong())?;
    let (mut paths, mut expand) = (Vec::new(), false);
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value, true).ok_or_else(wrong)?;
        match key {
            // One more than allowed is enough for the refusal.
            "paths" if paths.len() <= PATHS_MAX => paths.push(value),
            "expand" => expand = matches!(value.as_str(), "true" | "True" | "1"),
            _ => {}
        }
    }
    Ok(AskedPaths {
        paths: OneOrSeveral::Several(paths),
        expand,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(kind: &'static str, body: &str) -> Result<(Vec<String>, bool), DoorError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        let asked = read(&headers, body.as_bytes())?;
        let paths = match asked.paths {
            OneOrSeveral::One(path) => vec![path],
            OneOrSeveral::Several(paths) => paths,
        };
        Ok((paths, asked.expand))
    }

    #[test]
    fn paths_are_read_from_forms_and_from_json() {
        let form = "application/x-www-form-urlencoded";
        let two = vec!["a b/c".to_owned(), "d&é".to_owned()];
        let found = asked(form, "paths=a+b%2Fc&paths=d%26%C3%A9&expand=true");
        assert_eq!(found.unwrap(), (two.clone(), true));
        let json = r#"{"paths": ["a b/c", "d&é"], "expand": false}"#;
        assert_eq!(asked("application/json", json).unwrap(), (two, false));
        let one = asked("application/json; charset=utf-8", r#"{"paths": "x"}"#);
        assert_eq!(one.unwrap(), (vec!["x".to_owned()], false));
        assert_eq!(asked(form, "").unwrap(), (Vec::new(), false));
        for (kind, body) in [
            ("application/json", "{"),
            ("application/json", r#"{"paths": 3}"#),
            (form, "paths=%FF"),
            (form, "paths=%4"),
        ] {
            assert!(
                matches!(asked(kind, body), Err(DoorError::Invalid(_))),
                "{body}"
            );
        }
    }
}
