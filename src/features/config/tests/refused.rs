//! Texts that are refused, with the line and the column of the mistake.

use super::parsed;
use super::refused;
use crate::features::limits::CONFIG_BYTES_MAX;
use crate::features::limits::TABLE_NAME_BYTES_MAX;

/// A table with one more line.
fn table(line: &str) -> String {
    format!("tables:\n  t:\n    source: {{local: {{path: d}}}}\n    key: [k]\n    {line}\n")
}

#[test]
fn mistakes_are_refused_with_their_line_and_column() {
    for (line, wanted) in [
        (
            "pol_interval: 1m",
            "features.yaml:5:5: `t` has no field `pol_interval`; did you mean `poll_interval`?",
        ),
        (
            "zebra: 1",
            "features.yaml:5:5: `t` has no field `zebra`; the fields are source, key,",
        ),
        ("key: [x]", "features.yaml:5:5: `key` is here a second time"),
        (
            "parts: eight",
            "features.yaml:5:12: `parts` is a whole number, and this is a text",
        ),
        (
            "parts: \"8\"",
            "features.yaml:5:12: `parts` is a whole number, and this is a text",
        ),
        (
            "parts: 0",
            "features.yaml:5:12: `parts` is a whole number from 1 to 4096, and this is 0",
        ),
        (
            "parts: 1.5",
            "`parts` is a whole number from 1 to 4096, and this is 1.5",
        ),
        (
            "parts: [8]",
            "`parts` is a whole number, and this is a list",
        ),
        (
            "memory: disk",
            "features.yaml:5:13: `memory` is auto or map or huge, and this is `disk`",
        ),
        ("columns:", "`columns` is a map, and this is nothing"),
        ("columns: []", "`columns` is a map, and this is a list"),
        ("columns: {c: {}}", "features.yaml:5:18: `c` lacks `dtype`"),
        (
            "columns: {c: {dtype: float}}",
            "features.yaml:5:26: `float` is no type; did you mean `float32`?",
        ),
        (
            "columns: {c: {dtype: decimal}}",
            "`decimal` is no type; the types are bool, float32,",
        ),
        (
            "columns: {c: {dtype: Utf8}}",
            "`Utf8` is no type; did you mean `utf8`?",
        ),
        (
            "columns: {c: {dtype: utf8, length: 3}}",
            "lists are of numbers, and this is one of utf8",
        ),
        (
            "columns: {c: {dtype: \"float32[2]\", length: 3}}",
            "lists are of numbers",
        ),
        (
            "columns: {c: {dtype: int8, nullable: yes}}",
            "`nullable` is true or false, and this is a text",
        ),
        (
            "columns: {c: {dtype: int8, nullable: 1}}",
            "`nullable` is true or false, and this is a number",
        ),
        (
            "columns: {c: {dtype: int8}, c: {dtype: int8}}",
            "`c` is here a second time",
        ),
        (
            "columns: {k: {dtype: float32}}",
            "`k` is float32, and keys are integers and strings",
        ),
        ("ttl: 7d", "features.yaml:5:10: `ttl` needs `timestamp`"),
        (
            "timestamp: c\n    columns: {c: {dtype: utf8}}",
            "`c` is utf8, not timestamp",
        ),
        (
            "timestamp: 5",
            "`timestamp` is a text, and this is a number; put it in quotes",
        ),
        ("ttl: &a 7d", "anchors and aliases are not read here"),
        ("ttl: *a", "unknown anchor"),
        ("ttl: !!str 7d", "tags are not read here"),
        ("? [a, b]\n    : 1", "a key is a text, and this is a list"),
        ("null: 1", "a key is a text, and this is nothing"),
        ("'unfinished", "while scanning a quoted scalar"),
    ] {
        let why = refused(&table(line));
        assert!(why.contains(wanted), "{line}: {why}");
    }
}

#[test]
fn sources_that_are_none_are_refused() {
    for (source, wanted) in [
        ("{}", "`source` is one of `s3`, `local` and `registry`"),
        (
            "{local: {path: d}, s3: {bucket: b-1, prefix: p}}",
            "`source` is one of",
        ),
        ("{lokal: {path: d}}", "did you mean `local`?"),
        ("{local: {}}", "`local` lacks `path`"),
        (
            "{local: {path: 5}}",
            "`path` is a text, and this is a number; put it in quotes",
        ),
        ("{local: {path: ''}}", "`path` is empty"),
        ("{local: d}", "`local` is a map, and this is a text"),
        ("{s3: {bucket: b-1}}", "`s3` lacks `prefix`"),
        ("{s3: {prefix: p}}", "`s3` lacks `bucket`"),
        (
            "{s3: {bucket: b-1, prefix: p, endpoint: localhost}}",
            "`endpoint` is the URL of a server",
        ),
        ("{registry: {version: ^1}}", "`registry` lacks `name`"),
        ("nothing", "`source` is a map, and this is a text"),
        ("", "`source` is a map, and this is nothing"),
    ] {
        let text = format!("tables: {{t: {{key: [k], source: {source}}}}}");
        let why = refused(&text);
        assert!(why.contains(wanted), "{source}: {why}");
    }
}

#[test]
fn configuration_without_its_parts_is_refused() {
    for (text, wanted) in [
        ("", "features.yaml:1:1: `the configuration` lacks `tables`"),
        ("# nothing\n", "lacks `tables`"),
        ("[]", "`the configuration` is a map, and this is a list"),
        ("server: {}", "lacks `tables`"),
        (
            "tables: {}\nserver: {port: 65536}",
            "features.yaml:2:16: `port` is a whole number from 0 to 65535",
        ),
        ("tables: {}\nserver: {hots: x}", "did you mean `host`?"),
        (
            "tables: {t: {source: {local: {path: d}}}}",
            "`t` lacks `key`",
        ),
        (
            "tables: {t: {key: k, source: {local: {path: d}}}}",
            "`key` is a list, and this is a text",
        ),
        (
            "tables: {t: {key: [], source: {local: {path: d}}}}",
            "`key` names from 1 to 16 columns",
        ),
        (
            "tables: {t: {key: [a, a], source: {local: {path: d}}}}",
            "`a` is twice in the key",
        ),
        (
            "tables: {t: {key: [1], source: {local: {path: d}}}}",
            "put it in quotes",
        ),
        (
            "tables: {t: {key: [k]}}",
            "`t` has no source, so that clients write to it, and needs `columns`",
        ),
        (
            "tables: {t: {key: [k], columns: {c: {dtype: utf8}}}}",
            "there is no column `k`, which is a key",
        ),
        (
            "tables: {}\n---\ntables: {}",
            "features.yaml:2:1: a second document begins here",
        ),
        ("tables: {", "features.yaml:"),
    ] {
        let why = refused(text);
        assert!(why.contains(wanted), "{text:?}: {why}");
    }
    assert!(parsed("\u{feff}---\ntables: {}\n...\n").tables.is_empty());
}

/// The original takes any name, and writes `DIRECTORY/NAME.ipc`, also for `../x`.
#[test]
fn names_that_are_parts_of_paths_are_refused() {
    for name in [
        "\"\"",
        "..",
        ".",
        "../x",
        "a/b",
        "'a\\b'",
        "\"a\\nb\"",
        "\"a\\0\"",
        "\" a\"",
        "\"a\\u202eb\"",
        &"x".repeat(TABLE_NAME_BYTES_MAX + 1),
    ] {
        let text = format!("tables:\n  {name}: {{source: {{local: {{path: d}}}}, key: [k]}}\n");
        let why = refused(&text);
        assert!(
            why.starts_with("features.yaml:2:3: the name of a table"),
            "{name}: {why}"
        );
    }
    for name in [
        "a..b",
        "ünï",
        "a b",
        "a:b",
        &"x".repeat(TABLE_NAME_BYTES_MAX),
    ] {
        let text = format!("tables:\n  {name:?}: {{source: {{local: {{path: d}}}}, key: [k]}}\n");
        assert_eq!(parsed(&text).tables[0].name, name);
    }
}

#[test]
fn nesting_and_length_have_limits_without_recursion() {
    for text in [
        "[".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        "{a: ".repeat(200),
        "tables: {t: ".repeat(40),
    ] {
        assert!(refused(&text).starts_with("features.yaml:"));
    }
    let long = format!("# {}\ntables: {{}}\n", "x".repeat(CONFIG_BYTES_MAX));
    assert!(refused(&long).contains("more than 1048576 bytes"));
}
