//! Commands about the description of a dataset: card, tags, licence, names.

pub(crate) mod alias;
pub(crate) mod card;
mod edited;
pub(crate) mod rename;
pub(crate) mod set;
pub(crate) mod tag;
