//! Near-duplicates: shingles, sketches, LSH, and the Jaccard similarity of candidate pairs.

pub(crate) mod b_bit;
pub(crate) mod hamming;
pub(crate) mod jaccard;
pub(crate) mod lsh;
pub(crate) mod shingles;
pub(crate) mod simhash;
pub(crate) mod sketch;
pub(crate) mod stop_shingles;
