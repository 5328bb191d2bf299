//! Primitives for TLS and QUIC, from two families.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(crate) mod graviola;
pub(crate) mod rustcrypto;
