//! Adapters from rustls' keys to quinn's traits: the same bytes, divided differently.

use bytes::BytesMut;
use quinn_proto::crypto::CryptoError;
use quinn_proto::crypto::HeaderKey;
use quinn_proto::crypto::KeyPair;
use quinn_proto::crypto::Keys;
use quinn_proto::crypto::PacketKey;
use rustls::quic;

use super::header::SAMPLE_LEN;

/// Distance of the sample from the start of the packet number (RFC 9001 5.4.2).
const SAMPLE_OFFSET: usize = 4;

/// Converts the keys of a packet space.
pub fn space_keys(keys: quic::Keys) -> Keys {
    Keys {
        header: KeyPair {
            local: Box::new(Headers(keys.local.header)),
            remote: Box::new(Headers(keys.remote.header)),
        },
        packet: pair(keys.local.packet, keys.remote.packet),
    }
}

/// Converts the packet keys after a key update; headers keep their keys (RFC 9001 6).
pub fn updated_keys(keys: quic::PacketKeySet) -> KeyPair<Box<dyn PacketKey>> {
    pair(keys.local, keys.remote)
}

fn pair(
    local: Box<dyn quic::PacketKey>,
    remote: Box<dyn quic::PacketKey>,
) -> KeyPair<Box<dyn PacketKey>> {
    KeyPair {
        local: Box::new(Packets(local)),
        remote: Box::new(Packets(remote)),
    }
}

struct Packets(Box<dyn quic::PacketKey>);

impl Packets {
    /// Seals a packet whose last bytes are reserved for the tag.
    fn seal(&self, number: u64, packet: &mut [u8], header_len: usize) -> Option<()> {
        let (header, rest) = packet.split_at_mut_checked(header_len)?;
        let payload_len = rest.len().checked_sub(self.0.tag_len())?;
        let (payload, tag_place) = rest.split_at_mut_checked(payload_len)?;
        let tag = self.0.encrypt_in_place(number, header, payload).ok()?;
        tag_place.copy_from_slice(tag.as_ref());
        Some(())
    }
}

impl PacketKey for Packets {
    fn encrypt(&self, packet: u64, buf: &mut [u8], header_len: usize) {
        // quinn sends `buf` in any case, and it must not be plaintext.
        if self.seal(packet, buf, header_len).is_none() {
            buf.fill(0);
        }
    }

    fn decrypt(
        &self,
        packet: u64,
        header: &[u8],
        payload: &mut BytesMut,
    ) -> Result<(), CryptoError> {
        let plain = self
            .0
            .decrypt_in_place(packet, header, payload)
            .map_err(|_| CryptoError)?
            .len();
        payload.truncate(plain);
        Ok(())
    }

    fn tag_len(&self) -> usize {
        self.0.tag_len()
    }

    fn confidentiality_limit(&self) -> u64 {
        self.0.confidentiality_limit()
    }

    fn integrity_limit(&self) -> u64 {
        self.0.integrity_limit()
    }
}

struct Headers(Box<dyn quic::HeaderProtectionKey>);

/// The parts of a packet that header protection reads and changes.
struct Parts<'a> {
    first: &'a mut u8,
    number: &'a mut [u8],
    sample: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Splits a packet; `None` if it is too short to have a sample.
    fn of(packet: &'a mut [u8], pn_offset: usize) -> Option<Self> {
        let (first, rest) = packet.split_first_mut()?;
        let (_, rest) = rest.split_at_mut_checked(pn_offset.checked_sub(1)?)?;
        let (number, rest) = rest.split_at_mut_checked(SAMPLE_OFFSET)?;
        let sample = rest.get(..SAMPLE_LEN)?;
        Some(Self {
            first,
            number,
            sample,
        })
    }
}

impl Headers {
    fn protect(&self, packet: &mut [u8], pn_offset: usize) -> Option<()> {
        let parts = Parts::of(packet, pn_offset)?;
        self.0
            .encrypt_in_place(parts.sample, parts.first, parts.number)
            .ok()
    }

    fn unprotect(&self, packet: &mut [u8], pn_offset: usize) -> Option<()> {
        let parts = Parts::of(packet, pn_offset)?;
        self.0
            .decrypt_in_place(parts.sample, parts.first, parts.number)
            .ok()
    }
}

impl HeaderKey for Headers {
    fn decrypt(&self, pn_offset: usize, packet: &mut [u8]) {
        // A packet without a sample stays as it is, and then fails to authenticate.
        let _ = self.unprotect(packet, pn_offset);
    }

    fn encrypt(&self, pn_offset: usize, packet: &mut [u8]) {
        // As with the payload: nonsense on the wire is better than a bare header.
        if self.protect(packet, pn_offset).is_none() {
            packet.fill(0);
        }
    }

    fn sample_size(&self) -> usize {
        self.0.sample_len()
    }
}
