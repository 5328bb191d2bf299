//! The MCP server, by messages over its pipes and over HTTP. The official SDK is in `tests/independent`.

mod answers;
mod client;
mod edits;
mod endless;
mod hostile;
pub mod http;
mod serving;
mod session;
