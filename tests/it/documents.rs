//! Documents: the pages generated from the program, and the links between all pages.
//!
//! `README_UPDATE=1 cargo test --test it documents` rewrites the generated pages.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::variable;

/// The output of the program in an environment without variables of the user.
fn printed(words: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_alimentar"));
    program.env_clear().env("COLUMNS", "100").args(words);
    let out = program.output().unwrap();
    assert!(out.status.success(), "{words:?}: {out:?}");
    String::from_utf8(out.stdout).unwrap()
}

/// The words of every command, from the names of the man pages. A registry command appears once,
/// without `registry` in front.
fn commands() -> Vec<Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    printed(&["man", dir.path().to_str().unwrap()]);
    let names = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut commands: Vec<Vec<String>> = names
        .map(|name| name.trim_end_matches(".1").to_owned())
        .map(|name| name.split('-').skip(1).map(str::to_owned).collect())
        .filter(|words: &Vec<String>| !words.is_empty() && words[0] != "registry")
        .collect();
    commands.sort();
    commands
}

/// The help of one command, without the sections that every command repeats.
fn help(words: &[&str]) -> String {
    let text = printed(&[&["help"], words].concat());
    let (before, rest) = match text.split_once("Global options:\n") {
        None => (text.as_str(), ""),
        // The section ends at the next line that is not indented.
        Some((before, rest)) => {
            let is_end = |(_, line): &(usize, &str)| line.starts_with(|c: char| c.is_alphabetic());
            let lines: Vec<&str> = rest.lines().collect();
            let end = lines.iter().copied().enumerate().find(is_end);
            let at = end.map_or(rest.len(), |(n, _)| {
                lines[..n].iter().map(|l| l.len() + 1).sum()
            });
            (before, &rest[at..])
        }
    };
    let whole = format!("{before}{rest}");
    let kept = whole.split("Exit codes: 0 done").next().unwrap();
    kept.trim_end()
        .lines()
        .map(|l| l.trim_end().to_owned() + "\n")
        .collect()
}

const NOTE: &str = "<!-- Generated: README_UPDATE=1 cargo test --test it documents -->\n";

fn command_page() -> String {
    let commands = commands();
    assert!(commands.len() > 60, "{}", commands.len());
    let overview: String = printed(&["--help"])
        .lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect();
    let mut page = format!(
        "# Commands\n\n{NOTE}
The program prints this reference itself: `alimentar help COMMAND` shows the help of one command.
`alimentar registry COMMAND` is the same as `alimentar COMMAND` for every command of the registry.
Every command also takes the global options, which are listed once, below. The JSON keys of each
command are in [the command line](../../spec/cli.md).

```text
{overview}```
"
    );
    for words in &commands {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (title, text) = (words.join(" "), help(&words));
        page += &format!("\n## {title}\n\n```text\n{text}```\n");
    }
    page
}

fn topic_page() -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_alimentar"));
    let out = program
        .env_clear()
        .args(["--json", "help", "no-such-topic"])
        .output()
        .unwrap();
    let error: Value = serde_json::from_slice(&out.stderr).unwrap();
    let hint = error["error"]["hint"].as_str().unwrap();
    let topics = hint
        .strip_prefix("topics: ")
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let mut page = format!("# Help topics\n\n{NOTE}\n`alimentar help TOPIC` prints these texts.\n");
    for topic in topics.split(", ") {
        let text = printed(&["help", topic]);
        page += &format!("\n## {topic}\n\n```text\n{}\n```\n", text.trim_end());
    }
    page
}

/// One command a line; they run in this order, in one directory with one home.
const JSON_COMMANDS: &str = "\
keygen
index test.jsonl --name train --license MIT --sign
index edited.jsonl --name train --sign
list
info train
ls train
resolve train
search license:mit
card train
schema train
checkout train@0.1.0 copy.jsonl
status copy.jsonl
verify train
diff train@0.1.0 train
tag train --add maths
set train --description words
alias train@prod 0.1.0
log train
rename train corpus --yes
export corpus@0.1.1 --since corpus@0.1.0 -o delta.alimentar
import delta.alimentar
unindex corpus@0.1.1
restore corpus@0.1.1
forget corpus --keep-last 1 --dry-run
gc --dry-run
fsck
stats
share corpus
trust list
trust show me
access list
token add reader --dataset corpus
token list
node
identity new
withdraw corpus@0.1.0 --reason old
doctor
config list
version
inspect info test.jsonl
inspect lines test.jsonl --count 1
inspect search test.jsonl dozen --limit 1
inspect search test.jsonl dozen --count
inspect stats test.jsonl
inspect lint test.jsonl
inspect dedup test.jsonl
inspect overlap test.jsonl test.jsonl --limit 1
inspect tokens test.jsonl
inspect export test.jsonl -o test.parquet
inspect split test.jsonl -o parts";

/// The keys of a JSON value with the types of their values; the first element stands for a list.
fn keys(value: &Value, path: &str, found: &mut Vec<(String, &'static str)>) {
    let kind = match value {
        Value::Null => "null in this example",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(list) => {
            match list.first() {
                Some(first) => keys(first, &format!("{path}[]"), found),
                None => found.push((format!("{path}[]"), "empty in this example")),
            }
            return;
        }
        Value::Object(object) => {
            for (key, value) in object {
                let is_id = key.len() == 64 && key.bytes().all(|b| b.is_ascii_hexdigit());
                let key = if is_id { "ID".to_owned() } else { key.clone() };
                let below = match path {
                    "" => key,
                    path => format!("{path}.{key}"),
                };
                keys(value, &below, found);
            }
            return;
        }
    };
    found.push((path.to_owned(), kind));
}

fn json_page() -> String {
    let dir = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = std::fs::read_to_string(root.join("tests/data/gsm8k/test.jsonl")).unwrap();
    std::fs::write(dir.path().join("test.jsonl"), &data).unwrap();
    let first = data.lines().next().unwrap();
    std::fs::write(dir.path().join("edited.jsonl"), format!("{data}{first}\n")).unwrap();
    let mut page = format!(
        "# JSON output\n\n{NOTE}
The keys that `--json` prints, by examples. The commands run in this order, in one registry. `[]` marks the
elements of a list. [The command line](../../spec/cli.md) says when a key is null and lists the keys of other
options. New keys may come; these stay.
"
    );
    for line in JSON_COMMANDS.lines() {
        let mut program = Command::new(env!("CARGO_BIN_EXE_alimentar"));
        program
            .env_clear()
            .env("HOME", dir.path())
            .current_dir(dir.path());
        program.env("ALIMENTAR_PASSPHRASE", "a passphrase");
        let out = program
            .arg("--json")
            .args(line.split(' '))
            .output()
            .unwrap();
        let value: Value =
            serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("{line}: {out:?}"));
        let mut found = Vec::new();
        keys(&value, "", &mut found);
        page += &format!("\n## `{line}`\n\n| key | type |\n|---|---|\n");
        for (key, kind) in found {
            page += &format!("| `{key}` | {kind} |\n");
        }
    }
    page
}

#[test]
fn reference_pages_match_the_program() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference");
    let pages = [
        ("cli.md", command_page()),
        ("help-topics.md", topic_page()),
        ("json-output.md", json_page()),
    ];
    for (name, now) in pages {
        let path = dir.join(name);
        if variable("README_UPDATE").is_some() {
            std::fs::write(&path, &now).unwrap();
        }
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        let differs = before.lines().zip(now.lines()).find(|(a, b)| a != b);
        assert!(
            before == now,
            "docs/reference/{name} is out of date; run README_UPDATE=1 cargo test --test it documents\n{differs:?}"
        );
    }
}

fn pages() -> Vec<PathBuf> {
    fn add(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(&path, found);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![root.join("README.md")];
    add(&root.join("docs"), &mut found);
    add(&root.join("spec"), &mut found);
    found
}

/// The lines of a page outside of its code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The targets of the links of a page.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        for part in line.split("](").skip(1) {
            let target = part.split(')').next().unwrap_or_default();
            found.push(target.to_owned());
        }
    }
    found
}

/// The anchors of a page's headings, by the rules of code hosts.
fn anchors(text: &str) -> Vec<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn relative_links_lead_to_pages_and_headings_that_exist() {
    let mut dead = Vec::new();
    let mut count = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in links(&text).iter().filter(|link| !link.contains("://")) {
            count += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => page.clone(),
                path => page.parent().unwrap().join(path),
            };
            let has_anchor = || {
                let text = std::fs::read_to_string(&target).unwrap();
                anchors(&text).iter().any(|known| known == anchor)
            };
            if !target.exists() || !anchor.is_empty() && !has_anchor() {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(count > 100, "{count} links");
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn documents_are_all_linked_from_the_map() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let map = links(&std::fs::read_to_string(docs.join("index.md")).unwrap());
    for page in pages() {
        let Ok(path) = page.strip_prefix(&docs) else {
            continue;
        };
        let is_listed = map.iter().any(|link| Path::new(link) == path);
        assert!(
            is_listed || path == Path::new("index.md"),
            "{}",
            path.display()
        );
    }
}

/// The settings that a node can be given: the example and the reference page list the same ones.
#[test]
fn serve_settings_page_lists_the_keys_of_the_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (example, page) = (
        read("contrib/serve.toml"),
        read("docs/reference/serve-toml.md"),
    );
    let keys: Vec<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once(" = "))
        .map(|(key, _)| key)
        .collect();
    assert!(keys.len() >= 10, "{keys:?}");
    let table = page.split("\nAn entry").next().unwrap();
    assert_eq!(table.matches("\n| `").count(), keys.len());
    for key in keys {
        assert!(table.contains(&format!("\n| `{key}` |")), "{key}");
    }
}

#[test]
fn readme_and_architecture_stay_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, most) in [("README.md", 150), ("docs/architecture.md", 200)] {
        let lines = std::fs::read_to_string(root.join(name))
            .unwrap()
            .lines()
            .count();
        assert!(lines <= most, "{name}: {lines} lines");
    }
}
