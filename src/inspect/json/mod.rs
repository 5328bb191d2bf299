//! JSON text as bytes: what RFC 8259 allows and nothing else, read from front to back without a
//! tree, without recursion, and without an allocation for a value. `spec/json-text.md` has the
//! rules, and what is decided where the RFC leaves a choice.

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
pub use error::Place;
pub use error::Reason;
pub use error::ScanError;
pub use field::field;
pub use field::field_at;
pub use number::Number;
pub use scanner::Event;
pub use scanner::Scanner;
pub use scanner::validate;
pub use text::LoneSurrogate;
pub use text::Text;
pub use value::Span;
pub use value::Value;
pub use value::ValueKind;
