//! The rule of every command that writes rows: rows in are rows out and rows that are named as refused.
//! Over rows of every odd kind, from every format to every format.

use std::path::Path;

use serde_json::Value;

use crate::inspect::text;
use crate::support::run;

/// Rows of every kind, some of which not every format can have.
const ROWS: [&str; 26] = [
    r#"{"id":1,"s":"plain","n":5}"#,
    r#"{"id":2,"s":"quo\"te, comma; semi\ttab|bar","n":-7}"#,
    r#"{"id":3,"s":"line\nbreak\r\nand \u2028","n":9007199254740993}"#,
    r#"{"id":4,"s":"","n":0.5}"#,
    r#"{"id":5,"s":null,"n":null}"#,
    r#"{"id":6}"#,
    r#"{}"#,
    r#"null"#,
    r#"[1,{"a":2}]"#,
    r#""just a text""#,
    r#"17"#,
    r#"{"id":7,"nested":{"a":[1,2,{"b":null}],"c":"x\ny"}}"#,
    r#"{"id":8,"id":9}"#,
    r#"{"ID":10,"key.with.dots":1,"":"no name"}"#,
    r#"{"id":11,"s":"é漢😀\u0000\u001f","n":18446744073709551615}"#,
    r#"{"id":12,"n":1e400}"#,
    r#"{"id":13,"n":99999999999999999999.5}"#,
    r#"{"id":14,"n":NaN}"#,
    r#"{"id":15,"n":[-Infinity,"NaN"]}"#,
    r#"{"id":16,"s":"half \ud83d"}"#,
    r#"{"id":17,"s":"02139","flag":true}"#,
    r#"{"id":18,"s":"2020-01-31","flag":false}"#,
    r#"{"id":19,"s":"NaN","flag":"true"}"#,
    r#"{"id":20,"#,
    r#"{"id":21} {"id":22}"#,
    r#"{"id":23,"s":"last"}"#,
];

const CSV: &str = "id,s,id,n\n1,plain,2,5\n2,\"quo\"\"te, comma\",,0.5\n3,\"line\nbreak\",x,\n,,,\n4,\"\",nan,9007199254740993\n5,short\n6,long,1,2,3,4\n";

/// Runs a command and returns its counts of rows (in, out and refused) and its files.
fn told(home: &Path, words: &[&str]) -> (u64, u64, u64, Vec<String>) {
    let out = run(
        home,
        &[words, &["--yes", "--nan", "null", "--skip-malformed"]].concat(),
    );
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    let told: Value =
        serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("{words:?}: {errors}"));
    let of = |key: &str| told[key].as_u64().unwrap();
    let refused = of("rows_refused");
    let code = if refused > 0 { Some(7) } else { Some(0) };
    assert_eq!(out.status.code(), code, "{words:?}: {errors}");
    let files = told["files"].as_array().unwrap().iter();
    let files = files.map(|f| f["path"].as_str().unwrap().to_owned());
    (of("rows_in"), of("rows_out"), refused, files.collect())
}

fn rows(home: &Path, path: &str) -> u64 {
    let out = run(home, &["inspect", "stats", path]);
    let told: Value = serde_json::from_slice(&out.stdout).unwrap();
    told["rows"].as_u64().unwrap()
}

#[test]
fn rows_in_equal_rows_out_plus_refused() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let put = |name: &str, all: &str| {
        std::fs::write(dir.join(name), all).unwrap();
        text(&dir.join(name))
    };
    let lines = put("zoo.jsonl", &format!("{}\n\n", ROWS.join("\n")));
    let sound: Vec<&str> = ROWS
        .iter()
        .copied()
        .filter(|r| serde_json::from_str::<Value>(r).is_ok())
        .collect();
    let array = put("zoo.json", &format!("[{}]", sound.join(",\n ")));
    let csv = put("zoo.csv", CSV);
    let columnar = text(&dir.join("zoo.parquet"));
    told(home, &["inspect", "export", &csv, "-o", &columnar]);
    for (source, count) in [
        (&lines, 26),
        (&array, sound.len() as u64),
        (&csv, 7),
        (&columnar, 7),
    ] {
        for ending in ["jsonl", "csv", "tsv", "parquet", "arrow", "arrows", "txt"] {
            let to = text(&dir.join(format!("out.{ending}")));
            let (rows_in, rows_out, refused, _) =
                told(home, &["inspect", "export", source, "-o", &to]);
            assert_eq!(
                (rows_in, rows_out + refused),
                (count, count),
                "{source} {ending}"
            );
            assert_eq!(rows(home, &to), rows_out, "{source} {ending}");
        }
        for ending in ["csv", "parquet"] {
            let to = text(&dir.join(format!("all.{ending}")));
            let (rows_in, rows_out, refused, _) =
                told(home, &["inspect", "merge", source, &csv, "-o", &to]);
            assert_eq!(
                (rows_in, rows_out + refused),
                (count + 7, count + 7),
                "{source} {ending}"
            );
            assert_eq!(rows(home, &to), rows_out);
            let words = ["inspect", "sample", source, "-n", "100", "-o", &to];
            let (_, rows_out, refused, _) = told(home, &words);
            assert_eq!(rows_out + refused, count, "{source} {ending}");
            let (mut hits, mut all) = (0, 0);
            for invert in [&[][..], &["--invert"]] {
                let words = [&["inspect", "filter", source, "s", "-o", &to], invert].concat();
                let (rows_in, rows_out, refused, _) = told(home, &words);
                assert_eq!((rows_in, rows(home, &to)), (count, rows_out));
                hits += rows_out + refused;
                all = rows_in;
            }
            assert_eq!(hits, all, "{source} {ending}");
        }
        let parts = text(&dir.join("parts"));
        let words = [
            "inspect", "split", source, "--ratios", "50,50", "-o", &parts, "--format", "csv",
        ];
        let (rows_in, rows_out, refused, files) = told(home, &words);
        assert_eq!((rows_in, rows_out + refused), (count, count), "{source}");
        let found: u64 = files.iter().map(|file| rows(home, file)).sum();
        assert_eq!(found, rows_out, "{source}");
    }
}
