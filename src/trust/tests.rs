use super::*;
use crate::clock::Timestamp;
use crate::ident::EnvelopeId;
use crate::ident::PublisherKey;
use crate::ident::Signature;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use zeroize::Zeroizing;

fn pair(n: u8) -> KeyPair {
    KeyPair::from_seed(&Zeroizing::new([n; 32]))
}

fn manifest() -> Manifest {
    Manifest::decode(include_bytes!("../../tests/data/manifest.json")).unwrap()
}

const CHEAP: KeyCost = KeyCost {
    memory_kib: 8 << 10,
    passes: 1,
    lanes: 1,
};

#[test]
fn every_combination_is_decided_as_the_specification_says() {
    let page = include_str!("../../spec/trust.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|l| l.starts_with("| here") || l.starts_with("| else") || l.starts_with("| any"))
        .map(|l| l.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), 11);
    let mut used = std::collections::BTreeSet::new();
    for origin in [Origin::Here, Origin::Elsewhere] {
        for signature in [
            SignatureState::None,
            SignatureState::Valid,
            SignatureState::Invalid,
        ] {
            for level in Level::ALL {
                for is_grandfathered in [false, true] {
                    let place = if origin == Origin::Here {
                        "here"
                    } else {
                        "elsewhere"
                    };
                    let row = match (signature, level) {
                        (SignatureState::Invalid, _) => "any, invalid".to_owned(),
                        (SignatureState::None, _) => format!("{place}, none"),
                        (_, Level::Revoked) if is_grandfathered => {
                            "any, valid, revoked, vouched".to_owned()
                        }
                        (_, Level::Revoked) => "any, valid, revoked".to_owned(),
                        (_, level) => format!("{place}, valid, {}", level.name()),
                    };
                    let cells = rows.iter().find(|r| r[0] == row).unwrap();
                    used.insert(row.clone());
                    let standing = PolicyInput {
                        origin,
                        signature,
                        level,
                        is_grandfathered,
                    };
                    for (action, wanted) in Action::ALL.into_iter().zip(&cells[1..]) {
                        let decided = decide(&standing, action);
                        assert_eq!(decided.verdict.name(), *wanted, "{row} {action:?}");
                        assert!(!decided.reason.is_empty());
                    }
                }
            }
        }
    }
    assert_eq!(used.len(), rows.len());
}

#[test]
fn a_signature_is_over_these_bytes_by_this_key_in_this_domain() {
    let mut m = manifest();
    let envelope = pair(1).sign(&mut m).unwrap();
    let verified = UnverifiedManifest::new(envelope.clone()).verify().unwrap();
    assert_eq!(verified.manifest(), &m);
    let decoded = Envelope::decode(&envelope.encode()).unwrap();
    assert_eq!(decoded, envelope);
    // Every bit of the manifest's first bytes, and of the signature.
    for at in 0..64 {
        let mut bent = envelope.clone();
        bent.manifest[at] ^= 1;
        assert!(UnverifiedManifest::new(bent).verify().is_err());
        let mut bent = envelope.clone();
        bent.signature.as_mut().unwrap().bytes[at] ^= 1;
        assert!(UnverifiedManifest::new(bent).verify().is_err());
    }
    // The same JSON, written by somebody else.
    let again = serde_json::from_slice::<serde_json::Value>(&envelope.manifest).unwrap();
    let mut rewritten = envelope.clone();
    rewritten.manifest = serde_json::to_vec(&again).unwrap();
    assert!(UnverifiedManifest::new(rewritten).verify().is_err());
    // Moved to another manifest, or taken off.
    let mut other = manifest();
    other.num_rows += 1;
    let moved = Envelope {
        manifest: pair(1).sign(&mut other).unwrap().manifest,
        signature: envelope.signature,
    };
    assert!(UnverifiedManifest::new(moved).verify().is_err());
    let naked = Envelope {
        signature: None,
        ..envelope.clone()
    };
    assert!(matches!(
        UnverifiedManifest::new(naked).verify(),
        Err(SignatureError::Invalid(_))
    ));
    // Signed by another than it says.
    let foreign = Envelope {
        signature: Some(pair(2).sign_bytes(Domain::Manifest, &envelope.manifest)),
        ..envelope.clone()
    };
    assert!(matches!(
        UnverifiedManifest::new(foreign).verify(),
        Err(SignatureError::OtherKey { .. })
    ));
    // Made for another kind of bytes.
    let statement = pair(1).sign_bytes(Domain::Statement, &envelope.manifest);
    assert!(verify(Domain::Manifest, &envelope.manifest, &statement).is_err());
}

/// Keys of small order, and encodings that are not canonical: a signature of zeros fits some.
#[test]
fn keys_that_fit_anything_are_refused() {
    let small = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        // The same points, written with y + p, and with a negative zero.
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        // y = p + 3, of full order but not canonical.
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    for hex in small {
        let key = PublisherKey::parse_hex(hex).unwrap();
        assert!(!is_usable_key(&key), "{hex}");
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(key.as_bytes());
        let signature = Signature { key, bytes };
        assert!(verify(Domain::Manifest, b"anything", &signature).is_err());
    }
    // S beyond the group's order, which lax verifiers reduce.
    let mut m = manifest();
    let envelope = pair(1).sign(&mut m).unwrap();
    let mut signature = envelope.signature.unwrap();
    let order: [u8; 32] =
        crate::ident::from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
            .unwrap();
    let mut carry = 0;
    for (s, l) in signature.bytes[32..].iter_mut().zip(order) {
        let sum = u16::from(*s) + u16::from(l) + carry;
        (*s, carry) = (sum as u8, sum >> 8);
    }
    assert!(verify(Domain::Manifest, &envelope.manifest, &signature).is_err());
}

#[test]
fn a_key_file_opens_with_its_passphrase_alone() {
    let locked = LockedKey::lock(&pair(7), "päss wörd", CHEAP, [3; 16], [4; 12]).unwrap();
    let text = locked.encode();
    assert!(text.starts_with("-----BEGIN ALIMENTAR SECRET KEY-----\n"));
    let read = LockedKey::decode(text.replace('\n', "\r\n").as_bytes()).unwrap();
    assert_eq!(
        read.open("päss wörd").unwrap().public_key(),
        pair(7).public_key()
    );
    for wrong in ["", "pass word", "päss wörd "] {
        assert!(matches!(read.open(wrong), Err(KeyFileError::Passphrase)));
    }
    assert!(!format!("{:?} {:?}", pair(7), read).contains(&"07".repeat(8)));
}

#[test]
fn damaged_and_hostile_key_files_are_told_apart_from_wrong_passphrases() {
    let locked = LockedKey::lock(&pair(7), "p", CHEAP, [3; 16], [4; 12]).unwrap();
    let text = locked.encode();
    for cut in 0..text.len() - 1 {
        assert!(LockedKey::decode(&text.as_bytes()[..cut]).is_err(), "{cut}");
    }
    for at in 40..text.len() - 40 {
        let mut bent = text.clone().into_bytes();
        bent[at] ^= 1;
        // A changed line break or base64 padding may leave the same bytes.
        if let Ok(read) = LockedKey::decode(&bent) {
            assert_eq!(read.encode(), text);
        }
    }
    for (memory_kib, passes, lanes) in [
        (u32::MAX, 3, 1),
        (2 << 20, 3, 1),
        (64 << 10, u32::MAX, 1),
        (64 << 10, 17, 1),
        (64 << 10, 3, 1 << 24),
        (64 << 10, 0, 1),
        (64 << 10, 3, 0),
        (8, 1, 1),
    ] {
        let cost = KeyCost {
            memory_kib,
            passes,
            lanes,
        };
        let forged = hostile(&locked, cost);
        let error = LockedKey::decode(forged.as_bytes()).unwrap_err();
        assert!(matches!(error, KeyFileError::Cost(_)), "{cost:?}: {error}");
        assert!(LockedKey::lock(&pair(7), "p", cost, [3; 16], [4; 12]).is_err());
    }
    // Another public key in the header, checksum made to fit: the tag is over the header.
    let forged = key_file::forged(&locked, locked.cost(), pair(8).public_key());
    let read = LockedKey::decode(forged.as_bytes()).unwrap();
    assert!(matches!(read.open("p"), Err(KeyFileError::Passphrase)));
}

fn hostile(locked: &LockedKey, cost: KeyCost) -> String {
    key_file::forged(locked, cost, locked.public_key())
}

#[test]
fn trust_files_keep_what_people_wrote() {
    let key = |n| pair(n).public_key().to_hex();
    let text = format!(
        "# reviewed 2026-10-01 by K.\nversion = 1\n\n[publisher.lab-a] # Anna's\nkey = \"{}\"\nlevel = \"full\" # since May\nnames = [\"speech-*\"]\nuntil = 2026-12-31\n\n[publisher.lab-b]\nkey = '{}'\n",
        key(1),
        key(2)
    );
    let mut file = TrustFile::parse(&text).unwrap();
    assert_eq!(file.encode(), text);
    let name = |n: &str| -> crate::ident::DatasetName { n.parse().unwrap() };
    let alias = |n: &str| -> crate::ident::Alias { n.parse().unwrap() };
    let lab_a = file.get(&alias("lab-a")).unwrap().clone();
    let day = Timestamp::parse_rfc3339("2026-12-31T12:00:00Z").unwrap();
    assert_eq!(lab_a.level_for(&name("speech-de"), day), Level::Full);
    assert_eq!(lab_a.level_for(&name("speech"), day), Level::Unknown);
    let later = Timestamp(day.0 + 86_400);
    assert_eq!(lab_a.level_for(&name("speech-de"), later), Level::Unknown);
    assert_eq!(file.get(&alias("lab-b")).unwrap().level, Level::Unknown);

    file.put(Publisher {
        level: Level::Prompt,
        ..lab_a.clone()
    })
    .unwrap();
    assert_eq!(
        file.encode(),
        text.replace("\"full\" # since", "\"prompt\" # since")
    );
    file.put(Publisher::new(
        alias("lab-c"),
        pair(3).public_key(),
        Level::Full,
    ))
    .unwrap();
    assert_eq!(
        TrustFile::parse(&file.encode())
            .unwrap()
            .publishers()
            .count(),
        3
    );
    let taken = Publisher::new(alias("lab-a"), pair(4).public_key(), Level::Full);
    assert!(matches!(file.put(taken), Err(TrustFileError::NameTaken(_))));
    let twice = Publisher::new(alias("lab-d"), pair(1).public_key(), Level::Full);
    assert!(matches!(file.put(twice), Err(TrustFileError::KeyKnown(_))));
    assert!(file.remove(&alias("lab-a")) && !file.remove(&alias("lab-a")));
    let left = file.encode();
    assert!(
        left.contains("reviewed 2026-10-01") && !left.contains("lab-a"),
        "{left}"
    );
    // A file made from nothing.
    let mut fresh = TrustFile::parse("").unwrap();
    fresh
        .put(Publisher::new(
            alias("dotted.name"),
            pair(3).public_key(),
            Level::Full,
        ))
        .unwrap();
    assert!(
        fresh.encode().starts_with("# Who is trusted here"),
        "{}",
        fresh.encode()
    );
    assert_eq!(
        TrustFile::parse(&fresh.encode())
            .unwrap()
            .publishers()
            .count(),
        1
    );
}

#[test]
fn trust_files_that_are_not_understood_are_refused() {
    let key = pair(1).public_key().to_hex();
    for bad in [
        "version = 2\n".to_owned(),
        "version = 1\nlevel = 'full'\n".to_owned(),
        "[publisher.a]\nlevel = 'full'\n".to_owned(),
        format!("[publisher.a]\nkey = '{key}'\nlevl = 'revoked'\n"),
        format!("[publisher.a]\nkey = '{key}'\nlevel = 'FULL'\n"),
        format!("[publisher.a]\nkey = '{key}'\nuntil = 'soon'\n"),
        format!("[publisher.a]\nkey = '{key}'\n[publisher.b]\nkey = '{key}'\n"),
        format!("[publisher.'a/b']\nkey = '{key}'\n"),
        format!("[publisher.'a  b']\nkey = '{key}'\n"),
        format!("[publisher.a]\nkey = '{}'\n", "00".repeat(32)),
        "publisher = 3\n".to_owned(),
        "[[publisher]]\nkey = 'x'\n".to_owned(),
        "[publisher.a\n".to_owned(),
        "x".repeat(2 << 20),
    ] {
        assert!(
            TrustFile::parse(&bad).is_err(),
            "{}",
            bad.chars().take(80).collect::<String>()
        );
    }
}

fn believed(file: &str, statements: &[Statement]) -> TrustStore {
    TrustStore::new(
        TrustFile::parse(file).unwrap(),
        statements,
        Timestamp(1_800_000_000),
    )
}

#[test]
fn a_revocation_beats_a_rotation_in_any_order() {
    let (old, new, now) = (pair(1), pair(2), Timestamp(1_790_000_000));
    let rotation = Statement::rotate(&old, &new, now).unwrap();
    let listed = EnvelopeId::new([9; 32]);
    let revocation = Statement::revoke(&old, "stolen", vec![listed], now).unwrap();
    let name = manifest().name;
    let keys = (old.public_key(), new.public_key());
    let before = format!("[publisher.a]\nkey = '{}'\nlevel = 'full'\n", keys.0);
    let store = believed(&before, std::slice::from_ref(&rotation));
    assert_eq!(store.proposed(&keys.0), [keys.1]);
    assert_eq!(
        store.level(&keys.1, &name),
        Level::Unknown,
        "proposed, not confirmed"
    );
    let confirmed = format!(
        "[publisher.a]\nkey = '{}'\nprevious = ['{}']\nlevel = 'full'\n",
        keys.1, keys.0
    );
    assert_eq!(believed(&confirmed, &[]).level(&keys.0, &name), Level::Full);
    for order in [[&rotation, &revocation], [&revocation, &rotation]] {
        let statements = order.map(Statement::clone);
        let store = believed(&before, &statements);
        assert_eq!(store.level(&keys.0, &name), Level::Revoked);
        assert!(store.proposed(&keys.0).is_empty());
        let store = believed(&confirmed, &statements);
        assert_eq!(store.level(&keys.0, &name), Level::Revoked);
        assert_eq!(
            store.level(&keys.1, &name),
            Level::Prompt,
            "asked about again"
        );
    }
    let mut m = manifest();
    old.sign(&mut m).unwrap();
    let store = believed(&before, &[revocation]);
    for (id, vouched) in [(listed, true), (EnvelopeId::new([8; 32]), false)] {
        let standing = store.standing(
            &Claim::from(&m),
            &id,
            SignatureState::Valid,
            Origin::Elsewhere,
        );
        assert_eq!(standing.is_grandfathered, vouched);
        let wanted = if vouched {
            Verdict::KeepApart
        } else {
            Verdict::Refuse
        };
        assert_eq!(decide(&standing, Action::Import).verdict, wanted);
    }
}

#[test]
fn statements_are_signed_by_whom_they_must() {
    let now = Timestamp(1_790_000_000);
    let mut m = manifest();
    pair(1).sign(&mut m).unwrap();
    let said = Statement::withdraw(&pair(1), &m, "rows are wrong", now).unwrap();
    assert_eq!(Statement::decode(said.encode()).unwrap(), said);
    let store = believed("", std::slice::from_ref(&said));
    assert_eq!(store.withdrawn(&Claim::from(&m)), Some("rows are wrong"));
    let by_other = Statement::withdraw(&pair(2), &m, "spite", now).unwrap();
    assert_eq!(believed("", &[by_other]).withdrawn(&Claim::from(&m)), None);
    for at in 0..said.encode().len() {
        let mut bent = said.encode().to_vec();
        bent[at] ^= 4;
        assert!(Statement::decode(&bent).is_err(), "{at}");
        assert!(Statement::decode(&said.encode()[..at]).is_err());
    }
    assert!(Statement::rotate(&pair(1), &pair(1), now).is_err());
    assert!(Statement::revoke(&pair(1), &"x".repeat(70_000), vec![], now).is_err());
    // A rotation that only the old key signed.
    let rotation = Statement::rotate(&pair(1), &pair(2), now).unwrap();
    let mut half = rotation.encode().to_vec();
    half.truncate(half.len() - 96);
    let count = half.len() - 97;
    half[count] = 1;
    assert!(Statement::decode(&half).is_err());
}

#[test]
fn fingerprints_are_words_and_digits() {
    let print = Fingerprint::of(&pair(1).public_key());
    assert_eq!(print.to_string().len(), 39);
    assert_eq!(print.words().len(), 8);
    assert!(print.words().iter().all(|w| w.len() >= 3));
    assert_ne!(print, Fingerprint::of(&pair(2).public_key()));
}
