//! Keys and the datasets that they mean: `PUBLISHER/NAME@VERSION/PATH`, `by-id/HEX/PATH`.
//!
//! Each version is listed once, below its exact version. Ranges, aliases and `latest` in the place of the version, and
//! keys of publishers in the place of names, can be read, and listed where the prefix names them.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::doors::catalogue::DatasetList;
use crate::doors::shown::ShownDataset;

/// The first part of keys by content id.
const BY_ID: &str = "by-id";

/// A dataset, and the beginning of the keys of its files.
#[derive(Clone, Debug)]
pub(super) struct Shelf<D = Arc<ShownDataset>> {
    /// The beginning, with a slash at the end. No shelf's is the beginning of another's.
    pub(super) prefix: String,
    pub(super) dataset: D,
}

/// A key that may mean a file.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) dataset: Arc<ShownDataset>,
    pub(super) path: String,
    /// True if the key has the content id, so that it means the same bytes for ever.
    pub(super) is_by_id: bool,
}

/// Finds the dataset and the path of a key.
pub(super) fn find(list: &DatasetList, key: &str) -> Option<Found> {
    let mut parts = key.splitn(3, '/');
    let (first, second, path) = (parts.next()?, parts.next()?, parts.next()?);
    let dataset = named(list, first, second);
    let is_by_id = dataset.is_none();
    let dataset = match dataset {
        None if first == BY_ID => list.by_id(second),
        named => named,
    };
    Some(Found {
        dataset: dataset?,
        path: path.to_owned(),
        is_by_id,
    })
}

/// Finds the dataset of the first two parts of a key.
fn named(list: &DatasetList, publisher: &str, rest: &str) -> Option<Arc<ShownDataset>> {
    let (name, revision) = rest.split_once('@')?;
    list.revision(publisher, name, revision)
}

/// Returns the datasets whose keys may begin with a prefix, in the order of their keys.
pub(super) fn shelves(list: &DatasetList, prefix: &str) -> Vec<Shelf> {
    let meets =
        |shelf: &Shelf| shelf.prefix.starts_with(prefix) || prefix.starts_with(&shelf.prefix);
    let listed = list.all().iter().map(|dataset| Shelf {
        prefix: format!("{}/", dataset.key_prefix()),
        dataset: Arc::clone(dataset),
    });
    let mut found: Vec<Shelf> = listed.filter(meets).collect();
    let mut parts = prefix.splitn(3, '/');
    let (first, second) = (parts.next().unwrap_or_default(), parts.next());
    // At the root, contents are not listed once more.
    if let (BY_ID, Some(_)) = (first, second) {
        let by_id = list.all().iter().rev().map(|dataset| Shelf {
            prefix: format!("{BY_ID}/{}/", dataset.content_id.to_hex()),
            dataset: Arc::clone(dataset),
        });
        let mut by_id: Vec<Shelf> = by_id.filter(meets).collect();
        // Of several datasets with one content, the newest is the one that `find` finds.
        by_id.sort_by_key(|shelf| Reverse(shelf.dataset.created_at));
        found.extend(by_id);
    }
    if let (true, Some(second)) = (found.is_empty(), second) {
        let alias = named(list, first, second).map(|dataset| Shelf {
            prefix: format!("{first}/{second}/"),
            dataset,
        });
        found.extend(alias);
    }
    // The sort keeps the order of equal ones, of which the first is the one that `find` finds.
    found.sort_by(|a, b| a.prefix.cmp(&b.prefix));
    found.dedup_by(|b, a| a.prefix == b.prefix);
    found
}
