//! Header protection (RFC 9001 5.4): a mask from a sample of the sealed payload hides the packet's
//! number and the low bits of its first byte. It is one block a packet, so it always uses RustCrypto,
//! which works on single blocks.

use aes::Aes128;
use aes::Aes256;
use aes::cipher::BlockCipherEncrypt;
use aes::cipher::KeyInit;
use chacha20::ChaChaCore;
use chacha20::KeyIvInit;
use chacha20::R20;
use chacha20::cipher::StreamCipherCore;
use chacha20::variants::Ietf;
use rustls::Error;
use rustls::quic::HeaderProtectionKey;
use zeroize::Zeroizing;

use super::cipher::Cipher;

/// Bytes of sealed payload in a sample (RFC 9001 5.4.2).
pub const SAMPLE_LEN: usize = 16;
/// Used bytes of the mask: one for the first byte, four for the longest packet number.
const MASK_LEN: usize = 5;
/// Longest packet number (RFC 9000 17.1).
const PN_LEN_MAX: usize = 4;

/// Set in the first byte of long headers (RFC 9000 17.2).
const LONG_FORM: u8 = 0x80;
/// Hidden bits of a long header's first byte (RFC 9001 5.4.1).
const LONG_BITS: u8 = 0x0f;
/// Hidden bits of a short header's first byte, the key phase included (RFC 9001 5.4.1).
const SHORT_BITS: u8 = 0x1f;
/// Bits of the first byte with the length of the packet number less one (RFC 9000 17.2).
const PN_LEN_BITS: u8 = 0x03;

/// Makes the header key that goes with `cipher`; `None` if `key` has the wrong length.
pub fn key(cipher: Cipher, key: &[u8]) -> Option<Box<dyn HeaderProtectionKey>> {
    Some(match cipher {
        Cipher::Aes128Gcm => Box::new(Headers(Aes128::new_from_slice(key).ok()?)),
        Cipher::Aes256Gcm => Box::new(Headers(Aes256::new_from_slice(key).ok()?)),
        Cipher::ChaCha20Poly1305 => {
            Box::new(Headers(ChaChaKey(Zeroizing::new(key.try_into().ok()?))))
        }
    })
}

/// Makes masks under one key.
trait Mask: Send + Sync {
    /// Returns the mask for a packet with this sample.
    fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN];
}

impl Mask for Aes128 {
    fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN] {
        aes_mask(self, sample)
    }
}

impl Mask for Aes256 {
    fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN] {
        aes_mask(self, sample)
    }
}

/// Encrypts the sample (RFC 9001 5.4.3).
fn aes_mask<C>(cipher: &C, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN]
where
    C: BlockCipherEncrypt + aes::cipher::BlockSizeUser<BlockSize = aes::cipher::consts::U16>,
{
    let mut block = (*sample).into();
    cipher.encrypt_block(&mut block);
    first_of(block.as_slice())
}

/// ChaCha20's key; counter and nonce come with each sample.
struct ChaChaKey(Zeroizing<[u8; 32]>);

impl Mask for ChaChaKey {
    /// Returns keystream with the sample as counter, little-endian, and nonce (RFC 9001 5.4.4).
    fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN] {
        let [c0, c1, c2, c3, nonce @ ..] = *sample;
        // The bare block function: the cipher over it refuses the block of the last counter, and a
        // sample can hold any counter.
        let mut core = ChaChaCore::<R20, Ietf>::new(&(*self.0).into(), &nonce.into());
        core.set_block_pos(u32::from_le_bytes([c0, c1, c2, c3]));
        let mut block = Default::default();
        core.write_keystream_block(&mut block);
        first_of(block.as_slice())
    }
}

/// Returns the used part of a block.
fn first_of(block: &[u8]) -> [u8; MASK_LEN] {
    let mut mask = [0; MASK_LEN];
    for (to, from) in mask.iter_mut().zip(block) {
        *to = *from;
    }
    mask
}

/// Protects the headers of one direction.
struct Headers<M>(M);

impl<M: Mask> Headers<M> {
    /// Returns the mask, or `None` if a part has the wrong length.
    fn mask(&self, sample: &[u8], packet_number: &[u8]) -> Option<[u8; MASK_LEN]> {
        let fits = packet_number.len() <= PN_LEN_MAX;
        let sample = sample.try_into().ok().filter(|_| fits)?;
        Some(self.0.mask(sample))
    }
}

impl<M: Mask> HeaderProtectionKey for Headers<M> {
    fn encrypt_in_place(
        &self,
        sample: &[u8],
        first: &mut u8,
        packet_number: &mut [u8],
    ) -> Result<(), Error> {
        let mask = self.mask(sample, packet_number).ok_or_else(wrong_length)?;
        // The length must be read before it is hidden.
        let pn_len = pn_len(*first);
        apply_first(first, mask);
        apply_number(packet_number, pn_len, mask);
        Ok(())
    }

    fn decrypt_in_place(
        &self,
        sample: &[u8],
        first: &mut u8,
        packet_number: &mut [u8],
    ) -> Result<(), Error> {
        let mask = self.mask(sample, packet_number).ok_or_else(wrong_length)?;
        apply_first(first, mask);
        apply_number(packet_number, pn_len(*first), mask);
        Ok(())
    }

    fn sample_len(&self) -> usize {
        SAMPLE_LEN
    }
}

/// Returns the length of the packet number from an unprotected first byte.
fn pn_len(first: u8) -> usize {
    usize::from(first & PN_LEN_BITS) + 1
}

/// Masks the first byte; the form bit is never hidden.
fn apply_first(first: &mut u8, [mask, ..]: [u8; MASK_LEN]) {
    let bits = if *first & LONG_FORM == 0 {
        SHORT_BITS
    } else {
        LONG_BITS
    };
    *first ^= mask & bits;
}

/// Masks the packet number; further bytes of the slice are payload.
fn apply_number(packet_number: &mut [u8], pn_len: usize, [_, mask @ ..]: [u8; MASK_LEN]) {
    for (byte, mask) in packet_number.iter_mut().zip(mask).take(pn_len) {
        *byte ^= mask;
    }
}

fn wrong_length() -> Error {
    Error::General("header protection: a sample or packet number of the wrong length".into())
}
