//! The JSON scanner: the vectors of the specification, the cases of JSONTestSuite, documents made
//! at random, and what people who mean ill would send.

use crate::support::random::Random;
use alimentar::inspect::json::Event;
use alimentar::inspect::json::KeyCheck;
use alimentar::inspect::json::LoneSurrogate;
use alimentar::inspect::json::Reason;
use alimentar::inspect::json::ScanError;
use alimentar::inspect::json::Scanner;
use alimentar::inspect::json::Span;
use alimentar::inspect::json::TextPosition;
use alimentar::inspect::json::ValueKind;
use alimentar::inspect::json::field;
use alimentar::inspect::json::field_at;
use alimentar::inspect::json::validate;
use alimentar::wire::limits::JSON_DEPTH_MAX;

use crate::spec::decoders::targets::json_scan as by_both;

const VECTORS: &str = include_str!("../../../spec/vectors/json.txt");
const SUITE: &str = include_str!("../../data/json-test-suite/cases.txt");

fn unhex(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// Bytes as `cases.txt` writes them.
fn bytes(written: &str) -> Vec<u8> {
    let part = |part: &str| match part.split_once('*') {
        Some((hex, times)) => unhex(hex).repeat(times.parse().unwrap()),
        None => unhex(part.trim_matches('-')),
    };
    written.split('+').flat_map(part).collect()
}

fn cases() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let lines = SUITE.lines().map(|line| line.split_once(' ').unwrap());
    lines.map(|(name, written)| (name, bytes(written)))
}

/// Texts to mutate.
pub fn seeds() -> Vec<Vec<u8>> {
    let small = cases().map(|(_, text)| text).filter(|t| t.len() < 2000);
    small
        .chain((0..50).map(|n| DocumentMaker::new(n).document()))
        .collect()
}

fn refusal(text: &[u8]) -> (usize, Reason) {
    let error = validate(text).unwrap_err();
    (error.at, error.reason)
}

/// The events of a text in one line, as `json.txt` has them.
fn told(text: &[u8]) -> String {
    let (mut scanner, mut words) = (Scanner::new(text), Vec::new());
    loop {
        let event = match scanner.next_event() {
            Ok(Some(event)) => event,
            Ok(None) => return words.join(" "),
            Err(ScanError { at, reason }) => {
                words.push(format!("!{at} {reason:?}"));
                return words.join(" ");
            }
        };
        let mark = |is: bool| if is { "\\" } else { "" };
        let raw = |raw: &[u8]| String::from_utf8_lossy(raw).into_owned();
        let word = match event {
            Event::Object => "{".to_owned(),
            Event::ObjectEnd => "}".to_owned(),
            Event::Array => "[".to_owned(),
            Event::ArrayEnd => "]".to_owned(),
            Event::Key(text) => format!("key{}:{}", mark(text.is_escaped), raw(text.raw)),
            Event::String(text) => format!("string{}:{}", mark(text.is_escaped), raw(text.raw)),
            Event::Number(n) if n.is_integer => format!("integer:{}", raw(n.raw)),
            Event::Number(n) => format!("number:{}", raw(n.raw)),
            Event::Bool(is) => is.to_string(),
            Event::Null => "null".to_owned(),
        };
        words.push(format!("{}@{}", word, scanner.token_at()));
    }
}

#[test]
fn json_texts_match_the_vectors() {
    let mut count = 0;
    for line in VECTORS.lines().filter(|l| !l.starts_with('#')) {
        let (hex, rest) = line.split_once(" | ").unwrap();
        assert_eq!(told(&bytes(hex)), rest, "{hex}");
        count += 1;
    }
    assert!(count >= 30, "{count}");
}

/// Of the cases that a reader may take or refuse, those that are UTF-8 without a byte order mark
/// are within the grammar.
#[test]
fn json_scanner_passes_the_json_test_suite() {
    let mut counts = [0; 3];
    for (name, text) in cases() {
        by_both(&text);
        let accepted = validate(&text).is_ok();
        let (kind, expected) = match &name[..2] {
            "y_" => (0, true),
            "n_" => (1, false),
            _ => {
                let marked = text.starts_with("\u{feff}".as_bytes());
                let utf16 = text.contains(&0);
                (2, std::str::from_utf8(&text).is_ok() && !marked && !utf16)
            }
        };
        counts[kind] += 1;
        assert_eq!(accepted, expected, "{name}");
    }
    assert_eq!(counts, [95, 188, 35]);
}

/// Makes documents from a seed.
struct DocumentMaker(Random);

impl DocumentMaker {
    fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0.below(limit)
    }

    fn one(&mut self, of: &[&'static str]) -> &'static str {
        of[self.below(of.len() as u64) as usize]
    }

    fn document(&mut self) -> Vec<u8> {
        let mut text = String::new();
        self.space(&mut text);
        self.value(&mut text, 0);
        self.space(&mut text);
        text.into_bytes()
    }

    fn space(&mut self, text: &mut String) {
        text.push_str(self.one(&["", "", "", " ", "\n", "\t \r\n"]));
    }

    fn value(&mut self, text: &mut String, depth: u64) {
        match self.below(if depth < 6 { 9 } else { 6 }) {
            0 => text.push_str(self.one(&["true", "false", "null"])),
            1 | 2 => self.number(text),
            3..6 => self.string(text),
            6 => self.list(text, depth, ['[', ']'], false),
            _ => self.list(text, depth, ['{', '}'], true),
        }
    }

    fn list(&mut self, text: &mut String, depth: u64, ends: [char; 2], object: bool) {
        text.push(ends[0]);
        self.space(text);
        for n in 0..self.below(5) {
            if n > 0 {
                text.push(',');
                self.space(text);
            }
            if object {
                match self.below(3) {
                    0 => text.push_str(self.one(&["\"a\"", "\"\\u0061\"", "\"\\ud800\"", "\"\""])),
                    _ => self.string(text),
                }
                self.space(text);
                text.push(':');
                self.space(text);
            }
            self.value(text, depth + 1);
            self.space(text);
        }
        text.push(ends[1]);
    }

    fn number(&mut self, text: &mut String) {
        text.push_str(self.one(&["", "-"]));
        match self.below(3) {
            0 => text.push('0'),
            _ => text.push_str(&(1 + self.below(u64::MAX - 1)).to_string()),
        }
        if self.below(2) == 0 {
            text.push_str(self.one(&[".0", ".5", ".000123"]));
        }
        if self.below(3) == 0 {
            text.push_str(self.one(&["e1", "E+10", "e-7", "e999", "E00"]));
        }
    }

    fn string(&mut self, text: &mut String) {
        const PARTS: [&str; 16] = [
            "a",
            "key",
            " of some length, ",
            "exactly 8",
            "\u{7f}",
            "é",
            "文",
            "\u{10ffff}",
            "\\n",
            "\\\"",
            "\\\\",
            "\\/",
            "\\u00e9",
            "\\uD83D\\uDE00",
            "\\uDC00",
            "\\ud83d",
        ];
        text.push('"');
        for _ in 0..self.below(8) {
            text.push_str(self.one(&PARTS));
        }
        if self.below(8) == 0 {
            let longer = self.below(200) as usize;
            text.push_str(&"x".repeat(longer));
        }
        text.push('"');
    }
}

#[test]
fn json_scanner_agrees_with_serde_json_on_random_documents() {
    for seed in 0..4000 {
        let text = DocumentMaker::new(seed).document();
        assert_eq!(validate(&text), Ok(()), "seed {seed}");
        by_both(&text);
    }
}

/// Every byte in every place of a word and of a block, in strings of every length about them.
#[test]
fn json_scanner_checks_every_byte_of_a_long_string() {
    for len in [1, 7, 8, 9, 15, 16, 17, 31, 33, 47, 48, 49, 63, 64, 80] {
        for at in 0..len {
            for byte in 0..=255 {
                let mut text = vec![b'"'; 1];
                text.resize(1 + len, b'a');
                text[1 + at] = byte;
                text.extend_from_slice(b"b\"");
                by_both(&text);
                // With something to stop at before it.
                text.splice(1..1, "é\\n\\u0020".bytes());
                by_both(&text);
            }
        }
    }
}

/// Sequences of every first byte with bytes about the bounds of the table behind it.
#[test]
fn json_scanner_agrees_with_std_on_utf_8() {
    let edges = [
        0x00, 0x22, 0x5c, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0,
        0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
    ];
    for a in 0x80..=255 {
        for b in edges {
            for c in edges {
                for d in edges {
                    let text = [b'"', a, b, c, d, b'a', b'"'];
                    let (whole, cut) = (&text[..], &text[..4]);
                    by_both(whole);
                    by_both(cut);
                    if let (0x80.., 0x80.., 0x80..) = (b, c, d)
                        && let Err(error) = std::str::from_utf8(&text)
                    {
                        assert_eq!(refusal(whole), (error.valid_up_to(), Reason::Utf8));
                    }
                }
            }
        }
    }
}

#[test]
fn json_scanner_limits_nesting_without_recursion() {
    let nested = |depth: usize| [b"[".repeat(depth), b"]".repeat(depth)].concat();
    assert_eq!(validate(&nested(10_000)), Ok(()));
    assert_eq!(validate(&nested(JSON_DEPTH_MAX)), Ok(()));
    let deeper = (JSON_DEPTH_MAX, Reason::Depth);
    assert_eq!(refusal(&nested(JSON_DEPTH_MAX + 1)), deeper);
    assert_eq!(refusal(&b"[".repeat(10_000_000)), deeper);
    let open = b"{\"\":".repeat(JSON_DEPTH_MAX);
    assert_eq!(refusal(&open), (open.len(), Reason::End));
    let deeper = (open.len(), Reason::Depth);
    assert_eq!(refusal(&b"{\"\":".repeat(10_000_000)), deeper);
    let row = nested(10_000);
    let found = field_at(&row, &["0"; 9_999]).unwrap().unwrap();
    assert_eq!(found.raw, b"[]");
    assert_eq!(KeyCheck::default().first_repeated(&row), Ok(None));
}

/// Arrays and objects within each other in an order of their own: each end is told from the other.
#[test]
fn json_scanner_checks_brackets_at_every_depth() {
    let mut maker = DocumentMaker::new(5);
    for depth in [1, 63, 64, 65, 127, 128, 129, 1000] {
        let objects: Vec<bool> = (0..depth).map(|_| maker.below(2) == 0).collect();
        let open = objects.iter().map(|o| if *o { "{\"\":" } else { "[" });
        let close = objects.iter().rev().map(|o| if *o { "}" } else { "]" });
        let close: Vec<&str> = close.collect();
        let text = open.collect::<String>() + "0";
        by_both((text.clone() + &close.concat()).as_bytes());
        for wrong in 0..depth {
            let mut close = close.clone();
            close[wrong] = if close[wrong] == "}" { "]" } else { "}" };
            let at = text.len() + wrong;
            let text = text.clone() + &close.concat();
            assert_eq!(refusal(text.as_bytes()), (at, Reason::Comma));
        }
    }
}

#[test]
fn json_scanner_reads_long_strings() {
    let long = "x".repeat(1 << 20);
    let text = format!("{{\"{long}\":\"{long}\\n{long}\"}}");
    assert_eq!(validate(text.as_bytes()), Ok(()));
    let value = field(text.as_bytes(), &long).unwrap().unwrap();
    let mut said = String::new();
    value.text().unwrap().unescape_into(&mut said).unwrap();
    assert_eq!(said.len(), (2 << 20) + 1);
    let open = &text.as_bytes()[..text.len() - 2];
    assert_eq!(refusal(open), (open.len(), Reason::End));
}

#[test]
fn json_scanner_reports_lone_surrogates() {
    let text = br#""a\ud83d\ude00\ude00b\ud800""#;
    let value = Scanner::new(text).skip_value().unwrap().unwrap();
    assert_eq!(value.kind, ValueKind::String);
    let mut said = "what was there".to_owned();
    let lone = value.text().unwrap().unescape_into(&mut said);
    assert_eq!(said, "a\u{1f600}\u{fffd}b\u{fffd}");
    let unit = 0xde00;
    assert_eq!(lone, Err(LoneSurrogate { at: 13, unit }));
    // Half a character is not the same as the character that stands in for it.
    assert!(!value.text().unwrap().is(&said));
}

#[test]
fn json_fields_are_found_by_path() {
    let row = br#" {"id": 7, "a.b": 1, "a": {"b": [true, {"c": "x"}], "\u0063": null},
        "text": "one", "text": "two", "\ud800": 5} "#;
    let found = |path| field(row, path).unwrap().map(|v| (v.kind, v.raw));
    assert_eq!(found("id"), Some((ValueKind::Number, &b"7"[..])));
    assert_eq!(found("a.b.0"), Some((ValueKind::Bool, &b"true"[..])));
    assert_eq!(found("a.b.1.c"), Some((ValueKind::String, &b"\"x\""[..])));
    assert_eq!(found("a.c"), Some((ValueKind::Null, &b"null"[..])));
    assert_eq!(found("text"), Some((ValueKind::String, &b"\"one\""[..])));
    for absent in [
        "", "b", "a.b.2", "a.b.+1", "a.b.", "id.x", "text.0", "\u{fffd}",
    ] {
        assert_eq!(found(absent), None, "{absent}");
    }
    let whole = field_at(row, &[]).unwrap().unwrap();
    assert_eq!(
        whole.span(),
        Span {
            start: 1,
            end: row.len() - 1
        }
    );
    assert_eq!(field_at(row, &["a.b"]).unwrap().unwrap().raw, b"1");
    // A lookup reads the text before the end of the value, and nothing after it.
    assert!(field(b"{\"a\":1,nonsense", "a").unwrap().is_some());
    assert!(field(b"{nonsense,\"a\":1", "a").is_err());
}

#[test]
fn json_scanner_finds_repeated_keys_in_any_spelling() {
    let mut check = KeyCheck::default();
    let mut found = |row: &str| {
        let span = check.first_repeated(row.as_bytes()).unwrap();
        span.map(|s| {
            (
                s.start,
                String::from_utf8_lossy(s.of(row.as_bytes())).into_owned(),
            )
        })
    };
    assert_eq!(found(r#"{"a":1,"b":{"a":2},"c":[{"a":1},{"a":1}]}"#), None);
    let second = (14, "\\u0061".to_owned());
    assert_eq!(found(r#"{"a":1,"b":2,"\u0061":3,"b":4}"#), Some(second));
    assert_eq!(
        found(r#"[{"x":{"k":0,"k":0},"x":0}]"#),
        Some((14, "k".to_owned()))
    );
    assert_eq!(found(r#"{"\ud800":0,"\ud801":0}"#), None);
    assert_eq!(
        found(r#"{"\ud800":0,"\uD800":0}"#),
        Some((13, "\\uD800".to_owned()))
    );
    assert_eq!(
        found(r#"{"é":0,"\u00e9":0}"#),
        Some((9, "\\u00e9".to_owned()))
    );
}

#[test]
fn lint_columns_match_editors() {
    let text = "{\n \"é文\": x}".as_bytes();
    let (at, reason) = refusal(text);
    assert_eq!(reason, Reason::Value);
    assert_eq!(
        TextPosition::of(text, at),
        TextPosition { line: 2, column: 8 }
    );
    assert_eq!(
        TextPosition::of(text, 0),
        TextPosition { line: 1, column: 1 }
    );
    assert_eq!(
        TextPosition::of(b"a\n", 99),
        TextPosition { line: 2, column: 1 }
    );
}

#[test]
fn export_keeps_numbers_as_written() {
    let number = |text: &'static str| match Scanner::new(text.as_bytes()).next_event() {
        Ok(Some(Event::Number(number))) => (number.to_i64(), number.to_f64()),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        number("-9223372036854775808"),
        (Some(i64::MIN), Some(-(2f64.powi(63))))
    );
    assert_eq!(number("9223372036854775808"), (None, Some(2f64.powi(63))));
    assert_eq!(number("1e2"), (None, Some(100.0)));
    assert_eq!(number("1e999"), (None, Some(f64::INFINITY)));
    assert_eq!(number("-0"), (Some(0), Some(-0.0)));
}
