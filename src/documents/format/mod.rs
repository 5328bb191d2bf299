//! The format of collections: bytes in, values out. Nothing here reads a file.
//!
//! - `line`: documents as lines of the log; `id`: ids and names; `index`: `index.bin`; `side_log`: deletions; `table_header`: the begin of the table
//! - `predicate`, `predicate_text`, `literal`: conditions over documents; `projection`: some of their fields
//! - `schema`: the types of a document as a text with a hash; `zip`: `.zds` archives
//! - `limits`: every limit

mod id;
mod index;
pub mod limits;
mod line;
mod literal;
mod predicate;
mod predicate_text;
mod projection;
mod schema;
mod side_log;
mod table_header;
pub mod zip;

#[cfg(test)]
mod line_tests;
#[cfg(test)]
mod tests;

pub use id::CollectionName;
pub use id::DocumentId;
pub use id::NameFault;
pub use id::is_safe_file_stem;
pub use index::INDEX_MAGIC;
pub use index::IndexEntry;
pub use index::IndexForm;
pub(crate) use index::Place;
pub use index::decode_index;
pub use index::encode_index;
pub(crate) use index::index_entry_into;
pub(crate) use index::index_header;
pub(crate) use index::is_held_by_index;
pub use line::DocumentFault;
pub use line::ID_KEY;
pub(crate) use line::LineMaker;
pub use line::compact_into;
pub use line::document_into;
pub(crate) use line::for_each_member;
pub(crate) use line::has_id;
pub use line::id_from_field;
pub use line::line_id;
pub use line::line_into;
pub use line::nameless_into;
pub use line::quick_id;
pub use literal::Literal;
pub use predicate::Order;
pub use predicate::Path;
pub use predicate::Predicate;
pub use predicate_text::PredicateError;
pub use projection::project_into;
pub use schema::schema_id;
pub use schema::schema_text;
pub use side_log::Content;
pub use side_log::Mark;
pub use side_log::SIDE_LOG_MAGIC;
pub use side_log::SideRecord;
pub(crate) use side_log::decode_content;
pub(crate) use side_log::decode_mark;
pub use side_log::decode_side_log;
pub(crate) use side_log::decode_side_records;
pub(crate) use side_log::encode_content;
pub(crate) use side_log::encode_mark;
pub(crate) use table_header::BLOCK_CHECK_BYTES;
pub use table_header::FileIdentity;
pub(crate) use table_header::HEADER_BYTES;
pub use table_header::TABLE_MAGIC;
pub use table_header::TableHeader;
pub(crate) use table_header::block_check;
pub(crate) use table_header::part_check;
