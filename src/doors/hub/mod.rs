//! The door for clients of the hub: `huggingface_hub`, `datasets`, and everything that reads through them.
//!
//! - `route.rs`: paths; `repo.rs`: repositories and revisions; `refusal.rs`, `reply.rs`: answers
//! - `info.rs`, `lists.rs`: datasets, versions, the client; `tree.rs`, `paths_info.rs`, `entries.rs`: their paths
//! - `file.rs`: files; `upload/`: new versions; `limits.rs`: limits
//!
//! A repository is a dataset, a commit the content of a version. `spec/hub-door.md` is the specification.

mod entries;
mod file;
mod info;
mod limits;
mod lists;
mod paths_info;
mod refusal;
mod reply;
mod repo;
mod route;
mod tree;
mod upload;

pub(super) use upload::Uploads;

use std::sync::Arc;

use hyper::Method;

use crate::doors::body::Answer;
use crate::doors::hub::refusal::Refusal;
use crate::doors::hub::repo::Repo;
use crate::doors::hub::route::Route;
use crate::doors::request::DoorRequest;
use crate::doors::state::Doors;
use crate::doors::visitor::Visitor;

/// Answers a request for a path of the hub; others are given back.
pub(super) async fn answer(
    doors: &Arc<Doors>,
    visitor: &Visitor,
    request: DoorRequest,
) -> Result<Answer, DoorRequest> {
    let Some(route) = Route::of(&request.segments) else {
        return Err(request);
    };
    let answered = dispatch(doors, visitor, request, route).await;
    Ok(answered.unwrap_or_else(|refusal| refusal.answer()))
}

/// Returns true for a request that clients send without their token: the address is a permission by itself, or nothing of
/// the node is in the answer.
pub(super) fn needs_no_token(doors: &Doors, request: &DoorRequest) -> bool {
    match Route::of(&request.segments) {
        Some(Route::ValidateYaml) => true,
        Some(Route::LfsObject(repo, oid)) => {
            request.method == Method::PUT
                && upload::ticket_of(doors, request, &repo, &oid).is_some()
        }
        _ => false,
    }
}

/// Returns the methods of a path.
const fn methods(route: &Route) -> &'static str {
    match route {
        Route::Commit(..)
        | Route::Create
        | Route::LfsBatch(_)
        | Route::PathsInfo(..)
        | Route::Preupload(..)
        | Route::ValidateYaml => "POST",
        Route::LfsObject(..) => "PUT",
        Route::Xet(..) => "GET, HEAD, POST",
        _ => "GET, HEAD",
    }
}

async fn dispatch(
    doors: &Arc<Doors>,
    visitor: &Visitor,
    request: DoorRequest,
    route: Route,
) -> Result<Answer, Refusal> {
    match route {
        Route::Unknown => return Err(Refusal::no_such_path()),
        Route::OtherKind => {
            let text = "this node has datasets only; name the type, as `--repo-type dataset` does";
            return Err(Refusal::no_repo(text.to_owned()));
        }
        _ => {}
    }
    let allowed = methods(&route);
    if !allowed
        .split(", ")
        .any(|method| method == request.method.as_str())
    {
        return Err(Refusal::wrong_method(allowed));
    }
    let find = |repo| async move { Repo::find(doors, visitor, &repo).await };
    match route {
        Route::Datasets => lists::datasets(doors, visitor, &request).await,
        Route::WhoAmI => lists::who_am_i(visitor),
        Route::Info(repo, revision) => {
            info::info(doors, &find(repo).await?, &request, revision.as_deref()).await
        }
        Route::Tree(repo, revision, path) => {
            tree::list(doors, &find(repo).await?, &request, &revision, &path).await
        }
        Route::PathsInfo(repo, revision) => {
            paths_info::describe(doors, &find(repo).await?, request, &revision).await
        }
        Route::Refs(repo) => Ok(lists::refs(&find(repo).await?)),
        Route::Commits(repo, revision) => lists::commits(&find(repo).await?, &request, &revision),
        Route::File(repo, revision, path) => {
            file::send(doors, &find(repo).await?, &request, &revision, &path).await
        }
        Route::Create => upload::create(doors, visitor, request).await,
        Route::ValidateYaml => upload::check_card(request).await,
        Route::Preupload(repo, _) => upload::ways(doors, visitor, request, &repo).await,
        Route::LfsBatch(repo) => upload::places(doors, visitor, request, &repo).await,
        Route::LfsObject(repo, oid) => upload::receive(doors, request, &repo, &oid).await,
        Route::XetPlace(repo) => upload::place_of_xet(doors, visitor, &request, &repo),
        Route::Xet(repo, place, path) => {
            upload::answer_xet(doors, visitor, request, (&repo, &place), &path).await
        }
        Route::Commit(repo, revision) => {
            upload::commit(doors, visitor, request, &repo, &revision).await
        }
        Route::OtherKind | Route::Unknown => Err(Refusal::no_such_path()),
    }
}

/// Reads bytes as each kind of body of the API. For tests with random bytes.
pub(super) fn decode_body(bytes: &[u8]) {
    paths_info::decode(bytes);
    upload::decode(bytes);
}
