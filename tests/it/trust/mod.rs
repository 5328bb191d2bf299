//! Keys, signatures, publishers and what the trust policy lets in.

mod admission;
mod keys;
mod publishers;
mod rotation;
mod signing;
