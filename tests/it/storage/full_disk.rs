//! A file system that is really full: a small tmpfs in a mount namespace of its own.

use crate::support::lines;
use crate::support::namespace::in_mount_namespace;

#[test]
fn full_disk_is_reported_and_can_be_cleaned_up() {
    let dir = tempfile::tempdir().unwrap();
    for (name, rows, seed) in [("a", 9_000, 1), ("b", 600, 2), ("c", 120_000, 3)] {
        std::fs::write(dir.path().join(format!("{name}.jsonl")), lines(rows, seed)).unwrap();
    }
    let script = r#"dir=$1; program=$2; home=$dir/mnt/home
mkdir -p "$dir/mnt"
mount -t tmpfs -o size=8m none "$dir/mnt"
run() { "$program" --json --home "$home" "$@"; }
run registry index "$dir/a.jsonl" >/dev/null
run registry index "$dir/b.jsonl" >/dev/null
if run registry index "$dir/c.jsonl" >/dev/null 2>"$dir/error"; then echo fitted >&2; exit 98; fi
# Not a page is left.
cat /dev/zero >"$dir/mnt/filler" 2>/dev/null || true
run registry list >"$dir/list"
run registry search a >"$dir/search"
run registry verify b >/dev/null
run registry fsck >/dev/null
run registry unindex a >/dev/null
run registry gc --keep-days 0 >"$dir/gc"
run registry verify b >/dev/null
run registry list >"$dir/list-after"
run registry fsck >/dev/null
rm "$dir/mnt/filler"
run registry index "$dir/a.jsonl" >/dev/null
"#;
    let at = dir.path().to_str().unwrap();
    let out = in_mount_namespace(script, &[at, env!("CARGO_BIN_EXE_alimentar")]);
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    let text = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap_or_default();
    assert!(
        out.status.success(),
        "{:?} {errors} {}",
        out.status,
        text("error")
    );
    let json = |name: &str| -> serde_json::Value { serde_json::from_str(&text(name)).unwrap() };
    let error = &json("error")["error"];
    assert_eq!(error["kind"], "no_space");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("packs/") || message.contains("registry.redb"),
        "{message}"
    );
    assert!(error["hint"].as_str().unwrap().contains("registry gc"));
    assert_eq!(json("list")["datasets"].as_array().unwrap().len(), 2);
    assert_eq!(json("search")["results"][0]["name"], "a");
    assert!(json("gc")["freed_bytes"].as_u64().unwrap() > 0);
    assert_eq!(json("list-after")["datasets"].as_array().unwrap().len(), 1);
}
