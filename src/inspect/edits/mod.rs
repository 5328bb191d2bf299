//! Edits of rows as an overlay: the journal of splices, the regions that they change, and the
//! edited bytes. Normative: `spec/edits.md`.
//!
//! Open `journal.rs` and `decode.rs` for the stored form, `overlay.rs` for the edits of a file,
//! `compose.rs` for the effect of splices on its regions, `source.rs` for the edited bytes, and `cells.rs` for new values
//! of cells.

mod cells;
mod compose;
mod decode;
mod journal;
mod overlay;
mod region;
mod source;
mod splice;
#[cfg(test)]
mod tests;

pub use cells::CellError;
pub use cells::NewValue;
pub use cells::ValueForm;
pub use cells::set_cell;
pub use cells::typed_json;
pub use journal::BaseIdentity;
pub use journal::EditEntry;
pub use journal::FileSplices;
pub use journal::FileState;
pub use journal::Journal;
pub use journal::JournalWriter;
pub use overlay::EditCounts;
pub use overlay::EditedPart;
pub use overlay::FileOverlay;
pub use overlay::RowPlace;
pub use source::EditedSource;
pub use splice::NewSplice;
pub use splice::Splice;
pub use splice::SpliceKind;
