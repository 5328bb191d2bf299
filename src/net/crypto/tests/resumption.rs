//! Every connection is a full handshake, also if the other side would resume.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use rustls::HandshakeKind;
use rustls::client::ClientSessionMemoryCache;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::quic::ClientConnection;
use rustls::quic::Connection;
use rustls::quic::ServerConnection;
use rustls::quic::Version;
use rustls::server::ServerSessionMemoryCache;

use crate::net::crypto::identity::client_tls;
use crate::net::crypto::identity::server_tls;
use crate::net::crypto::provider;

const ALPN: &[u8] = b"test/1";

fn own_client() -> rustls::ClientConfig {
    client_tls(provider(), &SigningKey::from_bytes(&[1; 32]), &[ALPN]).unwrap()
}

fn own_server() -> rustls::ServerConfig {
    server_tls(provider(), &SigningKey::from_bytes(&[2; 32]), &[ALPN]).unwrap()
}

/// Makes a client that would resume.
fn resuming_client() -> rustls::ClientConfig {
    let mut tls = own_client();
    tls.resumption = Resumption::store(Arc::new(ClientSessionMemoryCache::new(8)));
    tls
}

/// Makes a server that would allow it.
fn resuming_server() -> rustls::ServerConfig {
    let mut tls = own_server();
    tls.send_tls13_tickets = 2;
    tls.session_storage = ServerSessionMemoryCache::new(8);
    tls
}

/// Carries all pending bytes of one side, in pieces under one key each. Returns true if there were any.
fn carry(from: &mut Connection, to: &mut Connection) -> bool {
    let mut any = false;
    loop {
        let mut said = Vec::new();
        let keys = from.write_hs(&mut said);
        if said.is_empty() && keys.is_none() {
            return any;
        }
        any = true;
        to.read_hs(&said).unwrap();
    }
}

/// Returns the kind of the second handshake of two, and the number of tickets of the client.
fn second(client: rustls::ClientConfig, server: rustls::ServerConfig) -> (HandshakeKind, u32) {
    let (client, server) = (Arc::new(client), Arc::new(server));
    let run = || {
        let name = ServerName::try_from("nobody.invalid").unwrap();
        let ours = ClientConnection::new(Arc::clone(&client), Version::V1, name, vec![]).unwrap();
        let theirs = ServerConnection::new(Arc::clone(&server), Version::V1, vec![]).unwrap();
        let mut ours = Connection::Client(ours);
        let mut theirs = Connection::Server(theirs);
        while carry(&mut ours, &mut theirs) | carry(&mut theirs, &mut ours) {}
        assert!(!ours.is_handshaking() && !theirs.is_handshaking());
        let Connection::Client(ours) = ours else {
            panic!("the client is one");
        };
        (
            ours.handshake_kind().unwrap(),
            ours.tls13_tickets_received(),
        )
    };
    run();
    run()
}

#[test]
fn handshake_is_never_resumed() {
    // The other two resume, which makes the rest of this a test.
    let (kind, tickets) = second(resuming_client(), resuming_server());
    assert_eq!((kind, tickets), (HandshakeKind::Resumed, 2));

    assert_eq!(
        second(own_client(), resuming_server()).0,
        HandshakeKind::Full
    );
    let found = second(resuming_client(), own_server());
    assert_eq!(found, (HandshakeKind::Full, 0));
}

#[test]
fn handshake_has_no_early_data_or_server_name() {
    let (client, server) = (own_client(), own_server());
    assert!(!client.enable_early_data);
    assert!(!client.enable_sni);
    assert_eq!(server.max_early_data_size, 0);
    assert_eq!(server.send_tls13_tickets, 0);
    assert!(!server.session_storage.can_cache());
}
