//! Peers that lie, flood, stall and vanish, against the program itself: whoever is honest gets
//! what he asked for, and whoever is not changes nothing.

mod announcing;
mod asker;
mod crowd;
mod endings;
mod feigning;
mod flooding;
mod hardship;
pub mod lab;
mod liar;
mod lies;
mod node;
mod prying;
mod relay;
mod signed;
mod stalling;
mod talking;
mod vanishing;
mod wires;
