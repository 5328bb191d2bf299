//! Primitives for TLS and QUIC, from two families.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(crate) mod graviola;
pub(crate) mod rustcrypto;

/// A family of primitives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primitives {
    /// graviola: faster, and only on processors with its instructions.
    Graviola,
    /// RustCrypto: on all processors.
    RustCrypto,
}
