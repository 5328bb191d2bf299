use std::sync::Arc;

use super::*;
use crate::inspect::table::Header;

fn mend(name: &str, row: &str) -> Option<String> {
    match Mend::named(name).unwrap().row(&Shape::Json, row.as_bytes()) {
        Mended::New(text, _) => Some(String::from_utf8(text).unwrap()),
        Mended::Sound => Some("sound".to_owned()),
        Mended::Left => None,
    }
}

#[test]
fn think_tag_is_added_only_where_one_is_missing() {
    for (row, mended) in [
        (
            r#"{"a":"why</think>so"}"#,
            Some(r#"{"a":"<think>why</think>so"}"#),
        ),
        (
            r#"{"a":"<think>why so\n"}"#,
            Some(r#"{"a":"<think>why so\n</think>"}"#),
        ),
        (
            r#"{"a":"<reasoning>x"}"#,
            Some(r#"{"a":"<reasoning>x</reasoning>"}"#),
        ),
        (r#"{"a":"<think>x</think>y"}"#, Some("sound")),
        (r#"{"a":"<think>x<think>y"}"#, None),
        (r#"{"a":"x</think>y</think>"}"#, None),
        (r#"{"a":"</think>x<think>"}"#, None),
    ] {
        assert_eq!(mend("unbalanced-think", row).as_deref(), mended, "{row}");
    }
}

#[test]
fn invisible_characters_are_removed_and_escapes_stay() {
    for (rule, row, mended) in [
        ("zero-width", "{\"a\":\"x\u{200b}y\"}", r#"{"a":"xy"}"#),
        (
            "zero-width",
            r#"{"a":"x\u200by\u00e9\n"}"#,
            r#"{"a":"xy\u00e9\n"}"#,
        ),
        (
            "zero-width",
            r#"{"a":"\ud83d\ude00\u200b\ud83d"}"#,
            r#"{"a":"\ud83d\ude00\ud83d"}"#,
        ),
        (
            "zero-width",
            "{\"a\":\"\u{1f469}\u{200d}\u{1f4bb}\"}",
            "sound",
        ),
        ("zero-width", "{\"k\u{200b}\":\"x\"}", "sound"),
        (
            "tag-character",
            "{\"a\":\"x\u{e0041}\u{e0042}y\"}",
            r#"{"a":"xy"}"#,
        ),
        ("bidi-control", "{\"a\":[\"\u{202e}x\"]}", r#"{"a":["x"]}"#),
        ("nul-character", r#"{"a":"x\u0000y"}"#, r#"{"a":"xy"}"#),
        (
            "trailing-blanks",
            r#"{"a":"x \t ","b": "y " }"#,
            r#"{"a":"x","b": "y" }"#,
        ),
        ("trailing-blanks", r#"{"a":"x\\\t"}"#, r#"{"a":"x\\"}"#),
        ("trailing-blanks", r#"{"a":" x"}"#, "sound"),
    ] {
        assert_eq!(mend(rule, row).as_deref(), Some(mended), "{rule} {row}");
    }
}

#[test]
fn malformed_json_is_mended_only_with_certainty() {
    for (row, mended) in [
        (r#"{"a":1,}"#, Some(r#"{"a":1}"#)),
        (r#"{"a":[1,2, ],"b":2},"#, Some(r#"{"a":[1,2 ],"b":2}"#)),
        ("{\"a\":\"x\ty\"}", Some(r#"{"a":"x\ty"}"#)),
        (
            r#"{"a":True,"b":None,"c":"None, ]"}"#,
            Some(r#"{"a":true,"b":null,"c":"None, ]"}"#),
        ),
        ("\u{feff}{\"a\":1}", Some(r#"{"a":1}"#)),
        (r#"{"a":1}"#, Some("sound")),
        (r#"{"a":NaN}"#, Some("sound")),
        (r#"{"a":"x"#, None),
        (r#"{"a":1"#, None),
        (r#"{'a':1}"#, None),
        (r#"{"a":Nonesuch}"#, None),
        (r#"{"a":1,,"b":2}"#, None),
    ] {
        assert_eq!(mend("malformed-json", row).as_deref(), mended, "{row}");
    }
}

#[test]
fn fields_keep_their_quotes() {
    let header = Header {
        names: vec!["a".to_owned(), "b".to_owned()],
        separator: b',',
        quote: Some(b'"'),
        is_in_file: true,
        repeated: Vec::new(),
        not_utf8: Vec::new(),
        widest: 2,
    };
    let shape = Shape::Delimited(Arc::new(header));
    let row = Mend::TrailingBlanks.row(&shape, b"x  ,\"y, \"\"z\"\" \"");
    assert_eq!(row, Mended::New(b"x,\"y, \"\"z\"\"\"".to_vec(), false));
}
