//! One function for every decoder of bytes that others made. libFuzzer calls them, and so does a
//! seeded run of mutations in the tests.

mod documents;
mod doors;
mod duplicates;
mod edits;
mod features;
mod figures;
mod json;
mod lint;
mod mcp;
mod remote;
mod resemblance;
mod row_index;
mod table;

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;

use alimentar::LocalRegistry;
use alimentar::age_format::Decryptor;
use alimentar::archive::Receipt;
use alimentar::archive::VolumeTrailer;
use alimentar::archive::compress_frame;
use alimentar::archive_check::OpenArchive;
use alimentar::archive_check::Outcome;
use alimentar::archive_check::TrustSettings;
use alimentar::archive_check::check_archive;
use alimentar::catalog::Tombstone;
use alimentar::chunk::Codec;
use alimentar::chunk::apply;
use alimentar::chunk::decompress;
use alimentar::clock::Timestamp;
use alimentar::ident::BlobId;
use alimentar::ident::ContentId;
use alimentar::ident::HexPrefix;
use alimentar::ident::Reference;
use alimentar::inspect::Describer;
use alimentar::inspect::SchemaMessage;
use alimentar::inspect::line_index::StoredIndex;
use alimentar::manifest::Envelope;
use alimentar::manifest::FileTable;
use alimentar::manifest::Manifest;
use alimentar::manifest::Node;
use alimentar::net::PeerAddress;
use alimentar::pack::Record;
use alimentar::pack::RecordView;
use alimentar::pack::scan;
use alimentar::progress::NoProgress;
use alimentar::protocol::Element;
use alimentar::protocol::Filter;
use alimentar::protocol::FrameReader;
use alimentar::protocol::Request;
use alimentar::protocol::Response;
use alimentar::protocol::Salt;
use alimentar::protocol::ServiceRecord;
use alimentar::protocol::reconcile::CompareStep;
use alimentar::protocol::reconcile::Encoder;
use alimentar::protocol::reconcile::Keys;
use alimentar::protocol::reconcile::Reconciler;
use alimentar::protocol::reconcile::Symbol;
use alimentar::protocol::reconcile::Symbols;
use alimentar::protocol::reconcile::SymbolsRequest;
use alimentar::read_at::ReadAt;
use alimentar::registry::ImportOptions;
use alimentar::registry::archive_inputs;
use alimentar::registry::decode_part;
use alimentar::registry::encode_part;
use alimentar::trust::LockedKey;
use alimentar::trust::Statement;
use alimentar::trust::TrustFile;
use alimentar::trust::UnverifiedManifest;

/// libFuzzer ends the process at every panic. One of a library that the program catches and makes an error
/// of is no finding.
pub fn let_caught_panics_pass() {
    let all = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !alimentar::panics::panic_becomes_error() {
            all(panic);
        }
    }));
}

pub use documents::documents;
pub use documents::documents_seeds;
pub use doors::door_request;
pub use duplicates::duplicates;
pub use duplicates::sketch_cache;
pub use duplicates::sketch_cache_seeds;
pub use edits::edits;
pub use edits::edits_seeds;
pub use features::feature_config;
pub use features::feature_request;
pub use features::feature_segment;
pub use figures::statistics;
pub use json::json_scan;
pub use lint::lint;
pub use mcp::mcp_call;
pub use remote::remote;
pub use resemblance::resemblance;
pub use resemblance::resemblance_seeds;
pub use row_index::row_index;
pub use table::table;

/// A decoder under test.
pub type Target = fn(&[u8]);

/// All of them, by name.
pub const TARGETS: [(&str, Target); 43] = [
    ("reference", reference),
    ("manifest", manifest),
    ("envelope", envelope),
    ("file_table", file_table),
    ("node", node),
    ("record", record),
    ("delta", delta),
    ("pack", pack),
    ("tombstone", tombstone),
    ("schema", schema),
    ("describe", describe),
    ("card", card),
    ("query", query),
    ("key_file", key_file),
    ("age_file", age_file),
    ("statement", statement),
    ("trust_file", trust_file),
    ("receipt", receipt),
    ("archive", archive),
    ("request", request),
    ("response", response),
    ("filter", filter),
    ("iblt_symbols", iblt_symbols),
    ("peer_address", peer_address),
    ("service_record", service_record),
    ("json_scan", json_scan),
    ("line_index", line_index),
    ("row_index", row_index),
    ("edits", edits),
    ("table", table),
    ("door_request", door_request),
    ("feature_config", feature_config),
    ("feature_request", feature_request),
    ("feature_segment", feature_segment),
    ("documents", documents),
    ("duplicates", duplicates),
    ("sketch_cache", sketch_cache),
    ("resemblance", resemblance),
    ("lint", lint),
    ("statistics", statistics),
    ("mcp_call", mcp_call),
    ("remote", remote),
    ("intake_part", intake_part),
];

/// References, and with them names, versions and ids.
pub fn reference(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(reference) = text.parse::<Reference>()
    {
        let again: Reference = reference.to_string().parse().unwrap();
        assert_eq!(again.to_string(), reference.to_string());
    }
}

/// Manifests.
pub fn manifest(data: &[u8]) {
    if let Ok(manifest) = Manifest::decode(data) {
        let bytes = manifest.encode().unwrap();
        assert_eq!(Manifest::decode(&bytes).unwrap().encode().unwrap(), bytes);
    }
}

/// Parts of the journal of an intake.
pub fn intake_part(data: &[u8]) {
    if let Ok(files) = decode_part(data) {
        assert_eq!(decode_part(&encode_part(&files)).unwrap(), files);
    }
}

/// Envelopes.
pub fn envelope(data: &[u8]) {
    if let Ok(envelope) = Envelope::decode(data) {
        assert_eq!(envelope.encode(), data);
        let is_signed = envelope.signature.is_some();
        if let Ok(verified) = UnverifiedManifest::new(envelope).verify() {
            assert_eq!(verified.manifest().signer.is_some(), is_signed);
        }
    }
}

/// File tables.
pub fn file_table(data: &[u8]) {
    if let Ok(table) = FileTable::decode(data) {
        assert_eq!(FileTable::decode(&table.encode().unwrap()), Ok(table));
    }
}

/// Nodes of chunk trees.
pub fn node(data: &[u8]) {
    if let Ok(node) = Node::decode(data) {
        assert_eq!(node.encode(), data);
    }
}

/// Records, and the payloads in them.
pub fn record(data: &[u8]) {
    if let Ok(view) = RecordView::decode(data) {
        let _ = view.payload_is_intact();
        let _ = view.unpack();
        let _ = view.unpack_on(base());
        // A header that passed its check is one that a writer could have made.
        if let (Some(kind), Some(codec)) = (view.header.kind, view.header.codec)
            && let Ok(payload) = view.unpack()
            && codec == Codec::Raw
        {
            let _ = Record {
                kind,
                codec,
                flags: view.header.flags,
                sequence: view.header.sequence,
                items: view.header.items.clone(),
                bases: Vec::new(),
                payload,
            }
            .encode();
        }
    }
    for codec in [Codec::Raw, Codec::Zstd] {
        let _ = decompress(codec, data, 1 << 16);
    }
}

/// Returns the base of the seeds of deltas.
pub fn base() -> Vec<u8> {
    let line = |n: u32| {
        format!(
            "{{\"n\":{n},\"text\":\"{:08x}\"}}\n",
            n.wrapping_mul(0x9e37_79b9)
        )
    };
    (0..400).map(line).collect::<String>().into_bytes()
}

/// Decodes a delta. The first two bytes are the unpacked length that it claims.
pub fn delta(data: &[u8]) {
    let Some((length, frame)) = data.split_first_chunk() else {
        return;
    };
    let length = usize::from(u16::from_le_bytes(*length));
    for bases in [base(), vec![7], data.repeat(3)] {
        if let Ok(raw) = apply(frame, bases, length) {
            assert_eq!(raw.len(), length);
        }
    }
}

/// Packs without an index.
pub fn pack(data: &[u8]) {
    let mut end = 0;
    scan(&data, data.len() as u64, &mut |found| {
        if let alimentar::pack::ScanItem::Record { offset, header } = found {
            assert!(offset >= end, "records overlap");
            end = offset + header.record_bytes() as u64;
            assert!(end <= data.len() as u64);
        }
    })
    .unwrap();
}

/// Tombstones.
pub fn tombstone(data: &[u8]) {
    if let Ok(tombstone) = Tombstone::decode(data) {
        assert_eq!(Tombstone::decode(&tombstone.encode()), Ok(tombstone));
    }
}

/// Schema messages.
pub fn schema(data: &[u8]) {
    if let Some(schema) = SchemaMessage::read(data) {
        let _ = SchemaMessage::of(&schema);
    }
}

/// Every format that is recognised; the first byte chooses the name's ending.
pub fn describe(data: &[u8]) {
    const NAMES: [&str; 10] = [
        "a.jsonl",
        "a.json",
        "a.csv",
        "a.tsv",
        "a.parquet",
        "a.arrow",
        "a.stream",
        "a.jsonl.gz",
        "a.csv.zst",
        "a",
    ];
    let Some((choice, data)) = data.split_first() else {
        return;
    };
    let name = NAMES[usize::from(*choice) % NAMES.len()];
    let by = |piece: usize| {
        let mut describer = Describer::new(name);
        data.chunks(piece).for_each(|p| describer.push(p));
        describer.finish(&data)
    };
    let (whole, pieces) = (by(data.len().max(1)), by(7));
    assert_eq!(whole.rows, pieces.rows);
    assert_eq!(whole.schema, pieces.schema);
}

/// Cards, and the page made of them.
pub fn card(data: &[u8]) {
    let card = alimentar::card::Card::read(data);
    let page = alimentar::card::to_html("title", &card.markdown);
    assert!(!page.contains("<script") && !page.contains("<img"));
}

/// Searches.
pub fn query(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = text.parse::<alimentar::search::Query>();
    }
}

/// Key files; none is opened.
pub fn key_file(data: &[u8]) {
    if let Ok(locked) = LockedKey::decode(data) {
        let again = LockedKey::decode(locked.encode().as_bytes()).unwrap();
        assert_eq!(again.encode(), locked.encode());
    }
}

/// The secret key of most test vectors of the age project, which opens them.
const AGE_IDENTITY: &str =
    "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0";

/// Files in the age format: header, keys and payload. Passphrases are tried where one guess is cheap.
pub fn age_file(data: &[u8]) {
    let Ok(decryptor) = Decryptor::new(data) else {
        return;
    };
    let mut payload = Vec::new();
    let mut lines = data.split(|byte| *byte == b'\n');
    let is_cheap = lines.nth(1).is_some_and(|line| line.ends_with(b" 1"));
    let reader = match decryptor.has_passphrase() {
        true if is_cheap => decryptor.open_with_passphrases(["password"]),
        true => return,
        false => decryptor.open_with_identities(&[AGE_IDENTITY.parse().unwrap()]),
    };
    if let Ok(mut reader) = reader
        && reader.read_to_end(&mut payload).is_err()
    {
        assert!(payload.len() % (64 << 10) == 0);
        assert!(reader.read_to_end(&mut payload).is_err());
    }
}

/// Statements of publishers.
pub fn statement(data: &[u8]) {
    if let Ok(statement) = Statement::decode(data) {
        assert_eq!(statement.encode(), data);
    }
}

/// Trust files.
pub fn trust_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(mut file) = TrustFile::parse(text) {
        let publishers: Vec<_> = file.publishers().cloned().collect();
        let before = file.encode();
        for publisher in &publishers {
            file.put(publisher.clone()).unwrap();
        }
        // An unchanged file is not rewritten.
        assert_eq!(file.encode(), before);
        assert_eq!(
            TrustFile::parse(&file.encode())
                .unwrap()
                .publishers()
                .count(),
            publishers.len()
        );
        for publisher in &publishers {
            assert!(file.remove(&publisher.name));
        }
        assert_eq!(
            TrustFile::parse(&file.encode())
                .unwrap()
                .publishers()
                .count(),
            0
        );
    }
}

/// Receipts, and what ends volumes.
pub fn receipt(data: &[u8]) {
    if let Ok(receipt) = Receipt::decode(data) {
        assert_eq!(receipt.encode(), data);
        let _ = receipt.roots();
    }
    if let Ok(trailer) = VolumeTrailer::decode(data) {
        assert_eq!(trailer.encode(), data);
    }
}

/// The whole way of an archive into a registry: the first byte says whether the rest is the file,
/// or the tar inside, which checksums would otherwise hide.
pub fn archive(data: &[u8]) {
    // Two tests call this at the same time; the file is for one of them.
    static DOOR: OnceLock<Mutex<(LocalRegistry, PathBuf)>> = OnceLock::new();
    let door = DOOR.get_or_init(|| {
        let dir = std::env::temp_dir().join(format!("alimentar-fuzz-{}", std::process::id()));
        let registry = LocalRegistry::open(&dir.join("home")).unwrap();
        Mutex::new((registry, dir.join("x.alimentar")))
    });
    let door = door.lock().unwrap_or_else(PoisonError::into_inner);
    let (registry, path) = &*door;
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let file = match choice {
        0 => rest.to_vec(),
        _ => {
            let frames = rest.chunks(4 << 20).map(|p| compress_frame(p).unwrap());
            frames.collect::<Vec<_>>().concat()
        }
    };
    check(&file);
    std::fs::write(path, file).unwrap();
    for parcel in archive_inputs(std::slice::from_ref(path)).unwrap() {
        if registry
            .archives()
            .import(&parcel, &ImportOptions::default(), &NoProgress)
            .is_err()
        {
            assert!(registry.list().unwrap().len() <= 1);
        }
    }
}

/// The same without a registry: what is opened is checked, and the files of what is intact have the bytes of their ids.
fn check(file: &[u8]) {
    let source: Arc<dyn ReadAt> = Arc::new(file.to_vec());
    let _ = OpenArchive::open(Arc::clone(&source), "x.alimentar");
    let settings = TrustSettings::new(Timestamp(1_800_000_000));
    let Ok(checked) = check_archive(source, "x.alimentar", &settings, &NoProgress) else {
        return;
    };
    for (number, dataset) in checked.datasets.iter().enumerate() {
        if dataset.outcome != Outcome::Intact {
            continue;
        }
        for entry in dataset.table.files() {
            let file = checked.file(number, &entry.path).unwrap();
            assert_eq!(file.len(), entry.size_bytes);
            let bytes = file
                .read_ranges(std::slice::from_ref(&(0..entry.size_bytes)))
                .unwrap();
            if let Some(id) = entry.content_id {
                assert_eq!(ContentId::from_bytes(&bytes[0]), id);
            }
        }
    }
}

/// Decodes requests of a peer.
pub fn request(data: &[u8]) {
    let mut reader = FrameReader::new(Request::body_limit);
    let mut piece = data;
    while let Ok(Some(frame)) = reader.read(&mut piece) {
        if let Ok(Some(request)) = Request::decode(&frame) {
            let bytes = request.encode();
            let mut again = FrameReader::new(Request::body_limit);
            let frame = again.read(&mut bytes.as_slice()).unwrap().unwrap();
            assert_eq!(Request::decode(&frame).unwrap(), Some(request));
        }
    }
}

/// Decodes responses of a peer.
pub fn response(data: &[u8]) {
    let mut reader = FrameReader::new(Response::body_limit);
    let mut piece = data;
    while let Ok(Some(frame)) = reader.read(&mut piece) {
        if let Ok(response) = Response::decode(frame) {
            let _ = response.into_pieces();
        }
    }
}

/// Filters of content ids.
pub fn filter(data: &[u8]) {
    if let Ok(filter) = Filter::decode(data) {
        assert_eq!(filter.encode(), data);
        let _ = filter.digest();
        let id = ContentId::from_bytes(data);
        let prefix = HexPrefix::parse(&id.to_hex()[..8]).unwrap();
        assert_eq!(filter.may_contain(&id), filter.may_contain_prefix(&prefix));
    }
    // Bytes as ids too: whatever they are, none is denied.
    let ids: Vec<ContentId> = data
        .chunks_exact(4)
        .map(|key| {
            let mut id = [7; 32];
            id[..4].copy_from_slice(key);
            ContentId::new(id)
        })
        .collect();
    let filter = Filter::build(&ids);
    assert!(ids.iter().all(|id| filter.may_contain(id)));
    assert_eq!(Filter::decode(&filter.encode()), Ok(filter));
}

/// A comparison with a peer that answers what it likes. The first byte says how much of an answer
/// is true, the second how large the own set is.
pub fn iblt_symbols(data: &[u8]) {
    let Some(([how, size], rest)) = data.split_first_chunk() else {
        return;
    };
    let (salt, size) = (Salt::new([7; 16]), u64::from(*size));
    let element = |n: u64| Element(n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    let set = |range: std::ops::Range<u64>| {
        let mut elements: Vec<Element> = range.map(element).collect();
        elements.sort_unstable();
        elements
    };
    let (own, there) = (set(0..size), set(5..size + 7));
    let mut bytes = rest.iter().copied().cycle();
    let mut frames = FrameReader::new(Response::body_limit);
    let mut unread = rest;
    let mut comparing = Reconciler::new(salt, own.clone());
    let mut asked = 0;
    while let CompareStep::Symbols(request) = comparing.step() {
        asked += 1;
        assert!(asked <= 120, "it does not end");
        let mut answer = truly(&there, &request);
        match how % 3 {
            // Whole answers.
            0 => match frames.read(&mut unread).map(|f| f.map(Response::decode)) {
                Ok(Some(Ok(Response::Symbols(symbols)))) => answer = symbols,
                _ => return,
            },
            // True answers, in which some bits are turned.
            1 => {
                for symbol in &mut answer.symbols {
                    let turned = bytes.next().unwrap_or(0);
                    symbol.sum ^= u64::from(turned == 255);
                    symbol.check ^= u32::from(turned == 254);
                    symbol.count ^= i64::from(turned == 253);
                }
                answer.count ^= u64::from(bytes.next() == Some(252));
            }
            // Nothing but noise.
            _ => answer.symbols.iter_mut().for_each(|symbol| {
                let mut word = || bytes.by_ref().take(8).fold(0, |w, b| w << 8 | u64::from(b));
                *symbol = Symbol {
                    sum: word(),
                    check: word() as u32,
                    count: (word() % 5) as i64 - 2,
                };
            }),
        }
        comparing.take_response(answer);
    }
    if let CompareStep::Done(difference) = comparing.step() {
        let mut set: Vec<Element> = difference.only_there.clone();
        let here = own.iter().enumerate();
        let common = here.filter(|(n, _)| difference.only_here.binary_search(n).is_err());
        set.extend(common.map(|(_, e)| *e));
        set.sort_unstable();
        // The digest was the true one, so the set must be.
        assert!(how % 3 == 0 || set == there);
    }
}

fn truly(there: &[Element], request: &SymbolsRequest) -> Symbols {
    let keys = Keys::of(&request.salt);
    Symbols {
        count: there.len() as u64,
        digest: keys.digest(there),
        from: request.from,
        symbols: Encoder::range(&keys, there, request.from, request.take),
    }
}

/// Parses the address of a peer, as people type it and `known_peers` keeps it.
pub fn peer_address(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(address) = text.parse::<PeerAddress>()
    {
        assert_eq!(address.to_string().parse(), Ok(address));
    }
}

/// Decodes the service record of a node.
pub fn service_record(data: &[u8]) {
    if let Ok(record) = ServiceRecord::from_txt(data) {
        assert_eq!(ServiceRecord::from_txt(&record.to_txt()), Ok(record));
    }
}

/// Stored indexes of lines. The check behind them would turn away nearly everything, so the bytes
/// are also tried with the right one.
pub fn line_index(data: &[u8]) {
    let check = *BlobId::of(data).as_bytes();
    for bytes in [data.to_vec(), [data, &check].concat()] {
        if let Ok(stored) = StoredIndex::decode(&bytes) {
            assert_eq!(stored.encode(), bytes);
            let index = stored.into_index();
            for line in [0, 1, index.lines() / 2, index.lines(), u64::MAX] {
                let _ = index.locate(line);
            }
        }
    }
}
