//! Archives made to do harm: every one is refused with a clear error, and the registry is as it
//! was before.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use alimentar::LocalRegistry;
use alimentar::archive::compress_frame;
use alimentar::archive::decompress_frame;
use alimentar::archive::read_frame;
use alimentar::archive_check::CheckError;
use alimentar::archive_check::CheckedArchive;
use alimentar::archive_check::TrustSettings;
use alimentar::archive_check::check_archive;
use alimentar::clock::Timestamp;
use alimentar::error_kind::Classify;
use alimentar::error_kind::ErrorKind;
use alimentar::error_kind::message_with_causes;
use alimentar::progress::NoProgress;
use alimentar::registry::ExportOptions;
use alimentar::registry::ImportOptions;
use alimentar::registry::IndexOptions;
use alimentar::registry::archive_inputs;
use alimentar::trust::KeyPair;
use zeroize::Zeroizing;

use crate::support::lines;

/// Checks an archive as a page does, with no registry and no publisher known.
pub fn checked_alone(bytes: &[u8]) -> Result<CheckedArchive, CheckError> {
    let settings = TrustSettings::new(Timestamp(1_800_000_000));
    check_archive(
        Arc::new(bytes.to_vec()),
        "try.alimentar",
        &settings,
        &NoProgress,
    )
}

/// An importing registry with something in it, and archives to tamper with.
struct Door {
    dir: tempfile::TempDir,
    registry: LocalRegistry,
    before: Vec<String>,
}

const BLOCK: usize = 512;

/// A tar entry: its header block and its padded bytes.
type Entry = (Vec<u8>, Vec<u8>);

impl Door {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = LocalRegistry::open(&dir.path().join("importer")).unwrap();
        let file = dir.path().join("held.jsonl");
        std::fs::write(&file, lines(50, 77)).unwrap();
        registry
            .index(&file, &IndexOptions::default(), &NoProgress)
            .unwrap();
        let before = Self::listing(&registry);
        Self {
            dir,
            registry,
            before,
        }
    }

    fn listing(registry: &LocalRegistry) -> Vec<String> {
        let list = registry.list().unwrap();
        list.iter()
            .map(|d| format!("{} {}", d.manifest.name, d.envelope_id))
            .collect()
    }

    /// Exports a dataset signed with a seed; the tar inside.
    fn tar_of(&self, name: &str, rows: usize, seed: u8) -> Vec<u8> {
        let home = LocalRegistry::open(&self.dir.path().join(format!("exporter-{name}"))).unwrap();
        let file = self.dir.path().join(format!("{name}.jsonl"));
        std::fs::write(&file, lines(rows, u64::from(seed))).unwrap();
        let options = IndexOptions::signed_with(KeyPair::from_seed(&Zeroizing::new([seed; 32])));
        home.index(&file, &options, &NoProgress).unwrap();
        let dest = self.dir.path().join(format!("{name}.alimentar"));
        let list = home.list().unwrap();
        home.archives()
            .export(&list, &dest, &ExportOptions::default(), &NoProgress)
            .unwrap();
        unpack(&std::fs::read(dest).unwrap())
    }

    fn import(&self, bytes: &[u8]) -> Result<(), (ErrorKind, String)> {
        let path = self.dir.path().join("try.alimentar");
        std::fs::write(&path, bytes).unwrap();
        let parcel = archive_inputs(&[path]).unwrap().remove(0);
        let done = self
            .registry
            .archives()
            .import(&parcel, &ImportOptions::default(), &NoProgress);
        let done = done.map(drop).map_err(|e| (e.kind(), e));
        // A check without a registry refuses it in the same words.
        let words = done.as_ref().err().map(|(_, e)| message_with_causes(e));
        let alone = checked_alone(bytes).err();
        assert_eq!(alone.map(|e| message_with_causes(&e)), words);
        done.map_err(|(kind, e)| (kind, e.to_string()))
    }

    /// Refused for its bytes, and nothing has changed.
    fn refuses(&self, what: &str, bytes: &[u8]) {
        match self.import(bytes) {
            Err((ErrorKind::Integrity, message)) => assert!(!message.is_empty()),
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(Self::listing(&self.registry), self.before, "{what}");
    }

    fn refuses_tar(&self, what: &str, tar: &[u8]) {
        self.refuses(what, &pack(tar));
    }

    fn is_clean(&self) {
        assert!(
            self.registry
                .maintenance()
                .fsck(&NoProgress)
                .unwrap()
                .is_clean()
        );
        assert_eq!(Self::listing(&self.registry), self.before);
    }
}

fn unpack(mut bytes: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    while let Some(frame) = read_frame(&mut bytes).unwrap() {
        tar.extend(decompress_frame(&frame).unwrap());
    }
    tar
}

fn pack(tar: &[u8]) -> Vec<u8> {
    let frames = tar.chunks(4 << 20).map(|p| compress_frame(p).unwrap());
    frames.collect::<Vec<_>>().concat()
}

fn entries(tar: &[u8]) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut at = 0;
    while tar[at] != 0 {
        let size = std::str::from_utf8(&tar[at + 124..at + 135]).unwrap();
        let size = usize::from_str_radix(size, 8).unwrap().div_ceil(BLOCK) * BLOCK;
        let end = at + BLOCK + size;
        found.push((tar[at..at + BLOCK].to_vec(), tar[at + BLOCK..end].to_vec()));
        at = end;
    }
    found
}

fn joined(entries: &[Entry]) -> Vec<u8> {
    let mut tar: Vec<u8> = entries
        .iter()
        .flat_map(|(h, b)| [h.as_slice(), b].concat())
        .collect();
    tar.extend([0; 2 * BLOCK]);
    tar
}

fn name(entry: &Entry) -> String {
    String::from_utf8_lossy(&entry.0[..100])
        .trim_end_matches('\0')
        .to_owned()
}

/// The header with something else in it, and a checksum that fits.
fn header(entry: &Entry, change: impl FnOnce(&mut tar::Header)) -> Entry {
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes().copy_from_slice(&entry.0);
    change(&mut header);
    header.set_cksum();
    (header.as_bytes().to_vec(), entry.1.clone())
}

#[test]
fn import_of_foreign_tar_entries_is_refused() {
    let door = Door::new();
    let tar = door.tar_of("a", 400, 1);
    let all = entries(&tar);
    assert_eq!(joined(&all), tar);
    let at = |wanted: &str| all.iter().position(|e| name(e).contains(wanted)).unwrap();
    let (card_at, chunk_at, node_at) = (at("manifest.json"), at(".chunk"), at(".node"));
    let with = |n: usize, entry: Entry| {
        let mut changed = all.clone();
        changed[n] = entry;
        joined(&changed)
    };
    type Change = fn(&mut tar::Header);
    let changes: [(&str, Change); 14] = [
        ("a path that climbs", |h| {
            h.as_mut_bytes()[..12].copy_from_slice(b"../../passwd")
        }),
        ("an absolute path", |h| {
            h.as_mut_bytes()[..11].copy_from_slice(b"/etc/passwd")
        }),
        ("capitals", |h| {
            h.as_mut_bytes()[..4].copy_from_slice(b"DATA")
        }),
        ("a name that is not UTF-8", |h| h.as_mut_bytes()[5] = 0xff),
        ("a symbolic link", |h| {
            h.set_entry_type(tar::EntryType::Symlink)
        }),
        ("a hard link", |h| h.set_entry_type(tar::EntryType::Link)),
        ("a device", |h| h.set_entry_type(tar::EntryType::Block)),
        ("a directory", |h| {
            h.set_entry_type(tar::EntryType::Directory)
        }),
        ("a PAX header", |h| {
            h.set_entry_type(tar::EntryType::XHeader)
        }),
        ("a GNU long name", |h| {
            h.set_entry_type(tar::EntryType::GNULongName)
        }),
        ("a sparse file", |h| {
            h.set_entry_type(tar::EntryType::GNUSparse)
        }),
        ("a set-uid bit", |h| h.set_mode(0o4755)),
        ("an owner", |h| h.set_uid(1000)),
        ("a prefix", |h| {
            h.as_mut_bytes()[345..348].copy_from_slice(b"etc")
        }),
    ];
    for (what, change) in changes {
        for n in [card_at, chunk_at, node_at] {
            door.refuses_tar(what, &with(n, header(&all[n], change)));
        }
    }
    for size in [0, 1, 70_000, 1 << 33, u64::MAX >> 1] {
        for n in [0, card_at, chunk_at, node_at] {
            door.refuses_tar(
                "a size that lies",
                &with(n, header(&all[n], |h| h.set_size(size))),
            );
        }
    }
    for n in 0..all.len() {
        let mut less = all.clone();
        let gone = less.remove(n);
        door.refuses_tar(&format!("without {}", name(&gone)), &joined(&less));
        let mut twice = all.clone();
        twice.insert(n, all[n].clone());
        door.refuses_tar(&format!("{} twice", name(&gone)), &joined(&twice));
        if n + 1 < all.len() {
            let mut swapped = all.clone();
            swapped.swap(n, n + 1);
            door.refuses_tar(&format!("{} later", name(&gone)), &joined(&swapped));
        }
        let mut bent = all[n].clone();
        bent.1[3] ^= 1;
        door.refuses_tar(&format!("{} bent", name(&gone)), &with(n, bent));
    }
    let mut more = tar.clone();
    more.extend([0; BLOCK]);
    door.refuses_tar("a block too many", &more);
    let mut more = tar.clone();
    more.extend(joined(&all));
    door.refuses_tar("another archive behind", &more);
    door.refuses_tar("no end", &tar[..tar.len() - BLOCK]);
    door.refuses("bytes behind", &[pack(&tar), b"x".to_vec()].concat());
    door.refuses(
        "a frame behind",
        &[pack(&tar), compress_frame(b"x").unwrap()].concat(),
    );
    door.is_clean();
    // And untouched it comes in.
    door.import(&pack(&tar)).unwrap();
}

#[test]
fn import_of_mixed_archive_parts_is_refused() {
    let door = Door::new();
    let (a, b) = (
        entries(&door.tar_of("a", 400, 1)),
        entries(&door.tar_of("b", 400, 2)),
    );
    let at = |of: &[Entry], wanted: &str| of.iter().position(|e| name(e).contains(wanted)).unwrap();
    for part in [
        "archive.json",
        "manifest.json",
        "signature.bin",
        ".node",
        ".chunk",
    ] {
        let mut mixed = a.clone();
        mixed[at(&a, part)] = b[at(&b, part)].clone();
        door.refuses_tar(&format!("{part} of another"), &joined(&mixed));
        // Under the right name, too.
        let mut renamed = a.clone();
        let n = at(&a, part);
        let foreign = &b[at(&b, part)];
        renamed[n] = header(&a[n], |h| h.set_size(foreign_size(foreign)));
        renamed[n].1.clone_from(&foreign.1);
        door.refuses_tar(&format!("{part} of another, renamed"), &joined(&renamed));
    }
    door.is_clean();
}

fn foreign_size(entry: &Entry) -> u64 {
    let digits = std::str::from_utf8(&entry.0[124..135]).unwrap();
    u64::from_str_radix(digits, 8).unwrap()
}

#[test]
fn import_of_cut_and_flipped_archives_is_refused() {
    let door = Door::new();
    let tar = door.tar_of("a", 12, 1);
    let whole = pack(&tar);
    for cut in 0..whole.len() {
        door.refuses(&format!("cut at {cut}"), &whole[..cut]);
    }
    let mut noise = blake3::Hasher::new().update(b"flips").finalize_xof();
    let mut below = |limit: usize| {
        let mut bytes = [0; 4];
        noise.fill(&mut bytes);
        u32::from_le_bytes(bytes) as usize % limit
    };
    for round in 0..1500 {
        let mut bent = whole.clone();
        bent[below(whole.len())] ^= 1 << below(8);
        // Some bits of a zstd frame mean nothing: then the same tar comes out.
        let mut source = bent.as_slice();
        let frame = read_frame(&mut source).ok().flatten();
        let inside = frame.and_then(|f| decompress_frame(&f).ok());
        if inside.as_deref() != Some(&tar) || !source.is_empty() {
            door.refuses(&format!("flip {round}"), &bent);
        }
        let mut bent = tar.clone();
        bent[below(tar.len())] ^= 1 << below(8);
        door.refuses_tar(&format!("flip {round} inside"), &bent);
    }
    door.is_clean();
}

#[test]
fn archive_bombs_cost_no_more_than_their_size() {
    let door = Door::new();
    // The frame that stock zstd makes of many zeros: far larger than the frames of archives.
    let claims = |size: u64| {
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xe0];
        frame.extend(size.to_le_bytes());
        frame.extend([0x03, 0x00, 0x10, 0x00]);
        frame
    };
    for size in [9 << 20, 1 << 40, u64::MAX] {
        door.refuses("a frame that claims much", &claims(size));
    }
    // Empty frames and skippable frames for ever have to end some time: with the file.
    let empty = compress_frame(b"").unwrap();
    door.refuses("empty frames", &empty.repeat(10_000));
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff];
    door.refuses("a skippable frame that claims much", &skippable);
    // A tar of zeros is an end without a beginning.
    door.refuses_tar("zeros", &vec![0; 4 << 20]);
    // A header that promises a hundred thousand datasets.
    let tar = door.tar_of("a", 12, 1);
    let mut all = entries(&tar);
    let many = format!(
        "{{\"version\":1,\"datasets\":[{}],\"base\":[]}}",
        vec!["{\"envelope\":\"\",\"name\":\"\",\"version\":\"\",\"content_id\":\"\"}"; 100_001]
            .join(",")
    );
    all[0] = header(&all[0], |h| h.set_size(many.len() as u64));
    let mut body = many.into_bytes();
    body.resize(body.len().div_ceil(BLOCK) * BLOCK, 0);
    all[0].1 = body;
    door.refuses_tar("too many datasets", &joined(&all));
    door.is_clean();
}

#[test]
fn signed_lie_is_found_and_its_signer_named() {
    let door = Door::new();
    let tar = door.tar_of("a", 400, 1);
    let mut all = entries(&tar);
    let (manifest_at, signature_at) = (1, 2);
    let size = foreign_size(&all[manifest_at]) as usize;
    let text = String::from_utf8(all[manifest_at].1[..size].to_vec()).unwrap();
    // The signer himself gives another content id, the same length.
    let mut lied = alimentar::manifest::Manifest::decode(text.as_bytes()).unwrap();
    let true_id = lied.content_id.to_hex();
    lied.content_id = alimentar::ident::ContentId::from_bytes(b"something else");
    let pair = KeyPair::from_seed(&Zeroizing::new([1; 32]));
    let envelope = pair.sign(&mut lied).unwrap();
    assert_eq!(envelope.manifest.len(), size);
    all[manifest_at].1[..size].copy_from_slice(&envelope.manifest);
    let signature = envelope.signature.unwrap();
    all[signature_at].1[..32].copy_from_slice(signature.key.as_bytes());
    all[signature_at].1[32..96].copy_from_slice(&signature.bytes);
    let old = all[0].1.clone();
    let header_size = foreign_size(&all[0]) as usize;
    let json: serde_json::Value = serde_json::from_slice(&old[..header_size]).unwrap();
    let claimed = json["datasets"][0]["envelope"].as_str().unwrap();
    let text = String::from_utf8(old)
        .unwrap()
        .replace(claimed, &envelope.id().to_hex())
        .replace(&true_id, &lied.content_id.to_hex());
    all[0].1 = text.into_bytes();
    let (kind, message) = door.import(&pack(&joined(&all))).unwrap_err();
    assert_eq!(kind, ErrorKind::Integrity);
    assert!(message.contains(&pair.public_key().to_hex()), "{message}");
    door.is_clean();
}

#[test]
fn interrupted_export_leaves_no_complete_archive() {
    struct Impatient(std::sync::atomic::AtomicU64);
    impl alimentar::progress::Progress for Impatient {
        fn advance(&self, bytes: u64) {
            self.0
                .fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
        }
        fn cancelled(&self) -> bool {
            self.0.load(std::sync::atomic::Ordering::Relaxed) > 3 << 20
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let registry = LocalRegistry::open(&dir.path().join("home")).unwrap();
    let file = dir.path().join("f.jsonl");
    std::fs::write(&file, lines(60_000, 1)).unwrap();
    registry
        .index(&file, &IndexOptions::default(), &NoProgress)
        .unwrap();
    let list = registry.list().unwrap();
    let into = dir.path().join("out");
    std::fs::create_dir(&into).unwrap();
    let dest = into.join("x.alimentar");
    let stopped = registry.archives().export(
        &list,
        &dest,
        &ExportOptions::default(),
        &Impatient(0.into()),
    );
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(names(&into), Vec::<PathBuf>::new());
    registry
        .archives()
        .export(&list, &dest, &ExportOptions::default(), &NoProgress)
        .unwrap();
    assert_eq!(names(&into), std::slice::from_ref(&dest));
    // An import that is stopped, and goes on when it is run again.
    let other = LocalRegistry::open(&dir.path().join("other")).unwrap();
    let parcel = archive_inputs(&[dest]).unwrap().remove(0);
    let stopped = other
        .archives()
        .import(&parcel, &ImportOptions::default(), &Impatient(0.into()));
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Interrupted);
    assert!(
        other.list().unwrap().is_empty()
            && other.maintenance().fsck(&NoProgress).unwrap().is_clean()
    );
    other
        .archives()
        .import(&parcel, &ImportOptions::default(), &NoProgress)
        .unwrap();
    let here = other.list().unwrap().remove(0);
    other.verify(&here, &NoProgress).unwrap();
}

fn names(dir: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect()
}
