//! The specification against the code: numbers, golden bytes, and mutations of them.

pub mod decoders;
mod filter;
mod numbers;
mod protocol;
mod reconciliation;
mod security;
