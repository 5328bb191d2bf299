//! The attacks: each file holds the cases of one kind, as functions of a lab with the node.

pub mod around;
pub mod asking;
pub mod comparing;
pub mod lies;
pub mod limits;
pub mod signed;
