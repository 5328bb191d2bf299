//! Flipped bits: found, named, and without harm to anything else.

use crate::support::answer;
use crate::support::lines;
use crate::support::run;

#[test]
fn fsck_of_a_flipped_bit_names_dataset_and_file() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    for name in ["good", "bad"] {
        let file = dir.path().join(format!("{name}.jsonl"));
        std::fs::write(&file, lines(4000, u64::from(name == "bad"))).unwrap();
        answer(&home, &["registry", "index", file.to_str().unwrap()]);
    }
    let pack = home.join("packs/00000001.pack");
    let whole = std::fs::read(&pack).unwrap();
    // The middle of the second dataset's chunks.
    let at = whole.len() * 3 / 4;
    let mut broken = whole.clone();
    broken[at] ^= 0x10;
    std::fs::write(&pack, &broken).unwrap();
    let out = run(&home, &["registry", "verify", "bad"]);
    assert_eq!(out.status.code(), Some(4));
    let message = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        message.contains("`bad`") && message.contains("bad.jsonl"),
        "{message}"
    );
    assert_eq!(
        answer(&home, &["registry", "verify", "good"])["content"],
        "ok"
    );
    let fsck = run(&home, &["registry", "fsck"]);
    assert_eq!(fsck.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&fsck.stdout).contains("bad.jsonl"));
    let copy = dir.path().join("copy");
    let out = run(
        &home,
        &["registry", "checkout", "bad", copy.to_str().unwrap()],
    );
    assert_eq!(out.status.code(), Some(4));
    assert!(!copy.exists(), "nothing half-written stays");
    std::fs::write(&pack, &whole).unwrap();
    answer(&home, &["registry", "fsck"]);
}

#[test]
fn damaged_index_is_an_error_without_panic_or_wrong_result() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let file = dir.path().join("f.jsonl");
    let data = lines(3000, 5);
    std::fs::write(&file, &data).unwrap();
    answer(&home, &["registry", "index", file.to_str().unwrap()]);
    let index = home.join("registry.redb");
    let whole = std::fs::read(&index).unwrap();
    for n in 0..60 {
        let mut broken = whole.clone();
        let at = (n * 104_729) % whole.len();
        broken[at] ^= 1 << (n % 8);
        std::fs::write(&index, &broken).unwrap();
        let out = run(&home, &["registry", "cat", "f"]);
        match out.status.code() {
            Some(0) => assert!(out.stdout == data, "wrong bytes after a flip at {at}"),
            Some(code) => assert!(
                [1, 3, 4].contains(&code),
                "code {code} after a flip at {at}"
            ),
            None => panic!("died after a flip at {at}"),
        }
    }
}
