//! Lists: datasets, versions of a dataset, and the client itself.

use hyper::StatusCode;
use hyper::header::HeaderName;
use serde::Serialize;

use crate::doors::body::Answer;
use crate::doors::error::DoorError;
use crate::doors::hub::info::InfoJson;
use crate::doors::hub::limits::PAGE_DATASETS;
use crate::doors::hub::refusal::Refusal;
use crate::doors::hub::reply::hub_time;
use crate::doors::hub::reply::json;
use crate::doors::hub::reply::put;
use crate::doors::hub::reply::put_next_page;
use crate::doors::hub::repo::Repo;
use crate::doors::hub::repo::Revision;
use crate::doors::hub::repo::commit_of;
use crate::doors::request::DoorRequest;
use crate::doors::shown::LOCAL;
use crate::doors::shown::ShownDataset;
use crate::doors::state::Doors;
use crate::doors::visitor::Visitor;
use crate::ident::labels;

const X_TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// Lists the newest versions of datasets, by publisher and name.
///
/// # Errors
/// A refusal when the catalogue cannot be read.
pub(super) async fn datasets(
    doors: &Doors,
    visitor: &Visitor,
    request: &DoorRequest,
) -> Result<Answer, Refusal> {
    let list = doors.catalogue.list(visitor).await?;
    let filter = Filter::of(request);
    let cursor = request.param("cursor").unwrap_or_default();
    let limit = request.param("limit").and_then(|text| text.parse().ok());
    let limit = limit.unwrap_or(PAGE_DATASETS).clamp(1, PAGE_DATASETS);
    let newest = list
        .all()
        .chunk_by(|a, b| a.publisher == b.publisher && a.name == b.name);
    let mut found = newest
        .filter_map(|versions| versions.first())
        .filter(|d| place(d).as_str() > cursor && filter.admits(d));
    let page: Vec<_> = found.by_ref().take(limit).collect();
    let has_more = found.next().is_some();
    let infos: Vec<InfoJson> = page.iter().map(|d| InfoJson::of(d)).collect();
    let mut answer = json(StatusCode::OK, &infos);
    if let Some(last) = page.last().filter(|_| has_more) {
        put_next_page(&mut answer, request, &place(last));
    }
    Ok(answer)
}

/// Returns the place of a dataset in the list, in the order of the list.
fn place(d: &ShownDataset) -> String {
    // No publisher has a control character.
    format!("{}\u{1}{}", d.publisher, d.name)
}

/// Conditions on datasets.
struct Filter {
    search: Option<String>,
    author: Option<String>,
    /// Labels that a dataset has all of.
    tags: Vec<String>,
}

impl Filter {
    fn of(request: &DoorRequest) -> Self {
        let given = |name: &str| {
            let text = request.param(name).filter(|text| !text.is_empty());
            text.map(str::to_lowercase)
        };
        let tags = request.query.iter().filter(|(key, _)| key == "filter");
        Self {
            search: given("search"),
            author: given("author"),
            tags: tags.map(|(_, value)| value.to_lowercase()).collect(),
        }
    }

    fn admits(&self, d: &ShownDataset) -> bool {
        let is_found = |text: &String| d.repo_id().to_lowercase().contains(text.as_str());
        let is_author = |text: &String| d.publisher.to_lowercase() == *text;
        let license = d
            .license
            .as_ref()
            .map(|l| format!("license:{}", l.to_lowercase()));
        let has_tag = |tag: &String| {
            let mut has = labels(&d.tags)
                .into_iter()
                .map(|label| label.to_lowercase());
            license.as_ref() == Some(tag) || has.any(|label| label == *tag)
        };
        self.search.as_ref().is_none_or(is_found)
            && self.author.as_ref().is_none_or(is_author)
            && self.tags.iter().all(has_tag)
    }
}

#[derive(Serialize)]
struct RefsJson {
    branches: Vec<RefJson>,
    converts: Vec<RefJson>,
    tags: Vec<RefJson>,
    #[serde(rename = "pullRequests")]
    pull_requests: Vec<RefJson>,
}

#[derive(Serialize)]
struct RefJson {
    name: String,
    #[serde(rename = "ref")]
    full_name: String,
    #[serde(rename = "targetCommit")]
    target_commit: String,
}

/// Lists the versions of a dataset as tags, and the newest as the branch `main`.
pub(super) fn refs(repo: &Repo) -> Answer {
    let versions = repo.versions();
    let branch = |d: &ShownDataset| RefJson {
        name: "main".to_owned(),
        full_name: "refs/heads/main".to_owned(),
        target_commit: commit_of(&d.content_id),
    };
    let tag = |d: &ShownDataset| RefJson {
        name: d.version.to_string(),
        full_name: format!("refs/tags/{}", d.version),
        target_commit: commit_of(&d.content_id),
    };
    let refs = RefsJson {
        branches: versions.first().map(|d| branch(d)).into_iter().collect(),
        converts: Vec::new(),
        tags: versions.iter().map(|d| tag(d)).collect(),
        pull_requests: Vec::new(),
    };
    json(StatusCode::OK, &refs)
}

#[derive(Serialize)]
struct HistoryJson {
    id: String,
    title: String,
    message: String,
    authors: Vec<AuthorJson>,
    date: String,
}

#[derive(Serialize)]
struct AuthorJson {
    user: String,
}

/// Lists a version and those before it, the newest first.
///
/// # Errors
/// `RevisionNotFound`.
pub(super) fn commits(
    repo: &Repo,
    request: &DoorRequest,
    revision: &str,
) -> Result<Answer, Refusal> {
    let Revision::Version(last) = repo.revision(revision)? else {
        return Ok(json(StatusCode::OK, &Vec::<HistoryJson>::new()));
    };
    let upto = repo
        .versions()
        .iter()
        .skip_while(|d| d.envelope_id != last.envelope_id);
    let commits: Vec<HistoryJson> = upto
        .map(|d| HistoryJson {
            id: commit_of(&d.content_id),
            title: format!("{}@{}", d.name, d.version),
            message: String::new(),
            authors: vec![AuthorJson {
                user: d.publisher.clone(),
            }],
            date: hub_time(d.created_at),
        })
        .collect();
    let start = request.param("cursor").and_then(|text| text.parse().ok());
    let start = start.unwrap_or(0_usize).min(commits.len());
    let end = start.saturating_add(PAGE_DATASETS).min(commits.len());
    let page = commits.get(start..end).unwrap_or_default();
    let mut answer = json(StatusCode::OK, &page);
    put(
        answer.headers_mut(),
        X_TOTAL_COUNT,
        &commits.len().to_string(),
    );
    if end < commits.len() {
        put_next_page(&mut answer, request, &end.to_string());
    }
    Ok(answer)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClientJson<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    name: &'a str,
    fullname: &'a str,
    is_pro: bool,
    orgs: Vec<OrganisationJson>,
    auth: AuthJson<'a>,
}

#[derive(Serialize)]
struct OrganisationJson {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'static str,
    name: &'static str,
    fullname: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthJson<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    access_token: AccessTokenJson<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccessTokenJson<'a> {
    display_name: &'a str,
    role: &'static str,
}

/// Describes the client by its token.
///
/// # Errors
/// A refusal for a client without a token.
pub(super) fn who_am_i(visitor: &Visitor) -> Result<Answer, Refusal> {
    let Some(name) = visitor.name() else {
        let text = "a token is needed; the owner of this node makes one with `alimentar registry token add`";
        return Err(DoorError::Unauthorized(text.to_owned()).into());
    };
    let client = ClientJson {
        kind: "user",
        id: name,
        name,
        fullname: name,
        is_pro: false,
        orgs: vec![OrganisationJson {
            kind: "org",
            id: LOCAL,
            name: LOCAL,
            fullname: "datasets that nobody signed",
        }],
        auth: AuthJson {
            kind: "access_token",
            access_token: AccessTokenJson {
                display_name: name,
                role: if visitor.may_write() { "write" } else { "read" },
            },
        },
    };
    Ok(json(StatusCode::OK, &client))
}
