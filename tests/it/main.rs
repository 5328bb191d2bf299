//! The one integration binary: the library and the program, as their users meet them.

mod cli;
mod crash;
mod damage;
mod layering;
mod registry;
mod spec;
mod support;
