//! Many nodes in one thread: the code that decides who exchanges to whom and what is compared is the
//! library's; sockets, disks and clocks are not there. One seed decides all that happens.

pub mod catalogue;
pub mod engine;
pub mod exchange;
pub mod ledger;
pub mod life;
pub mod network;
pub mod node;
pub mod plot;
pub mod report;
pub mod scenario;
