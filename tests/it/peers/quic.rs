//! Whole connections over loopback, of every family of primitives with every other.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use alimentar::net::crypto::HandshakeData;
use alimentar::net::crypto::Primitives;
use alimentar::net::crypto::client_config_with;
use alimentar::net::crypto::endpoint_config;
use alimentar::net::crypto::peer_key;
use alimentar::net::crypto::provider_of;
use alimentar::net::crypto::server_config_with;
use ed25519_dalek::SigningKey;
use quinn::Connection;
use quinn::ConnectionError;
use quinn::Endpoint;
use quinn::TokioRuntime;
use rustls::crypto::CryptoProvider;

const ALPN: &[u8] = b"test/1";

/// The families that run on this machine.
fn families() -> Vec<Arc<CryptoProvider>> {
    [Primitives::Graviola, Primitives::RustCrypto]
        .into_iter()
        .filter_map(|family| provider_of(family).ok())
        .collect()
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn endpoint(server: Option<quinn::ServerConfig>) -> Endpoint {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    Endpoint::new(
        endpoint_config().unwrap(),
        server,
        socket,
        Arc::new(TokioRuntime),
    )
    .unwrap()
}

fn server(family: &Arc<CryptoProvider>, alpn: &[&[u8]]) -> Endpoint {
    let config = server_config_with(Arc::clone(family), &key(1), alpn).unwrap();
    endpoint(Some(config))
}

fn client(family: &Arc<CryptoProvider>, alpn: &[&[u8]]) -> Endpoint {
    let mut endpoint = endpoint(None);
    let config = client_config_with(Arc::clone(family), &key(2), alpn).unwrap();
    endpoint.set_default_client_config(config);
    endpoint
}

fn connecting(client: &Endpoint, to: SocketAddr) -> quinn::Connecting {
    client.connect(to, "nobody.invalid").unwrap()
}

/// A connection and both its ends.
async fn connected(client: &Endpoint, server: &Endpoint) -> (Connection, Connection) {
    let to = server.local_addr().unwrap();
    let accepted = async { server.accept().await.unwrap().await.unwrap() };
    let (ours, theirs) = tokio::join!(connecting(client, to), accepted);
    (ours.unwrap(), theirs)
}

/// Bytes that are the same at no two places near each other.
fn pattern(len: usize) -> Vec<u8> {
    (0..len as u64)
        .map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .collect()
}

/// Sends `data` in pieces, with an update of the keys after each.
async fn send(connection: Connection, data: Arc<Vec<u8>>) {
    let mut stream = connection.open_uni().await.unwrap();
    for piece in data.chunks(1 << 18) {
        stream.write_all(piece).await.unwrap();
        connection.force_key_update();
    }
    stream.finish().unwrap();
    stream.stopped().await.unwrap();
}

async fn receive(connection: Connection, expected: Arc<Vec<u8>>) {
    let mut stream = connection.accept_uni().await.unwrap();
    let found = stream.read_to_end(expected.len()).await.unwrap();
    assert!(found == *expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quic_moves_64_mib_through_key_updates() {
    // Both ways. RustCrypto is generic code, and slow where this crate is not optimised, so it
    // moves as much only where it is.
    let whole = Arc::new(pattern(32 << 20));
    let part = Arc::new(pattern(4 << 20));
    for (at, ours) in families().into_iter().enumerate() {
        for (other, theirs) in families().into_iter().enumerate() {
            let all = !cfg!(debug_assertions) || at + other == 0;
            let data = Arc::clone(if all { &whole } else { &part });
            let (client, server) = (client(&ours, &[ALPN]), server(&theirs, &[ALPN]));
            let (here, there) = connected(&client, &server).await;
            let tasks = [
                tokio::spawn(send(here.clone(), Arc::clone(&data))),
                tokio::spawn(send(there.clone(), Arc::clone(&data))),
                tokio::spawn(receive(here, Arc::clone(&data))),
                tokio::spawn(receive(there, Arc::clone(&data))),
            ];
            for task in tasks {
                task.await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn quic_handshake_proves_both_keys_and_the_protocol() {
    for ours in families() {
        for theirs in families() {
            let client = client(&ours, &[b"other/2", ALPN]);
            let server = server(&theirs, &[ALPN, b"third/3"]);
            let (here, there) = connected(&client, &server).await;
            assert_eq!(peer_key(&here), Some(key(1).verifying_key().to_bytes()));
            assert_eq!(peer_key(&there), Some(key(2).verifying_key().to_bytes()));
            for connection in [&here, &there] {
                let data = connection.handshake_data().unwrap();
                let data = data.downcast::<HandshakeData>().unwrap();
                assert_eq!(data.protocol.as_deref(), Some(ALPN));
            }
            let exported = |connection: &Connection, context: &[u8]| {
                let mut out = [0; 64];
                connection
                    .export_keying_material(&mut out, b"label", context)
                    .unwrap();
                out
            };
            assert_eq!(exported(&here, b"a"), exported(&there, b"a"));
            assert_ne!(exported(&here, b"a"), exported(&here, b"b"));
            let mut too_long = vec![0; 1 << 20];
            assert!(
                here.export_keying_material(&mut too_long, b"l", b"")
                    .is_err()
            );
        }
    }
}

#[tokio::test]
async fn quic_without_a_common_protocol_is_refused() {
    for family in families() {
        let client = client(&family, &[b"other/2"]);
        let server = server(&family, &[ALPN]);
        let to = server.local_addr().unwrap();
        let accepted = async { server.accept().await.unwrap().await };
        let (ours, theirs) = tokio::join!(connecting(&client, to), accepted);
        // Alert 120, no_application_protocol (RFC 7301 3.2).
        let Err(ConnectionError::ConnectionClosed(close)) = ours else {
            panic!("{ours:?}");
        };
        assert_eq!(close.error_code, quinn::TransportErrorCode::crypto(120));
        let Err(ConnectionError::TransportError(refusal)) = theirs else {
            panic!("{theirs:?}");
        };
        assert_eq!(refusal.code, quinn::TransportErrorCode::crypto(120));
    }
}

#[tokio::test]
async fn quic_retry_is_followed_and_its_token_accepted() {
    for ours in families() {
        for theirs in families() {
            let (client, server) = (client(&ours, &[ALPN]), server(&theirs, &[ALPN]));
            let to = server.local_addr().unwrap();
            let accepted = async {
                let first = server.accept().await.unwrap();
                assert!(!first.remote_address_validated());
                first.retry().unwrap();
                let second = server.accept().await.unwrap();
                assert!(second.remote_address_validated());
                second.await.unwrap()
            };
            let (ours, theirs) = tokio::join!(connecting(&client, to), accepted);
            assert_eq!(
                peer_key(&ours.unwrap()),
                Some(key(1).verifying_key().to_bytes())
            );
            assert_eq!(peer_key(&theirs), Some(key(2).verifying_key().to_bytes()));
        }
    }
}

#[tokio::test]
async fn quic_sessions_are_not_resumed() {
    let family = families().remove(0);
    let (client, server) = (client(&family, &[ALPN]), server(&family, &[ALPN]));
    for _ in 0..3 {
        let to = server.local_addr().unwrap();
        let accepted = tokio::spawn({
            let server = server.clone();
            async move { server.accept().await.unwrap().await.unwrap() }
        });
        // Early data would need a ticket, and there is none.
        let Err(connecting) = connecting(&client, to).into_0rtt() else {
            panic!("early data is offered");
        };
        let here = connecting.await.unwrap();
        let there = accepted.await.unwrap();
        assert!(peer_key(&here).is_some() && peer_key(&there).is_some());
        // A ticket would come after the handshake.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn node_refuses_other_protocol_versions() {
    let family = families().remove(0);
    let server = server(&family, &[ALPN]);
    let client = endpoint(None);
    let mut config = client_config_with(family, &key(2), &[ALPN]).unwrap();
    config.version(0x6b33_43cf);
    let to = server.local_addr().unwrap();
    let refused = client.connect_with(config, to, "nobody.invalid");
    assert!(matches!(
        refused,
        Err(quinn::ConnectError::UnsupportedVersion)
    ));
}
