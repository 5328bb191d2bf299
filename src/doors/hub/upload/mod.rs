//! Uploads: new versions that nobody signed, where the node and the token permit them.
//!
//! - `before.rs`: a new dataset, the ways of its files, the check of a card; `permission.rs`: the token
//! - `large_files.rs`, `ticket.rs`: files that are uploaded before their commit, and the addresses for them; `xet/`: the same by Xet
//! - `commit.rs`, `changes.rs`, `content.rs`: the commit, its lines, and long ones; `copies.rs`: files that it has
//! - `incoming.rs`: bodies that are read as they come; `area.rs`: uploaded files on disk
//! - `uploads.rs`: what all uploads share

mod area;
mod before;
mod changes;
mod commit;
mod content;
mod copies;
mod incoming;
mod large_files;
mod permission;
mod ticket;
mod uploads;
mod xet;

pub(super) use before::check_card;
pub(super) use before::create;
pub(super) use before::ways;
pub(super) use commit::commit;
pub(super) use large_files::places;
pub(super) use large_files::receive;
pub(super) use large_files::ticket_of;
pub(in crate::doors) use uploads::Uploads;
pub(super) use xet::answer as answer_xet;
pub(super) use xet::place as place_of_xet;

/// Reads bytes as each kind of body of an upload. For tests with random bytes.
pub(super) fn decode(bytes: &[u8]) {
    before::decode(bytes);
    changes::decode(bytes);
    xet::decode(bytes);
}
