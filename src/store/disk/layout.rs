//! Names of the files in a home; `spec/store-layout.md` describes them.

/// The version of the home as a whole, kept in the index; packs have one of their own. Since version 2,
/// records may be deltas. The first change to a home of an older version raises it.
pub const STORE_VERSION: u32 = 2;

/// The index file.
pub(crate) const INDEX: &str = "registry.redb";
/// The lock of the index: readers share it, and a writer holds it alone.
pub(crate) const INDEX_LOCK: &str = "registry.lock";
/// The lock of the one running collection.
pub(crate) const GC_LOCK: &str = "gc.lock";
/// A file that reserves room, which a removal may need on a full disk.
pub(crate) const RESERVE: &str = "reserve";
/// The directory of packs.
pub(crate) const PACKS_DIR: &str = "packs";
/// An unfinished pack of a rebuild.
pub(crate) const PACK_ASIDE: &str = "packs/new";
/// A file among packs outside the home: the path of the home that they belong to.
pub(crate) const PACKS_HOME: &str = "home";
/// The directory with one locked file for each running operation.
pub(crate) const OPERATIONS_DIR: &str = "operations";

/// Returns the path of a pack.
pub(crate) fn pack_path(number: u32) -> String {
    format!("{PACKS_DIR}/{number:08}.pack")
}

/// Returns the number in the name of a pack's file.
pub(crate) fn pack_number(name: &str) -> Option<u32> {
    let number = name.strip_suffix(".pack")?.parse().ok()?;
    (pack_path(number).rsplit('/').next() == Some(name)).then_some(number)
}
