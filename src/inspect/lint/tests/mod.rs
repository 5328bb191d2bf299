mod planted;

use std::sync::Arc;
use std::sync::Mutex;

use crate::inspect::lint::LintOptions;
use crate::inspect::lint::LintReport;
use crate::inspect::lint::RULES;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::Severity;
use crate::inspect::lint::lint;
use crate::inspect::lint::sarif;
use crate::inspect::lint::tests::planted::planted;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Filled;
use crate::inspect::table::Header;
use crate::inspect::table::Lines;
use crate::inspect::table::Next;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::Table;
use crate::inspect::table::TableError;
use crate::progress::NoProgress;

fn lines(text: &[u8], shape: Shape, options: &LintOptions) -> LintReport {
    let table = Arc::new(Lines::new(Arc::new(text.to_vec()), shape));
    let batches = table.batches(&Selection::default()).unwrap();
    lint(&*batches, options, &NoProgress).unwrap()
}

/// Rows that are what they are, newlines and all.
struct Rows(Mutex<Option<Vec<Vec<u8>>>>, Shape);

impl Batches for Rows {
    fn next(&self, batch: &mut Batch) -> Result<Next, TableError> {
        let Some(rows) = self.0.lock().unwrap().take() else {
            return Ok(Next::End(1));
        };
        batch.refill_spans(&self.1, 0, |text, spans| {
            text.clear();
            for row in rows {
                let start = text.len() as u32;
                text.extend_from_slice(&row);
                spans.push((start, text.len() as u32));
                text.push(b'\n');
            }
            Filled::default()
        });
        Ok(Next::Batch(0))
    }
}

fn rows(rows: &[&[u8]], shape: Shape, options: &LintOptions) -> LintReport {
    let rows = rows.iter().map(|r| r.to_vec()).collect();
    lint(&Rows(Mutex::new(Some(rows)), shape), options, &NoProgress).unwrap()
}

fn csv() -> Shape {
    Shape::Delimited(Arc::new(Header {
        names: ["a", "b", "c"].map(str::to_owned).to_vec(),
        separator: b',',
        quote: Some(b'"'),
        is_in_file: true,
        repeated: Vec::new(),
    }))
}

fn count(report: &LintReport, rule: RuleId) -> u64 {
    let of = report.rules.iter().find(|r| r.rule.id == rule);
    of.map_or(0, |r| r.count)
}

#[test]
fn each_rule_speaks_of_what_it_should_and_of_nothing_else() {
    for (rule, bad, good) in planted() {
        let found = |row: &String| {
            let (shape, row) = match row.strip_prefix('=') {
                Some(text) => (Shape::Text, text),
                None => (Shape::Json, row.as_str()),
            };
            let row = format!("{row}\n");
            let all = lines(row.as_bytes(), shape.clone(), &LintOptions::default());
            let alone = lines(row.as_bytes(), shape, &LintOptions::only(&[rule]));
            assert_eq!(alone.rules.len(), 1);
            assert_eq!(
                count(&alone, rule),
                count(&all, rule),
                "{rule:?} alone: {row}"
            );
            count(&all, rule)
        };
        for row in &bad {
            assert_eq!(found(row), 1, "{rule:?} must speak: {row}");
        }
        for row in &good {
            assert_eq!(found(row), 0, "{rule:?} must not speak: {row}");
        }
    }
}

#[test]
fn rules_of_bytes_and_lines() {
    let options = LintOptions::default();
    for shape in [Shape::Json, Shape::Text] {
        let of = |text: &[u8], rule| count(&lines(text, shape.clone(), &options), rule);
        assert_eq!(of(b"\"a\xff\"\n\"\xc3\xa9\"\n", RuleId::BadUtf8), 1);
        assert_eq!(of(b"\xef\xbb\xbf1\n2\n", RuleId::ByteOrderMark), 1);
        assert_eq!(of(b"1\n2\n", RuleId::ByteOrderMark), 0);
        assert_eq!(of(b"1\n2\r\n3\n", RuleId::MixedLineEnds), 1);
        assert_eq!(of(b"1\r\n2\r\n3\n", RuleId::MixedLineEnds), 1);
        assert_eq!(of(b"1\r\n2\r\n", RuleId::MixedLineEnds), 0);
        assert_eq!(of(b"1\n2", RuleId::MissingFinalNewline), 1);
        assert_eq!(of(b"1\n2\n", RuleId::MissingFinalNewline), 0);
        assert_eq!(of(b"", RuleId::MissingFinalNewline), 0);
        let blank = lines(b"1\n\n \n2\n", shape.clone(), &options);
        let expected = if shape == Shape::Json { 2 } else { 0 };
        assert_eq!(count(&blank, RuleId::BlankLine), expected);
    }
}

#[test]
fn records_have_as_many_fields_as_the_header() {
    let of = |row: &[u8], rule| count(&rows(&[row], csv(), &LintOptions::default()), rule);
    for (row, bad) in [
        (&b"1,2,3"[..], 0),
        (b"1,\"2,\n\"\"x\"\"\",3", 0),
        (b"1,2", 1),
        (b"1,2,3,4", 1),
        (b"\"1,2\",3", 1),
    ] {
        assert_eq!(of(row, RuleId::FieldCount), bad, "{row:?}");
    }
    for (row, bad) in [
        (&b"1,\"2\",3"[..], 0),
        (b"\"\",\"\"\"\",3", 0),
        (b"1,2\",3", 1),
        (b"1,\"2\"x,3", 1),
        (b"1,2,\"3", 1),
        (b"1, \"2\",3", 1),
    ] {
        assert_eq!(of(row, RuleId::StrayQuote), bad, "{row:?}");
    }
    assert_eq!(of(b",,", RuleId::EmptyRow), 1);
}

#[test]
fn rows_are_judged_by_all_others() {
    let row = |n: usize| match n {
        17 => r#"{"id":17,"text":"x"}"#.to_owned(),
        400 => r#"{"id":"400","text":"some text","kind":"a"}"#.to_owned(),
        401 => r#"{"id":401,"text":"some text","kind":"a","extra":1}"#.to_owned(),
        402 => r#"{"id":402,"text":"","kind":"a"}"#.to_owned(),
        900 => format!(
            r#"{{"id":900,"text":"{}","kind":"a"}}"#,
            "long ".repeat(500)
        ),
        n => format!(r#"{{"id":{n},"text":"some text","kind":"a"}}"#),
    };
    let text: String = (0..10_000).map(|n| row(n) + "\n").collect();
    let report = lines(text.as_bytes(), Shape::Json, &LintOptions::default());
    assert_eq!(report.checked, 10_000);
    for (rule, row, column) in [
        (RuleId::MissingKey, 17, Some("kind")),
        (RuleId::TypeDrift, 400, Some("id")),
        (RuleId::UnexpectedKey, 401, Some("extra")),
        (RuleId::EmptyField, 402, Some("text")),
        (RuleId::ExtremeLength, 900, None),
    ] {
        let found = report.rules.iter().find(|r| r.rule.id == rule).unwrap();
        assert_eq!(found.count, 1, "{rule:?}");
        assert_eq!(found.examples.len(), 1, "{rule:?}");
        let example = &found.examples[0];
        assert_eq!(
            (example.row, example.column.as_deref()),
            (row, column),
            "{rule:?}"
        );
    }
    assert_eq!((report.errors, report.warnings, report.notes), (0, 4, 2));
    // The long row repeats itself.
    assert_eq!(count(&report, RuleId::RepeatedText), 1);
    // However many threads, and however rows fall into batches.
    let options = LintOptions {
        threads: 4,
        ..LintOptions::default()
    };
    assert_eq!(lines(text.as_bytes(), Shape::Json, &options), report);
}

#[test]
fn numbers_in_records_are_numbers() {
    let table: Vec<String> = (0..100)
        .map(|n| match n {
            50 => "unknown,x,y".to_owned(),
            n => format!("{n},x,{n}.5"),
        })
        .collect();
    let table: Vec<&[u8]> = table.iter().map(String::as_bytes).collect();
    let report = rows(&table, csv(), &LintOptions::default());
    assert_eq!(count(&report, RuleId::TypeDrift), 2);
}

#[test]
fn real_rows_are_clean() {
    let text = include_bytes!("../../../../tests/data/gsm8k/test.jsonl");
    let report = lines(text, Shape::Json, &LintOptions::default());
    let spoke: Vec<_> = report.rules.iter().filter(|r| r.count > 0).collect();
    // What they say of it is true: one answer has a zero-width space.
    assert_eq!((report.errors, report.warnings), (0, 1), "{spoke:#?}");
    assert_eq!(count(&report, RuleId::ZeroWidth), 1);
    assert_eq!(report.checked, 1319);
}

#[test]
fn the_suite_is_the_judge_of_json() {
    let cases = include_str!("../../../../tests/data/json-test-suite/cases.txt");
    let unhex = |hex: &str| -> Vec<u8> {
        let digits = |n: usize| u8::from_str_radix(&hex[n..n + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(digits).collect()
    };
    let mut seen = 0;
    for case in cases.lines() {
        let (name, written) = case.split_once(' ').unwrap();
        let parts = written.split('+').map(|part| match part.split_once('*') {
            Some((hex, times)) => unhex(hex).repeat(times.parse().unwrap()),
            None => unhex(part.trim_matches('-')),
        });
        let text = parts.collect::<Vec<_>>().concat();
        let report = rows(&[&text], Shape::Json, &LintOptions::default());
        let accepted = report.checked == 1 && report.errors == 0;
        match &name[..2] {
            "y_" => assert!(accepted, "{name}"),
            "n_" => assert!(!accepted, "{name}"),
            _ => {}
        }
        seen += 1;
    }
    assert!(seen > 300);
}

#[test]
fn nothing_secret_is_shown() {
    let key = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    let mail = "jane.doe@example.org";
    let rows = [
        format!(r#"{{"a":"{key}","a":"{mail}"}}"#),
        format!(r#"{{"a":"x {key} \ud800 {mail}""#),
        format!(r#"{{"token":"\u0041 {key}","b":"<|im_start|>{mail} {key}"}}"#),
        format!(r#"{{"api_key":"{key}"}}"#),
    ];
    let text = rows.join("\n");
    let report = lines(text.as_bytes(), Shape::Json, &LintOptions::default());
    assert!(count(&report, RuleId::Secret) >= 3);
    let shown = format!("{report:?}");
    assert!(
        !shown.contains(&key[4..20]) && !shown.contains("jane"),
        "{shown}"
    );
}

#[test]
fn only_some_columns_and_rules() {
    let text = b"{\"a\":\"<|x|>\",\"b\":\"```\\n\"}\n{\"a\":\"y\",\"b\":\"<|x|>\"}\n";
    let mut options = LintOptions {
        columns: vec!["a".to_owned()],
        ..LintOptions::default()
    };
    options.set(RuleId::SpecialToken, Some(Severity::Error));
    let report = lines(text, Shape::Json, &options);
    assert_eq!((report.errors, report.warnings), (1, 0));
    let found = report.rules.iter().find(|r| r.count > 0).unwrap();
    let example = &found.examples[0];
    assert_eq!((example.at, example.column.as_deref()), (6, Some("a")));
    let off = LintOptions::only(&[]);
    assert!(lines(text, Shape::Json, &off).rules.is_empty());
}

#[test]
fn hostile_rows_stay_small() {
    let deep = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
    let keys = format!("{{{}\"a\":1}}", "\"a\":1,".repeat(200_000));
    let tools = r#"{"role":"assistant","tool_calls":[{"id":"x"},{"id":"y"}]},"#.repeat(20_000);
    let tools = format!(r#"{{"messages":[{tools}{{"role":"user","content":"x"}}]}}"#);
    let tokens = format!("\"{}\"", "eyJ-sk-a@b.c+1".repeat(100_000));
    let names: String = (0..20_000).map(|n| format!("\"k{n}\":{n},")).collect();
    let many = format!("{{{names}\"z\":0}}");
    let all: [&[u8]; 5] = [
        &deep,
        keys.as_bytes(),
        tools.as_bytes(),
        tokens.as_bytes(),
        many.as_bytes(),
    ];
    let report = rows(&all, Shape::Json, &LintOptions::default());
    assert_eq!((report.checked, report.errors), (5, 0));
    assert_eq!(count(&report, RuleId::DuplicateKey), 1);
}

#[test]
fn the_page_lists_the_rules() {
    let page = include_str!("../../../../spec/lint.md");
    for (n, rule) in RULES.iter().enumerate() {
        assert_eq!(rule.id.index(), n, "{}", rule.name);
        assert!(
            rule.full.ends_with('.') && rule.help.ends_with('.'),
            "{}",
            rule.name
        );
        let row = [rule.name, &rule.severity.to_string(), rule.short, rule.full];
        let row = row.map(|cell| cell.replace('|', "\\|"));
        let line = format!("| `{}` | {} | {} | {} |", row[0], row[1], row[2], row[3]);
        assert!(page.contains(&line), "{line}");
    }
    assert_eq!(page.matches("\n| `").count(), RULES.len());
}

#[test]
fn sarif_has_what_code_hosts_need() {
    let text = b"{\"a\":1,\"a\":2}\n{\"a\":\"<|im_end|>\"\n";
    let report = lines(text, Shape::Json, &LintOptions::default());
    let log = sarif::sarif(&report, "data/a.jsonl", sarif::Rows::Lines, "1.2.3");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!((rules.len(), results.len()), (RULES.len(), 3));
    for result in results {
        let rule = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[rule]["id"], result["ruleId"]);
    }
    let malformed = &results[0];
    assert_eq!(
        (&malformed["ruleId"], &malformed["level"]),
        (&"malformed-json".into(), &"error".into())
    );
    let region = &malformed["locations"][0]["physicalLocation"]["region"];
    assert_eq!(
        region,
        &serde_json::json!({"startLine": 2, "startColumn": 18})
    );
}

#[test]
fn damage_is_a_finding_behind_those_of_the_rows_before_it() {
    use crate::inspect::table::OpenOptions;
    use crate::inspect::table::open_table;

    let packed = |text: &[u8]| {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gz, text).unwrap();
        gz.finish().unwrap()
    };
    let text: String = (0..20_000).map(|n| format!("{{\"a\":{n}}}\n")).collect();
    let whole = packed(("{\"a\":}\n".to_owned() + &text).as_bytes());
    let cut = &whole[..whole.len() * 2 / 3];
    let cases: [(&[u8], &str); 2] = [(cut, "x.jsonl.gz"), (b"[1,nul,2,\n", "x.json")];
    for threads in [1, 3] {
        for (bytes, name) in cases {
            let source = Arc::new(bytes.to_vec());
            let opened = open_table(source, name, OpenOptions::default()).unwrap();
            let batches = opened.table.batches(&Selection::default()).unwrap();
            let options = LintOptions {
                threads,
                ..LintOptions::default()
            };
            let report = lint(&*batches, &options, &NoProgress).unwrap();
            let of = |rule| report.rules.iter().find(|r| r.rule.id == rule).unwrap();
            assert_eq!(of(RuleId::DamagedFile).count, 1, "{name}");
            assert!(report.checked >= 2, "{name}");
            assert_eq!(of(RuleId::DamagedFile).examples[0].row, report.checked);
            assert!(of(RuleId::MalformedJson).count >= 1, "{name}");
            // Nobody asked for it.
            let opened = open_table(Arc::new(bytes.to_vec()), name, OpenOptions::default());
            let batches = opened
                .unwrap()
                .table
                .batches(&Selection::default())
                .unwrap();
            let mut other = LintOptions::only(&[RuleId::MalformedJson]);
            other.threads = threads;
            assert!(lint(&*batches, &other, &NoProgress).is_err());
        }
    }
}

#[test]
fn half_a_character_is_not_one_that_somebody_could_not_read() {
    let text = b"{\"a\":\"x\\ud83d y\"}\n{\"a\":\"\\ufffd\"}\n";
    let report = lines(text, Shape::Json, &LintOptions::default());
    assert_eq!(count(&report, RuleId::LoneSurrogate), 1);
    assert_eq!(count(&report, RuleId::ReplacementCharacter), 1);
}

#[test]
fn byte_order_mark_before_a_row_of_json_is_malformed_as_everywhere() {
    let text = b"{\"a\":1}\n\xef\xbb\xbf{\"a\":2}\n";
    let report = lines(text, Shape::Json, &LintOptions::default());
    assert_eq!(count(&report, RuleId::ByteOrderMark), 1);
    assert_eq!(count(&report, RuleId::MalformedJson), 1);
}

#[test]
fn words_for_nothing_are_found_in_columns_of_numbers() {
    let of = |text: &[u8]| {
        let report = lines(text, Shape::Json, &LintOptions::default());
        count(&report, RuleId::NullWord)
    };
    assert_eq!(
        of(b"{\"a\":1}\n{\"a\":\"N/A\"}\n{\"a\":\"NULL\"}\n{\"a\":2}\n"),
        2
    );
    assert_eq!(of(b"{\"a\":\"x\"}\n{\"a\":\"N/A\"}\n{\"a\":1}\n"), 0);
    let record = |row: &[u8]| row.to_vec();
    let all = [record(b"1,x,2"), record(b"N/A,None,3"), record(b"2,y,")];
    let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    let report = rows(&all, csv(), &LintOptions::default());
    assert_eq!(count(&report, RuleId::NullWord), 1);
}

#[test]
fn keys_that_differ_in_case_alone_are_found() {
    let text = b"{\"Name\":1}\n{\"name\":2}\n{\"name\":3}\n{\"other\":3}\n";
    let report = lines(text, Shape::Json, &LintOptions::default());
    assert_eq!(count(&report, RuleId::KeyCase), 1);
    let found = report.rules.iter().find(|r| r.rule.id == RuleId::KeyCase);
    assert_eq!(found.unwrap().examples[0].column.as_deref(), Some("Name"));
}
