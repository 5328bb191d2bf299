//! The AEADs of QUIC, their key lengths and limits.

/// An AEAD of TLS 1.3 that QUIC uses (RFC 9001 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// TLS_AES_128_GCM_SHA256.
    Aes128Gcm,
    /// TLS_AES_256_GCM_SHA384.
    Aes256Gcm,
    /// TLS_CHACHA20_POLY1305_SHA256.
    ChaCha20Poly1305,
}

impl Cipher {
    /// Returns the length of a key, for packets and for headers alike.
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm | Self::ChaCha20Poly1305 => 32,
        }
    }

    /// Returns the number of packets that one key may seal (RFC 9001 6.6).
    pub const fn confidentiality_limit(self) -> u64 {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm => 1 << 23,
            // Above the number of packets that a connection can have.
            Self::ChaCha20Poly1305 => u64::MAX,
        }
    }

    /// Returns the number of forged packets that one connection may see (RFC 9001 6.6).
    pub const fn integrity_limit(self) -> u64 {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm => 1 << 52,
            Self::ChaCha20Poly1305 => 1 << 36,
        }
    }
}
