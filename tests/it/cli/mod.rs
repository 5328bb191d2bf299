//! The command line: its contract, its texts, and the files it reads and writes.

mod confirmation;
mod contract;
mod examples;
mod inputs;
mod outputs;
mod passphrases;
mod snapshots;
mod surface;
mod tokens;
