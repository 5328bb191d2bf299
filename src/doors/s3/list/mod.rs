//! Listings: ListObjectsV2 and ListObjects, straight from the sorted tables of files.
//!
//! - `question.rs`: the parameters
//! - `token.rs`: tokens that ask for the next page
//! - `walk.rs`: the entries of a page, in order
//! - `page.rs`: the document

mod page;
mod question;
mod token;
mod walk;

use std::sync::Arc;

use crate::doors::body::Answer;
use crate::doors::error::DoorError;
use crate::doors::request::DoorRequest;
use crate::doors::s3::errors::S3Error;
use crate::doors::s3::keys::Shelf;
use crate::doors::s3::keys::shelves;
use crate::doors::s3::list::page::Listed;
use crate::doors::s3::list::page::document;
use crate::doors::s3::list::question::Question;
use crate::doors::s3::list::walk::Walk;
use crate::doors::s3::reply;
use crate::doors::state::Doors;
use crate::doors::visitor::Visitor;
use crate::manifest::FileEntry;

/// Answers a listing.
///
/// # Errors
/// [`S3Error`] for parameters that make no sense, and errors of the store.
pub(super) async fn answer(
    doors: &Arc<Doors>,
    visitor: &Visitor,
    request: &DoorRequest,
) -> Result<Answer, S3Error> {
    let question = Question::read(&request.query)?;
    let list = doors.catalogue.list(visitor).await?;
    let shelves = shelves(&list, &question.prefix);
    let mut walk = Walk::new(question.wanted());
    let mut objects: Vec<Listed> = Vec::new();
    while let Some(shelf) = walk.next(&shelves) {
        // Files that only peers have are looked at where the dataset is named: a list of everything would look at all of it.
        if !shelf.dataset.is_here && !question.prefix.starts_with(&shelf.prefix) {
            continue;
        }
        let open = match doors.catalogue.open(&shelf.dataset).await {
            // It was taken away after the page began.
            Err(DoorError::NotFound(_)) => continue,
            opened => opened?,
        };
        let found = walk.read(shelf, open.files());
        let files: Vec<&FileEntry> = found.iter().filter_map(|n| open.files().get(*n)).collect();
        let etags = open.content_ids(found).await?;
        objects.extend(files.into_iter().zip(etags).map(|(file, etag)| Listed {
            key: key_of(shelf, &file.path),
            size_bytes: file.size_bytes,
            etag,
            dataset: Arc::clone(&shelf.dataset),
        }));
    }
    let page = walk.finish();
    Ok(reply::document(document(&question, &page, &objects)))
}

/// Reads the parameters of a listing. For tests with random bytes.
pub(super) fn decode(query: &[(String, String)]) {
    let _ = Question::read(query);
}

fn key_of(shelf: &Shelf, path: &str) -> String {
    format!("{}{path}", shelf.prefix)
}
