//! Snapshots of the command line: help of every command, one error for each exit code, tables and
//! the shapes of JSON answers. `ALIMENTAR_GOLDEN=write` rewrites `tests/it/golden`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use rustix::process::Pid;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::begun;
use crate::support::ended;
use crate::support::golden::assert_golden;
use crate::support::golden::golden_files;
use crate::support::golden::masked;
use crate::support::lines;
use crate::support::make_fifo;
use crate::support::serving::Serving;
use crate::support::stderr;

/// Columns of the terminal that the program believes in.
const WIDTH: &str = "100";

fn stdout(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

/// The help text of a command, as a user with no settings sees it.
fn help(words: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_alimentar"))
        .args(words)
        .env_clear()
        .env("COLUMNS", WIDTH)
        .env("HOME", "/nonexistent")
        .output()
        .unwrap();
    assert!(out.status.success(), "{words:?}: {out:?}");
    stdout(&out)
}

fn long_help(words: &[&str]) -> String {
    help(&[words, &["--help"]].concat())
}

/// The commands that a help text lists, with the heading above each.
fn listed_commands(text: &str) -> Vec<(String, String)> {
    let after_usage = text.split_once("\nUsage: ").unwrap().1;
    let lists = after_usage.split("\nOptions:").next().unwrap();
    let mut heading = String::new();
    let mut commands = Vec::new();
    for line in lists.lines().skip(1) {
        if let Some(title) = line.strip_suffix(':').filter(|l| !l.starts_with(' ')) {
            title.clone_into(&mut heading);
        }
        let name = line.strip_prefix("  ").unwrap_or_default();
        if name.starts_with(|c: char| c.is_ascii_lowercase()) {
            let name = name.split(' ').next().unwrap();
            commands.push((heading.clone(), name.to_owned()));
        }
    }
    commands
}

/// Splits the options that all commands share out of a help text.
fn split_global_options(text: &str) -> (String, Option<String>) {
    let Some((before, rest)) = text.split_once("\nGlobal options:\n") else {
        return (text.to_owned(), None);
    };
    let end = rest.match_indices("\n\n").map(|(at, _)| at + 1);
    let mut end = end.filter(|at| !rest[at + 1..].starts_with(' '));
    let end = end.next().unwrap_or(rest.len());
    let (options, after) = rest.split_at(end);
    (
        format!("{before}\nGlobal options: as everywhere\n{after}"),
        Some(options.trim_end().to_owned()),
    )
}

/// Help texts by group, one of each group a file.
#[derive(Default)]
struct Pages {
    groups: BTreeMap<String, String>,
    global_options: Option<String>,
}

impl Pages {
    fn push(&mut self, group: &str, words: &[&str], text: &str) {
        let (text, options) = split_global_options(text);
        if let Some(options) = options {
            let known = self.global_options.get_or_insert_with(|| options.clone());
            assert_eq!(*known, options, "global options of {words:?}");
        }
        let line = words.join(" ");
        *self.groups.entry(group.to_owned()).or_default() +=
            &format!("$ alimentar {line}\n{}\n\n", text.trim_end());
    }

    /// A command and those below it.
    fn push_tree(&mut self, group: &str, words: &[&str]) {
        let text = long_help(words);
        self.push(group, &[words, &["--help"]].concat(), &text);
        for (_, name) in listed_commands(&text) {
            self.push_tree(group, &[words, &[&name]].concat());
        }
    }
}

#[test]
fn help_of_every_command_matches_the_golden_files() {
    let mut pages = Pages::default();
    let top = long_help(&[]);
    pages.push("top", &["-h"], &help(&["-h"]));
    pages.push("top", &["--help"], &top);
    for (heading, name) in listed_commands(&top) {
        let name = name.as_str();
        match name {
            "help" => {
                let line = top.lines().find(|l| l.starts_with("  help ")).unwrap();
                let topics = line.split_once("topic: ").unwrap().1;
                for topic in topics.split(", ") {
                    pages.push("topics", &["help", topic], &help(&["help", topic]));
                }
            }
            "registry" => pages.push("top", &["registry", "--help"], &long_help(&[name])),
            "inspect" => pages.push_tree("inspect", &[name]),
            _ => {
                let group = heading.to_lowercase().replace(' ', "-");
                pages.push_tree(&group, &[name]);
            }
        }
    }
    let options = pages.global_options.take().unwrap();
    let top = pages.groups.get_mut("top").unwrap();
    *top += &format!("Global options:\n{options}\n");
    let names: Vec<String> = pages.groups.keys().map(|g| format!("{g}.txt")).collect();
    for (group, text) in &pages.groups {
        assert_golden(&format!("help/{group}.txt"), text);
    }
    assert_eq!(
        golden_files("help"),
        names,
        "files of `tests/it/golden/help`"
    );
}

#[test]
fn help_of_a_registry_command_differs_by_one_word_from_that_of_its_short_form() {
    let listed = |words: &[&str]| -> BTreeSet<String> {
        let commands = listed_commands(&long_help(words));
        commands.into_iter().map(|(_, name)| name).collect()
    };
    let (top, registry) = (listed(&[]), listed(&["registry"]));
    let both: Vec<&String> = top.intersection(&registry).collect();
    assert_eq!(both.len(), registry.len(), "{registry:?}");
    for name in both {
        let long = long_help(&["registry", name]);
        let long = long.replacen("Usage: alimentar registry ", "Usage: alimentar ", 1);
        assert_eq!(long_help(&[name]), long, "{name}");
    }
}

/// A directory in which lines of a shell are run, each with `alimentar` before it.
struct Shell {
    dir: tempfile::TempDir,
    peer: String,
}

impl Shell {
    /// With two files, a directory with a card, and a key from `keys-example`.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("train.jsonl"), lines(40, 1)).unwrap();
        std::fs::write(at("more.jsonl"), lines(60, 1)).unwrap();
        std::fs::write(at("sheet.csv"), "id,colour\n1,red\n2,green\n3,red\n").unwrap();
        std::fs::create_dir(at("photos")).unwrap();
        std::fs::write(at("photos/a.txt"), "a photo\n").unwrap();
        std::fs::write(at("photos/README.md"), "# Photos\n\nOne *photo*.\n").unwrap();
        let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("keys-example");
        for name in ["publisher.key", "passphrase", "trust.toml"] {
            std::fs::copy(keys.join(name), at(name)).unwrap();
        }
        let peer = "127.0.0.1:1".to_owned();
        let shell = Self { dir, peer };
        let made = shell.command("home", "umask 077; mkdir home other; cp trust.toml home; cp trust.toml other; chmod 600 publisher.key").output();
        assert!(made.unwrap().status.success());
        shell
    }

    /// A line of the shell in which `$A` is the program.
    fn command(&self, home: &str, script: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .current_dir(self.dir.path())
            .env("A", env!("CARGO_BIN_EXE_alimentar"))
            .env("PEER", &self.peer)
            .env("COLUMNS", WIDTH)
            .env("HOME", self.dir.path())
            .env("ALIMENTAR_HOME", self.dir.path().join(home))
            .env_remove("ALIMENTAR_PASSPHRASE")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, home: &str, line: &str) -> Output {
        self.command(home, &format!("\"$A\" {line}"))
            .output()
            .unwrap()
    }

    /// Both streams and the exit code, without the bytes that differ from run to run.
    fn said(&self, home: &str, line: &str) -> String {
        let out = self.run(home, line);
        let code = out.status.code().unwrap();
        let stderr = String::from_utf8(out.stderr.clone()).unwrap();
        let dir = self.dir.path().canonicalize().unwrap();
        let text = masked(&format!("{}{stderr}", stdout(&out)), &dir);
        format!("$ alimentar {line}\n{}\n[exit {code}]\n\n", text.trim_end())
    }

    /// The keys of the JSON answer with their types, and the exit code.
    fn shape(&self, home: &str, line: &str) -> String {
        let out = self.run(home, &format!("--json {line}"));
        let code = out.status.code().unwrap();
        let mut keys = BTreeSet::new();
        for value in serde_json::Deserializer::from_slice(&out.stdout).into_iter() {
            let value: Value = value.unwrap_or_else(|e| panic!("{line}: {e}: {out:?}"));
            add_shape(&value, "", &mut keys);
        }
        for remark in stderr(&out).lines() {
            match serde_json::from_str(remark) {
                Ok(value) => add_shape(&value, "stderr", &mut keys),
                Err(_) => drop(keys.insert("stderr: a remark".to_owned())),
            }
        }
        let keys: Vec<String> = keys.into_iter().collect();
        format!(
            "$ alimentar --json {line}\n{}\n[exit {code}]\n\n",
            keys.join("\n")
        )
    }
}

fn add_shape(value: &Value, path: &str, keys: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(items) => {
            items
                .iter()
                .for_each(|item| add_shape(item, &format!("{path}[]"), keys));
            "array"
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                // Keys of maps that are ids differ from run to run.
                let name = if name.len() == 64 { "<id>" } else { name };
                add_shape(
                    value,
                    format!("{path}.{name}").trim_start_matches('.'),
                    keys,
                );
            }
            "object"
        }
    };
    keys.insert(format!("{path}: {kind}"));
}

/// At a publisher's.
const PUBLISHING: &[&str] = &[
    "index train.jsonl --license MIT --tag math",
    "index more.jsonl --name train",
    "index photos --sign --key publisher.key --passphrase-file passphrase",
    "index sheet.csv --private",
    "list",
    "list --all --wide",
    "search math",
    "info train",
    "info photos",
    "ls photos",
    "log train",
    "resolve train",
    "schema train",
    "card photos",
    "diff photos photos",
    "diff train@0.1.0 train@0.1.1",
    "tag train --add text",
    "set train --description 'Rows of text'",
    "rename sheet@0.1.0 table",
    "alias train@prod 0.1.1",
    "verify photos",
    "checkout photos copy",
    "status copy",
    "sign train@0.1.1 --key publisher.key --passphrase-file passphrase",
    "share train@0.1.0",
    "unshare train@0.1.0",
    "trust list",
    "trust show example-publisher",
    "trust add lab-b 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
    "trust remove lab-b --yes",
    "access add 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
    "access list",
    "access remove 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
    "token list",
    "config set color never",
    "config get color",
    "config list",
    "forget train --keep-last 1 --dry-run",
    "unindex table --yes",
    "restore table",
    "withdraw photos --reason wrong --yes --key publisher.key --passphrase-file passphrase",
    "export train -o train.alimentar",
    "export photos -o photos.alimentar",
    "fsck",
    "node",
    "inspect info train.jsonl",
    "inspect lines train.jsonl --start 3 --count 1",
    "inspect search train.jsonl '\"n\":7,'",
    "inspect stats sheet.csv",
    "inspect lint sheet.csv",
    "inspect dedup sheet.csv",
    "inspect overlap more.jsonl train.jsonl",
    "inspect tokens sheet.csv",
    "inspect sample sheet.csv -n 1 --seed 1",
    "inspect split train.jsonl --ratios 50,25,25 -o parts",
    "inspect filter sheet.csv red -o red.csv",
    "inspect export sheet.csv -o sheet.jsonl",
    "inspect merge sheet.csv red.csv -o both.csv",
];

/// At somebody else's, while the publisher serves.
const RECEIVING: &[&str] = &[
    "import train.alimentar --dry-run",
    "import train.alimentar",
    "import train.alimentar",
    "list --peer $PEER",
    "pull table --peer $PEER",
    "pull train --peer $PEER",
    "sync --peer $PEER",
    "list",
    "info train",
    "node",
    "gc --keep-days 0 --dry-run",
];

fn all_lines(mut shell: Shell, said: impl Fn(&Shell, &str, &str) -> String) -> String {
    let first: String = PUBLISHING
        .iter()
        .map(|line| said(&shell, "home", line))
        .collect();
    let node = Serving::start(&shell.dir.path().join("home"), &[]);
    shell.peer = node.addr();
    let then = RECEIVING.iter().map(|line| said(&shell, "other", line));
    first + &then.collect::<String>()
}

#[test]
fn tables_and_reports_match_the_golden_file() {
    assert_golden("tables.txt", &all_lines(Shell::new(), Shell::said));
}

#[test]
fn shapes_of_json_answers_match_the_golden_file() {
    assert_golden("json.txt", &all_lines(Shell::new(), Shell::shape));
}

/// An error for each exit code that is not given by a signal.
const ERRORS: &[(i32, &str)] = &[
    (0, "resolve train"),
    (1, "checkout train train.jsonl"),
    (2, "info a@b@c"),
    (2, "checkout"),
    (3, "info nothing"),
    (4, "import damaged.alimentar"),
    (5, "verify train --require-signature"),
    (6, "pull train --peer 127.0.0.1:1"),
    (7, "import good.alimentar damaged.alimentar"),
];

#[test]
fn errors_of_each_exit_code_match_the_golden_file() {
    let shell = Shell::new();
    for line in ["index train.jsonl", "export train -o good.alimentar"] {
        let out = shell.run("home", line);
        assert!(out.status.success(), "{line}: {out:?}");
    }
    let at = |name: &str| shell.dir.path().join(name);
    let mut archive = std::fs::read(at("good.alimentar")).unwrap();
    let middle = archive.len() / 2;
    archive[middle] ^= 1;
    std::fs::write(at("damaged.alimentar"), archive).unwrap();
    let mut text = String::new();
    for (code, line) in ERRORS {
        for line in [(*line).to_owned(), format!("--json {line}")] {
            let said = shell.said("home", &line);
            assert!(said.contains(&format!("[exit {code}]")), "{said}");
            text += &said;
        }
    }
    let pipe = at("pipe");
    make_fifo(&pipe);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let line = "card train --set pipe";
        let mut command = shell.command("home", &format!("exec \"$A\" {line}"));
        let child = begun(&mut command);
        // It opens when the program does; nothing is ever written.
        let _writer = std::fs::File::options().write(true).open(&pipe).unwrap();
        rustix::process::kill_process(Pid::from_child(&child), signal).unwrap();
        let out = ended(child);
        assert_eq!(out.status.code(), Some(code), "{out:?}");
        let stderr = String::from_utf8(out.stderr).unwrap();
        text += &format!(
            "$ alimentar {line}, stopped by a signal\n{}\n[exit {code}]\n\n",
            stderr.trim_end()
        );
    }
    assert_golden("errors.txt", &text);
}
