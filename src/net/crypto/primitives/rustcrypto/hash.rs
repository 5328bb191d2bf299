//! SHA-2 and HMAC over it, as rustls wants them for the transcript and for HKDF.

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use rustls::crypto::hash::Context;
use rustls::crypto::hash::Hash;
use rustls::crypto::hash::HashAlgorithm;
use rustls::crypto::hash::Output;
use rustls::crypto::hmac::Hmac as TlsHmac;
use rustls::crypto::hmac::Key;
use rustls::crypto::hmac::Tag;
use sha2::Digest;
use sha2::Sha256;
use sha2::Sha384;
use zeroize::Zeroizing;

/// SHA-256.
pub struct Sha256Hash;
/// SHA-384.
pub struct Sha384Hash;
/// HMAC-SHA-256.
pub struct Sha256Hmac;
/// HMAC-SHA-384.
pub struct Sha384Hmac;

/// Block of SHA-256 (FIPS 180-4).
const SHA256_BLOCK: usize = 64;
/// Block of SHA-384 (FIPS 180-4).
const SHA384_BLOCK: usize = 128;

impl Hash for Sha256Hash {
    fn start(&self) -> Box<dyn Context> {
        Box::new(Running(Sha256::new()))
    }

    fn hash(&self, data: &[u8]) -> Output {
        Output::new(&Sha256::digest(data))
    }

    fn output_len(&self) -> usize {
        <Sha256 as Digest>::output_size()
    }

    fn algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA256
    }
}

impl Hash for Sha384Hash {
    fn start(&self) -> Box<dyn Context> {
        Box::new(Running(Sha384::new()))
    }

    fn hash(&self, data: &[u8]) -> Output {
        Output::new(&Sha384::digest(data))
    }

    fn output_len(&self) -> usize {
        <Sha384 as Digest>::output_size()
    }

    fn algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA384
    }
}

/// A hash that is being fed.
struct Running<D>(D);

impl<D: Digest + Clone + Send + Sync + 'static> Context for Running<D> {
    fn fork_finish(&self) -> Output {
        Output::new(&self.0.clone().finalize())
    }

    fn fork(&self) -> Box<dyn Context> {
        Box::new(Self(self.0.clone()))
    }

    fn finish(self: Box<Self>) -> Output {
        Output::new(&self.0.finalize())
    }

    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }
}

impl TlsHmac for Sha256Hmac {
    fn with_key(&self, key: &[u8]) -> Box<dyn Key> {
        let block = block_of::<Sha256, SHA256_BLOCK>(key);
        Box::new(Keyed(Hmac::<Sha256>::new(&(*block).into())))
    }

    fn hash_output_len(&self) -> usize {
        <Sha256 as Digest>::output_size()
    }
}

impl TlsHmac for Sha384Hmac {
    fn with_key(&self, key: &[u8]) -> Box<dyn Key> {
        let block = block_of::<Sha384, SHA384_BLOCK>(key);
        Box::new(Keyed(Hmac::<Sha384>::new(&(*block).into())))
    }

    fn hash_output_len(&self) -> usize {
        <Sha384 as Digest>::output_size()
    }
}

/// A key as the block that HMAC starts from: hashed if longer, then filled up with zeros
/// (RFC 2104 2). A block cannot be of the wrong length, which the trait would have no way to say.
fn block_of<D: Digest, const BLOCK: usize>(key: &[u8]) -> Zeroizing<[u8; BLOCK]> {
    let mut block = Zeroizing::new([0; BLOCK]);
    if key.len() > BLOCK {
        copy(&D::digest(key), block.as_mut_slice());
    } else {
        copy(key, block.as_mut_slice());
    }
    block
}

fn copy(from: &[u8], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// HMAC under one key, before its first message.
struct Keyed<M>(M);

impl<M: Mac + Clone + Send + Sync> Key for Keyed<M> {
    fn sign_concat(&self, first: &[u8], middle: &[&[u8]], last: &[u8]) -> Tag {
        let mut mac = self.0.clone();
        mac.update(first);
        for part in middle {
            mac.update(part);
        }
        mac.update(last);
        Tag::new(&mac.finalize().into_bytes())
    }

    fn tag_len(&self) -> usize {
        M::output_size()
    }
}
