//! The program: keys, exit codes and streams as `spec/cli.md` promises them.

use serde_json::Value;

use crate::support::answer;
use crate::support::lines;
use crate::support::program;
use crate::support::run;

fn has_keys(object: &Value, keys: &str) {
    for key in keys.split(' ') {
        assert!(object.get(key).is_some(), "{key} is missing in {object}");
    }
}

#[test]
fn json_of_every_command_has_its_keys() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("train.jsonl"));
    let data = lines(2000, 1);
    std::fs::write(&file, &data).unwrap();
    let path = file.to_str().unwrap();
    let indexed = answer(
        &home,
        &["registry", "index", path, "--license", "MIT", "--tag", "x"],
    );
    has_keys(
        &indexed,
        "content_id name version files rows size_bytes chunks new_chunks new_bytes stored_bytes \
         unchanged seconds",
    );
    assert_eq!(
        indexed["content_id"],
        format!("alimentar:{}", blake3::hash(&data).to_hex())
    );
    assert_eq!(
        (&indexed["rows"], &indexed["name"]),
        (&2000.into(), &"train".into())
    );
    let list = answer(&home, &["registry", "list"]);
    has_keys(
        &list["datasets"][0],
        "content_id name version rows size_bytes publisher trust created_at tags license private",
    );
    let info = answer(&home, &["registry", "info", "train"]);
    has_keys(
        &info,
        "files schema chunks stored_bytes publisher trust signature clock license",
    );
    has_keys(&info["files"][0], "path size_bytes content_id");
    has_keys(
        &answer(&home, &["registry", "resolve", "train@^0"]),
        "content_id name version",
    );
    let verified = answer(&home, &["registry", "verify", "train"]);
    has_keys(&verified, "content signature trust publisher");
    has_keys(
        &answer(&home, &["registry", "diff", "train", "train"]),
        "a b shared_bytes only_a_bytes only_b_bytes shared_chunks only_a_chunks only_b_chunks files",
    );
    has_keys(
        &answer(&home, &["registry", "stats"]),
        "datasets chunks raw_bytes stored_bytes dedup_ratio compression_ratio packs",
    );
    has_keys(
        &answer(&home, &["registry", "fsck"]),
        "chunks_checked corrupt missing repaired",
    );
    has_keys(
        &answer(&home, &["doctor"])["checks"][0],
        "name ok detail hint",
    );
    let out = dir.path().join("copy");
    let copied = answer(
        &home,
        &["registry", "checkout", "train", out.to_str().unwrap()],
    );
    has_keys(&copied, "content_id files bytes seconds");
    assert!(std::fs::read(&out).unwrap() == data);
    assert!(run(&home, &["registry", "cat", "train:train.jsonl"]).stdout == data);
    has_keys(
        &answer(&home, &["registry", "unindex", "train"]),
        "content_id removed",
    );
}

#[test]
fn errors_have_the_documented_exit_codes_and_kinds() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let file = dir.path().join("f");
    std::fs::write(&file, b"x").unwrap();
    let path = file.to_str().unwrap();
    answer(&home, &["registry", "index", path]);
    for (words, code, kind) in [
        (vec!["registry", "info", "nothing"], 3, "not_found"),
        (vec!["registry", "info", "a@b@c"], 2, "invalid"),
        (
            vec!["registry", "verify", "f", "--require-signature"],
            5,
            "denied",
        ),
        (vec!["registry", "checkout", "f", path], 1, "conflict"),
        (vec!["registry", "cat", "f:other"], 3, "not_found"),
    ] {
        let out = run(&home, &words);
        assert_eq!(out.status.code(), Some(code), "{words:?}");
        let error: Value = serde_json::from_slice(&out.stderr).unwrap();
        assert_eq!(error["error"]["kind"], kind);
        has_keys(&error["error"], "kind message hint");
    }
    assert_eq!(
        run(&home, &["registry", "frobnicate"]).status.code(),
        Some(2)
    );
}

#[test]
fn cat_into_a_closed_pipe_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("f.jsonl"));
    std::fs::write(&file, lines(50_000, 3)).unwrap();
    answer(&home, &["registry", "index", file.to_str().unwrap()]);
    let mut child = program(&home)
        .args(["registry", "cat", "f"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{out:?}");
}
