//! The claims of a manifest, its file table and its trees are checked on every way in, and
//! false claims are named with their signer.

use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Output;
use std::process::Stdio;
use std::sync::mpsc;

use alimentar::LocalRegistry;
use alimentar::error_kind::message_with_causes;
use alimentar::ident::ContentId;
use alimentar::manifest::DatasetKind;
use alimentar::manifest::FileEntry;
use alimentar::progress::NoProgress;
use alimentar::registry::IndexOptions;
use alimentar::trust::KeyPair;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::archives::forged::Forged;
use crate::archives::forged::Tree;
use crate::archives::forged::chunk_entry;
use crate::archives::forged::cut;
use crate::archives::forged::file;
use crate::archives::malicious::checked_alone;
use crate::support::answer;
use crate::support::is_sound;
use crate::support::lines;
use crate::support::listed;
use crate::support::program;
use crate::support::run;
use crate::support::run_on;
use crate::support::serving::Serving;
use crate::support::stderr;
use crate::support::wait::PATIENCE;

const JSONL: u8 = 1;

struct Door {
    dir: tempfile::TempDir,
    key: KeyPair,
}

impl Door {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            key: KeyPair::from_seed(&Zeroizing::new([3; 32])),
        }
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Imports an archive into the home; the program has to come to an end.
    fn import(&self, bytes: &[u8], more: &[&str]) -> (Value, Output) {
        let path = self.dir.path().join("x.alimentar");
        std::fs::write(&path, bytes).unwrap();
        let path = path.to_str().unwrap();
        let words = [&["--json", "registry", "import", path], more].concat();
        let out = run_on(&self.home(), &words);
        (
            serde_json::from_slice(&out.stdout).unwrap_or(Value::Null),
            out,
        )
    }

    /// A signed lie ends with 4 and is told with its signer; nothing of it is to be seen.
    fn refuses(&self, what: &str, forged: &Forged, claim: &str) {
        let (said, out) = self.import(&forged.archive(Some(&self.key)), &[]);
        let reason = said["refused"][0]["reason"].as_str().unwrap_or_default();
        assert_eq!(out.status.code(), Some(4), "{what}: {reason}");
        let signer = self.key.public_key().to_hex();
        assert!(reason.contains(&signer), "{what}: {reason}");
        assert!(reason.contains(claim), "{what}: {reason}");
        assert!(stderr(&out).contains(claim), "{what}: {}", stderr(&out));
        assert_eq!(listed(&self.home()), 0, "{what}");
        let alone = checked_alone(&forged.archive(Some(&self.key))).map(drop);
        let alone = message_with_causes(&alone.unwrap_err());
        assert!(reason.ends_with(&alone), "{what}: {reason}, and {alone}");
        // Without a signature it is refused just so.
        let (_, out) = self.import(&forged.archive(None), &[]);
        assert_eq!(out.status.code(), Some(4), "{what}, unsigned");
        assert_eq!(listed(&self.home()), 0, "{what}, unsigned");
        is_sound(&self.home());
    }
}

fn rows_of(path: &str, bytes: &[u8], rows: u64) -> FileEntry {
    FileEntry {
        format: JSONL,
        rows: Some(rows),
        ..file(path, bytes)
    }
}

#[test]
fn import_of_numbers_denied_by_the_table_is_refused() {
    let door = Door::new();
    let truth = Forged::plain("a.bin", &lines(40, 1));
    let mut files = truth.clone();
    files.manifest.num_files = 2;
    door.refuses("files", &files, "`num_files` is 2");
    let mut rows = truth.clone();
    rows.manifest.num_rows = 40;
    door.refuses("rows", &rows, "`num_rows` is 40");
    let data = lines(40, 1);
    let longer = FileEntry {
        size_bytes: data.len() as u64 + 1,
        ..file("a.bin", &data)
    };
    let longer = Forged::new(&[longer], Tree::of(&cut(&data)));
    door.refuses("bytes", &longer, "`size_bytes` is");
    let two = [file("a", &data[..100]), file("b", &data[100..])];
    let mut kind = Forged::new(&two, Tree::of(&cut(&data)));
    kind.manifest.dataset_kind = DatasetKind::File;
    door.refuses("one file", &kind, "its file table lists 2");
    let (_, out) = door.import(&truth.archive(Some(&door.key)), &[]);
    assert!(out.status.success(), "{}", stderr(&out));
}

#[test]
fn rows_that_the_format_cannot_hold_are_refused() {
    let door = Door::new();
    let data = lines(10, 1);
    let small = Forged::new(
        &[rows_of("a.jsonl", &data, 1_000_000)],
        Tree::of(&cut(&data)),
    );
    door.refuses("more rows than bytes", &small, "has 1000000 rows");
    let data = lines(500, 1);
    let large = Forged::new(&[rows_of("a.jsonl", &data, 502)], Tree::of(&cut(&data)));
    door.refuses("more rows than lines", &large, "has 502 rows");
    let bytes = FileEntry {
        rows: Some(1),
        ..file("a", &data)
    };
    let bytes = Forged::new(&[bytes], Tree::of(&cut(&data)));
    door.refuses("rows of plain bytes", &bytes, "has 1 rows");
}

#[test]
fn import_of_wrongly_cut_chunks_is_refused() {
    let door = Door::new();
    let noise = |seed: u8, count: usize| {
        let mut bytes = vec![0; count];
        blake3::Hasher::new()
            .update(&[seed])
            .finalize_xof()
            .fill(&mut bytes);
        bytes
    };
    let data = noise(1, 30_000);
    let whole = [file("a.bin", &data)];
    let cuts: [(&str, &[usize], &str); 3] = [
        ("a short chunk", &[100], "is too short"),
        ("a short chunk in between", &[9_000, 12_000], "is too short"),
        (
            "a short chunk at the end",
            &[29_000, 29_999],
            "is too short",
        ),
    ];
    for (what, at, claim) in cuts {
        let mut chunks = Vec::new();
        let mut from = 0;
        for to in at.iter().chain([&data.len()]) {
            chunks.push(data[from..*to].to_vec());
            from = *to;
        }
        door.refuses(what, &Forged::new(&whole, Tree::of(&chunks)), claim);
    }
    let mut data = noise(2, 140_000);
    data.retain(|b| *b != b'\n');
    let (long, rest) = data.split_at(60_000);
    let tree = Tree::of(&[&[long.to_vec()], cut(rest).as_slice()].concat());
    let forged = Forged::new(&[file("a.bin", &data)], tree);
    door.refuses("a long chunk without a newline", &forged, "too long to end");
    // Two large files: a chunk may not be of both.
    let (a, b) = data.split_at(70_000);
    let chunks = [
        cut(&a[..60_000]),
        vec![data[60_000..80_000].to_vec()],
        cut(&data[80_000..]),
    ];
    let over = Forged::new(&[file("a", a), file("b", b)], Tree::of(&chunks.concat()));
    door.refuses(
        "a chunk of two regions",
        &over,
        "over the end of its region",
    );
    // One byte a chunk, so many that walking them would be work of its own.
    let entry = chunk_entry(b"x");
    let tiny = Tree {
        chunks: Tree::of(&[b"x".to_vec()]).chunks,
        ..Tree::listing(&vec![entry; 20_000])
    };
    let forged = Forged::new(&[file("a", &[b'x'; 20_000])], tiny);
    door.refuses("a chunk a byte", &forged, "are cut into 20000 chunks");
}

#[test]
fn import_of_impossible_paths_is_refused() {
    let door = Door::new();
    let data = lines(3, 1);
    let long = "x".repeat(256);
    let deep = "ab/".repeat(1400) + "f";
    for path in [
        long.as_str(),
        &format!("a/{long}/b"),
        "..",
        "../up",
        "a/../b",
        "/etc/passwd",
        "a//b",
        "a/",
        ".",
        "",
        "a\0b",
    ] {
        let forged = Forged::new(&[file(path, &data)], Tree::of(&cut(&data)));
        door.refuses(path, &forged, "its file table lists a path that cannot be");
    }
    // Longer than any path is; the table's own limit says so.
    let forged = Forged::new(&[file(&deep, &data)], Tree::of(&cut(&data)));
    door.refuses("a path of 4,201 bytes", &forged, "path bytes is 4201");
    for paths in [["b", "a"], ["a", "a"], ["a", "a/b"]] {
        let (one, two) = data.split_at(10);
        let files = [file(paths[0], one), file(paths[1], two)];
        let forged = Forged::new(&files, Tree::of(&cut(&data)));
        let (_, out) = door.import(&forged.archive(Some(&door.key)), &[]);
        assert_eq!(out.status.code(), Some(4), "{paths:?}: {}", stderr(&out));
    }
    // As long as a part may be.
    let forged = Forged::plain(&"x".repeat(255), &data);
    let (_, out) = door.import(&forged.archive(Some(&door.key)), &[]);
    assert!(out.status.success(), "{}", stderr(&out));
}

#[test]
fn archive_counts_newlines_of_chunks_that_are_here() {
    let door = Door::new();
    let data = lines(20, 1);
    let held = door.dir.path().join("held.bin");
    std::fs::write(&held, &data).unwrap();
    let indexed = answer(&door.home(), &["registry", "index", held.to_str().unwrap()]);
    assert_eq!(indexed["files"], 1);
    let mut entry = chunk_entry(&data);
    entry.newlines += 1;
    // The archive leaves out what is here.
    let forged = Forged::new(&[file("a.bin", &data)], Tree::listing(&[entry]));
    let (said, out) = door.import(&forged.archive(Some(&door.key)), &[]);
    assert_eq!(out.status.code(), Some(4), "{said}");
    let reason = said["refused"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("is listed with 21 newlines"), "{reason}");
    assert_eq!(listed(&door.home()), 1);
}

#[test]
fn verify_recounts_numbers_that_import_believes() {
    let data = lines(20, 1);
    let dir = tempfile::tempdir().unwrap();
    let key = KeyPair::from_seed(&Zeroizing::new([3; 32]));
    let registry = LocalRegistry::open(&dir.path().join("maker")).unwrap();
    let path = dir.path().join("a.jsonl");
    std::fs::write(&path, &data).unwrap();
    let made = registry.index(&path, &IndexOptions::default(), &NoProgress);
    let made = made.unwrap().manifest;
    let truth = registry.files(&made).unwrap().files()[0].clone();
    assert_eq!((truth.format, truth.rows), (JSONL, Some(20)));
    let lies: [(&str, FileEntry, &str); 4] = [
        (
            "rows",
            FileEntry {
                rows: Some(19),
                ..truth.clone()
            },
            "is listed with 19 rows, and has 20",
        ),
        (
            "format",
            FileEntry {
                format: 3,
                ..truth.clone()
            },
            "is listed as csv, and is jsonl",
        ),
        (
            "schema",
            FileEntry {
                schema: Some([4; 32]),
                ..truth.clone()
            },
            "is listed with another schema",
        ),
        (
            "nothing, where the manifest has another schema",
            truth.clone(),
            "`schema` is not what",
        ),
    ];
    for (what, entry, claim) in lies {
        let door = Door::new();
        let mut forged = Forged::new(&[entry], Tree::of(&cut(&data)));
        forged.manifest.schema = made.schema.clone();
        if what.starts_with("nothing") {
            forged.manifest.schema = Vec::new();
        }
        let (_, out) = door.import(&forged.archive(Some(&key)), &[]);
        assert!(out.status.success(), "{what}: {}", stderr(&out));
        let out = run(&door.home(), &["registry", "verify", "forged"]);
        let said: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(
            (out.status.code(), &said["content"]),
            (Some(4), &"corrupt".into())
        );
        let error = stderr(&out);
        assert!(error.contains(claim), "{what}: {error}");
        assert!(
            error.contains(&key.public_key().to_hex()),
            "{what}: {error}"
        );
    }
    // The truth verifies, also in the home that it came to.
    let door = Door::new();
    let mut forged = Forged::new(&[truth], Tree::of(&cut(&data)));
    forged.manifest.schema = made.schema.clone();
    let (_, out) = door.import(&forged.archive(Some(&key)), &[]);
    assert!(out.status.success(), "{}", stderr(&out));
    answer(&door.home(), &["registry", "verify", "forged"]);
}

#[test]
fn import_of_known_datasets_reads_the_whole_archive() {
    let door = Door::new();
    let data = lines(2_000, 1);
    let archive = Forged::plain("a.bin", &data).archive(Some(&door.key));
    let (said, out) = door.import(&archive, &[]);
    assert!(out.status.success(), "{said}");
    let (said, out) = door.import(&archive, &[]);
    assert_eq!(
        (
            out.status.code(),
            said["already_here"].as_array().unwrap().len()
        ),
        (Some(0), 1)
    );
    // The bytes after the manifest are damaged, missing, or too many.
    let cut_off = &archive[..archive.len() - 1];
    let trailing = [archive.as_slice(), b"more"].concat();
    let mut other = Forged::plain("a.bin", &data);
    for chunk in other.data.chunks.values_mut() {
        chunk[0] ^= 1;
    }
    let bent = other.archive(Some(&door.key));
    for (what, bytes) in [
        ("cut off", cut_off),
        ("trailing", &trailing),
        ("bent", &bent),
    ] {
        let (said, out) = door.import(bytes, &[]);
        assert_eq!(out.status.code(), Some(4), "{what}: {said}");
        assert_eq!(said["refused"].as_array().unwrap().len(), 1, "{what}");
        assert_eq!(listed(&door.home()), 1);
    }
    is_sound(&door.home());
}

/// 64 KiB of zeros, named so often that they claim 16 TiB.
fn sixteen_tebibytes() -> Forged {
    let data = Tree::repeating(&vec![0; 65_536], 128, 3);
    let claimed = data.totals.bytes;
    let zeros = FileEntry {
        size_bytes: claimed,
        content_id: Some(ContentId::from_bytes(b"nobody has ever hashed so much")),
        ..file("zeros.bin", b"")
    };
    let mut forged = Forged::new(&[zeros], data);
    forged.manifest.content_id = ContentId::from_bytes(b"nobody has ever hashed so much");
    forged
}

#[test]
fn repeating_tree_costs_no_more_than_its_bytes() {
    let door = Door::new();
    let forged = sixteen_tebibytes();
    assert_eq!(forged.manifest.size_bytes, 16 << 40);
    for key in [None, Some(&door.key)] {
        let archive = forged.archive(key);
        assert!(archive.len() < 4_000, "{} bytes", archive.len());
        let (said, out) = door.import(&archive, &[]);
        assert_eq!(out.status.code(), Some(5), "{said}");
        let reason = said["refused"][0]["reason"].as_str().unwrap();
        for word in ["17592186044416", "65536", "--allow-large"] {
            assert!(reason.contains(word), "{reason}");
        }
        let alone = checked_alone(&archive).unwrap().datasets[0]
            .outcome
            .reason();
        assert!(reason.ends_with(&alone.unwrap()), "{reason}");
        assert_eq!(listed(&door.home()), 0);
    }
    // A file table that repeats is no table, and is not read to find that out.
    let mut forged = Forged::plain("a.bin", b"a");
    forged.table = Tree::repeating(&vec![1; 65_536], 128, 3);
    forged.manifest.file_table_root = forged.table.root;
    forged.manifest.file_table_bytes = forged.table.totals.bytes;
    let (said, out) = door.import(&forged.archive(Some(&door.key)), &[]);
    assert_eq!(out.status.code(), Some(5), "{said}");
    is_sound(&door.home());
}

#[test]
fn dataset_large_by_repetition_needs_consent() {
    let door = Door::new();
    // As an index cuts zeros: 1.09 GB of them, a little more than comes unasked.
    let chunk = vec![0; 57_344];
    let data = Tree::listing(&vec![chunk_entry(&chunk); 512 * 37]);
    let data = Tree {
        chunks: Tree::of(std::slice::from_ref(&chunk)).chunks,
        ..data
    };
    let mut hasher = blake3::Hasher::new();
    for _ in 0..data.totals.chunks {
        hasher.update(&chunk);
    }
    let zeros = FileEntry {
        size_bytes: data.totals.bytes,
        content_id: Some(ContentId::new(*hasher.finalize().as_bytes())),
        ..file("zeros.bin", b"")
    };
    let archive = Forged::new(&[zeros], data).archive(Some(&door.key));
    let (said, out) = door.import(&archive, &[]);
    assert_eq!(out.status.code(), Some(5), "{said}");
    let (said, out) = door.import(&archive, &["--allow-large"]);
    assert!(out.status.success(), "{said}: {}", stderr(&out));
    // It is here, and still nobody reads all of it by mistake.
    let dest = door.dir.path().join("zeros.bin");
    let to = dest.to_str().unwrap();
    for words in [
        &["registry", "cat", "forged"][..],
        &["registry", "checkout", "forged", to],
        &["inspect", "lines", "forged"],
    ] {
        let out = run_on(&door.home(), &[&["--json"], words].concat());
        let error: Value = serde_json::from_slice(&out.stderr).unwrap();
        assert_eq!(
            (out.status.code(), &error["error"]["kind"]),
            (Some(5), &"denied".into()),
            "{words:?}: {error}"
        );
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains("--allow-large"), "{message}");
        assert!(out.stdout.is_empty() && !dest.exists(), "{words:?}");
    }
    let words = ["--allow-large", "inspect", "info", "forged"];
    let info = answer(&door.home(), &words);
    assert_eq!(info["size_bytes"], 1_086_324_736_u64);
    // Nor does it go on to others unasked: who follows its publisher refuses it and says so.
    let key = door.key.public_key();
    let trust = ["registry", "trust", "add", "lab", &key.to_hex()];
    answer(&door.home(), &trust);
    let serving = Serving::start(&door.home(), &[]);
    let reader = door.dir.path().join("reader");
    std::fs::create_dir(&reader).unwrap();
    let trust = format!("version = 1\n\n[publisher.lab]\nkey = \"{key}\"\nlevel = \"full\"\n");
    std::fs::write(reader.join("trust.toml"), trust).unwrap();
    let peer = format!("{}@{}", serving.node_id(), serving.addr());
    let out = run_on(&reader, &["registry", "pull", "forged", "--peer", &peer]);
    assert_eq!(out.status.code(), Some(5), "{}", stderr(&out));
    let known = format!("{} {}\n", serving.addr(), serving.node_id());
    std::fs::write(reader.join("known_peers"), known).unwrap();
    let event = first_event(&reader, "not_followed", &["--follow", "lab"]);
    let error = event["error"].as_str().unwrap();
    assert!(error.contains("1086324736 bytes"), "{event}");
    assert_eq!(listed(&reader), 0);
    is_sound(&reader);
}

/// Serves a home until it tells of an event of this kind.
fn first_event(home: &Path, kind: &str, more: &[&str]) -> Value {
    let mut command = program(home);
    command.args([
        "registry",
        "serve",
        "--no-mdns",
        "--bind",
        "127.0.0.1",
        "--port",
        "0",
    ]);
    let mut child = command.args(more).stdout(Stdio::piped()).spawn().unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap()).lines();
    let wanted = kind.to_owned();
    let (sender, found) = mpsc::channel();
    std::thread::spawn(move || {
        let read = |line: String| serde_json::from_str::<Value>(&line).unwrap();
        let mut events = events.by_ref().map_while(Result::ok).map(read);
        let event = events.find(|e| e["event"] == wanted.as_str());
        let _ = sender.send(event);
    });
    let event = found.recv_timeout(PATIENCE);
    child.kill().unwrap();
    child.wait().unwrap();
    event.unwrap().unwrap()
}
