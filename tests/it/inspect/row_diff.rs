//! Differences row by row, against what an edit really did.

use serde_json::Value;

use crate::support::answer;
use crate::support::lines;

fn diff(a: &[u8], b: &[u8]) -> (u64, u64, u64, Value) {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let file = dir.path().join("f.jsonl");
    for data in [a, b] {
        std::fs::write(&file, data).unwrap();
        answer(&home, &["registry", "index", file.to_str().unwrap()]);
    }
    let said = answer(&home, &["registry", "diff", "f@0.1.0", "f@0.1.1"]);
    let rows = &said["rows"][0];
    let n = |key: &str| rows[key].as_u64().unwrap_or(0);
    (n("added"), n("removed"), n("changed"), rows.clone())
}

fn joined(rows: &[Vec<u8>]) -> Vec<u8> {
    rows.concat()
}

#[test]
fn row_diff_counts_changed_added_and_removed_rows() {
    let data = lines(20_000, 1);
    let rows: Vec<Vec<u8>> = data
        .split_inclusive(|b| *b == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let mut edited = rows.clone();
    for n in [0, 7_000, 7_001, 19_999] {
        edited[n] = format!("{{\"changed\":{n}}}\n").into_bytes();
    }
    edited.splice(
        12_000..12_000,
        (0..30).map(|n| format!("{{\"new\":{n}}}\n").into_bytes()),
    );
    edited.drain(3_000..3_005);
    let (added, removed, changed, said) = diff(&data, &joined(&edited));
    assert_eq!((added, removed, changed), (30, 5, 4), "{said}");
    assert!(said["bytes_read"].as_u64().unwrap() < data.len() as u64 / 3);
    let first = &said["samples"][0];
    assert_eq!(
        (&first["before"]["n"], &first["after"]["n"]),
        (&0.into(), &0.into())
    );
    assert_eq!(first["after"]["text"], "{\"changed\":0}");
    let all = said["samples"].as_array().unwrap();
    let removed: Vec<u64> = all
        .iter()
        .filter(|s| s["after"].is_null())
        .map(|s| s["before"]["n"].as_u64().unwrap())
        .collect();
    assert_eq!(removed, [3_000, 3_001, 3_002, 3_003, 3_004]);
    let later = all.iter().find(|s| s["before"]["n"] == 7_000).unwrap();
    assert_eq!(later["after"]["n"], 6_995, "five rows were gone before");
}

#[test]
fn row_diff_handles_moved_and_unterminated_rows() {
    let data = lines(4_000, 1);
    let half = data.len() / 2
        + data[data.len() / 2..]
            .iter()
            .position(|b| *b == b'\n')
            .unwrap()
        + 1;
    let swapped = [&data[half..], &data[..half]].concat();
    let (added, removed, changed, _) = diff(&data, &swapped);
    assert_eq!((added, removed, changed), (0, 0, 0));
    // Appended, where the last row had no newline.
    let short = &data[..data.len() - 1];
    let longer = [short, b"\n{\"x\":1}"].concat();
    let (added, removed, changed, said) = diff(short, &longer);
    assert_eq!((added, removed, changed), (1, 0, 0), "{said}");
    // Small files, and rows far longer than a chunk.
    assert_eq!(diff(b"{}\n{\"a\":1}\n", b"{}\n{\"a\":2}\n").2, 1);
    let long = |c: &str| format!("{{\"a\":\"{}\"}}\n{{\"b\":1}}\n", c.repeat(300_000)).into_bytes();
    let (added, removed, changed, _) = diff(&long("x"), &long("y"));
    assert_eq!((added, removed, changed), (0, 0, 1));
}

#[test]
fn row_diff_compares_formats_by_their_readers() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let row = |n: usize| format!("{{\"n\":{n},\"text\":\"row {n}\"}}");
    let before: Vec<String> = (0..500).map(row).collect();
    let mut after = before.clone();
    after[7] = row(10_007);
    after.remove(100);
    after.extend([row(501), row(502)]);
    let as_lines = |rows: &[String]| rows.join("\n") + "\n";
    for name in ["f.parquet", "f.csv", "f.json", "f.jsonl.gz"] {
        let file = dir.path().join(name);
        let path = file.to_str().unwrap();
        for rows in [&before, &after] {
            let lines = dir.path().join("rows.jsonl");
            std::fs::write(&lines, as_lines(rows)).unwrap();
            let from = lines.to_str().unwrap();
            let _ = std::fs::remove_file(&file);
            match name {
                "f.json" => {
                    std::fs::write(&file, format!("[{}]", rows.join(",\n"))).unwrap();
                }
                "f.jsonl.gz" => {
                    let out = std::process::Command::new("gzip")
                        .args(["-c", from])
                        .output()
                        .unwrap();
                    std::fs::write(&file, out.stdout).unwrap();
                }
                _ => {
                    answer(&home, &["inspect", "export", from, "-o", path]);
                }
            }
            answer(&home, &["registry", "index", path, "--name", name]);
        }
        let (a, b) = (format!("{name}@0.1.0"), format!("{name}@0.1.1"));
        let said = answer(&home, &["registry", "diff", &a, &b]);
        let rows = &said["rows"][0];
        assert_eq!(
            (&rows["changed"], &rows["removed"], &rows["added"]),
            (&1.into(), &1.into(), &2.into()),
            "{name}: {rows}"
        );
        let first = &rows["samples"][0];
        assert_eq!(
            (&first["before"]["n"], &first["after"]["n"]),
            (&7.into(), &7.into()),
            "{name}"
        );
        let text = first["after"]["text"].as_str().unwrap();
        assert!(text.contains("row 10007"), "{name}: {text}");
        let added = rows["samples"].as_array().unwrap().last().unwrap();
        assert_eq!(added["after"]["n"], 500, "{name}: {added}");
    }
}

#[test]
fn csv_record_over_several_lines_is_one_row() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let file = dir.path().join("f.csv");
    for text in [
        "a,b\n1,\"two\nlines\"\n2,x\n",
        "a,b\n1,\"two\nother lines\"\n2,x\n",
    ] {
        std::fs::write(&file, text).unwrap();
        answer(&home, &["registry", "index", file.to_str().unwrap()]);
    }
    let said = answer(&home, &["registry", "diff", "f@0.1.0", "f@0.1.1"]);
    let rows = &said["rows"][0];
    assert_eq!((&rows["changed"], &rows["added"]), (&1.into(), &0.into()));
    assert_eq!(rows["samples"][0]["before"]["n"], 0, "{rows}");
}
