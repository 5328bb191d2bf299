//! The MCP server: assistants look into datasets. Normative: `spec/mcp.md`.
//!
//! - `tools/table.rs`: the tools; the other files of `tools/` are their functions
//! - `workspace.rs`: the targets that clients reach, and answers that are kept
//! - `rows.rs`, `fields.rs`: rows for answers; `answer.rs` cuts answers to a budget
//! - `server.rs`, `resources.rs`, `serve/`: the protocol and its transports
//! - `viewer.rs`: a viewer that tools move; the command line joins them
//!
//! Tools know nothing of the protocol, and the protocol nothing of data.

mod answer;
mod client_config;
mod cursor;
mod error;
mod fields;
mod limits;
mod resources;
mod rows;
mod serve;
mod server;
mod tools;
mod viewer;
mod work;
mod workspace;

pub use crate::mcp::tools::call_tool;
pub use client_config::Client;
pub use serve::HttpServer;
pub use serve::serve_stdio;
pub use viewer::Viewer;
pub use viewer::ViewerFacts;
pub use viewer::ViewerHandle;
pub use viewer::ViewerWish;
pub use workspace::McpOptions;
pub use workspace::Workspace;
