//! Every decoder against seeded mutations of good bytes: the fuzz targets without libFuzzer.

#[path = "../../../fuzz/src/lib.rs"]
#[allow(dead_code, reason = "libFuzzer's targets use all of it")]
pub mod targets;

use std::io::Write as _;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use crate::support::random::Random;
use alimentar::LocalRegistry;
use alimentar::age_format::Recipients;
use alimentar::age_format::encrypt;
use alimentar::archive::Receipt;
use alimentar::archive::VolumeTrailer;
use alimentar::blob_store::BlobKind;
use alimentar::catalog::Tombstone;
use alimentar::chunk::Codec;
use alimentar::chunk::DeltaEncoder;
use alimentar::ident::BlobId;
use alimentar::ident::EnvelopeId;
use alimentar::ident::PublisherKey;
use alimentar::ident::Signature;
use alimentar::ident::TreeId;
use alimentar::pack::Flags;
use alimentar::pack::Item;
use alimentar::pack::Record;
use alimentar::pack::layout::encode_pack_header;
use alimentar::progress::NoProgress;
use alimentar::registry::ExportOptions;
use alimentar::registry::FileNote;
use alimentar::registry::IndexOptions;
use alimentar::registry::Promise;
use alimentar::registry::encode_part;
use alimentar::trust::KeyPair;
use zeroize::Zeroizing;

/// Seeded mutations.
struct Mutator(Random);

impl Mutator {
    fn new(seed: &str) -> Self {
        let hash = blake3::hash(seed.as_bytes());
        let seed = hash.as_bytes().first_chunk().unwrap();
        Self(Random::new(u64::from_le_bytes(*seed)))
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0.index(limit)
    }

    /// Flips, cuts, repeats, or overwrites a part.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            let end = (at + 1 + self.below(16)).min(bytes.len());
            match self.below(6) {
                0 => bytes.truncate(at),
                1 => bytes.extend_from_within(at..end),
                2 if !bytes.is_empty() => drop(bytes.drain(at..end)),
                3 => bytes[at..end].fill([0, 0xff, 0x7f, b'"'][self.below(4)]),
                _ if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                _ => bytes.push(self.below(256) as u8),
            }
        }
    }
}

fn vector(name: &str) -> Vec<u8> {
    let golden = include_str!("../../../spec/vectors/golden.txt");
    let line = golden.lines().find_map(|l| l.strip_prefix(name));
    unhex(line.unwrap().trim())
}

fn unhex(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// The tar inside of an archive of a signed dataset of a few rows.
fn small_archive() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let registry = LocalRegistry::open(&dir.path().join("home")).unwrap();
    let file = dir.path().join("f.jsonl");
    std::fs::write(&file, crate::support::lines(5, 1)).unwrap();
    let options = IndexOptions::signed_with(KeyPair::from_seed(&Zeroizing::new([1; 32])));
    registry.index(&file, &options, &NoProgress).unwrap();
    let dest = dir.path().join("x.alimentar");
    let (list, options) = (registry.list().unwrap(), ExportOptions::default());
    registry
        .archives()
        .export(&list, &dest, &options, &NoProgress)
        .unwrap();
    let bytes = std::fs::read(dest).unwrap();
    let frame = alimentar::archive::read_frame(&mut bytes.as_slice()).unwrap();
    alimentar::archive::decompress_frame(&frame.unwrap()).unwrap()
}

/// Returns the record of a chunk that differs a little from the targets' base.
fn delta() -> Record {
    let base = targets::base();
    let changed = [&base[..4000], b"{\"n\":\"new\"}\n", &base[4000..]].concat();
    Record {
        kind: BlobKind::Chunk,
        codec: Codec::Delta,
        flags: Flags::default(),
        sequence: 0,
        items: vec![Item {
            id: BlobId::of(&changed),
            raw_bytes: changed.len() as u32,
        }],
        bases: vec![BlobId::of(&base)],
        payload: DeltaEncoder::new().encode(&changed, base).unwrap(),
    }
}

/// Small age files: test vectors without the text before them, and one with a passphrase that takes
/// little work.
fn age_files() -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("spec/vectors/age");
    let name = |n: &str| std::fs::read(folder.join(n)).unwrap();
    let age_file = |bytes: Vec<u8>| {
        let text = bytes.windows(2).position(|w| w == b"\n\n").unwrap();
        bytes[text + 2..].to_vec()
    };
    let vectors = [
        "x25519",
        "x25519_multiple_recipients",
        "stanza_valid_characters",
        "stanza_empty_last_line",
    ];
    let mut files: Vec<_> = vectors.map(name).map(age_file).to_vec();
    let to = Recipients::Passphrase {
        text: "password",
        work_factor: 1,
    };
    let mut fixed = |bytes: &mut [u8]| {
        bytes.fill(7);
        Ok(())
    };
    let mut writer = encrypt(Vec::new(), to, &mut fixed).unwrap();
    writer.write_all(b"text").unwrap();
    files.push(writer.finish().unwrap());
    files
}

fn each_vector(of: &str) -> Vec<Vec<u8>> {
    let names = crate::spec::protocol::names(of);
    names
        .into_iter()
        .map(crate::spec::protocol::vector)
        .collect()
}

/// Good bytes for a target to start from.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let file = |name: &str| {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/formats");
        std::fs::read(dir.join(name)).unwrap()
    };
    let chosen = |choice: u8, bytes: &[u8]| [&[choice], bytes].concat();
    match target {
        "reference" => [
            "alimentar:af1349b9f5f9",
            "name@^1.2",
            "alias/name@1.0.0-rc.1",
        ]
        .map(|s| s.as_bytes().to_vec())
        .to_vec(),
        "manifest" => vec![
            include_bytes!("../../data/manifest.json").to_vec(),
            include_bytes!("../../data/manifest-source.json").to_vec(),
        ],
        "intake_part" => vec![intake_part()],
        "envelope" => vec![vector("envelope ")],
        "file_table" => vec![vector("file-table ")],
        "node" => vec![vector("leaf ")],
        "record" => vec![
            vector("record "),
            zrip::compress(&[b'a'; 5000], 1).unwrap(),
            delta().encode(),
        ],
        "delta" => {
            let made = delta();
            let length = (made.items[0].raw_bytes as u16).to_le_bytes();
            let whole = [&length, made.payload.as_slice()].concat();
            let stored = DeltaEncoder::new().encode(&[3; 300], vec![9; 9]).unwrap();
            vec![whole, [&300_u16.to_le_bytes(), stored.as_slice()].concat()]
        }
        "pack" => {
            let record = Record {
                kind: BlobKind::Chunk,
                codec: Codec::Raw,
                flags: Flags::default(),
                sequence: 0,
                items: vec![Item {
                    id: BlobId::of(b"abc"),
                    raw_bytes: 3,
                }],
                bases: Vec::new(),
                payload: b"abc".to_vec(),
            }
            .encode();
            vec![[encode_pack_header(1), record.clone(), record].concat()]
        }
        "tombstone" => vec![
            Tombstone {
                salt: [1; 16],
                envelopes: vec![EnvelopeId::new([2; 32]); 3],
            }
            .encode(),
        ],
        "schema" => {
            let mut stream = file("three.arrows");
            stream.truncate(500);
            vec![stream]
        }
        "describe" | "table" => vec![
            chosen(0, b"{\"a\":1}\n{\"b\":[1,{}]}\n"),
            chosen(1, b"[{\"a\":1},{\"a\":\"\\u00e9\\\"\"}]"),
            chosen(2, b"a,b\r\n1,\"x\n\"\"y\"\r\n2020-01-01,\r\n"),
            chosen(3, b"a\tb\n1\t2\n"),
            chosen(4, &file("three.parquet")),
            chosen(5, &file("three.arrow")),
            chosen(6, &file("three.arrows")),
            chosen(8, &zrip::compress(b"a,b\n1,2\n", 1).unwrap()),
        ],
        "card" => vec![
            b"---\nlicense: mit\ntags:\n- a\n- {b: [1, 2.5, ~]}\n---\n# T\n\n<b>x</b> [l](javascript:x)\n".to_vec(),
            b"| a | b |\n|---|---|\n| ![i](u) | <script> |\n".to_vec(),
        ],
        "key_file" | "statement" => {
            let text = include_str!("../../../spec/vectors/signing.json");
            let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
            let field = |name: &str| vectors[name].as_str().unwrap().to_owned();
            match target {
                "key_file" => vec![field("key_file").into_bytes()],
                _ => ["withdrawal", "rotation", "revocation"]
                    .map(|name| unhex(&field(name)))
                    .to_vec(),
            }
        }
        "age_file" => age_files(),
        "receipt" => vec![
            Receipt {
                body: Receipt::body_of(vec![TreeId::new([1; 32])]),
                signature: Signature {
                    key: PublisherKey::new([2; 32]),
                    bytes: [3; 64],
                },
            }
            .encode(),
            VolumeTrailer {
                archive: [1; 16],
                number: 1,
                is_last: true,
                bytes: 9,
                hash: [2; 32],
            }
            .encode(),
        ],
        "archive" => {
            let tar = small_archive();
            let file = alimentar::archive::compress_frame(&tar).unwrap();
            vec![chosen(1, &tar), chosen(0, &file)]
        }
        "trust_file" => {
            let key = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
            let text = format!("# head\nversion = 1\n[publisher.a] # x\nkey = '{key}'\nlevel = \"full\"\nnames = [\"s-*\"]\nuntil = 2027-01-01\nprevious = []\nreason = 'r'\n");
            vec![text.into_bytes()]
        }
        "query" => vec![b"a \"b c\" -d license:mit rows:>1.5k pre* AND (x:y)".to_vec()],
        "filter" => crate::spec::filter::encodings(),
        "request" | "response" => {
            // The vectors call a response an answer.
            let label = if target == "response" { "answer" } else { target };
            let more = crate::spec::reconciliation::messages(label);
            [each_vector(label), more].concat()
        }
        "iblt_symbols" => {
            let answers = crate::spec::reconciliation::messages("answer").concat();
            let whole = [&[0, 60], answers.as_slice()].concat();
            let noise: Vec<u8> = (0..=255).collect();
            let turned = [[1, 90].as_slice(), &[0; 100], &noise[250..]].concat();
            vec![whole, turned, vec![1, 40, 0], [&[2, 70], noise.as_slice()].concat()]
        }
        "remote" => [
            (0, "hf://datasets/lab/corpus@refs/pr/7/data/x.parquet"),
            (0, "https://user:secret@example.org:8443/a%20b?sig=1"),
            (0, "s3://bucket/a b/c.csv"),
            (1, "bytes 0-65535/1000000"),
            (2, r#"{"id":"a/b","sha":"0123456789abcdef0123456789abcdef01234567"}"#),
            (3, r#"[{"type":"file","path":"data/x.csv","size":7,"oid":"00"}]"#),
            (
                4,
                "<ListBucketResult><Contents><Key>a&amp;b</Key><Size>7</Size></Contents></ListBucketResult>",
            ),
        ]
        .map(|(choice, text)| chosen(choice, text.as_bytes()))
        .to_vec(),
        "peer_address" => ["10.0.0.7:8765", "lab-b.local", "[fe80::1%eth0]:1"]
            .map(|s| s.as_bytes().to_vec())
            .to_vec(),
        "service_record" => crate::peers::discovery::vectors(),
        "json_scan" => crate::inspect::json::seeds(),
        "line_index" => crate::inspect::line_index::encodings(),
        "sketch_cache" => {
            let files = targets::sketch_cache_seeds();
            let without = files.iter().map(|f| f[..f.len() - 32].to_vec());
            without.chain(files.clone()).collect()
        }
        "resemblance" => targets::resemblance_seeds(),
        "row_index" => crate::inspect::row_index::encodings(),
        "edits" => targets::edits_seeds(),
        "documents" => targets::documents_seeds(),
        "duplicates" => {
            let rows = "one two three four five six\none two three four five six seven\n\n\
                {\"a\":\"one two three\"}\n{\"a\":\"one two three\"}\nx\nx\n";
            (0..=u8::MAX).map(|n| chosen(n, rows.as_bytes())).collect()
        }
        "lint" => {
            let rows = [
                r#"{"messages":[{"role":"user","content":"a\u200b```"},{"role":"assistant","content":"<think>b","tool_calls":[{"id":"c"}]},{"role":"tool","tool_call_id":"c","content":"caf\u00c3\u00a9"}]}"#,
                r#"{"a":"sk-4fG7hJ2kL9mN1pQ5rS8tU3vW6xY0zA","b":["x@example.org"],"a":1}"#,
                "1,\"2\"\"\",api_key = q7Zt2Lk9Xw4Rb8Nv1Mc6\r\n\n+1 (415) 555-0132,-----BEGIN PRIVATE KEY-----",
            ];
            let all = rows.join("\n").into_bytes();
            rows.iter().map(|r| r.as_bytes().to_vec()).chain([all]).collect()
        }
        "statistics" => vec![
            b"{\"a\":[1,-2.5e3,null,{\"b\":\"\\u00e9\\ud800\"}],\"c.d\":true}\n[7]\n\"x\"\n".to_vec(),
            "1,\"a \"\"b\nc\",007\r\n\u{6f22},,\u{feff}-0\n".as_bytes().to_vec(),
        ],
        "door_request" => [
            "/datasets/lab/x%2Fy/resolve/main/a%20b.parquet\nrecursive=true&q=a+b\nbytes=0-9,-5\nif-match: \"abc\", W/\"d\"\nif-range: Sun, 06 Nov 1994 08:49:37 GMT\n",
            "/datasets?x\nlist-type=2&prefix=lab%2F&max-keys=5&X-Amz-Algorithm=AWS4-HMAC-SHA256\n\nauthorization: AWS4-HMAC-SHA256 Credential=AK/20261130/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=00\nx-amz-date: 20261130T000000Z\nhost: h\n",
            "/%2e%2e/..\na=%ff&&=\nbytes=18446744073709551616-\nif-modified-since: Sun, 06 Nov 1994 08:49:37 GMT\nif-none-match: *\n",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec(),
        "feature_config" => [
            "server:\n  host: localhost\n  port: 8080\ntables:\n  t:\n    source:\n      s3: {bucket: b-1, prefix: f/, endpoint: 'http://h:9'}\n    poll_interval: 5m 30s\n    key: [a, b]\n    columns:\n      a: {dtype: utf8, nullable: false}\n",
            "tables: {t: {key: [id], columns: {id: {dtype: int64}, v: {dtype: \"float32[8]\", strict: false}}, memory: map}}\n",
            "---\ntables:\n  ? \"t\\u00e9\"\n  : source: {registry: {name: lab/x, version: ^1, path: p}}\n    key: [k]\n    timestamp: at\n    ttl: 7d\n...\n",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec(),
        "feature_request" => [
            br#"{"keys":{"a":["x",null,"\u00e9"],"b":[1,-2,18446744073709551615]},"columns":["v"],"status":true}"#
                .to_vec(),
            br#"{"table":"t","keys":["a","b"],"columns":["v","w"]}"#.to_vec(),
            br#"{"columns":{"id":{"dtype":"utf8","key":true},"v":{"dtype":"float32[8]","strict":false}}}"#
                .to_vec(),
            b"\x08\x01\x1a\x05users\x12\x02{}\xc2\x3e\x04body".to_vec(),
            file("three.arrows"),
            file("zstd.arrows"),
        ]
        .to_vec(),
        "feature_segment" => vec![
            include_bytes!("../../../fuzz/corpus/feature_segment/integers").to_vec(),
            include_bytes!("../../../fuzz/corpus/feature_segment/texts").to_vec(),
        ],
        "mcp_call" => [
            r#"{"name":"get_lines","arguments":{"start":1,"count":5,"max_chars":1000}}"#,
            r#"{"name":"get_lines","arguments":{"field":"messages[0].content","offset":2}}"#,
            r#"{"name":"search_dataset","arguments":{"query":"b|\\d+","limit":2,"cursor":"AQID"}}"#,
            r#"{"name":"column_stats","arguments":{"columns":["id","text"],"top":3}}"#,
            r#"{"name":"edit_rows","arguments":{"set":["0.id=7","1.messages=[]"],"as":"json"}}"#,
            r#"{"name":"edit_rows","arguments":{"insert":["{\"id\":4}"],"at":2}}"#,
            r#"{"name":"edit_rows","arguments":{"delete":"0,1-3"}}"#,
        ]
        .map(|call| call.as_bytes().to_vec())
        .to_vec(),
        other => panic!("no seeds for {other}"),
    }
}

#[test]
fn decoders_do_not_panic_on_mutated_bytes() {
    for (name, target) in targets::TARGETS {
        let mut mutator = Mutator::new(name);
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name}");
        // Going over rows in several passes takes longer than reading a few fields.
        let rounds = match name {
            "sketch_cache" => 500,
            "duplicates" | "lint" | "mcp_call" | "statistics" | "table" => 1_500,
            "archive" | "feature_segment" | "resemblance" => 5_000,
            _ => 20_000,
        };
        for round in 0..rounds {
            let mut bytes = seeds[round % seeds.len()].clone();
            if round >= seeds.len() {
                mutator.mutate(&mut bytes);
            }
            let run = catch_unwind(AssertUnwindSafe(|| target(&bytes)));
            assert!(
                run.is_ok(),
                "{name} on {}",
                alimentar::ident::to_hex(&bytes)
            );
        }
    }
}

/// Runs each target on the inputs that libFuzzer kept (`fuzz/run.sh`).
/// If that script sets `FUZZ_SEEDS_DIR`, the test writes the seeds of the targets there instead.
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "the script has no other way to ask for the good bytes"
)]
fn fuzz_corpus_is_replayed() {
    if let Some(dir) = std::env::var_os("FUZZ_SEEDS_DIR") {
        for (name, _) in targets::TARGETS {
            let dir = std::path::Path::new(&dir).join(name);
            std::fs::create_dir_all(&dir).unwrap();
            for (number, seed) in seeds(name).iter().enumerate() {
                std::fs::write(dir.join(format!("seed{number}")), seed).unwrap();
            }
        }
        return;
    }
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut bytes = 0;
    for (name, target) in targets::TARGETS {
        let files = std::fs::read_dir(corpus.join(name)).unwrap();
        let mut count = 0;
        for file in files.map(|f| f.unwrap().path()) {
            let data = std::fs::read(&file).unwrap();
            (bytes, count) = (bytes + data.len(), count + 1);
            let run = catch_unwind(AssertUnwindSafe(|| target(&data)));
            assert!(run.is_ok(), "{name} on {}", file.display());
        }
        assert!(count > 0, "{name} has no corpus");
    }
    assert!(bytes < 1_000_000, "{bytes} bytes");
}

/// Without an entry, or with one that is no TOML, `cargo fuzz` runs none of them.
#[test]
fn fuzz_targets_are_all_registered() {
    let fuzz = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let manifest: toml_edit::DocumentMut = manifest.parse().unwrap();
    let bins = manifest["bin"].as_array_of_tables().unwrap();
    let mut named: Vec<(&str, String)> = bins
        .iter()
        .map(|bin| {
            let text = |key: &str| bin[key].as_str().unwrap();
            let file = std::fs::read_to_string(fuzz.join(text("path"))).unwrap();
            (text("name"), file)
        })
        .collect();
    named.sort();
    let mut targets = targets::TARGETS.map(|(name, _)| name);
    targets.sort_unstable();
    assert!(named.iter().map(|(name, _)| *name).eq(targets));
    for (name, file) in named {
        assert!(file.contains(&format!("targets::{name}(data)")), "{name}");
    }
}

/// A part of the journal of an intake, with every kind of promise.
fn intake_part() -> Vec<u8> {
    let promise = |bits: u8| Promise {
        sha256: (bits & 1 != 0).then_some([1; 32]),
        git_sha1: (bits & 2 != 0).then_some([2; 20]),
        md5: (bits & 4 != 0).then_some([3; 16]),
        etag: (bits & 8 != 0).then(|| "v1".to_owned()),
    };
    let file = |bits: u8| FileNote {
        path: format!("data/{bits}.jsonl"),
        start: u64::from(bits) * 1_000,
        size_bytes: (bits != 3).then_some(1_000),
        promise: promise(bits),
    };
    encode_part(&(0..16).map(file).collect::<Vec<_>>())
}
