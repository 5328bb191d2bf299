//! Queries of every form, and their results.

use crate::search::Document;
use crate::search::Match;
use crate::search::Query;
use crate::search::QueryError;
use crate::search::SearchIndex;

#[test]
fn query_parser_never_panics() {
    let parse = |text: &str| text.parse::<Query>();
    let q = parse("speech \"read aloud\" -noisy license:MIT rows:>10k tag:nl* AND").unwrap();
    assert_eq!(q.clauses.len(), 6);
    assert!(q.clauses[2].negated);
    assert_eq!(q.clauses[4].what, Match::AtLeast(10_001));
    assert_eq!(q.clauses[5].what, Match::Prefix("nl".to_owned()));
    assert_eq!(
        parse("\"unclosed"),
        Err(QueryError::Unclosed("\"unclosed".to_owned()))
    );
    assert_eq!(
        parse("colour:red"),
        Err(QueryError::Field("colour".to_owned()))
    );
    assert_eq!(
        parse("rows:many"),
        Err(QueryError::Number("many".to_owned()))
    );
    assert_eq!(parse(&"(".repeat(10_000)), Err(QueryError::TooLong));
    for odd in [
        "AND AND",
        "((((",
        "- -",
        ":",
        "\"\"",
        "\u{202e}x",
        "*",
        "a:b:c",
        "-\"x y\"",
        "rows:",
        "rows:1e400",
    ] {
        let _ = parse(odd);
    }
}

#[test]
fn search_finds_words_fields_and_typos() {
    let dir = tempfile::tempdir().unwrap();
    let index = SearchIndex::open(dir.path()).unwrap();
    let doc = |key: &str, name: &str, text: &str, rows: u64| Document {
        key: key.to_owned(),
        envelope: format!("e-{key}"),
        name: name.to_owned(),
        text: text.to_owned(),
        rows,
        license: Some("MIT".to_owned()),
        tags: vec!["nlp".to_owned()],
        columns: vec!["meta.label".to_owned(), "text".to_owned()],
        ..Document::default()
    };
    let docs = [
        doc(
            "1",
            "voices",
            "Recordings of people reading aloud in rooms",
            100,
        ),
        doc("2", "rooms", "Photographs of empty halls", 20_000),
        doc(
            "3",
            "grade-school-math",
            "Word problems about voices and numbers",
            5,
        ),
    ];
    index.change(&[], &docs).unwrap();
    let find = |text: &str, lenient: bool| -> Vec<String> {
        let hits = index.search(&text.parse().unwrap(), 10, lenient).unwrap();
        hits.into_iter().map(|h| h.key).collect()
    };
    assert_eq!(find("voices", false), ["1", "3"], "the name counts most");
    assert_eq!(find("recording", false), ["1"], "stems");
    assert_eq!(find("rooms", false), ["2", "1"]);
    assert_eq!(find("\"reading aloud\"", false), ["1"]);
    assert_eq!(find("\"aloud reading\"", false), [""; 0]);
    assert_eq!(find("photo*", false), ["2"]);
    assert_eq!(find("rows:>1k", false), ["2"]);
    assert_eq!(find("rows:<=100 -voices", false), [""; 0]);
    assert_eq!(find("license:mit tag:nlp math", false), ["3"]);
    assert_eq!(find("schema:meta.label", false).len(), 3);
    assert_eq!(find("schema:label", false), [""; 0]);
    assert_eq!(find("voicse", false), [""; 0]);
    assert_eq!(find("voicse", true)[0], "1");
    let hits = index
        .search(&"reading".parse().unwrap(), 10, false)
        .unwrap();
    assert!(
        hits[0].snippet.contains("**reading**"),
        "{}",
        hits[0].snippet
    );
    index.change(&["1".to_owned()], &[]).unwrap();
    assert_eq!(find("voices", false), ["3"]);
    assert_eq!(index.held().unwrap().len(), 2);
}

#[test]
fn search_ranks_word_beginnings_below_whole_words() {
    let index = SearchIndex::in_memory().unwrap();
    let doc = |key: &str, name: &str, text: &str| Document {
        key: key.to_owned(),
        envelope: format!("e-{key}"),
        name: name.to_owned(),
        text: text.to_owned(),
        ..Document::default()
    };
    let docs = [
        doc("1", "photographs", "empty halls"),
        doc("2", "halls", "one photo of a hall"),
        doc("3", "grade-school-math", "word problems"),
        doc("4", "others", "photography of rooms"),
    ];
    index.change(&[], &docs).unwrap();
    let find = |text: &str| -> Vec<String> {
        let hits = index.search(&text.parse().unwrap(), 10, false).unwrap();
        hits.into_iter().map(|h| h.key).collect()
    };
    // A whole word in the text ranks before the beginning of a word in a name.
    assert_eq!(find("photo"), ["2", "1", "4"]);
    assert_eq!(find("name:photo"), ["1"]);
    assert_eq!(find("grade-sch"), ["3"]);
    assert_eq!(find("emp hal"), ["1"]);
    assert_eq!(find("\"phot\""), [""; 0], "what is quoted is whole");
    assert_eq!(find("halls -photo"), ["1"], "only whole words are left out");
    assert_eq!(find("p"), [""; 0]);
}
