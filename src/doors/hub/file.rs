//! Files of a revision.

use hyper::HeaderMap;
use hyper::header;
use hyper::header::HeaderValue;

use crate::doors::body::Answer;
use crate::doors::file_answer::FileAnswer;
use crate::doors::file_answer::file_answer;
use crate::doors::hub::refusal::Refusal;
use crate::doors::hub::reply::X_REPO_COMMIT;
use crate::doors::hub::reply::percent_encoded;
use crate::doors::hub::reply::put;
use crate::doors::hub::repo::Repo;
use crate::doors::hub::repo::commit_of;
use crate::doors::hub::repo::is_immutable;
use crate::doors::request::DoorRequest;
use crate::doors::state::Doors;

/// Types of the content of files, by the ends of their names. Nothing that a browser would run is among them.
const CONTENT_TYPES: [(&str, &str); 16] = [
    (".arrow", "application/vnd.apache.arrow.file"),
    (".csv", "text/plain; charset=utf-8"),
    (".gif", "image/gif"),
    (".jpeg", "image/jpeg"),
    (".jpg", "image/jpeg"),
    (".json", "application/json"),
    (".jsonl", "text/plain; charset=utf-8"),
    (".md", "text/plain; charset=utf-8"),
    (".ndjson", "text/plain; charset=utf-8"),
    (".parquet", "application/vnd.apache.parquet"),
    (".png", "image/png"),
    (".tsv", "text/plain; charset=utf-8"),
    (".txt", "text/plain; charset=utf-8"),
    (".webp", "image/webp"),
    (".yaml", "text/plain; charset=utf-8"),
    (".yml", "text/plain; charset=utf-8"),
];

/// Sends a file, or its headers.
///
/// # Errors
/// `RevisionNotFound`, `EntryNotFound`.
pub(super) async fn send(
    doors: &Doors,
    repo: &Repo,
    request: &DoorRequest,
    revision: &str,
    path: &str,
) -> Result<Answer, Refusal> {
    let dataset = repo.version(revision, path)?;
    let commit = commit_of(&dataset.content_id);
    let open = doors.catalogue.open(&dataset).await?;
    let Some(index) = open.find(path) else {
        return Err(Refusal::no_entry(path, &commit));
    };
    let mut headers = HeaderMap::new();
    put(&mut headers, X_REPO_COMMIT, &commit);
    let keeping = match is_immutable(revision, &dataset.content_id) {
        true => "private, max-age=31536000, immutable",
        false => "no-cache",
    };
    put(&mut headers, header::CACHE_CONTROL, keeping);
    let is_download = request.param("download").is_some();
    put(
        &mut headers,
        header::CONTENT_DISPOSITION,
        &disposition(path, is_download),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    let about = FileAnswer {
        etag: open.content_id(index).await?.to_hex(),
        last_modified: dataset.created_at,
        content_type: content_type(path),
        headers,
        is_several_ranges_allowed: true,
    };
    Ok(file_answer(request, open.file(index), about).await?)
}

fn content_type(path: &str) -> &'static str {
    let lower = path.to_ascii_lowercase();
    let known = CONTENT_TYPES.iter().find(|(end, _)| lower.ends_with(end));
    known.map_or("application/octet-stream", |(_, kind)| kind)
}

/// Returns the name under which a browser keeps the file.
fn disposition(path: &str, is_download: bool) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let plain = |c: char| match c {
        '"' | '\\' => '_',
        ' '..='~' => c,
        _ => '_',
    };
    let shown: String = name.chars().map(plain).collect();
    let way = if is_download { "attachment" } else { "inline" };
    format!(
        "{way}; filename=\"{shown}\"; filename*=UTF-8''{}",
        percent_encoded(name)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_type_is_none_that_a_browser_runs() {
        assert_eq!(
            content_type("a/X.PARQUET"),
            "application/vnd.apache.parquet"
        );
        for path in ["index.html", "x.svg", "x.xml", "x.js", "x", "x.csv.html"] {
            assert_eq!(content_type(path), "application/octet-stream", "{path}");
        }
    }

    #[test]
    fn name_of_a_download_cannot_leave_its_quotes() {
        let found = disposition("a/\"é;\u{202e}.csv", true);
        let wanted =
            "attachment; filename=\"__;_.csv\"; filename*=UTF-8''%22%C3%A9%3B%E2%80%AE.csv";
        assert_eq!(found, wanted);
    }
}
