//! Golden files: texts of the program that are compared with files of `tests/it/golden`.

use std::path::Path;
use std::path::PathBuf;

use crate::support::variable;

/// The directory of the golden files.
fn golden_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden")
}

/// Compares a text with a file of `tests/it/golden`. With `ALIMENTAR_GOLDEN=write` it writes the
/// file before. Texts of many commands are compared command by command.
pub fn assert_golden(name: &str, found: &str) {
    let path = golden_dir().join(name);
    if variable("ALIMENTAR_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, found).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    for (found, golden) in found.split("\n$ ").zip(golden.split("\n$ ")) {
        assert_eq!(found, golden, "in `{}`", path.display());
    }
    assert_eq!(found, golden, "in `{}`", path.display());
}

/// The names of the golden files in a folder of them, in order.
pub fn golden_files(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(golden_dir().join(folder)).unwrap();
    let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Replaces the parts of a text that differ from run to run: the scratch directory, ids and keys,
/// times, ports of loopback, and sizes that depend on how well bytes were compressed.
pub fn masked(text: &str, dir: &Path) -> String {
    let text = text.replace(dir.to_str().unwrap(), "/dir");
    let mut masked = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        masked += if is_id(&word) { "<id>" } else { &word };
        word.clear();
        masked.push(c);
    }
    let lines: Vec<String> = masked.lines().map(masked_line).collect();
    lines.join("\n")
}

/// Digits of a content id or a key.
fn is_id(word: &str) -> bool {
    word.len() >= 16 && word.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Replaces times, ports and sizes in a line.
fn masked_line(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let mut masked: Vec<String> = words.iter().map(|word| masked_word(word)).collect();
    for n in 1..words.len() {
        let bare = |word: &&str| word.trim_matches(['(', ')', ',', ';']).to_owned();
        let (number, unit) = (bare(&words[n - 1]), bare(&words[n]));
        let next = words.get(n + 1).map(bare).unwrap_or_default();
        let is_time = matches!(unit.as_str(), "s" | "ms") && number.contains('.');
        let is_size = matches!(unit.as_str(), "B" | "KiB" | "MiB" | "GiB")
            && matches!(
                next.as_str(),
                "stored" | "live" | "free" | "received" | "to"
            );
        if number.parse::<f64>().is_ok() && (is_time || is_size) {
            let mask = if is_time { "<time>" } else { "<size>" };
            masked[n - 1] = words[n - 1].replace(&number, mask);
        }
    }
    masked.join(" ")
}

fn masked_word(word: &str) -> String {
    if let Some((before, rest)) = word.split_once("\"seconds\":") {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let after = &rest[end.unwrap_or(rest.len())..];
        return format!("{before}\"seconds\":<time>{after}");
    }
    // `2026-11-29T23:58:53Z`, at whatever place of the word.
    if let Some(at) = word.find("T").filter(|at| *at >= 10) {
        let is_date = word.get(at - 10..at + 10).is_some_and(|time| {
            let shape = time
                .chars()
                .map(|c| if c.is_ascii_digit() { '0' } else { c });
            shape.collect::<String>() == "0000-00-00T00:00:00Z"
        });
        if is_date {
            return format!(
                "{}0000-00-00T00:00:00Z{}",
                &word[..at - 10],
                &word[at + 10..]
            );
        }
    }
    let Some((before, rest)) = word.split_once("127.0.0.1:") else {
        return word.to_owned();
    };
    let port = rest.bytes().take_while(u8::is_ascii_digit).count();
    // Ports below are those that tests chose.
    if port < 5 {
        return word.to_owned();
    }
    format!("{before}127.0.0.1:<port>{}", &rest[port..])
}
