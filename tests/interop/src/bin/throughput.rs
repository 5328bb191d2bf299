//! Throughput over loopback and of sealing alone: ours with either family, and stock quinn over
//! ring, in turns.

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use interop::Stack;
use interop::crypto::Primitives;
use interop::transport;
use rustls::CipherSuite;
use rustls::crypto::CryptoProvider;

const TOTAL: usize = 2_000_000_000;
const PIECE: usize = 1 << 20;
const ROUNDS: usize = 3;
/// An MTU of 1,452 less a short header of 12 bytes and the tag.
const PAYLOAD: usize = 1452 - HEADER - 16;
const HEADER: usize = 12;

/// GB/s of zeros from client to server.
async fn move_zeros(stack: Stack) -> f64 {
    let (client, server) = (stack.client(transport()), stack.server(transport()));
    let to = server.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let connection = server.accept().await.unwrap().await.unwrap();
        let mut stream = connection.accept_uni().await.unwrap();
        let mut total = 0;
        while let Some(chunk) = stream.read_chunk(usize::MAX, true).await.unwrap() {
            total += chunk.bytes.len();
        }
        assert_eq!(total, TOTAL);
        connection.close(0u32.into(), b"");
        server.wait_idle().await;
    });
    let connection = client.connect(to, "nobody.invalid").unwrap().await.unwrap();
    let mut stream = connection.open_uni().await.unwrap();
    let zeros = Bytes::from(vec![0; PIECE]);
    let start = Instant::now();
    let mut left = TOTAL;
    while left > 0 {
        let piece = left.min(PIECE);
        stream.write_chunk(zeros.slice(..piece)).await.unwrap();
        left -= piece;
    }
    stream.finish().unwrap();
    // The server closes once it has all.
    connection.closed().await;
    let rate = TOTAL as f64 / start.elapsed().as_secs_f64() / 1e9;
    served.await.unwrap();
    rate
}

/// GB/s of payload sealed, and opened, by one core.
fn seal(provider: &CryptoProvider, named: CipherSuite) -> (f64, f64) {
    const PACKETS: usize = 200_000;
    let suite = provider
        .cipher_suites
        .iter()
        .find(|one| one.suite() == named)
        .unwrap();
    let quic = suite.tls13().unwrap().quic_suite().unwrap();
    let keys = |side| quic.keys(b"some id", side, Default::default());
    let (client, server) = (keys(rustls::Side::Client), keys(rustls::Side::Server));
    let header = [1; HEADER];
    let rate = |start: Instant| (PACKETS * PAYLOAD) as f64 / start.elapsed().as_secs_f64() / 1e9;

    let mut payload = [0; PAYLOAD];
    let start = Instant::now();
    for number in 0..PACKETS {
        let packets = &client.local.packet;
        let tag = packets.encrypt_in_place(number as u64, &header, &mut payload);
        black_box(tag.unwrap());
    }
    let sealed = rate(start);

    let mut packet = vec![0; PAYLOAD];
    let tag = client
        .local
        .packet
        .encrypt_in_place(7, &header, &mut packet)
        .unwrap();
    packet.extend_from_slice(tag.as_ref());
    let mut copy = packet.clone();
    let start = Instant::now();
    for _ in 0..PACKETS {
        copy.copy_from_slice(&packet);
        black_box(
            server
                .remote
                .packet
                .decrypt_in_place(7, &header, &mut copy)
                .unwrap(),
        );
    }
    (sealed, rate(start))
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let stacks = [
        ("ours, graviola", Stack::Ours(Primitives::Graviola)),
        ("ours, RustCrypto", Stack::Ours(Primitives::RustCrypto)),
        ("stock, ring", Stack::Stock(None)),
    ];
    let providers = [
        interop::crypto::provider_of(Primitives::Graviola).unwrap(),
        interop::crypto::provider_of(Primitives::RustCrypto).unwrap(),
        rustls::crypto::ring::default_provider().into(),
    ];
    println!("sealing / opening packets of 1,452 bytes, GB/s of one core, median of {ROUNDS}");
    for suite in [
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        CipherSuite::TLS13_AES_256_GCM_SHA384,
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    ] {
        let mut found = vec![(Vec::new(), Vec::new()); stacks.len()];
        for _ in 0..ROUNDS {
            for (provider, (sealed, opened)) in providers.iter().zip(&mut found) {
                let (seal, open) = seal(provider, suite);
                sealed.push(seal);
                opened.push(open);
            }
        }
        for ((name, _), (sealed, opened)) in stacks.iter().zip(found) {
            println!(
                "{suite:?} {name}: {:.2} / {:.2}",
                median(sealed),
                median(opened)
            );
        }
    }
    let mut found = vec![Vec::new(); stacks.len()];
    for _ in 0..ROUNDS {
        for ((_, stack), rates) in stacks.iter().zip(&mut found) {
            rates.push(runtime.block_on(move_zeros(*stack)));
        }
    }
    println!("2 GB over loopback, GB/s, median of {ROUNDS} (all)");
    for ((name, _), rates) in stacks.iter().zip(found) {
        println!("{name}: {:.3} {rates:.3?}", median(rates.clone()));
    }
}
