use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use super::AccessTokens;
use super::USE_SECONDS;
use super::file::decode;
use super::file::encode;
use super::file::read;
use super::token::TokenSecret;
use super::token::access_key;
use crate::clock::Timestamp;
use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::ident::Alias;
use crate::keyring::KeyringError;

const NOW: Timestamp = Timestamp(1_790_000_000);

fn home() -> (TempDir, AccessTokens) {
    let dir = tempfile::tempdir().unwrap();
    let tokens = AccessTokens::open(dir.path()).unwrap();
    (dir, tokens)
}

fn name(text: &str) -> Alias {
    text.parse().unwrap()
}

fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn token_that_was_added_is_found_by_its_secret_and_by_its_access_key() {
    let (dir, tokens) = home();
    let refs = ["corpus@^1".to_owned()];
    let (token, secret) = tokens.add(&name("ci"), &refs, false, NOW).unwrap();
    assert_eq!((token.name.as_str(), token.can_write), ("ci", false));
    assert_eq!(token.access_key.len(), 20);
    let found = tokens.by_bearer(secret.reveal()).unwrap();
    assert_eq!(*found, token);
    let (found, signing) = tokens.secret_for_signature(&token.access_key).unwrap();
    assert_eq!((&*found, signing.reveal()), (&token, secret.reveal()));
    assert!(tokens.by_bearer("alim_other").is_none());
    assert!(tokens.by_bearer(&token.access_key).is_none());
    assert!(tokens.secret_for_signature(secret.reveal()).is_none());
    // Another process finds the same.
    let other = AccessTokens::open(dir.path()).unwrap();
    assert_eq!(*other.by_bearer(secret.reveal()).unwrap(), token);
}

#[test]
fn secret_is_in_no_file_and_files_are_for_their_owner_alone() {
    let (dir, tokens) = home();
    let (_, secret) = tokens.add(&name("ci"), &[], true, NOW).unwrap();
    let entries: Vec<_> = std::fs::read_dir(dir.path()).unwrap().flatten().collect();
    assert_eq!(entries.len(), 3, "{entries:?}");
    for entry in entries {
        assert!(
            !text_of(&entry.path()).contains(secret.reveal()),
            "{entry:?}"
        );
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{entry:?}");
    }
    assert_eq!(format!("{secret:?}"), "TokenSecret(…)");
}

#[test]
fn token_that_another_process_revokes_is_refused_at_once() {
    let (dir, server) = home();
    let command = AccessTokens::open(dir.path()).unwrap();
    let (token, secret) = command.add(&name("ci"), &[], false, NOW).unwrap();
    assert!(server.by_bearer(secret.reveal()).is_some());
    assert!(server.secret_for_signature(&token.access_key).is_some());
    command.revoke(&name("ci")).unwrap();
    assert!(server.by_bearer(secret.reveal()).is_none());
    assert!(server.secret_for_signature(&token.access_key).is_none());
    // A token of the same name has another secret.
    let (again, other) = command.add(&name("ci"), &[], false, NOW).unwrap();
    assert_ne!(again.access_key, token.access_key);
    assert!(server.by_bearer(secret.reveal()).is_none());
    assert!(server.by_bearer(other.reveal()).is_some());
}

#[test]
fn token_name_belongs_to_one_token() {
    let (_dir, tokens) = home();
    tokens.add(&name("ci"), &[], false, NOW).unwrap();
    let taken = tokens.add(&name("ci"), &[], false, NOW).unwrap_err();
    assert!(matches!(taken, KeyringError::TokenExists(_)), "{taken}");
    assert_eq!(taken.kind(), ErrorKind::Conflict);
    let unknown = tokens.revoke(&name("other")).unwrap_err();
    assert!(matches!(unknown, KeyringError::NoToken(_)), "{unknown}");
    tokens.add(&name("a b"), &[], false, NOW).unwrap();
    let names: Vec<String> = tokens.list().unwrap().into_iter().map(|t| t.name).collect();
    assert_eq!(names, ["a b", "ci"]);
}

#[test]
fn token_use_is_written_down_once_in_a_while() {
    let (dir, tokens) = home();
    let (token, secret) = tokens.add(&name("ci"), &[], false, NOW).unwrap();
    let writer = tokens.note_use(&token, NOW).unwrap();
    assert!(tokens.note_use(&token, NOW).is_none());
    writer.join().unwrap();
    let seen = tokens.by_bearer(secret.reveal()).unwrap();
    assert_eq!(seen.last_used, Some(NOW));
    assert!(
        tokens
            .note_use(&seen, Timestamp(NOW.0 + USE_SECONDS - 1))
            .is_none()
    );
    let later = Timestamp(NOW.0 + USE_SECONDS);
    tokens.note_use(&seen, later).unwrap().join().unwrap();
    let other = AccessTokens::open(dir.path()).unwrap();
    assert_eq!(other.list().unwrap()[0].last_used, Some(later));
    // A token that is gone does not come back.
    other.revoke(&name("ci")).unwrap();
    let after = Timestamp(later.0 + USE_SECONDS);
    tokens.note_use(&seen, after).unwrap().join().unwrap();
    assert_eq!(other.list().unwrap(), []);
}

#[test]
fn tokens_of_another_server_key_sign_nothing() {
    let (dir, tokens) = home();
    let (token, secret) = tokens.add(&name("ci"), &[], false, NOW).unwrap();
    std::fs::remove_file(dir.path().join(super::SERVER_KEY_FILE)).unwrap();
    let (other, _) = tokens.add(&name("other"), &[], false, NOW).unwrap();
    assert!(tokens.secret_for_signature(&token.access_key).is_none());
    assert!(tokens.secret_for_signature(&other.access_key).is_some());
    assert!(tokens.by_bearer(secret.reveal()).is_some());
}

#[test]
fn file_that_is_damaged_or_open_to_others_lets_nobody_in() {
    let (dir, tokens) = home();
    let (_, secret) = tokens.add(&name("ci"), &[], false, NOW).unwrap();
    let path = dir.path().join(super::FILE);
    let whole = text_of(&path);
    for wrong in [
        "",
        "{}",
        "[]",
        &whole.replace("\"version\": 1", "\"version\": 2"),
    ] {
        std::fs::write(&path, wrong).unwrap();
        assert!(tokens.by_bearer(secret.reveal()).is_none(), "{wrong}");
        let error = AccessTokens::open(dir.path()).unwrap_err();
        assert!(matches!(error, KeyringError::Tokens { .. }), "{error}");
        // Nothing is written over what is not understood.
        let error = tokens.add(&name("b"), &[], false, NOW).unwrap_err();
        assert!(matches!(error, KeyringError::Tokens { .. }), "{error}");
        assert_eq!(text_of(&path), wrong);
    }
    std::fs::write(&path, &whole).unwrap();
    assert!(tokens.by_bearer(secret.reveal()).is_some());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = tokens.list().unwrap_err();
    assert!(matches!(error, KeyringError::Readable { .. }), "{error}");
}

#[test]
fn tokens_file_is_read_as_it_was_written() {
    let (dir, tokens) = home();
    let refs = ["a".to_owned(), "lab \"x\"/b@1".to_owned()];
    tokens.add(&name("é <b>"), &refs, true, NOW).unwrap();
    let (kept, stamp) = read(&dir.path().join(super::FILE)).unwrap();
    assert_eq!(decode(&encode(&kept)).unwrap(), kept);
    assert!(stamp.is_some());
}

#[test]
fn secret_of_an_access_key_never_changes() {
    let secret = TokenSecret::derive(&[7; 32], "ALIMABCDEFGHIJKLMNOP");
    assert_eq!(secret.reveal().len(), 48);
    // Computed with another implementation of BLAKE3.
    assert_eq!(
        secret.reveal(),
        "alim_4Szw3nnixoqIdmTbCdwUjr-BrvWajuwiIf4cCvuMGZk"
    );
    assert_eq!(access_key(&[0; 16]), "ALIMAAAAAAAAAAAAAAAA");
    assert_eq!(access_key(&[255; 16]), "ALIM7777777777777777");
}
