//! Descriptions of datasets: `cards`, `schema`, `profile` (types of all values), `croissant`
//! (JSON-LD), `recount` (checks descriptions), and full-text `search`.

pub(crate) mod cards;
pub(crate) mod croissant;
pub(crate) mod profile;
pub(crate) mod recount;
pub(crate) mod schema;
pub(crate) mod search;
