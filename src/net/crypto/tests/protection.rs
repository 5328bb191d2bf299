//! Packet protection against the samples of RFC 9001, between families, and under damage.

use bytes::BytesMut;
use quinn_proto::ConnectionId;
use quinn_proto::Side;
use quinn_proto::crypto::Keys;
use rustls::CipherSuite;
use rustls::quic::Algorithm;
use rustls::quic::PacketKey;

use super::families;
use super::suite;
use super::unhex;
use super::vectors;
use super::vectors::Derived;
use crate::net::crypto::retry;
use crate::net::crypto::session::initial_keys;

const SUITES: [CipherSuite; 3] = [
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
];

/// Returns the Initial keys of every family on both sides.
fn initial() -> Vec<(Keys, Keys)> {
    let cid = ConnectionId::new(&unhex(vectors::DCID));
    let keys = |provider: &_, side| {
        let suite = suite(provider, CipherSuite::TLS13_AES_128_GCM_SHA256);
        initial_keys(suite, &cid, side)
    };
    families()
        .iter()
        .map(|family| (keys(family, Side::Client), keys(family, Side::Server)))
        .collect()
}

/// Seals a packet with `from`, compares it, and opens it with `to`.
fn round(
    from: &Keys,
    to: &Keys,
    number: u64,
    pn_offset: usize,
    header: &str,
    payload: &[u8],
    sealed: &str,
) {
    let header = unhex(header);
    let mut packet = header.clone();
    packet.extend_from_slice(payload);
    packet.resize(packet.len() + from.packet.local.tag_len(), 0);
    from.packet.local.encrypt(number, &mut packet, header.len());
    from.header.local.encrypt(pn_offset, &mut packet);
    assert_eq!(packet, unhex(sealed));

    to.header.remote.decrypt(pn_offset, &mut packet);
    assert_eq!(packet[..header.len()], header);
    let mut opened = BytesMut::from(&packet[header.len()..]);
    to.packet
        .remote
        .decrypt(number, &header, &mut opened)
        .unwrap();
    assert_eq!(opened, payload);
}

#[test]
fn a1_keys() {
    for family in families() {
        let suite = suite(&family, CipherSuite::TLS13_AES_128_GCM_SHA256).suite;
        let salt = unhex(vectors::SALT);
        let initial = suite
            .hkdf_provider
            .extract_from_secret(Some(&salt), &unhex(vectors::DCID));
        let expanded = |expander: &dyn rustls::crypto::tls13::HkdfExpander, derived: &Derived| {
            let mut found = vec![0; derived.1.len() / 2];
            expander
                .expand_slice(&[&unhex(derived.0)], &mut found)
                .unwrap();
            assert_eq!(found, unhex(derived.1));
            found
        };
        let keys = [&vectors::CLIENT_KEYS, &vectors::SERVER_KEYS];
        for (secret, keys) in vectors::SECRETS.iter().zip(keys) {
            let secret = expanded(initial.as_ref(), secret);
            let block = rustls::crypto::tls13::OkmBlock::new(&secret);
            let expander = suite.hkdf_provider.expander_for_okm(&block);
            for key in keys {
                expanded(expander.as_ref(), key);
            }
        }
    }
}

#[test]
fn a2_client_initial() {
    let mut payload = unhex(vectors::CLIENT_PAYLOAD);
    payload.resize(vectors::CLIENT_PAYLOAD_LEN, 0);
    for (client, server) in initial() {
        round(
            &client,
            &server,
            2,
            18,
            vectors::CLIENT_HEADER,
            &payload,
            vectors::CLIENT_PACKET,
        );
    }
}

#[test]
fn a3_server_initial() {
    let payload = unhex(vectors::SERVER_PAYLOAD);
    for (client, server) in initial() {
        round(
            &server,
            &client,
            1,
            18,
            vectors::SERVER_HEADER,
            &payload,
            vectors::SERVER_PACKET,
        );
    }
}

#[test]
fn a4_retry() {
    let packet = unhex(vectors::RETRY);
    let original = unhex(vectors::DCID);
    let (before, tag) = packet.split_at(packet.len() - 16);
    assert_eq!(retry::tag(&original, before).unwrap(), tag);
    // Header and token, cut where quinn cuts them.
    let (header, payload) = packet.split_at(15);
    assert!(retry::is_valid(&original, header, payload));
    assert!(!retry::is_valid(&original, header, &payload[1..]));
    assert!(!retry::is_valid(&original[1..], header, payload));
    assert!(!retry::is_valid(&original, header, &payload[..15]));
    for bit in 0..packet.len() * 8 {
        let mut damaged = packet.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let (header, payload) = damaged.split_at(15);
        assert!(!retry::is_valid(&original, header, payload), "bit {bit}");
    }
}

#[test]
fn a5_chacha20_short_header() {
    for family in families() {
        let quic = suite(&family, CipherSuite::TLS13_CHACHA20_POLY1305_SHA256).quic;
        let packets = packet_key(quic, vectors::CHACHA_KEY, vectors::CHACHA_IV);
        let hp: [u8; 32] = unhex(vectors::CHACHA_HP).try_into().unwrap();
        let headers = quic.header_protection_key(hp.into());

        let header = unhex(vectors::CHACHA_HEADER);
        let mut payload = unhex(vectors::CHACHA_PAYLOAD);
        let tag = packets
            .encrypt_in_place(vectors::CHACHA_NUMBER, &header, &mut payload)
            .unwrap();
        let mut packet = [header.as_slice(), &payload, tag.as_ref()].concat();
        let sample = packet[5..].to_vec();
        let (first, rest) = packet.split_first_mut().unwrap();
        headers
            .encrypt_in_place(&sample, first, &mut rest[..3])
            .unwrap();
        assert_eq!(packet, unhex(vectors::CHACHA_PACKET));

        let (first, rest) = packet.split_first_mut().unwrap();
        // A slice of four: bytes beyond the number must stay.
        headers
            .decrypt_in_place(&sample, first, &mut rest[..4])
            .unwrap();
        assert_eq!(packet[..4], header);
        let opened = packets
            .decrypt_in_place(vectors::CHACHA_NUMBER, &header, &mut packet[4..])
            .unwrap();
        assert_eq!(opened, unhex(vectors::CHACHA_PAYLOAD));
    }
}

/// Makes a key of up to 32 bytes, cut to the length of the algorithm.
fn packet_key(quic: &dyn Algorithm, key: &str, iv: &str) -> Box<dyn PacketKey> {
    let key: [u8; 32] = unhex(key).try_into().unwrap();
    let iv: [u8; 12] = unhex(iv).try_into().unwrap();
    quic.packet_key(key.into(), iv.into())
}

/// Returns the packet keys of every family for one suite and secret. It uses Initial keys, because
/// rustls cuts keys to their length nowhere else.
fn same_keys(named: CipherSuite) -> Vec<(rustls::quic::Keys, rustls::quic::Keys)> {
    let of = |family: &_, side| suite(family, named).keys(b"some id", side, Default::default());
    families()
        .iter()
        .map(|family| {
            (
                of(family, rustls::Side::Client),
                of(family, rustls::Side::Server),
            )
        })
        .collect()
}

#[test]
fn crypto_families_agree() {
    for named in SUITES {
        let keys = same_keys(named);
        for len in (0..70).chain([255, 256, 1200, 1452, 1500, 9000]) {
            let payload: Vec<u8> = (0..len).map(|at| (at * 7) as u8).collect();
            let header = &payload[..len.min(23)];
            let mut first: Option<Vec<u8>> = None;
            for (client, _) in &keys {
                let mut sealed = payload.clone();
                let packets = &client.local.packet;
                let tag = packets.encrypt_in_place(77, header, &mut sealed).unwrap();
                sealed.extend_from_slice(tag.as_ref());
                for (_, server) in &keys {
                    let mut opened = sealed.clone();
                    let packets = &server.remote.packet;
                    assert_eq!(
                        packets.decrypt_in_place(77, header, &mut opened).unwrap(),
                        payload
                    );
                }
                assert_eq!(
                    *first.get_or_insert(sealed.clone()),
                    sealed,
                    "{named:?} {len}"
                );
            }
        }
    }
}

#[test]
fn packet_with_any_flipped_bit_is_refused() {
    let header = b"a header";
    for named in SUITES {
        for (client, server) in same_keys(named) {
            let mut sealed = b"a payload that is longer than one block".to_vec();
            let tag = client
                .local
                .packet
                .encrypt_in_place(1, header, &mut sealed)
                .unwrap();
            sealed.extend_from_slice(tag.as_ref());
            let opens = |number, header: &[u8], sealed: &[u8]| {
                let packets = &server.remote.packet;
                packets
                    .decrypt_in_place(number, header, &mut sealed.to_vec())
                    .is_ok()
            };
            assert!(opens(1, header, &sealed));
            assert!(!opens(2, header, &sealed));
            for bit in 0..sealed.len() * 8 {
                let mut damaged = sealed.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert!(!opens(1, header, &damaged), "{named:?}: bit {bit}");
            }
            for bit in 0..header.len() * 8 {
                let mut damaged = *header;
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert!(!opens(1, &damaged, &sealed), "{named:?}: header bit {bit}");
            }
            for len in 0..sealed.len() {
                assert!(!opens(1, header, &sealed[..len]), "{named:?}: {len} bytes");
            }
        }
    }
}

#[test]
fn header_protection_refuses_wrong_lengths() {
    for named in SUITES {
        for (client, _) in same_keys(named) {
            let headers = &client.local.header;
            let mut first = 0x40;
            for (sample, number) in [(15, 4), (17, 4), (16, 5), (0, 0)] {
                let sample = vec![0; sample];
                let mut number = vec![0; number];
                assert!(
                    headers
                        .encrypt_in_place(&sample, &mut first, &mut number)
                        .is_err()
                );
                assert!(
                    headers
                        .decrypt_in_place(&sample, &mut first, &mut number)
                        .is_err()
                );
                assert_eq!(first, 0x40);
                assert!(number.iter().all(|byte| *byte == 0));
            }
        }
    }
}

#[test]
fn header_protection_is_reversible_at_any_counter() {
    for named in SUITES {
        for (client, server) in same_keys(named) {
            for sample in [[0xff; 16], [0; 16], [0x80; 16]] {
                for first in [0x40, 0x43, 0xc0, 0xc3] {
                    let (mut masked, mut number) = (first, [1, 2, 3, 4]);
                    let headers = &client.local.header;
                    headers
                        .encrypt_in_place(&sample, &mut masked, &mut number)
                        .unwrap();
                    let headers = &server.remote.header;
                    headers
                        .decrypt_in_place(&sample, &mut masked, &mut number)
                        .unwrap();
                    assert_eq!((masked, number), (first, [1, 2, 3, 4]));
                }
            }
        }
    }
}

#[test]
fn packet_limits_are_those_of_the_rfc() {
    for named in SUITES {
        let expected = match named {
            CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => (u64::MAX, 1 << 36),
            _ => (1 << 23, 1 << 52),
        };
        for (client, _) in same_keys(named) {
            let packets = &client.local.packet;
            let found = (packets.confidentiality_limit(), packets.integrity_limit());
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn packet_key_of_wrong_length_seals_nothing() {
    for family in families() {
        let quic = suite(&family, CipherSuite::TLS13_AES_128_GCM_SHA256).quic;
        let packets = packet_key(quic, vectors::CHACHA_KEY, vectors::CHACHA_IV);
        assert!(matches!(
            packets.encrypt_in_place(0, b"", &mut [0; 32]),
            Err(rustls::Error::EncryptError)
        ));
        assert!(matches!(
            packets.decrypt_in_place(0, b"", &mut [0; 32]),
            Err(rustls::Error::DecryptError)
        ));
        let headers = quic.header_protection_key([0; 32].into());
        assert!(
            headers
                .encrypt_in_place(&[0; 16], &mut 0, &mut [0; 4])
                .is_err()
        );
    }
}

#[test]
fn header_protection_hides_the_right_bits() {
    for named in SUITES {
        for (client, _) in same_keys(named) {
            for (first, hidden) in [(0x40, 0x1f), (0xc0, 0x0f)] {
                let mut changed = 0;
                for sample in 0..64 {
                    let mut masked = first;
                    let headers = &client.local.header;
                    headers
                        .encrypt_in_place(&[sample; 16], &mut masked, &mut [0; 4])
                        .unwrap();
                    changed |= masked ^ first;
                }
                assert_eq!(changed, hidden, "{named:?}");
            }
        }
    }
}
