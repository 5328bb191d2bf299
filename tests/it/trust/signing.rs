//! Golden bytes of keys, signatures, statements and fingerprints. `tests/independent` reads the
//! same file with other programs.

use alimentar::clock::Timestamp;
use alimentar::ident::EnvelopeId;
use alimentar::ident::PublisherKey;
use alimentar::ident::Signature;
use alimentar::ident::to_hex;
use alimentar::manifest::Envelope;
use alimentar::manifest::Manifest;
use alimentar::trust::Domain;
use alimentar::trust::Fingerprint;
use alimentar::trust::KeyCost;
use alimentar::trust::KeyPair;
use alimentar::trust::LockedKey;
use alimentar::trust::SignatureError;
use alimentar::trust::Statement;
use alimentar::trust::verify;
use serde_json::Value;
use serde_json::json;
use zeroize::Zeroizing;

const PASSPHRASE: &str = "correct horse, batterie agrafée";

fn pair(n: u8) -> KeyPair {
    KeyPair::from_seed(&Zeroizing::new([n; 32]))
}

fn wire(signature: &Signature) -> String {
    to_hex(signature.key.as_bytes()) + &to_hex(&signature.bytes)
}

/// Checks that bad signatures do not verify, and returns each with the reason.
fn refused(envelope: &Envelope) -> Vec<Value> {
    let good = envelope.signature.unwrap();
    let mut list = Vec::new();
    let mut add = |why: &str, signature: Signature| {
        let refused = verify(Domain::Manifest, &envelope.manifest, &signature);
        assert!(
            matches!(refused, Err(SignatureError::Key(k) | SignatureError::Invalid(k)) if k == signature.key),
            "{why}: {refused:?}"
        );
        list.push(json!({"why": why, "signature": wire(&signature)}));
    };
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut bytes = [0; 64];
    bytes[0] = 1;
    let key = PublisherKey::new(identity);
    add(
        "the key has small order and fits every message",
        Signature { key, bytes },
    );
    let mut wrapped = [0xff; 32];
    (wrapped[0], wrapped[31]) = (0xee, 0x7f);
    let key = PublisherKey::new(wrapped);
    add(
        "the key is written with y above the field's prime",
        Signature { key, bytes },
    );
    let mut raised = good;
    let order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let order: [u8; 32] = alimentar::ident::from_hex(order).unwrap();
    let mut carry = 0;
    for (s, l) in raised.bytes[32..].iter_mut().zip(order) {
        let sum = u16::from(*s) + u16::from(l) + carry;
        (*s, carry) = (sum as u8, sum >> 8);
    }
    add("S is not below the order of the group", raised);
    let mut flipped = good;
    flipped.bytes[7] ^= 1;
    add("a bit of R is flipped", flipped);
    let other = pair(2).sign(&mut manifest()).unwrap().signature.unwrap();
    add("another key signed another manifest", other);
    list
}

fn manifest() -> Manifest {
    Manifest::decode(include_bytes!("../../data/manifest.json")).unwrap()
}

fn vectors() -> Value {
    let (first, second) = (pair(1), pair(2));
    let mut signed = manifest();
    let envelope = first.sign(&mut signed).unwrap();
    let mut from_elsewhere =
        Manifest::decode(include_bytes!("../../data/manifest-source.json")).unwrap();
    let sourced = first.sign(&mut from_elsewhere).unwrap();
    let print = Fingerprint::of(&first.public_key());
    let locked = LockedKey::lock(&first, PASSPHRASE, KeyCost::NOW, [3; 16], [4; 12]).unwrap();
    let now = Timestamp(1_790_000_000);
    let withdrawal = Statement::withdraw(&first, &signed, "rows 5 to 9 are wrong", now).unwrap();
    let rotation = Statement::rotate(&first, &second, now).unwrap();
    let listed = vec![EnvelopeId::new([9; 32]), EnvelopeId::new([8; 32])];
    let revocation = Statement::revoke(&first, "laptop stolen", listed, now).unwrap();
    json!({
        "seed": to_hex(&[1; 32]),
        "public_key": first.public_key().to_hex(),
        "second_public_key": second.public_key().to_hex(),
        "fingerprint": print.to_string(),
        "words": print.words().join(" "),
        "manifest": String::from_utf8(envelope.manifest.clone()).unwrap(),
        "signature": wire(&envelope.signature.unwrap()),
        "envelope_id": envelope.id().to_hex(),
        "refused": refused(&envelope),
        "sourced_manifest": String::from_utf8(sourced.manifest.clone()).unwrap(),
        "sourced_signature": wire(&sourced.signature.unwrap()),
        "sourced_envelope_id": sourced.id().to_hex(),
        "passphrase": PASSPHRASE,
        "key_file": locked.encode(),
        "withdrawal": to_hex(withdrawal.encode()),
        "rotation": to_hex(rotation.encode()),
        "revocation": to_hex(revocation.encode()),
    })
}

#[test]
fn signing_bytes_match_the_vectors() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/spec/vectors/signing.json");
    let wanted: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let made = vectors();
    for (field, value) in made.as_object().unwrap() {
        assert_eq!(value, &wanted[field], "{field}");
    }
    let text = wanted["key_file"].as_str().unwrap();
    let opened = LockedKey::decode(text.as_bytes())
        .unwrap()
        .open(PASSPHRASE)
        .unwrap();
    assert_eq!(
        opened.public_key().to_hex(),
        wanted["public_key"].as_str().unwrap()
    );
}
