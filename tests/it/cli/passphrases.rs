//! The normalization of passphrases, from the command line.

use std::path::Path;
use std::process::Output;

use alimentar::keyring::IfExists;
use alimentar::keyring::write_atomically;
use alimentar::trust::KeyCost;
use alimentar::trust::KeyPair;
use alimentar::trust::LockedKey;

use crate::support::answer;
use crate::support::error_of;
use crate::support::lines;
use crate::support::program;

const COMPOSED: &str = "caf\u{e9}";
const DECOMPOSED: &str = "cafe\u{301}";

/// A home with a dataset to sign, and a key that was locked with exactly these bytes.
fn home_with(locked_with: &str, dir: &Path) -> std::path::PathBuf {
    let home = dir.join("home");
    let file = dir.join("f.jsonl");
    std::fs::write(&file, lines(5, 1)).unwrap();
    answer(&home, &["registry", "index", file.to_str().unwrap()]);
    let cost = KeyCost {
        memory_kib: 8 << 10,
        passes: 1,
        lanes: 1,
    };
    let pair = KeyPair::generate().unwrap();
    let locked = LockedKey::lock(&pair, locked_with, cost, [3; 16], [4; 12]).unwrap();
    let (path, text) = (home.join("key.enc"), locked.encode());
    write_atomically(&path, text.as_bytes(), Some(0o600), IfExists::Refuse).unwrap();
    home
}

fn sign_with(home: &Path, passphrase: &str) -> Output {
    let mut command = program(home);
    command.env("ALIMENTAR_PASSPHRASE", passphrase);
    command
        .args(["--json", "registry", "sign", "f"])
        .output()
        .unwrap()
}

#[test]
fn passphrase_in_any_unicode_form_opens_a_new_key() {
    let dir = tempfile::tempdir().unwrap();
    let home = home_with(COMPOSED, dir.path());
    for given in [
        COMPOSED,
        DECOMPOSED,
        "\u{feff}caf\u{e9}",
        "cafe\u{301}\r\n",
        "caf\u{e9}\n\n",
    ] {
        let signed = sign_with(&home, given);
        assert!(signed.status.success(), "{given:?}: {signed:?}");
        let file = dir.path().join("passphrase");
        std::fs::write(&file, given).unwrap();
        let mut command = program(&home);
        command.arg("--passphrase-file").arg(&file);
        let signed = command.args(["registry", "sign", "f"]).output().unwrap();
        assert!(signed.status.success(), "{given:?}: {signed:?}");
    }
    let other = sign_with(&home, "cafe");
    assert_eq!(other.status.code(), Some(5), "{other:?}");
    // A key that is made now is locked with the composed form.
    std::fs::remove_file(home.join("key.enc")).unwrap();
    let mut command = program(&home);
    command.env("ALIMENTAR_PASSPHRASE", "\u{feff}cafe\u{301}\n");
    let made = command.args(["registry", "keygen"]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let text = std::fs::read(home.join("key.enc")).unwrap();
    let locked = LockedKey::decode(&text).unwrap();
    locked.open(COMPOSED).unwrap();
}

#[test]
fn key_locked_by_an_older_version_opens() {
    for locked_with in [DECOMPOSED, "\u{feff}x", "typed\n", "cafe\u{301}\r\n"] {
        let dir = tempfile::tempdir().unwrap();
        let home = home_with(locked_with, dir.path());
        let signed = sign_with(&home, locked_with);
        assert!(signed.status.success(), "{locked_with:?}: {signed:?}");
    }
}

#[test]
fn passphrase_of_ignored_characters_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let home = home_with(COMPOSED, dir.path());
    for given in ["", "\n", "\u{feff}\r\n"] {
        let refused = sign_with(&home, given);
        assert_eq!(refused.status.code(), Some(2), "{given:?}: {refused:?}");
        let error = error_of(&refused);
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("passphrase is empty"), "{error}");
    }
}
