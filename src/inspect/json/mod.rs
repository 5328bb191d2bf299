//! JSON scanner: strict RFC 8259, one pass, no tree, no recursion, and no allocation per value.
//! `spec/json-text.md` lists the rules and the choices that the RFC leaves open.
//!
//! Open `scanner.rs` for events, `validate.rs` for a fast check, `field.rs` for one value of a row,
//! `text.rs` and `number.rs` for the content of tokens, `columns.rs` for column-oriented JSON,
//! `duplicate_keys.rs` for repeated keys, and `error.rs` for errors.

pub(crate) mod columns;
pub(crate) mod depth;
pub(crate) mod duplicate_keys;
mod error;
mod field;
mod number;
mod scanned;
mod scanner;
mod string;
mod text;
pub(crate) mod validate;
mod value;
pub(crate) mod write;

pub use crate::inspect::json::duplicate_keys::KeyCheck;
pub use error::Reason;
pub use error::ScanError;
pub use error::TextPosition;
pub use field::field;
pub use field::field_at;
pub use number::Number;
pub use scanner::Event;
pub use scanner::Scanner;
#[cfg(feature = "documents")]
pub(crate) use scanner::TokenKind;
pub use scanner::validate;
pub use text::LoneSurrogate;
pub use text::Text;
#[cfg(feature = "documents")]
pub(crate) use validate::are_compact_members;
pub use value::Span;
pub use value::Value;
pub use value::ValueKind;
