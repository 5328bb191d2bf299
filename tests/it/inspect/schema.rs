//! The schema of whole files, conflicts included.

use crate::support::answer;
use crate::support::program;

#[test]
fn schema_conflict_in_a_late_row_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let rows: String = (0..60_000)
        .map(|n| match n {
            59_000 => "{\"id\":\"x\",\"late\":{\"deep\":[1]}}\n".to_owned(),
            59_500 => "not json\n".to_owned(),
            _ => format!("{{\"id\":{n},\"text\":\"some words that take room\"}}\n"),
        })
        .collect();
    assert!(rows.len() > 2 << 20);
    std::fs::write(data.join("a.jsonl"), &rows).unwrap();
    std::fs::write(data.join("b.json"), "[{\"x\":1},{\"x\":null},{\"x\":[]}]").unwrap();
    std::fs::write(
        data.join("c.csv"),
        "n,\"a,\"\"b\"\"\nx\"\n1,2\n1.5,\"y\nz\"\n,\n",
    )
    .unwrap();
    let packed = zrip::compress(rows.as_bytes(), 1).unwrap();
    std::fs::write(data.join("d.jsonl.zst"), packed).unwrap();
    answer(&home, &["registry", "index", data.to_str().unwrap()]);
    let said = answer(&home, &["registry", "schema", "data"]);
    let file = |path: &str| {
        let files = said["files"].as_array().unwrap();
        files.iter().find(|f| f["path"] == path).unwrap().clone()
    };
    for path in ["a.jsonl", "d.jsonl.zst"] {
        let a = file(path);
        assert_eq!((&a["rows"], &a["unreadable"]), (&60_000.into(), &1.into()));
        assert_eq!(a["first_unreadable"], 59_500);
        let fields = a["fields"].as_array().unwrap();
        let of = |name: &str| fields.iter().find(|f| f["name"] == name).unwrap();
        assert_eq!(
            (&of("id")["conflict"], &of("id")["type"]),
            (&true.into(), &"int or text".into())
        );
        assert_eq!(of("id")["types"][1]["first_row"], 59_000);
        assert_eq!(of("late.deep.[]")["type"], "int");
        assert_eq!(of("text")["absent"], 1);
    }
    let b = file("b.json");
    assert_eq!(
        (&b["rows"], &b["fields"][0]["nulls"]),
        (&3.into(), &1.into())
    );
    let c = file("c.csv");
    assert_eq!(
        (&c["rows"], &c["fields"][0]["type"]),
        (&3.into(), &"float".into())
    );
    assert_eq!(c["fields"][1]["name"], "a,\"b\"\nx");
    assert_eq!(c["fields"][1]["conflict"], true);
    let text = program(&home)
        .args(["registry", "schema", "data:a.jsonl"])
        .output()
        .unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains("conflict: 59998 int from row 0, 1 text from row 59000"),
        "{text}"
    );
}
