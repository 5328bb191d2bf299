//! The tour of the README as a test: each command of its `console` blocks, in order, in one directory,
//! with the output that stands there. What differs from run to run is left out: times, ids of what has
//! a key or a time in it, ports, and bytes that went over a network.
//!
//! `README_UPDATE=1 cargo test --test it readme` writes the outputs anew where they differ.

use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use crate::support::variable;

/// Where the outputs in the README say that they were made.
const SHOWN_DIR: &str = "/tmp/tour";
const SHOWN_PORT: &str = "8765";

/// A command of the README and what it prints there.
struct Shown {
    /// `None` for `$`, else the lab before it.
    lab: Option<String>,
    command: String,
    /// Lines of the file: of the first line of output, and behind the last.
    output: std::ops::Range<usize>,
}

/// Splits `lab-a$ command` or `$ command`.
fn prompt(line: &str) -> Option<(Option<String>, String)> {
    let (before, command) = line.split_once("$ ")?;
    match before {
        "" => Some((None, command.to_owned())),
        lab if lab.starts_with("lab-") && !lab.contains(' ') => {
            Some((Some(lab.to_owned()), command.to_owned()))
        }
        _ => None,
    }
}

fn commands(lines: &[String]) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    let mut is_console = false;
    for (n, line) in lines.iter().enumerate() {
        if line.starts_with("```") {
            is_console = line == "```console";
        } else if let Some((lab, command)) = prompt(line).filter(|_| is_console) {
            let output = n + 1..n + 1;
            shown.push(Shown {
                lab,
                command,
                output,
            });
        } else if is_console && let Some(last) = shown.last_mut() {
            last.output.end = n + 1;
        }
    }
    shown
}

/// Nodes that serve until the tour ends.
struct Tour {
    dir: tempfile::TempDir,
    serving: Vec<Child>,
    port: Option<String>,
    /// The first key that is made.
    key: Option<String>,
}

impl Drop for Tour {
    fn drop(&mut self) {
        for child in &mut self.serving {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Tour {
    fn begin() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gsm8k/test.jsonl");
        std::fs::copy(data, dir.path().join("test.jsonl")).unwrap();
        Self {
            dir,
            serving: Vec::new(),
            port: None,
            key: None,
        }
    }

    fn shell(&self, lab: Option<&str>, command: &str) -> Command {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_alimentar"));
        let mut path = program.parent().unwrap().as_os_str().to_owned();
        path.push(":");
        path.push(variable("PATH").unwrap_or_default());
        let home = match lab {
            Some(lab) => self.dir.path().join(lab.trim_start_matches("lab-")),
            None => self.dir.path().join(".alimentar"),
        };
        let mut shell = Command::new("bash");
        shell.args(["-c", command]).current_dir(self.dir.path());
        shell.env("PATH", path).env("HOME", self.dir.path());
        shell.env("ALIMENTAR_HOME", home);
        shell.env("ALIMENTAR_PASSPHRASE", "a passphrase for the tour");
        shell
            .env("COLUMNS", "120")
            .env("NO_COLOR", "1")
            .env("TZ", "UTC");
        shell
    }

    /// What a command prints, as it would stand in the README.
    fn run(&mut self, shown: &Shown) -> Vec<String> {
        let lab = shown.lab.as_deref();
        let text = match shown.command.contains("registry serve") {
            true => self.serve(lab, &shown.command),
            false => {
                let command = self.with_own(&shown.command);
                // One pipe for both, so that lines come in their order.
                let command = format!("{{ {command}\n}} 2>&1");
                let out = self.shell(lab, &command).output().unwrap();
                String::from_utf8(out.stdout).unwrap()
            }
        };
        let key = text
            .lines()
            .find_map(|l| l.trim().strip_prefix("public key"));
        if self.key.is_none() {
            self.key = key.map(|key| key.trim().to_owned());
        }
        let mut text = text.replace(self.dir.path().to_str().unwrap(), SHOWN_DIR);
        if let Some(port) = &self.port {
            text = text.replace(&format!(":{port}"), &format!(":{SHOWN_PORT}"));
        }
        text.lines()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    /// A command with the port and the key of this run in place of those that are shown.
    fn with_own(&self, command: &str) -> String {
        let own = command
            .split(' ')
            .map(|word| match (&self.key, &self.port) {
                (Some(key), _) if word.len() == 64 && masked_word(word) == "ID" => key.clone(),
                // The default port may be somebody else's.
                (_, Some(port)) if word == "127.0.0.1" => format!("{word}:{port}"),
                _ => word.to_owned(),
            });
        own.collect::<Vec<_>>().join(" ")
    }

    /// Starts a node, and returns its first line as a terminal shows it.
    fn serve(&mut self, lab: Option<&str>, command: &str) -> String {
        let command = format!("exec {command} --port 0 --no-mdns --json");
        let mut shell = self.shell(lab, &command);
        let mut child = shell.stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut first).unwrap();
        // Somebody has to read what it says.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        self.serving.push(child);
        let ready: serde_json::Value = serde_json::from_str(&first).unwrap();
        let (addr, node) = (
            ready["addr"].as_str().unwrap(),
            ready["node_id"].as_str().unwrap(),
        );
        self.port = addr.rsplit(':').next().map(str::to_owned);
        format!("Serving at {addr} as node {node}\n")
    }
}

/// A line without what differs from run to run.
fn masked(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    if let Some(first) = words
        .first()
        .filter(|w| ["words", "fingerprint"].contains(*w))
    {
        return (*first).to_owned();
    }
    let mut out: Vec<String> = Vec::new();
    for (n, word) in words.iter().enumerate() {
        let next = words.get(n + 1).copied().unwrap_or_default();
        let unit = next.trim_end_matches([',', ')', ';', '.']);
        let behind = words.get(n + 2).copied().unwrap_or_default();
        let number = word.trim_start_matches('(').trim_end_matches(',');
        let is_number = number.parse::<f64>().is_ok();
        let is_time = ["s", "ms", "µs"].contains(&unit);
        let is_wire = ["B", "KiB", "MiB"].contains(&unit) && behind.starts_with("received");
        // A signature takes more or fewer bytes once it is compressed.
        let is_place = next == "bytes" && behind == "at" || n > 0 && words[n - 1] == "at";
        out.push(match is_number && (is_time || is_wire || is_place) {
            true => "N".to_owned(),
            false => masked_word(word),
        });
    }
    let line = out.join(" ");
    line.replace("N ms", "N s").replace("N µs", "N s")
}

/// Dates and runs of hexadecimal digits, which are ids.
fn masked_word(word: &str) -> String {
    let is_date = word.len() == 20 && word.ends_with('Z') && word.as_bytes()[10] == b'T';
    if is_date {
        return "DATE".to_owned();
    }
    let mut out = String::new();
    let mut run = String::new();
    for c in word.chars().chain([' ']) {
        if matches!(c, '0'..='9' | 'a'..='f') {
            run.push(c);
            continue;
        }
        let is_id = run.len() >= 8;
        out += if is_id { "ID" } else { &run };
        run.clear();
        out.push(c);
    }
    out.trim_end().to_owned()
}

/// Whether an output is what is shown, up to a line `…`, which stands for the rest.
fn fits(shown: &[String], found: &[String]) -> bool {
    let masks = |lines: &[String]| lines.iter().map(|l| masked(l)).collect::<Vec<_>>();
    match shown.iter().position(|line| line == "…") {
        Some(at) => found.len() >= at && masks(&shown[..at]) == masks(&found[..at]),
        None => masks(shown) == masks(found),
    }
}

#[test]
fn readme_tour_prints_what_it_shows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let shown = commands(&lines);
    assert!(shown.len() > 30, "the README has no tour");
    let mut tour = Tour::begin();
    let mut wrong = Vec::new();
    for shown in &shown {
        let found = tour.run(shown);
        if !fits(&lines[shown.output.clone()], &found) {
            wrong.push((shown, found));
        }
    }
    if variable("README_UPDATE").is_some() {
        for (shown, found) in wrong.iter().rev() {
            lines.splice(shown.output.clone(), found.iter().cloned());
        }
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        return;
    }
    for (shown, found) in &wrong {
        let before = lines[shown.output.clone()].join("\n");
        let lab = shown.lab.as_deref().unwrap_or_default();
        eprintln!(
            "{lab}$ {}\n--- in the README\n{before}\n--- now\n{}\n",
            shown.command,
            found.join("\n")
        );
    }
    assert!(wrong.is_empty(), "{} outputs differ", wrong.len());
}

#[test]
fn readme_masks_hide_only_times_and_ids() {
    let same = [
        (
            "opened  in 5.0 ms; rows counted in 0.5 ms",
            "opened in 17 ms; rows counted in 1.2 s",
        ),
        (
            "size 1 KiB, 8.9 KiB received, 1 chunks new",
            "size 1 KiB, 11.1 KiB received, 1 chunks new",
        ),
        (
            "d1  2026-11-21T03:33:03Z 0b697290c2",
            "d1 2026-11-29T13:00:00Z cd6e9f9a57",
        ),
        ("words        absurd visa", "words  thing"),
    ];
    for (a, b) in same {
        assert_eq!(masked(a), masked(b));
    }
    let other = [
        ("1319 rows", "1320 rows"),
        ("8.9 KiB new", "9.0 KiB new"),
        ("content ok", "content corrupt"),
    ];
    for (a, b) in other {
        assert_ne!(masked(a), masked(b));
    }
}
