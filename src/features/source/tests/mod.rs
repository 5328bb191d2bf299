//! Partitions of sources. Comments say where the original differs.

mod local;
mod partition;
#[cfg(feature = "registry")]
mod s3;

use crate::features::source::Listing;
use crate::features::source::PartitionFile;

fn file(path: &str) -> PartitionFile {
    PartitionFile {
        path: path.to_owned(),
        size_bytes: 1,
        validator: "v".to_owned(),
    }
}

/// The names of the partitions, each with the paths of its files.
fn shown(listing: &Listing) -> Vec<(&str, Vec<&str>)> {
    let partitions = listing.partitions.iter();
    partitions
        .map(|p| {
            (
                p.name.as_str(),
                p.files.iter().map(|f| f.path.as_str()).collect(),
            )
        })
        .collect()
}

/// The reason why a name is no partition.
fn reason<'a>(listing: &'a Listing, name: &str) -> &'a str {
    let found = listing.others.iter().find(|(n, _)| n == name);
    found.map_or("", |(_, why)| why)
}
