//! The parts that ingest and check-out are made of, over real text: `cargo bench`.
#![allow(missing_docs, reason = "criterion's macros make items without")]

use std::hint::black_box;

use alimentar::chunk::Compressor;
use alimentar::chunk::decompress;
use alimentar::chunk::next_cut;
use alimentar::ident::ChunkId;
use alimentar::ident::ContentId;
use alimentar::inspect::Describer;
use alimentar::manifest::ChunkEntry;
use alimentar::manifest::Envelope;
use alimentar::manifest::Manifest;
use alimentar::manifest::TreeBuilder;
use alimentar::protocol::Filter;
use alimentar::trust::KeyCost;
use alimentar::trust::KeyPair;
use alimentar::trust::LockedKey;
use alimentar::trust::UnverifiedManifest;
use criterion::Criterion;
use criterion::Throughput;
use criterion::criterion_group;
use criterion::criterion_main;
use zeroize::Zeroizing;

/// Eight MiB of lines that do not repeat within a window.
fn text() -> Vec<u8> {
    let lines = include_bytes!("../tests/data/gsm8k/test.jsonl");
    let mut text = Vec::new();
    for round in 0.. {
        for line in lines.split_inclusive(|b| *b == b'\n') {
            text.extend_from_slice(format!("{round} ").as_bytes());
            text.extend_from_slice(line);
        }
        if text.len() > 8 << 20 {
            break;
        }
    }
    text.truncate(8 << 20);
    text
}

fn cuts(text: &[u8]) -> Vec<&[u8]> {
    let mut rest = text;
    let mut chunks = Vec::new();
    while let Some(n) = next_cut(rest, true) {
        let (chunk, after) = rest.split_at(n.get());
        chunks.push(chunk);
        rest = after;
    }
    chunks
}

fn parts(c: &mut Criterion) {
    let text = text();
    let chunks = cuts(&text);
    let segment = &text[..1 << 20];
    let (codec, payload) = Compressor::new().compress(segment);
    let mut group = c.benchmark_group("parts");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("cut", |b| b.iter(|| cuts(black_box(&text)).len()));
    group.bench_function("hash chunks", |b| {
        b.iter(|| {
            chunks
                .iter()
                .map(|c| ChunkId::of(c))
                .fold(0, |n, id| n ^ id.as_bytes()[0])
        })
    });
    group.bench_function("hash file", |b| b.iter(|| blake3::hash(black_box(&text))));
    for name in ["a.jsonl", "a.csv", "a.json"] {
        group.bench_function(format!("describe {name}"), |b| {
            b.iter(|| {
                let mut describer = Describer::new(name);
                text.chunks(1 << 20).for_each(|p| describer.push(p));
                describer.finish(&text.as_slice()).rows
            })
        });
    }
    group.throughput(Throughput::Bytes(segment.len() as u64));
    group.bench_function("compress", |b| {
        let mut compressor = Compressor::new();
        b.iter(|| compressor.compress(black_box(segment)).1.len())
    });
    group.bench_function("decompress", |b| {
        b.iter(|| decompress(codec, black_box(&payload), segment.len()))
    });
    group.throughput(Throughput::Elements(100_000));
    group.bench_function("tree of 100,000 chunks", |b| {
        let entry = |n: u32| ChunkEntry {
            id: ChunkId::of(&n.to_le_bytes()),
            bytes: 16_384,
            newlines: 10,
        };
        let entries: Vec<ChunkEntry> = (0..100_000).map(entry).collect();
        b.iter(|| {
            let mut nodes = 0;
            let mut builder = TreeBuilder::new();
            let mut emit = |_, _| nodes += 1;
            entries.iter().for_each(|e| builder.push(*e, &mut emit));
            builder.finish(&mut emit);
            nodes
        })
    });
    group.finish();
}

fn signing(criterion: &mut Criterion) {
    let pair = KeyPair::from_seed(&Zeroizing::new([1; 32]));
    let base = Manifest::decode(include_bytes!("../tests/data/manifest.json"));
    let Ok(base) = base else { return };
    let signed = |n: u64| {
        let mut manifest = base.clone();
        manifest.num_rows = n;
        pair.sign(&mut manifest)
    };
    let envelopes: Vec<Envelope> = (0..10_000).filter_map(|n| signed(n).ok()).collect();
    let mut group = criterion.benchmark_group("signing");
    group.sample_size(10);
    group.throughput(Throughput::Elements(envelopes.len() as u64));
    group.bench_function("verify strictly and read, both cores", |b| {
        b.iter(|| {
            let held = |part: &[Envelope]| {
                let each = part.iter().cloned().map(UnverifiedManifest::new);
                each.filter_map(|m| m.verify().ok()).count()
            };
            let (a, b) = envelopes.split_at(envelopes.len() / 2);
            std::thread::scope(|s| {
                let other = s.spawn(|| held(a));
                held(b) + other.join().unwrap_or(0)
            })
        })
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("open a key file", |b| {
        let locked = LockedKey::lock(&pair, "p", KeyCost::NOW, [1; 16], [2; 12]);
        b.iter(|| locked.as_ref().is_ok_and(|l| l.open("p").is_ok()))
    });
    group.finish();
}

fn filters(criterion: &mut Criterion) {
    let id = |n: u32| ContentId::from_bytes(&n.to_le_bytes());
    let ids: Vec<ContentId> = (0..1_000_000).map(id).collect();
    let mut group = criterion.benchmark_group("filter");
    group.sample_size(10);
    for count in [770, 100_000, 1_000_000] {
        let some = ids.get(..count).unwrap_or_default();
        let bytes = Filter::build(some).encode();
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("build of {count} ids"), |b| {
            b.iter(|| Filter::build(black_box(some)).len())
        });
        group.bench_function(format!("decode of {count} ids"), |b| {
            b.iter(|| Filter::decode(black_box(&bytes)).is_ok())
        });
    }
    group.finish();
}

criterion_group!(benches, parts, signing, filters);
criterion_main!(benches);
