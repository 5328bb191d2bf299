//! The integrity tag of Retry packets (RFC 9001 5.8). Its key is in the RFC: it proves that nothing
//! was damaged and that the sender saw the first packet, and no more.

use aes_gcm::Aes128Gcm;

use super::packet::Aead;
use super::packet::NONCE_LEN;
use super::packet::TAG_LEN;
use crate::net::crypto::primitives::rustcrypto::Soft;

/// Key for version 1 (RFC 9001 5.8).
const KEY: [u8; 16] = [
    0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a, 0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e,
];
/// Nonce for version 1 (RFC 9001 5.8).
const NONCE: [u8; NONCE_LEN] = [
    0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb,
];

/// The tag of a Retry packet (all of it but the tag) that answers a packet to `original`.
pub fn tag(original: &[u8], packet: &[u8]) -> Option<[u8; TAG_LEN]> {
    // The pseudo-packet: length of the connection id, the id, the packet (RFC 9001 5.8).
    let mut pseudo = Vec::with_capacity(1 + original.len() + packet.len());
    pseudo.push(u8::try_from(original.len()).ok()?);
    pseudo.extend_from_slice(original);
    pseudo.extend_from_slice(packet);
    Soft::<Aes128Gcm>::new(&KEY)?
        .seal(&NONCE, &pseudo, &mut [])
        .ok()
}

/// Whether a Retry packet, cut after its header, ends in the right tag.
pub fn is_valid(original: &[u8], header: &[u8], payload: &[u8]) -> bool {
    let Some((token, found)) = payload.split_last_chunk::<TAG_LEN>() else {
        return false;
    };
    // Anyone can compute the tag, so the time that the comparison takes tells nothing.
    tag(original, &[header, token].concat()).is_some_and(|right| right == *found)
}
