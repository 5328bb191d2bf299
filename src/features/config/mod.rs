//! The configuration: a YAML file with the tables and their sources.
//!
//! - `model.rs`: the tables and settings; `read.rs`: files and texts
//! - `node.rs`: the text as a tree with places; `fields.rs`: typed fields of its maps; `fault.rs`: places of mistakes
//! - `tables.rs`, `source.rs`, `columns.rs`: the grammar; `duration.rs`: spans of time; `table_name.rs`: names of tables

mod columns;
mod duration;
mod fault;
mod fields;
mod model;
mod node;
mod read;
mod source;
mod table_name;
mod tables;
#[cfg(test)]
mod tests;

pub use crate::features::config::model::Config;
pub use crate::features::config::model::ServerConfig;
pub use crate::features::config::model::SourceConfig;
pub use crate::features::config::model::TableConfig;
pub(crate) use crate::features::config::table_name::check_table_name;
