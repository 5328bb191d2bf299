//! Tests that need the inside of these modules; the others stand in `tests/`.

use std::sync::Arc;

use rustls::CipherSuite;
use rustls::crypto::CryptoProvider;
use rustls::quic::Suite;

use super::Primitives;
use super::provider_of;

mod protection;
mod refusals;
mod resumption;
mod units;
mod vectors;

/// The families that run on this machine.
fn families() -> Vec<Arc<CryptoProvider>> {
    [Primitives::Graviola, Primitives::RustCrypto]
        .into_iter()
        .filter_map(|family| provider_of(family).ok())
        .collect()
}

/// A suite of a provider, as QUIC uses it.
fn suite(provider: &CryptoProvider, named: CipherSuite) -> Suite {
    let found = provider
        .cipher_suites
        .iter()
        .find(|suite| suite.suite() == named);
    found.unwrap().tls13().unwrap().quic_suite().unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    assert_eq!(text.len() % 2, 0);
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
