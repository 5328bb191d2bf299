//! The bytes of filters are those of `spec/vectors/filter.txt`.

use alimentar::ident::ContentId;
use alimentar::ident::to_hex;
use alimentar::protocol::Filter;

const VECTORS: &str = include_str!("../../spec/vectors/filter.txt");

/// The content ids of files that hold the decimal numbers from 0 on.
fn ids(count: usize) -> Vec<ContentId> {
    let id = |n: usize| ContentId::from_bytes(n.to_string().as_bytes());
    (0..count).map(id).collect()
}

/// Every encoding among the vectors, and a full one.
pub fn encodings() -> Vec<Vec<u8>> {
    let filters = [0, 1, 2, 5, 21].map(|count| Filter::build(&ids(count)).encode());
    filters.into_iter().chain([vec![1, 9, 255]]).collect()
}

#[test]
fn filters_are_those_of_the_vectors() {
    let mut found = String::new();
    for count in [0, 1, 2, 5, 21] {
        let filter = Filter::build(&ids(count));
        found += &format!("filter-{count} {}\n", to_hex(&filter.encode()));
    }
    // With 21, 90 and 980 it has grown.
    for count in [4, 7, 90, 100, 767, 768, 980, 5_000, 50_000] {
        let filter = Filter::build(&ids(count));
        found += &format!("digest-{count} {}\n", filter.digest());
    }
    let wanted: String = VECTORS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .fold(String::new(), |text, line| text + line + "\n");
    assert_eq!(found, wanted, "\n{found}");
}
