//! Peers that lie, flood, stall and vanish, against the program itself. Honest peers keep getting
//! their data, and memory stays within its limit.

mod actors;
mod announcements;
mod bad_links;
mod floods;
mod follow_faults;
mod gossip_floods;
mod interrupted_pulls;
mod lost_peers;
mod lying_peers;
mod malformed_requests;
mod private_data;
mod signed_lies;
mod spoofed_services;
mod stalled_readers;
