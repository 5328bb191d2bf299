//! Tokens, reset keys, encodings and providers.

use std::sync::Arc;
use std::time::Duration;

use quinn_proto::ConnectionId;
use quinn_proto::Side;
use quinn_proto::crypto::ClientConfig;
use quinn_proto::crypto::HandshakeTokenKey;
use quinn_proto::crypto::HmacKey;
use quinn_proto::crypto::ServerConfig;
use quinn_proto::transport_parameters::TransportParameters;
use rustls::CipherSuite;
use rustls::NamedGroup;
use rustls::ProtocolVersion;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::UnixTime;
use rustls::server::danger::ClientCertVerifier;

use super::families;
use crate::net::crypto::Error;
use crate::net::crypto::Primitives;
use crate::net::crypto::QuicClientConfig;
use crate::net::crypto::QuicServerConfig;
use crate::net::crypto::client_config;
use crate::net::crypto::identity::client_tls;
use crate::net::crypto::identity::server_tls;
use crate::net::crypto::provider;
use crate::net::crypto::server_config;
use crate::net::crypto::token::ResetKey;
use crate::net::crypto::token::TokenKey;
use crate::net::crypto::verify::AnyEd25519;
use crate::net::crypto::verify::key_of_spki;
use crate::net::crypto::verify::spki_of_key;

#[test]
fn token_opens_only_whole_and_under_its_key() {
    let (key, other) = (TokenKey::random().unwrap(), TokenKey::random().unwrap());
    let mut token = b"where a client is".to_vec();
    key.aead_from_hkdf(b"random")
        .seal(&mut token, b"aad")
        .unwrap();
    let opens = |key: &TokenKey, random: &[u8], token: &[u8], aad: &[u8]| {
        let mut token = token.to_vec();
        let opened = key.aead_from_hkdf(random);
        opened.open(&mut token, aad).map(|open| open.to_vec()).ok()
    };
    let whole = opens(&key, b"random", &token, b"aad");
    assert_eq!(whole.unwrap(), b"where a client is");
    assert!(opens(&other, b"random", &token, b"aad").is_none());
    assert!(opens(&key, b"randon", &token, b"aad").is_none());
    assert!(opens(&key, b"random", &token, b"aae").is_none());
    for len in 0..token.len() {
        assert!(opens(&key, b"random", &token[..len], b"aad").is_none());
    }
}

#[test]
fn reset_token_verifies_only_under_its_key() {
    let (key, other) = (ResetKey::random().unwrap(), ResetKey::random().unwrap());
    let mut signature = vec![0; key.signature_len()];
    key.sign(b"connection id", &mut signature);
    assert!(key.verify(b"connection id", &signature).is_ok());
    assert!(key.verify(b"connection ie", &signature).is_err());
    assert!(other.verify(b"connection id", &signature).is_err());
    assert!(key.verify(b"connection id", &signature[1..]).is_err());
    signature[0] ^= 1;
    assert!(key.verify(b"connection id", &signature).is_err());
}

#[test]
fn peer_key_has_one_encoding() {
    let key = [7; 32];
    let spki = spki_of_key(&key);
    assert_eq!(key_of_spki(&spki), Some(key));
    assert_eq!(key_of_spki(&spki[..43]), None);
    assert_eq!(key_of_spki(&[spki.as_slice(), &[0]].concat()), None);
    assert_eq!(key_of_spki(&[]), None);
    for bit in 0..12 * 8 {
        let mut other = spki.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(key_of_spki(&other), None, "bit {bit}");
    }
}

#[test]
fn provider_offers_tls13_suites_in_the_agreed_order() {
    for family in families() {
        let suites: Vec<_> = family
            .cipher_suites
            .iter()
            .map(|suite| suite.suite())
            .collect();
        let expected = [
            CipherSuite::TLS13_AES_128_GCM_SHA256,
            CipherSuite::TLS13_AES_256_GCM_SHA384,
            CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
        ];
        assert_eq!(suites, expected);
        let versions = family
            .cipher_suites
            .iter()
            .map(|suite| suite.version().version);
        assert!(
            versions
                .into_iter()
                .all(|version| version == ProtocolVersion::TLSv1_3)
        );
        let groups: Vec<_> = family.kx_groups.iter().map(|group| group.name()).collect();
        assert_eq!(groups, [NamedGroup::X25519]);
    }
    assert_eq!(provider().cipher_suites.len(), 3);
    // The portable family is present on any machine.
    let expected = 1 + usize::from(Primitives::of_this_processor() == Primitives::Graviola);
    assert_eq!(families().len(), expected);
}

#[test]
fn x25519_refuses_shares_without_a_secret() {
    for family in families() {
        let group = family.kx_groups[0];
        // Points of small order, and shares of the wrong length.
        let one = std::iter::once(1).chain([0; 31]).collect::<Vec<u8>>();
        for share in [vec![0; 32], one, vec![9; 31], vec![9; 33], vec![]] {
            assert!(matches!(
                group.start().unwrap().complete(&share),
                Err(rustls::Error::PeerMisbehaved { .. })
            ));
        }
    }
}

#[test]
fn x25519_families_derive_the_same_secret() {
    for ours in families() {
        for theirs in families() {
            let (ours, theirs) = (ours.kx_groups[0], theirs.kx_groups[0]);
            let (ours, theirs) = (ours.start().unwrap(), theirs.start().unwrap());
            let (our_share, their_share) = (ours.pub_key().to_vec(), theirs.pub_key().to_vec());
            let here = ours.complete(&their_share).unwrap();
            let there = theirs.complete(&our_share).unwrap();
            assert_eq!(here.secret_bytes(), there.secret_bytes());
        }
    }
}

#[test]
fn hash_and_hmac_families_agree() {
    let families = families();
    let first = &families[0];
    for other in &families {
        for (ours, theirs) in first.cipher_suites.iter().zip(&other.cipher_suites) {
            let (ours, theirs) = (ours.tls13().unwrap(), theirs.tls13().unwrap());
            for len in [0, 1, 63, 64, 65, 127, 128, 129, 300] {
                let data = vec![3; len];
                let hash = |suite: &rustls::Tls13CipherSuite| {
                    let mut running = suite.common.hash_provider.start();
                    running.update(&data);
                    let fork = running.fork();
                    running.update(b"more");
                    let parts = [fork.fork_finish(), fork.finish(), running.finish()];
                    parts.map(|part| part.as_ref().to_vec())
                };
                assert_eq!(hash(ours), hash(theirs));
                let prk = |suite: &rustls::Tls13CipherSuite| {
                    // Salts are HMAC's keys: these are shorter and longer than its block.
                    let hkdf = suite
                        .hkdf_provider
                        .extract_from_secret(Some(&data), b"secret");
                    hkdf.expand_block(&[b"info"]).as_ref().to_vec()
                };
                assert_eq!(prk(ours), prk(theirs));
            }
        }
    }
}

#[test]
fn client_config_without_protocol_is_refused() {
    let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
    assert!(matches!(client_config(&key, &[]), Err(Error::NoAlpn)));
    assert!(matches!(server_config(&key, &[]), Err(Error::NoAlpn)));
}

#[test]
fn weak_key_is_refused_before_its_signature() {
    // Of small order: the neutral element, and the point of order two.
    let one = std::array::from_fn(|at| u8::from(at == 0));
    let minus_one = std::array::from_fn(|at| match at {
        0 => 0xec,
        31 => 0x7f,
        _ => 0xff,
    });
    for key in [one, minus_one] {
        let shown = CertificateDer::from(spki_of_key(&key));
        let now = UnixTime::since_unix_epoch(Duration::ZERO);
        assert!(matches!(
            AnyEd25519.verify_client_cert(&shown, &[], now),
            Err(rustls::Error::InvalidCertificate { .. })
        ));
    }
}

#[test]
fn quic_versions_other_than_one_are_refused() {
    let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
    let cid = ConnectionId::new(&[1; 8]);
    // Its defaults are private to quinn, and these are the meaning of an empty extension.
    let params = TransportParameters::read(Side::Client, &mut [].as_slice()).unwrap();
    let server = server_tls(provider(), &key, &[b"a"]).unwrap();
    let server = QuicServerConfig::new(Arc::new(server)).unwrap();
    let client = client_tls(provider(), &key, &[b"a"]).unwrap();
    let client = Arc::new(QuicClientConfig::new(Arc::new(client)).unwrap());
    for (version, spoken) in [
        (1, true),
        (0, false),
        (0xff00_001d, false),
        (0x6b33_43cf, false),
    ] {
        assert_eq!(server.initial_keys(version, &cid).is_ok(), spoken);
        let started = Arc::clone(&client).start_session(version, "a.invalid", &params);
        assert_eq!(started.is_ok(), spoken);
    }
    assert!(matches!(
        client.start_session(1, "not a name", &params),
        Err(quinn_proto::ConnectError::InvalidServerName { .. })
    ));
}

#[test]
fn provider_without_packet_keys_is_refused() {
    let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
    let mut without = (*provider()).clone();
    without.cipher_suites.remove(0);
    let tls = client_tls(Arc::new(without), &key, &[b"a"]).unwrap();
    let refused = QuicClientConfig::new(Arc::new(tls));
    assert!(matches!(refused, Err(Error::NoInitialSuite)));
}
