//! Archives: export, import, volumes, encryption, and archives made to do harm.

mod air_gap;
mod false_claims;
mod forged;
mod malicious;
mod transfer;
mod volumes;
mod workflow;
