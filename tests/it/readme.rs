//! The commands of the README, the tutorials, the how-to guides and the reference pages, run as a test.
//!
//! Each page gets one directory of its own, with a copy of `tests/data/gsm8k/test.jsonl`. The test runs
//! the commands of its `console` blocks in order and compares each output with the page. It masks the
//! values that differ between runs: times, ids that depend on a key or a time, ports, and bytes received.
//!
//! `README_UPDATE=1 cargo test --test it readme` rewrites the outputs that differ.

use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use crate::support::variable;

/// The directory and the port that the pages show in place of those of this run.
const SHOWN_DIR: &str = "/tmp/tour";
const SHOWN_PORT: &str = "8765";
/// The command that serves the directory over HTTP, and the place that the pages show for it.
const WEB_SERVER: &str = "python3 -m http.server";
const SHOWN_WEB: &str = "localhost:8080";

/// One command of a page.
struct Shown {
    /// The lab in front of the prompt; `None` for a plain `$`.
    lab: Option<String>,
    command: String,
    /// The lines of the page that hold its output.
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

/// Host and port of the server of features, as the pages show them.
const SHOWN_FEATURES: &str = "127.0.0.1:8080";

/// Hosts and ports of the doors of a node, as the pages show them.
const SHOWN_DOORS: [(&str, &str); 2] = [("http", "127.0.0.1:8767"), ("s3", "127.0.0.1:8768")];

/// The state of one page: its directory and the nodes that it started.
struct Tour {
    dir: tempfile::TempDir,
    serving: Vec<Child>,
    port: Option<String>,
    /// Host and port of the web server.
    web: Option<String>,
    /// Host and port of the server of features.
    features: Option<String>,
    /// Hosts and ports of the doors of a node, each after the one that the pages show.
    doors: Vec<(&'static str, String)>,
    /// The keys that this page made, in order, each with the key that the page shows for it.
    keys: Vec<(Option<String>, String)>,
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
            web: None,
            features: None,
            doors: Vec::new(),
            keys: Vec::new(),
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

    /// Runs a command and returns its output in the form that a page shows. `before` is the output
    /// that the page shows now.
    fn run(&mut self, shown: &Shown, before: &[String]) -> Vec<String> {
        let lab = shown.lab.as_deref();
        let text = match &shown.command {
            command
                if command.contains("alimentar serve ") && !command.contains("--print-client") =>
            {
                self.serve(lab, command)
            }
            command if command.contains("alimentar features serve ") => {
                self.serve_features(command)
            }
            command if command.starts_with(WEB_SERVER) => self.serve_files(),
            command => {
                let command = self.with_own(command);
                // One pipe for both, so that lines come in their order.
                let command = format!("{{ {command}\n}} 2>&1");
                // A command that never ends fails the test instead of hanging it.
                let command = format!("timeout 300 bash -c {}", quoted(&command));
                let out = self.shell(lab, &command).output().unwrap();
                String::from_utf8(out.stdout).unwrap()
            }
        };
        let before = before.iter().map(String::as_str);
        let mut shown_keys = before.filter_map(public_key);
        for key in text.lines().filter_map(public_key) {
            let shown = shown_keys.next().map(str::to_owned);
            self.keys.push((shown, key.to_owned()));
        }
        let mut text = text.replace(self.dir.path().to_str().unwrap(), SHOWN_DIR);
        if let Some(port) = &self.port {
            text = text.replace(&format!(":{port}"), &format!(":{SHOWN_PORT}"));
        }
        if let Some(web) = &self.web {
            text = text.replace(web, SHOWN_WEB);
        }
        if let Some(features) = &self.features {
            text = text.replace(features, SHOWN_FEATURES);
        }
        for (shown, own) in &self.doors {
            text = text.replace(own, shown);
        }
        text.lines()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    /// Replaces the port and the keys that a page shows by those of this run.
    fn with_own(&self, command: &str) -> String {
        let own = command.split(' ').map(|word| match &self.port {
            _ if word.len() == 64 && masked_word(word) == "ID" => self.key(word),
            // Another process may hold the default port.
            Some(port) if word == "127.0.0.1" => format!("{word}:{port}"),
            _ => word.to_owned(),
        });
        let own = own.collect::<Vec<_>>().join(" ");
        let own = match &self.features {
            Some(features) => own.replace(SHOWN_FEATURES, features),
            None => own,
        };
        let doors = self.doors.iter();
        let own = doors.fold(own, |own, (shown, door)| own.replace(shown, door));
        match &self.web {
            Some(web) => own.replace(SHOWN_WEB, web),
            None => own,
        }
    }

    /// Serves tables of features, and returns the line that a terminal shows.
    fn serve_features(&mut self, command: &str) -> String {
        let command = command.strip_suffix(" &").unwrap_or(command);
        let command = format!("exec {command} --http 0 --json");
        let mut shell = self.shell(None, &command);
        let mut child = shell.stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut first).unwrap();
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        self.serving.push(child);
        let ready: serde_json::Value = serde_json::from_str(&first).unwrap();
        let url = ready["http"].as_str().unwrap();
        self.features = url.strip_prefix("http://").map(str::to_owned);
        format!("Serving features at {url}\n")
    }

    /// Serves the directory over HTTP. The page shows no output of it.
    fn serve_files(&mut self) -> String {
        let command = format!(
            "exec {} 0 --bind 127.0.0.1 2>/dev/null",
            WEB_SERVER.replace("-m", "-u -m")
        );
        let mut child = self
            .shell(None, &command)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut first).unwrap();
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        self.serving.push(child);
        let port = first.split(' ').skip_while(|word| *word != "port").nth(1);
        self.web = port.map(|port| format!("127.0.0.1:{port}"));
        String::new()
    }

    /// The key of this run for a key that the page shows: the one shown with it, else the first.
    fn key(&self, shown: &str) -> String {
        let same = |(known, _): &&(Option<String>, String)| known.as_deref() == Some(shown);
        let found = self.keys.iter().find(same).or(self.keys.first());
        found.map_or_else(|| shown.to_owned(), |(_, own)| own.clone())
    }

    /// Starts a node and returns its first line in the form that a terminal shows.
    fn serve(&mut self, lab: Option<&str>, command: &str) -> String {
        let command = command.strip_suffix(" &").unwrap_or(command);
        let command = SHOWN_DOORS
            .iter()
            .fold(command.to_owned(), |command, (door, _)| {
                command.replace(&format!(" --{door} "), &format!(" --{door} 0 "))
            });
        let command = format!("exec {command} --port 0 --no-mdns --json");
        let mut shell = self.shell(lab, &command);
        let mut child = shell.stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut first).unwrap();
        // A full pipe would stop the node.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        self.serving.push(child);
        let ready: serde_json::Value = serde_json::from_str(&first).unwrap();
        let (addr, node) = (
            ready["addr"].as_str().unwrap(),
            ready["node_id"].as_str().unwrap(),
        );
        self.port = addr.rsplit(':').next().map(str::to_owned);
        for (door, shown) in SHOWN_DOORS {
            let url = ready[door]
                .as_str()
                .and_then(|url| url.strip_prefix("http://"));
            self.doors.extend(url.map(|own| (shown, own.to_owned())));
        }
        format!("Serving at {addr} as node {node}\n")
    }
}

/// A text in single quotes for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The public key in a line of output that shows one.
fn public_key(line: &str) -> Option<&str> {
    line.trim().strip_prefix("public key").map(str::trim)
}

/// Masks the values of a line that differ between runs.
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
        // A loaded segment holds the digits of timestamps; its size stands before the time of its load.
        let is_segment = masked_word(behind) == "DATE";
        let is_wire =
            ["B", "KiB", "MiB"].contains(&unit) && (behind.starts_with("received") || is_segment);
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

/// Masks dates, age recipients, and long runs of hexadecimal digits, which are ids.
fn masked_word(word: &str) -> String {
    let is_date = word.len() == 20 && word.ends_with('Z') && word.as_bytes()[10] == b'T';
    if is_date {
        return "DATE".to_owned();
    }
    if word.len() == 62 && word.starts_with("age1") {
        return "RECIPIENT".to_owned();
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

/// Compares an output with the shown one, up to a line `…`, which stands for the rest.
fn fits(shown: &[String], found: &[String]) -> bool {
    let masks = |lines: &[String]| lines.iter().map(|l| masked(l)).collect::<Vec<_>>();
    match shown.iter().position(|line| line == "…") {
        Some(at) => found.len() >= at && masks(&shown[..at]) == masks(&found[..at]),
        None => masks(shown) == masks(found),
    }
}

/// Runs one page. Returns a report for each output that differs, or rewrites the page.
fn check(path: &Path) -> (usize, Vec<String>) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let shown = commands(&lines);
    let mut tour = Tour::begin();
    let mut wrong = Vec::new();
    for shown in &shown {
        let before = &lines[shown.output.clone()];
        let found = tour.run(shown, before);
        if !fits(before, &found) {
            wrong.push((shown, found));
        }
    }
    if variable("README_UPDATE").is_some() {
        for (shown, found) in wrong.iter().rev() {
            lines.splice(shown.output.clone(), found.iter().cloned());
        }
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
        return (shown.len(), Vec::new());
    }
    let report = |(shown, found): &(&Shown, Vec<String>)| {
        let before = lines[shown.output.clone()].join("\n");
        let lab = shown.lab.as_deref().unwrap_or_default();
        let (page, command, now) = (path.display(), &shown.command, found.join("\n"));
        format!("{page}\n{lab}$ {command}\n--- in the page\n{before}\n--- now\n{now}\n")
    };
    (shown.len(), wrong.iter().map(report).collect())
}

/// Runs all pages of a directory, each in a thread of its own. `at_least` guards against pages whose
/// commands are no longer found.
fn check_all(dir: &str, at_least: usize) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let pages: Vec<PathBuf> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let results = std::thread::scope(|scope| {
        let threads: Vec<_> = pages.iter().map(|p| scope.spawn(|| check(p))).collect();
        let results = threads.into_iter().map(|t| t.join().unwrap());
        results.collect::<Vec<_>>()
    });
    let commands: usize = results.iter().map(|(commands, _)| commands).sum();
    let wrong: Vec<&str> = results
        .iter()
        .flat_map(|(_, wrong)| wrong)
        .map(String::as_str)
        .collect();
    assert!(
        commands >= at_least,
        "{}: {commands} commands",
        dir.display()
    );
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn readme_commands_print_the_output_it_shows() {
    let (commands, wrong) = check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    assert!(commands >= 6, "{commands} commands");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn tutorial_commands_print_the_output_they_show() {
    check_all("docs/tutorial", 40);
}

#[test]
fn howto_commands_print_the_output_they_show() {
    check_all("docs/howto", 40);
}

#[test]
fn reference_commands_print_the_output_they_show() {
    check_all("docs/reference", 2);
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
            "2024-01-13  2     5.5 KiB  2026-11-30T21:11:14Z",
            "2024-01-13  2     5.4 KiB  2026-11-30T22:18:42Z",
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
