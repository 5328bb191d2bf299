//! Records laid out as lines: a tree, a text, tokens, a chat, or bytes.

mod chat;
mod forms;
mod texts;
mod tree;
mod wrapping;

pub(super) use forms::record;
