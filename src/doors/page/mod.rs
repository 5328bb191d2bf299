//! The page for people: datasets, their files and rows, in any browser. It works without scripts.
//!
//! - `html.rs`, `links.rs`, `headers.rs`: the only places that make markup, places and headers of data
//! - `layout.rs`, `facts.rs`, `words.rs`, `assets/`: the frame of pages and their common pieces
//! - `list.rs`, `dataset.rs`, `file.rs`, `rows/`, `connect.rs`, `peers.rs`: the pages
//! - `client_lines.rs`: lines that connect other programs
//! - `bundle.rs`: the page that opens files in the browser, from a directory

mod assets;
mod bundle;
mod client_lines;
mod connect;
mod dataset;
mod facts;
mod file;
mod headers;
mod html;
mod layout;
mod limits;
mod links;
mod list;
mod peers;
mod rows;
mod words;

use std::sync::Arc;

use hyper::Method;

use crate::doors::body::Answer;
use crate::doors::catalogue::DatasetList;
use crate::doors::error::DoorError;
use crate::doors::page::links::Link;
use crate::doors::request::DoorRequest;
use crate::doors::shown::ShownDataset;
use crate::doors::state::Doors;
use crate::doors::visitor::Visitor;

pub use client_lines::client_lines;

/// Answers with a page, or with a page that says why there is none.
pub(super) async fn answer(doors: &Arc<Doors>, visitor: &Visitor, request: DoorRequest) -> Answer {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return layout::method_not_allowed(&request);
    }
    if let Some(asset) = assets::answer(&request) {
        return asset;
    }
    match route(doors, visitor, &request).await {
        Ok(answer) => answer,
        Err(error) => layout::failed(&request, &error),
    }
}

async fn route(
    doors: &Arc<Doors>,
    visitor: &Visitor,
    request: &DoorRequest,
) -> Result<Answer, DoorError> {
    let parts: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let parts = match parts.as_slice() {
        [before @ .., ""] => before,
        parts => parts,
    };
    let list = doors.catalogue.list(visitor).await?;
    match parts {
        [] => list::answer(doors, list, request, None).await,
        ["connect"] => connect::answer(doors, &list, request).await,
        ["peers"] => peers::answer(doors, request).await,
        ["open", name @ ..] => bundle::answer(doors, name, request).await,
        ["d", publisher] => {
            let is_known = list.all().iter().any(|d| list::is_of(d, publisher));
            match is_known {
                true => list::answer(doors, list, request, Some(publisher)).await,
                false => Err(nothing()),
            }
        }
        ["d", publisher, named] => {
            let dataset = find(&list, publisher, named)?;
            dataset::answer(doors, &list, &dataset, request).await
        }
        ["d", publisher, named, "file", path @ ..] if !path.is_empty() => {
            let dataset = find(&list, publisher, named)?;
            file::answer(doors, &list, &dataset, &path.join("/"), request).await
        }
        ["d", publisher, named, "raw", path @ ..] if !path.is_empty() => {
            let dataset = find(&list, publisher, named)?;
            file::raw(doors, &dataset, &path.join("/"), request).await
        }
        // The place of a dataset on a hub.
        ["datasets", publisher, name] => {
            let dataset = find(&list, publisher, name)?;
            Ok(layout::moved(&Link::newest(&dataset)))
        }
        _ => Err(nothing()),
    }
}

fn nothing() -> DoorError {
    DoorError::NotFound("there is nothing here, as far as you may see".to_owned())
}

/// Finds a version by `NAME` or `NAME@VERSION`.
fn find(list: &DatasetList, publisher: &str, named: &str) -> Result<Arc<ShownDataset>, DoorError> {
    let found = match named.split_once('@') {
        None => list.newest(publisher, named),
        Some((name, revision)) => list.revision(publisher, name, revision),
    };
    found.ok_or_else(nothing)
}
