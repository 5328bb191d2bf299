//! Descriptions of datasets: cards, schemas, profiles, Croissant, full-text search.

pub(crate) mod cards;
pub(crate) mod croissant;
pub(crate) mod profile;
pub(crate) mod recount;
pub(crate) mod schema;
pub(crate) mod search;
