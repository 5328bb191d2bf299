//! Names of the files in a home; `spec/store-layout.md` describes them.

/// The version of the home as a whole, kept in the index; packs have one of their own. Since 2,
/// records may be deltas. A home of an older version gets this one by its first change.
pub const STORE_VERSION: u32 = 2;

/// The index.
pub(crate) const INDEX: &str = "registry.redb";
/// Whoever reads the index shares this lock, whoever writes it holds it alone.
pub(crate) const INDEX_LOCK: &str = "registry.lock";
/// Held alone by the one collection that may be under way.
pub(crate) const GC_LOCK: &str = "gc.lock";
/// Takes room that removing things may need on a full disk.
pub(crate) const RESERVE: &str = "reserve";
/// The packs.
pub(crate) const PACKS_DIR: &str = "packs";
/// A pack that a rebuild writes, until it is whole.
pub(crate) const PACK_ASIDE: &str = "packs/new";
/// Among the packs: the path of the home that they belong to, where they do not lie in it.
pub(crate) const PACKS_HOME: &str = "home";
/// One file, held locked, for every operation that is under way.
pub(crate) const OPERATIONS_DIR: &str = "operations";

/// The path of a pack.
pub(crate) fn pack_path(number: u32) -> String {
    format!("{PACKS_DIR}/{number:08}.pack")
}

/// The number in the name of a pack's file.
pub(crate) fn pack_number(name: &str) -> Option<u32> {
    let number = name.strip_suffix(".pack")?.parse().ok()?;
    (pack_path(number).rsplit('/').next() == Some(name)).then_some(number)
}
