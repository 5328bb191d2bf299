//! Mends: changes of rows that certainly repair what a rule finds. `spec/edits.md` lists them.
//!
//! `kinds.rs` names the mends, `rows.rs` mends rows, `text.rs` texts, `string.rs` JSON strings as
//! written, and `json.rs` rows that are not JSON.

mod json;
mod kinds;
mod rows;
mod string;
#[cfg(test)]
mod tests;
mod text;

pub use kinds::MENDS;
pub use kinds::Mend;
pub use kinds::Mended;
pub use kinds::TRAILING_BLANKS;
