//! Sessions over files in memory.

use std::sync::Arc;

use alimentar::clock::Timestamp;
use alimentar::progress::NoProgress;
use serde_json::Value;

use crate::Failure;
use crate::Session;

const NOW: Timestamp = Timestamp(1_800_000_000);

fn open(session: &mut Session, name: &str, bytes: &[u8]) -> u32 {
    let opened = session.open(Arc::new(bytes.to_vec()), name).unwrap();
    let opened: Value = serde_json::from_str(&opened).unwrap();
    u32::try_from(opened["handle"].as_u64().unwrap()).unwrap()
}

fn read(answer: Result<String, Failure>) -> Value {
    serde_json::from_str(&answer.unwrap()).unwrap()
}

fn lines(count: u32) -> Vec<u8> {
    let line = |n| {
        format!(
            "{{\"n\":{n},\"text\":\"row {n} {}\"}}\n",
            "x".repeat(n as usize % 90)
        )
    };
    (0..count).flat_map(|n| line(n).into_bytes()).collect()
}

#[test]
fn rows_of_lines_are_found_by_number_before_and_after_a_count() {
    let mut session = Session::new(NOW);
    let bytes = lines(300_000);
    let handle = open(&mut session, "x.jsonl", &bytes);
    let found = |session: &mut Session, n: u64| {
        let row = read(session.row(handle, n));
        let text: Value = serde_json::from_str(row["json"].as_str().unwrap()).unwrap();
        assert_eq!(
            (text["n"].as_u64(), row["number"].as_u64()),
            (Some(n), Some(n))
        );
    };
    for n in [0, 5, 299_999, 150_000, 7] {
        found(&mut session, n);
    }
    assert_eq!(read(session.count(handle, &NoProgress))["rows"], 300_000);
    for n in [299_999, 0, 123_456] {
        found(&mut session, n);
    }
    assert_eq!(session.row(handle, 300_000).unwrap_err().kind, "not_found");
    let page = read(session.rows(handle, 299_998, 100));
    assert_eq!(
        (page["rows"].as_array().unwrap().len(), &page["next"]),
        (2, &Value::Null)
    );
}

#[test]
fn selection_becomes_an_archive_that_verifies() {
    let mut session = Session::new(NOW);
    let handle = open(&mut session, "x.csv", b"a,b\n1,x\n2,\"y\nz\"\n3,w\n");
    let mut archive = Vec::new();
    let mut sink = |bytes: Vec<u8>| {
        archive.extend(bytes);
        Ok(())
    };
    let request = r#"{"name":"picked","rows":[[0,1],[1,2]],"tags":["b","a"]}"#;
    let seed = (NOW, [7; 16]);
    let made = read(session.export_rows(handle, request, seed, &NoProgress, &mut sink));
    assert_eq!(
        (&made["rows"], &made["version"]),
        (&3.into(), &"0.1.0".into())
    );
    for beyond in ["[3,1]", "[2,2]", "[0,1],[9,9]"] {
        let request = format!(r#"{{"name":"picked","rows":[{beyond}]}}"#);
        let refused = session.export_rows(handle, &request, seed, &NoProgress, &mut |_| Ok(()));
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind, "not_found", "{beyond}");
        assert!(
            refused.message.contains("ends before row"),
            "{}",
            refused.message
        );
    }
    let handle = open(&mut session, "picked.alimentar", &archive);
    let described = read(session.describe(handle));
    let dataset = &described["datasets"][0];
    assert_eq!(
        (&dataset["trust"], &dataset["num_rows"]),
        (&"unsigned".into(), &3.into())
    );
    assert_eq!(dataset["files"][0]["path"], "picked.jsonl");
    assert!(session.file(handle, 0, "picked.jsonl").is_err());
    let verified = read(session.verify(handle, &NoProgress));
    assert_eq!(verified["datasets"][0]["outcome"], "intact");
    let file = read(session.file(handle, 0, "picked.jsonl"));
    let file = u32::try_from(file["handle"].as_u64().unwrap()).unwrap();
    let rows = read(session.rows(file, 1, 1));
    assert_eq!(rows["rows"][0]["json"], r#"{"a":"2","b":"y\nz"}"#);
}

#[test]
fn search_gives_places_in_characters_of_the_page() {
    let mut session = Session::new(NOW);
    let handle = open(
        &mut session,
        "x.jsonl",
        "{\"t\":\"a😀bc\"}\n{\"t\":\"b\"}\n".as_bytes(),
    );
    let mut hits: Vec<Value> = Vec::new();
    let mut each = |hit: String| hits.push(serde_json::from_str(&hit).unwrap());
    let request = r#"{"pattern":"bc","fixed":true}"#;
    let found = read(session.search(handle, request, &NoProgress, &mut each));
    assert_eq!(found["matches"], 1);
    assert_eq!(hits[0]["spans"], serde_json::json!([[9, 11]]));
    let wrong = session.search(handle, r#"{"pattern":"("}"#, &NoProgress, &mut |_| {});
    assert_eq!(wrong.unwrap_err().kind, "invalid");
}

#[test]
fn summaries_are_found_by_all_words() {
    let summaries = serde_json::json!([
        {"id": 1, "summary": {"name": "gsm8k", "tags": ["math"], "card": "Grade school problems"}},
        {"id": 2, "summary": {"name": "math-notes", "columns": [{"name": "question"}]}},
    ]);
    let ids = |query: &str| -> Vec<u64> {
        let found = read(Session::find(&summaries.to_string(), query));
        let found = found.as_array().unwrap().iter();
        found.map(|f| f["id"].as_u64().unwrap()).collect()
    };
    assert_eq!(ids("math"), [2, 1]);
    assert_eq!(ids("math school"), [1]);
    assert_eq!(ids("QUEST"), [2]);
    assert!(ids("nothing").is_empty());
}

#[test]
fn refusals_have_kinds_words_and_hints() {
    let mut session = Session::new(NOW);
    let mut refused =
        |name: &str, bytes: &[u8]| session.open(Arc::new(bytes.to_vec()), name).unwrap_err();
    let locked = refused("x.alimentar", b"age-encryption.org/v1\n-> X25519");
    assert_eq!(locked.kind, "denied");
    assert!(
        locked.message.starts_with("`x.alimentar` is encrypted"),
        "{locked:?}"
    );
    let cut = refused("x.alimentar", b"");
    assert_eq!(
        (cut.kind, cut.message.as_str()),
        ("integrity", "the archive is cut off")
    );
    let other = refused("x.alimentar", b"PK\x03\x04 something else");
    assert!(other.hint.is_some_and(|hint| hint.contains(".alimentar")));
    let parquet = refused("x.parquet", b"PAR1 and no footer");
    assert!(
        parquet
            .message
            .starts_with("cannot read the rows of `x.parquet`: "),
        "{parquet:?}"
    );
}
