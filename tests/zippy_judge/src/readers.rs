//! The judge reads what the program wrote.

use serde_json::Value;
use serde_json::json;
use zippy_data::Engine;
use zippy_data::Layout;
use zippy_data::Predicate;

use crate::Check;
use crate::ours::Documents;
use crate::ours::Lab;
use crate::ours::NAME;
use crate::theirs;

pub const CHECKS: &[Check] = &[
    (
        "log_of_the_program_after_each_command_is_read_by_theirs",
        log,
    ),
    (
        "log_of_the_program_without_its_index_is_read_by_theirs_after_a_compaction",
        rebuilt,
    ),
    ("files_of_the_program_are_read_by_their_engine", files),
    ("predicates_choose_what_theirs_choose", predicates),
    ("archive_of_the_program_is_unpacked_by_theirs", archive),
    ("layout_of_the_program_is_valid_for_theirs", layout),
];

fn agree(lab: &Lab, expected: &Documents) {
    assert_eq!(&theirs::log(&lab.root), expected);
    assert_eq!(&lab.all(), expected);
}

fn log(lab: &Lab) {
    let mut expected: Documents = theirs::documents(0..300).into_iter().collect();
    lab.put(&theirs::documents(0..300));
    agree(lab, &expected);
    let updates: Vec<(String, Value)> = expected
        .keys()
        .take(90)
        .map(|id| (id.clone(), json!({"new": id})))
        .collect();
    lab.put(&updates);
    expected.extend(updates.clone());
    agree(lab, &expected);
    let gone: Vec<&str> = updates.iter().take(40).map(|(id, _)| id.as_str()).collect();
    lab.delete(&gone);
    expected.retain(|id, _| !gone.contains(&id.as_str()));
    agree(lab, &expected);
    lab.done("compact", &[]);
    agree(lab, &expected);
    lab.put(&theirs::documents(300..310));
    expected.extend(theirs::documents(300..310));
    agree(lab, &expected);
    lab.done("reindex", &["--index", "text"]);
    agree(lab, &expected);
    lab.done("reindex", &["--index", "binary"]);
    agree(lab, &expected);
    let all: Vec<&str> = expected.keys().map(String::as_str).collect();
    lab.delete(&all);
    agree(lab, &Documents::new());
}

fn rebuilt(lab: &Lab) {
    lab.put(&theirs::documents(0..100));
    lab.put(&theirs::documents(0..50));
    lab.delete(&["plain-0", "UPPER-1"]);
    let expected = lab.all();
    lab.done("compact", &[]);
    std::fs::remove_file(lab.meta("index.bin")).unwrap();
    agree(lab, &expected);
}

fn files(lab: &Lab) {
    lab.done("init", &["--files"]);
    let mut expected: Documents = theirs::documents(0..60).into_iter().collect();
    lab.put(&theirs::documents(0..60));
    assert_eq!(theirs::files(&lab.root), expected);
    lab.put(&[("plain-0".to_owned(), json!({"new": 1}))]);
    lab.delete(&["UPPER-1", "with.dot-2"]);
    expected.insert("plain-0".to_owned(), json!({"new": 1}));
    expected.retain(|id, _| id != "UPPER-1" && id != "with.dot-2");
    assert_eq!(theirs::files(&lab.root), expected);
    assert_eq!(lab.all(), expected);
    let stats = Engine::open(&lab.root, NAME).unwrap().stats();
    assert_eq!(stats.doc_count, expected.len());
}

fn predicates(lab: &Lab) {
    lab.done("init", &["--files"]);
    lab.put(&theirs::documents(0..60));
    let engine = Engine::open(&lab.root, NAME).unwrap();
    let eq = |path: &str, value: Value| Predicate::Eq(path.to_owned(), value);
    let cases = [
        (eq("n", json!(3)), "n = 3"),
        (eq("o.deep.n", json!(2)), "o.deep.n = 2"),
        (eq("name", json!("né3")), "name = \"né3\""),
        (eq("z", json!([])), "z = []"),
        (Predicate::exists("half"), "exists half"),
        (Predicate::NotExists("half".to_owned()), "not half"),
        (
            Predicate::and(vec![Predicate::exists("text"), eq("o.deep.n", json!(0))]),
            "text and o.deep.n = 0",
        ),
        (
            Predicate::or(vec![eq("n", json!(3)), Predicate::exists("minus")]),
            "n = 3 or minus",
        ),
    ];
    for (theirs, ours) in cases {
        let chosen = engine
            .scan(Some(&theirs), None)
            .unwrap()
            .collect::<zippy_data::Result<Vec<_>>>()
            .unwrap();
        let mut chosen: Vec<u64> = chosen.iter().map(|d| d["n"].as_u64().unwrap()).collect();
        let found = lab.done("scan", &["--where", ours]);
        let found = found
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut found: Vec<u64> = found.map(|d| d["n"].as_u64().unwrap()).collect();
        chosen.sort();
        found.sort();
        assert!(!chosen.is_empty() && chosen.len() < 60, "{ours}");
        assert_eq!(found, chosen, "{ours}");
    }
}

fn archive(lab: &Lab) {
    lab.put(&theirs::documents(0..100));
    lab.delete(&["plain-0"]);
    let expected = lab.all();
    let path = lab.dir.path().join("a.zds");
    let root = lab.root.to_str().unwrap();
    assert_eq!(lab.plain(&["pack", root, path.to_str().unwrap()]), Some(0));
    let out = lab.dir.path().join("out");
    zippy_data::container::unpack(&path, &out).unwrap();
    assert_eq!(theirs::log(&out), expected);
    // Documents that are files are read in the archive itself.
    let other = lab.beside(lab.dir.path().join("in/files"));
    other.done("init", &["--files"]);
    other.put(&theirs::documents(0..20));
    let path = lab.dir.path().join("b.zds");
    assert_eq!(
        lab.plain(&["pack", other.root.to_str().unwrap(), path.to_str().unwrap()]),
        Some(0)
    );
    let engine = Engine::open(&path, NAME).unwrap();
    for (id, document) in theirs::documents(0..20) {
        assert_eq!(engine.get_document(&id).unwrap(), document);
    }
}

fn layout(lab: &Lab) {
    lab.put(&theirs::documents(0..3));
    Layout::validate(&lab.root).unwrap();
    Layout::validate_collection(&lab.root, NAME).unwrap();
}
