//! Rotation of one's own key, and of others', from the command line.

use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use crate::support::answer;
use crate::support::error_of;
use crate::support::lab::Scratch;
use crate::support::lines;

/// A home with a key, known as `me`, and a dataset that it signed.
fn lab() -> Scratch {
    let lab = Scratch::new();
    lab.done("a", &["registry", "keygen"]);
    lab.index("a", "f", &lines(50, 1), &["--sign"]);
    lab
}

impl Scratch {
    fn shown(&self, home: &str, name: &str) -> Value {
        answer(&self.at(home), &["registry", "trust", "show", name])
    }
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn rotation_in_one_step_is_confirmed_by_others() {
    let lab = lab();
    let old = lab.shown("a", "me")["public_key"].clone();
    let rotated = lab.done("a", &["registry", "trust", "rotate", "me", "--new"]);
    let new = rotated["public_key"].clone();
    assert_eq!(
        (&rotated["name"], &rotated["previous"]),
        (&json!("me"), &json!([old]))
    );
    assert_ne!(new, old);
    let kept = PathBuf::from(rotated["kept"].as_str().unwrap());
    assert_eq!((mode(&kept), mode(&lab.at("a/key.enc"))), (0o600, 0o600));
    assert!(!lab.at("a/key.enc.next").exists());
    let known = answer(&lab.at("a"), &["registry", "trust", "list"]);
    assert_eq!(known["publishers"].as_array().unwrap().len(), 1);

    // Signatures of the old key stay trusted; new signatures have the new key.
    let verify = ["registry", "verify", "f@0.1.0", "--require-signature"];
    assert_eq!(answer(&lab.at("a"), &verify)["trust"], "full");
    let file = lab.text("g.jsonl");
    std::fs::write(&file, lines(50, 2)).unwrap();
    lab.done("a", &["registry", "index", &file, "--sign"]);
    let signed = answer(&lab.at("a"), &["registry", "info", "me/g"]);
    assert_eq!(
        (&signed["signer"], &signed["trust"]),
        (&new, &json!("full"))
    );
    // The old key opens, and signs no more.
    let kept = kept.to_str().unwrap();
    let refused = lab.keyed("a", &["registry", "sign", "g", "--key", kept]);
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    let error = error_of(&refused);
    assert!(error["message"].as_str().unwrap().contains("signs no more"));
    assert!(
        error["hint"].as_str().unwrap().contains("key.enc"),
        "{error}"
    );

    // Elsewhere the proposal arrives with the data, and is confirmed without a warning.
    let key = old.as_str().unwrap();
    lab.done("b", &["registry", "trust", "add", "lab-a", key]);
    let archive = lab.text("g.alimentar");
    lab.done("a", &["registry", "export", "g", "-o", &archive]);
    lab.done("b", &["registry", "import", &archive]);
    assert_eq!(lab.shown("b", "lab-a")["proposed"], json!([new]));
    let new = new.as_str().unwrap();
    let confirmed = lab.keyed("b", &["registry", "trust", "rotate", "lab-a", new]);
    assert!(confirmed.status.success() && confirmed.stderr.is_empty());
    let verify = ["registry", "verify", "lab-a/g", "--require-signature"];
    assert_eq!(answer(&lab.at("b"), &verify)["trust"], "full");

    // A second rotation goes on from the first.
    let again = lab.done("a", &["registry", "trust", "rotate", "me", "--new"]);
    assert_eq!(again["previous"], json!([old, new]));
}

#[test]
fn rotation_that_stopped_early_is_finished_by_the_next_command() {
    let lab = lab();
    let rotated = lab.done("a", &["registry", "trust", "rotate", "me", "--new"]);
    // As it is when the program is killed after the rotation holds, and before the key is swapped.
    let (key, next) = (lab.at("a/key.enc"), lab.at("a/key.enc.next"));
    std::fs::rename(&key, &next).unwrap();
    std::fs::copy(rotated["kept"].as_str().unwrap(), &key).unwrap();
    let file = lab.text("g.jsonl");
    std::fs::write(&file, lines(50, 2)).unwrap();
    lab.done("a", &["registry", "index", &file]);
    let signed = lab.done("a", &["registry", "sign", "g"]);
    assert_eq!(signed["publisher_key"], rotated["public_key"]);
    assert!(!next.exists());
}

#[test]
fn rotation_with_both_files_checks_before_publishing() {
    let lab = lab();
    let (old_file, new_file) = (lab.text("a/key.enc"), lab.text("new.key"));
    let old = lab.shown("a", "me")["public_key"].clone();
    let made = lab.done("a", &["registry", "keygen", "-o", &new_file]);
    assert_eq!(made["name"], "me-2");
    let new = made["public_key"].as_str().unwrap();
    let rotate = ["registry", "trust", "rotate", "me", new];
    let files = ["--key", &old_file, "--new-key-file", &new_file];
    let with_files = [&rotate[..], &files].concat();
    let is_unpublished = || lab.shown("a", "me")["proposed"] == json!([]);

    // The alias of the new key is given up only with its file.
    let known = lab.keyed("a", &rotate);
    assert_eq!(known.status.code(), Some(2), "{known:?}");
    assert!(
        error_of(&known)["message"]
            .as_str()
            .unwrap()
            .contains("`me-2`")
    );
    let half = lab.keyed("a", &[&rotate[..], &files[..2]].concat());
    assert_eq!(half.status.code(), Some(2), "{half:?}");
    // A revoked key follows nobody.
    let revoke = [
        "registry", "trust", "add", "me-2", new, "--level", "revoked",
    ];
    lab.done("a", &revoke);
    let revoked = lab.keyed("a", &with_files);
    assert_eq!(revoked.status.code(), Some(5), "{revoked:?}");
    assert!(is_unpublished());
    let again = ["registry", "trust", "add", "me-2", new];
    lab.done("a", &[&again[..], &["--accept-publisher", new]].concat());
    assert!(is_unpublished());

    // The alias that keygen made is in nobody's way.
    let rotated = lab.done("a", &with_files);
    assert_eq!(
        (&rotated["public_key"], &rotated["previous"]),
        (&json!(new), &json!([old]))
    );
    let list = answer(&lab.at("a"), &["registry", "trust", "list"]);
    assert_eq!(list["publishers"].as_array().unwrap().len(), 1);
    // key.enc still holds the old key, which signs no more.
    let file = lab.text("g.jsonl");
    std::fs::write(&file, lines(50, 2)).unwrap();
    let refused = lab.keyed("a", &["registry", "index", &file, "--sign"]);
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    lab.done(
        "a",
        &["registry", "index", &file, "--sign", "--key", &new_file],
    );
}
