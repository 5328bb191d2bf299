//! Keys, mappings, checksums and messages of a reconciliation are those of
//! `spec/vectors/reconciliation.txt`.

use alimentar::ident::to_hex;
use alimentar::protocol::Response;
use alimentar::protocol::Element;
use alimentar::protocol::FrameReader;
use alimentar::protocol::Request;
use alimentar::protocol::Salt;
use alimentar::protocol::reconcile::CatalogDigest;
use alimentar::protocol::reconcile::Encoder;
use alimentar::protocol::reconcile::Keys;
use alimentar::protocol::reconcile::Mapping;
use alimentar::protocol::reconcile::Symbols;
use alimentar::protocol::reconcile::SymbolsRequest;
use alimentar::protocol::reconcile::WantedRequest;

const VECTORS: &str = include_str!("../../spec/vectors/reconciliation.txt");

/// Messages of requests or of answers.
pub fn messages(of: &str) -> Vec<Vec<u8>> {
    let lines = VECTORS.lines().filter(|line| line.starts_with(of));
    lines
        .map(|line| {
            let hex = line.split(' ').nth(1).unwrap();
            let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            (0..hex.len()).step_by(2).map(digit).collect()
        })
        .collect()
}

fn salt() -> Salt {
    Salt::new([3; 16])
}

/// Three elements, ascending.
fn set() -> Vec<Element> {
    vec![
        Element([0; 8]),
        Element([1, 2, 3, 4, 5, 6, 7, 8]),
        Element([0xff; 8]),
    ]
}

fn requests() -> Vec<(&'static str, Request)> {
    let (salt, elements) = (salt(), set());
    let symbols = |from, take| {
        Request::Symbols(SymbolsRequest {
            salt,
            digest: CatalogDigest::new([5; 16]),
            from,
            take,
        })
    };
    vec![
        ("request-symbols", symbols(0, 64)),
        ("request-symbols-more", symbols(4_096, 131_072)),
        (
            "request-wanted",
            Request::Wanted(WantedRequest { salt, elements }),
        ),
    ]
}

fn answers() -> Vec<(&'static str, Response)> {
    let keys = Keys::of(&salt());
    let symbols = |from, take| {
        Response::Symbols(Symbols {
            count: 3,
            digest: keys.digest(&set()),
            from,
            symbols: Encoder::range(&keys, &set(), from, take),
        })
    };
    vec![
        ("answer-symbols", symbols(0, 8)),
        ("answer-symbols-more", symbols(8, 3)),
        ("answer-symbols-none", symbols(0, 0)),
    ]
}

/// Everything whose bytes are fixed, as `name value` lines.
fn golden() -> String {
    let (salt, keys) = (salt(), Keys::of(&salt()));
    let context = "alimentar/1 reconciliation: mapping, checksums, digest";
    let mut bytes = [0; 56];
    let mut hasher = blake3::Hasher::new_derive_key(context);
    hasher
        .update(salt.as_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    let mut text = format!(
        "salt {}\nkeys {}\n",
        to_hex(salt.as_bytes()),
        to_hex(&bytes)
    );
    for element in set() {
        let mut mapping = Mapping::new(&keys, element);
        let mut indexes = Vec::new();
        // The last one may be 2^64 - 1: there is none.
        while indexes.last() != Some(&u64::MAX) && indexes.len() < 24 {
            indexes.push(mapping.index());
            mapping.advance();
        }
        let indexes: Vec<String> = indexes.iter().map(u64::to_string).collect();
        let hex = to_hex(&element.0);
        text += &format!("mapping-{hex} {}\n", indexes.join(","));
        let check = keys.checksum(element).to_le_bytes();
        text += &format!("check-{hex} {}\n", to_hex(&check));
    }
    for (name, count) in [("none", 0), ("one", 1), ("three", 3)] {
        let digest = keys.digest(&set()[..count]);
        text += &format!("digest-of-{name} {}\n", to_hex(digest.as_bytes()));
    }
    for (name, request) in requests() {
        text += &format!("{name} {}\n", to_hex(&request.encode()));
    }
    for (name, answer) in answers() {
        text += &format!("{name} {}\n", to_hex(&answer.encode()));
    }
    text
}

#[test]
fn a_reconciliation_is_that_of_the_vectors() {
    let found = golden();
    assert_eq!(found, VECTORS, "\n{found}");
}

#[test]
fn the_vectors_are_read_as_what_they_say() {
    for ((name, request), bytes) in requests().into_iter().zip(messages("request")) {
        let mut reader = FrameReader::new(Request::body_limit);
        let frame = reader.read(&mut bytes.as_slice()).unwrap().unwrap();
        assert_eq!(Request::decode(&frame).unwrap(), Some(request), "{name}");
    }
    for ((name, answer), bytes) in answers().into_iter().zip(messages("answer")) {
        let mut reader = FrameReader::new(Response::body_limit);
        let frame = reader.read(&mut bytes.as_slice()).unwrap().unwrap();
        assert_eq!(Response::decode(frame).unwrap(), answer, "{name}");
    }
}
