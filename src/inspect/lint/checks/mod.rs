//! The checks behind the lint rules, by subject.
//!
//! `text.rs`, `unicode.rs` and `whole_text.rs` check text, `secrets.rs` and `contacts.rs`
//! confidential data, `json.rs` and `csv.rs` rows, `chat.rs` and `preference_pairs.rs` training
//! examples, `columns.rs`, `lengths.rs` and `whole_table.rs` all rows together.

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
