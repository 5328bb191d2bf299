//! Rules of lint, by what they look at.

pub(crate) mod chat;
pub(crate) mod columns;
pub(crate) mod contacts;
pub(crate) mod csv;
pub(crate) mod json;
pub(crate) mod lengths;
pub(crate) mod preference_pairs;
pub(crate) mod secret_text;
pub(crate) mod secrets;
pub(crate) mod text;
pub(crate) mod unicode;
pub(crate) mod whole_table;
pub(crate) mod whole_text;
