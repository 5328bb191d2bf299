//! Edits of Parquet and Arrow files.

use super::counts;
use super::edit;
use crate::support::answer;
use crate::support::program;
use crate::support::refused;

fn fixture(name: &str) -> std::path::PathBuf {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    data.join("tests/data/formats").join(name)
}

/// The rows of a file as JSON.
fn rows(home: &std::path::Path, path: &str, words: &[&str]) -> Vec<serde_json::Value> {
    let mut command = program(home);
    let out = command
        .args(["inspect", "lines", path, "--count", "1000"])
        .args(words);
    let out = out.output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let lines = String::from_utf8(out.stdout).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn columnar_rows_are_edited_and_written_with_their_types() {
    for name in ["three.parquet", "three.arrow", "three.arrows"] {
        let dir = tempfile::tempdir().unwrap();
        let (home, file) = (dir.path().join("home"), dir.path().join(name));
        std::fs::copy(fixture(name), &file).unwrap();
        let path = file.to_str().unwrap();
        let before = rows(&home, path, &[]);
        let words = [
            "--set",
            "1.text=new",
            "--set",
            "1.id=20",
            "--set",
            "2.tags=[\"q\"]",
        ];
        assert_eq!(edit(&home, &file, &words), [3, 2, 0, 0], "{name}");
        let more = dir.path().join("more.jsonl");
        std::fs::write(
            &more,
            "{\"id\":9,\"text\":\"m\"}\n{\"when\":\"2020-01-01T00:00:00Z\"}\n",
        )
        .unwrap();
        let more = more.to_str().unwrap();
        assert_eq!(
            edit(&home, &file, &["--insert", more, "--at", "3"]),
            [4, 2, 0, 2]
        );
        assert_eq!(
            edit(&home, &file, &["--insert", more, "--at", "0"]),
            [5, 2, 0, 4]
        );
        assert_eq!(edit(&home, &file, &["--delete", "1-2"]), [6, 2, 1, 3]);
        assert_eq!(edit(&home, &file, &["--set", "0.text=m2"]), [7, 2, 1, 3]);
        let mut wanted = vec![
            serde_json::json!({"id":9,"text":"m2","tags":null,"when":null}),
            before[1].clone(),
            before[2].clone(),
            serde_json::json!({"id":9,"text":"m","tags":null,"when":null}),
            serde_json::json!({"id":null,"text":null,"tags":null,"when":"2020-01-01T00:00:00Z"}),
        ];
        wanted[1]["text"] = "new".into();
        wanted[1]["id"] = 20.into();
        wanted[2]["tags"] = serde_json::json!(["q"]);
        assert_eq!(rows(&home, path, &["--edits"]), wanted, "{name}");
        for start in 0..5 {
            let start_text = start.to_string();
            let some = rows(&home, path, &["--edits", "--start", &start_text]);
            assert_eq!(some, wanted[start..], "{name} from {start}");
        }
        let out = dir.path().join(format!("out-{name}"));
        let out = out.to_str().unwrap();
        answer(&home, &["inspect", "edits", "apply", path, "-o", out]);
        assert_eq!(rows(&home, out, &[]), wanted, "{name}");
        let schema = |path: &str| answer(&home, &["inspect", "info", path])["schema"].clone();
        assert_eq!(schema(path), schema(out), "{name}");
        assert_eq!(
            answer(&home, &["inspect", "info", path, "--edits"])["rows"],
            5
        );
        let stats = answer(
            &home,
            &["inspect", "stats", path, "--edits", "--column", "id"],
        );
        assert_eq!(stats["columns"][0]["max"], 20, "{name}");
    }
}

#[test]
fn values_of_wrong_type_are_refused_by_columnar_files() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("types.parquet"));
    std::fs::copy(fixture("types.parquet"), &file).unwrap();
    let path = file.to_str().unwrap();
    for (set, code) in [
        ("0.i=x", 2),
        ("0.i=1.5", 2),
        ("0.d=yesterday", 2),
        ("0.l={\"x\":1}", 2),
        ("0.o={\"x\":\"y\"}", 2),
        ("0.nothing=1", 3),
        ("3000.i=1", 3),
    ] {
        refused(&home, &["inspect", "edit", path, "--set", set], code);
    }
    let words = [
        "--set",
        "0.i=5",
        "--set",
        "0.d=2021-02-03",
        "--set",
        "0.dec=3.25",
    ];
    let words = [
        &words[..],
        &["--set", "0.l=[7]", "--set", "0.c=new", "--set", "1.f=2.5"],
    ]
    .concat();
    assert_eq!(edit(&home, &file, &words)[..2], [6, 2]);
    let edited = rows(&home, path, &["--edits"]);
    let found = ["i", "d", "dec", "l", "c"].map(|key| edited[0][key].clone());
    let wanted = serde_json::json!([5, "2021-02-03", 3.25, [7], "new"]);
    assert_eq!(serde_json::Value::from(found.to_vec()), wanted);
    assert_eq!(edited[1]["f"], 2.5);
    let list = answer(&home, &["inspect", "edits", "list", path]);
    assert_eq!(counts(&list), [6, 2, 0, 0]);
}
