//! Datasets of a registry: list, resolve, edit, rename, remove, restore, forget.

pub(crate) mod edit;
pub(crate) mod forget;
pub(crate) mod lookup;
pub(crate) mod removal;
pub(crate) mod rename;
pub(crate) mod replace;
pub(crate) mod restore;
pub(crate) mod version_numbers;
