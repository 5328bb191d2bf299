//! Archives that lie.

use std::path::Path;

use serde_json::Value;

use super::listing;
use super::zip::Entry;
use super::zip::Lie;
use super::zip::zip;
use crate::support::answer;
use crate::support::refused;
use crate::support::run;

#[test]
fn archives_that_mean_harm_are_refused_and_nothing_is_unpacked() {
    let dir = tempfile::tempdir().unwrap();
    let (home, inner) = (dir.path().join("home"), dir.path().join("a/b"));
    std::fs::create_dir_all(&inner).unwrap();
    let data = b"{\"_id\":\"a\",\"n\":1}\n";
    let name = "collections/c/meta/data.jsonl";
    let good = || Entry::file(name, data);
    let entry = |name: &str| vec![good(), Entry::file(name, b"evil")];
    let lying = |lie: Lie| vec![good().lying(lie)];
    // The exit code: 4 damaged, 5 not allowed, 1 not supported.
    let cases: Vec<(&str, Vec<Entry>, i32)> = vec![
        ("traversal", entry("../../evil"), 5),
        ("traversal inside", entry("collections/../../../evil"), 5),
        ("absolute", entry("/tmp/evil"), 5),
        ("backslashes", entry("..\\evil"), 5),
        ("a drive", entry("C:/evil"), 5),
        ("a name twice", vec![good(), good()], 5),
        ("a control character", entry("evil\u{1}"), 5),
        ("a link", lying(Lie::Mode(0o120_777)), 1),
        ("a device", lying(Lie::Mode(0o060_777)), 1),
        ("another checksum", lying(Lie::Checksum), 4),
        ("more than there is", lying(Lie::Length(3 << 30)), 4),
        ("less than there is", lying(Lie::Length(3)), 4),
        (
            "64 bits that are not there",
            lying(Lie::Length(u32::MAX)),
            4,
        ),
        (
            "bytes of another entry",
            vec![
                good(),
                Entry::file("collections/c/x", data).lying(Lie::Offset(0)),
            ],
            4,
        ),
        ("an offset behind the end", lying(Lie::Offset(1 << 30)), 4),
        ("encryption", lying(Lie::Flag(1)), 1),
        ("another method", lying(Lie::Method(99)), 1),
    ];
    for (case, entries, code) in cases {
        let path = inner.join("evil.zds");
        std::fs::write(&path, zip(&entries)).unwrap();
        let root = inner.join("out");
        let words = [
            "documents",
            "unpack",
            path.to_str().unwrap(),
            root.to_str().unwrap(),
        ];
        let before = listing(&dir.path().join("a"));
        let out = run(&home, &words);
        let error: Value = serde_json::from_slice(&out.stderr).unwrap_or_default();
        assert_eq!(out.status.code(), Some(code), "{case}: {out:?}");
        assert!(
            error["error"]["message"]
                .as_str()
                .is_some_and(|m| m.len() < 500),
            "{case}: {error}"
        );
        assert_eq!(listing(&dir.path().join("a")), before, "{case}");
    }
    assert!(!Path::new("/tmp/evil").exists());
    let whole = zip(&[good()]);
    for cut in [0, 1, 21, whole.len() / 2, whole.len() - 1] {
        let path = inner.join("cut.zds");
        std::fs::write(&path, &whole[..cut]).unwrap();
        let root = inner.join("out");
        refused(
            &home,
            &[
                "documents",
                "unpack",
                path.to_str().unwrap(),
                root.to_str().unwrap(),
            ],
            4,
        );
        assert!(!root.exists());
    }
    // The same without a lie is a store, also below one directory.
    for (n, name) in [name, "top/collections/c/meta/data.jsonl"]
        .into_iter()
        .enumerate()
    {
        let (path, root) = (inner.join("good.zds"), inner.join(format!("good-{n}")));
        std::fs::write(&path, zip(&[Entry::file(name, data)])).unwrap();
        let root = root.to_str().unwrap();
        answer(
            &home,
            &["documents", "unpack", path.to_str().unwrap(), root],
        );
        assert_eq!(answer(&home, &["documents", "get", root, "a"])["n"], 1);
    }
}
