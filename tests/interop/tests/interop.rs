//! Our side against stock quinn over ring, both ways round, under each suite, with key updates
//! from either side.

use std::time::Duration;

use interop::Stack;
use interop::crypto::Primitives;
use interop::crypto::peer_key;
use interop::key;
use interop::transport;
use quinn::Connection;
use rustls::CipherSuite;

const LEN: usize = 32 << 20;
const PIECE: usize = 1 << 18;
const FAMILIES: [Primitives; 2] = [Primitives::Graviola, Primitives::RustCrypto];

/// The side that updates its keys after each piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Updates {
    Client,
    Server,
}

/// Gives back everything that comes.
async fn echo(connection: Connection, updates: bool) {
    let (mut send, mut receive) = connection.accept_bi().await.unwrap();
    while let Some(chunk) = receive.read_chunk(PIECE, true).await.unwrap() {
        send.write_chunk(chunk.bytes).await.unwrap();
        if updates {
            connection.force_key_update();
        }
    }
    send.finish().unwrap();
    let _ = send.stopped().await;
    connection.closed().await;
}

async fn ask(connection: Connection, updates: bool) {
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    let mut data = vec![0; LEN];
    blake3::Hasher::new()
        .update(b"interop")
        .finalize_xof()
        .fill(&mut data);
    let expected = blake3::hash(&data);
    let sender = connection.clone();
    let sending = tokio::spawn(async move {
        for piece in data.chunks(PIECE) {
            send.write_all(piece).await.unwrap();
            if updates {
                sender.force_key_update();
            }
        }
        send.finish().unwrap();
    });
    let back = receive.read_to_end(LEN).await.unwrap();
    sending.await.unwrap();
    assert_eq!(back.len(), LEN);
    assert_eq!(blake3::hash(&back), expected);
    connection.close(0u32.into(), b"");
}

async fn meet(client: Stack, server: Stack, updates: Updates) {
    let (ours, theirs) = (client.client(transport()), server.server(transport()));
    let to = theirs.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let connection = theirs.accept().await.unwrap().await.unwrap();
        assert_eq!(
            peer_key(&connection),
            Some(key(2).verifying_key().to_bytes())
        );
        echo(connection, updates == Updates::Server).await;
    });
    let connection = ours.connect(to, "nobody.invalid").unwrap().await.unwrap();
    assert_eq!(
        peer_key(&connection),
        Some(key(1).verifying_key().to_bytes())
    );
    let both = async {
        ask(connection, updates == Updates::Client).await;
        served.await.unwrap();
    };
    tokio::time::timeout(Duration::from_secs(60), both)
        .await
        .unwrap();
}

async fn under(suite: CipherSuite) {
    for family in FAMILIES {
        let (ours, stock) = (Stack::Ours(family), Stack::Stock(Some(suite)));
        for updates in [Updates::Client, Updates::Server] {
            meet(ours, stock, updates).await;
            meet(stock, ours, updates).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aes_128_gcm() {
    under(CipherSuite::TLS13_AES_128_GCM_SHA256).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aes_256_gcm() {
    under(CipherSuite::TLS13_AES_256_GCM_SHA384).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chacha20_poly1305() {
    under(CipherSuite::TLS13_CHACHA20_POLY1305_SHA256).await;
}
