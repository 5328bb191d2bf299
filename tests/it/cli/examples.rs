//! The examples that help and man pages show: each runs, in a copy of one scratch directory.

use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use crate::support::lines;
use crate::support::variable;

const COLLEAGUE: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const NODE: &str = "1398f62c6d1a457c51ba6a4b5f3dbd2f69fca93216218dc8997e416bd17d93ca";

/// Commands whose examples need another machine, serve until they are stopped, or wait for a person.
const NOT_RUN: &[&str] = &["serve", "pull", "sync", "peers", "refresh", "view", "mcp"];

fn shell(line: &str, dir: &Path) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_alimentar"));
    let path = variable("PATH").unwrap();
    let path = format!("{}:{}", program.parent().unwrap().display(), path.display());
    Command::new("sh")
        .args(["-c", line])
        .current_dir(dir)
        .env("PATH", path)
        .env("HOME", dir)
        .env("EDITOR", "true")
        .env_remove("VISUAL")
        .env("ALIMENTAR_HOME", dir.join("home"))
        .env("ALIMENTAR_PASSPHRASE", "test")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Creates the files, datasets and settings that the examples name.
fn prepare(dir: &Path) {
    for sub in ["photos/notes", "stick", "my-data/data"] {
        std::fs::create_dir_all(dir.join(sub)).unwrap();
    }
    let rows = |seed: u64| -> Vec<u8> {
        let row = |n: u64| {
            format!(
                "{{\"text\":\"hello python {n} of {seed}\",\"question\":\"what is {n} and {seed}?\",\"answer\":\"it is {n}\",\"user_id\":{},\"meta\":{{\"label\":\"a\"}}}}\n",
                n % 5
            )
        };
        (0..40).flat_map(|n| row(n).into_bytes()).collect()
    };
    for (n, name) in ["train", "test", "all", "a", "old", "new", "mine", "gsm"]
        .iter()
        .enumerate()
    {
        std::fs::write(dir.join(format!("{name}.jsonl")), rows(n as u64)).unwrap();
    }
    std::fs::write(dir.join("photos/notes/first.txt"), "the first").unwrap();
    std::fs::write(dir.join("photos/left.tmp"), lines(2, 1)).unwrap();
    std::fs::write(dir.join("README.md"), "---\nlicense: mit\n---\n# Train\n").unwrap();
    std::fs::write(dir.join("new-passphrase.txt"), "another\n").unwrap();
    for line in [
        "alimentar index train.jsonl --tag draft",
        "alimentar index photos",
        "mkdir -p in/tables && cp old.jsonl in/rows.jsonl",
        "alimentar inspect export a.jsonl -o in/tables/a.parquet",
        "alimentar index in --name corpus --version 1.0.0",
        "cp new.jsonl in/rows.jsonl",
        "alimentar index in --name corpus --version 1.1.0",
        "alimentar checkout corpus ./corpus",
        "alimentar alias corpus@prod 1.0.0",
        "alimentar index old.jsonl --name old-corpus --version 1.0.0",
        "alimentar unindex old-corpus",
        "alimentar export corpus@1.1.0 -o corpus.alimentar",
        "alimentar import corpus.alimentar --receipt lab-b.receipt",
        "alimentar keygen",
        "alimentar index mine.jsonl --name signed --sign",
        "alimentar documents init ./store -c train",
        "alimentar documents put ./store -c train user_001 --data '{\"name\":\"Eve\",\"age\":3}'",
        "printf '{\"_id\":\"a\"}\\n' > documents.jsonl",
        "alimentar documents pack ./store packed.zds",
        "alimentar index ./store/collections/train --name users",
        "printf '{\"user_id\":\"u1\",\"click_rate\":0.5}\\n' > clicks.jsonl",
        "mkdir -p clicks/2024-01-13 && touch clicks/2024-01-13/_SUCCESS",
        "alimentar inspect export clicks.jsonl -o clicks/2024-01-13/part.parquet",
        "printf 'tables:\\n  user_features: {source: {local: {path: clicks}}, key: [user_id]}\\n' > features.yaml",
        "alimentar inspect export train.jsonl -o train.parquet",
        "alimentar inspect export a.jsonl -o b.parquet",
        "cp train.parquet my-data/data/",
        "alimentar index my-data --name my-dataset --version 1.2.0",
        "alimentar index gsm.jsonl --name gsm8k --version 1.0.0",
        "alimentar index test.jsonl --name gsm8k-test",
        &format!("alimentar trust add colleague {COLLEAGUE}"),
        &format!("alimentar access add {NODE}"),
        "alimentar token add reader",
        "alimentar identity new",
        "alimentar export train -o for-b.alimentar --to lab-b --for lab-b.receipt",
        "cp README.md card.md",
        "alimentar inspect edit train --set 0.answer=1 --set 1.answer=2 --set 2.answer=3",
        "alimentar inspect edit train --delete 5",
        "alimentar inspect edits undo train",
        "alimentar man pages",
    ] {
        let out = shell(line, dir);
        assert!(out.status.success(), "{line}: {out:?}");
    }
}

/// The examples of a page.
fn examples(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(page).unwrap();
    let Some((_, rest)) = text.split_once(".SH EXAMPLES\n.nf\n") else {
        return Vec::new();
    };
    let (examples, _) = rest.split_once(".fi\n").unwrap();
    let plain = |line: &str| line.replace("\\-", "-").replace("\\e", "\\");
    examples.lines().map(plain).collect()
}

fn is_run(example: &str) -> bool {
    let words: Vec<&str> = example.split_whitespace().collect();
    let command = words[1..]
        .iter()
        .find(|w| !w.starts_with('-') && **w != "registry");
    let needs_others = ["--peer", "://", "age1…"]
        .iter()
        .any(|part| example.contains(part));
    let is_for_terminal = example.contains("| alimentar view");
    let is_endless = example.contains("features serve");
    !NOT_RUN.contains(command.unwrap()) && !needs_others && !is_for_terminal && !is_endless
}

/// Removes what lies where an example writes: other examples read it.
fn make_room(example: &str, dir: &Path) {
    let words: Vec<&str> = example.split_whitespace().collect();
    for pair in words
        .windows(2)
        .filter(|w| ["-o", "--receipt"].contains(&w[0]))
    {
        let _ = std::fs::remove_file(dir.join(pair[1]));
    }
    let writes = example.contains("checkout") && !example.contains("--update");
    if let Some(place) = words.last().filter(|_| writes) {
        let _ = std::fs::remove_dir_all(dir.join(place));
    }
    if example.ends_with("identity new") {
        let _ = std::fs::remove_file(dir.join("home/identity.txt"));
    }
}

/// Checks that an example ended as it should.
/// `inspect lint` and `doctor` may find something and exit with 1.
fn is_fine(example: &str, out: &Output) -> bool {
    let checks = example.contains("inspect lint") || example.contains("doctor");
    out.status.success() || (checks && out.status.code() == Some(1))
}

#[test]
fn examples_of_help_pages_run() {
    let scratch = tempfile::tempdir().unwrap();
    let kit = scratch.path().join("kit");
    std::fs::create_dir(&kit).unwrap();
    prepare(&kit);
    let pages = std::fs::read_dir(kit.join("pages")).unwrap();
    let mut all: Vec<String> = pages.flat_map(|p| examples(&p.unwrap().path())).collect();
    all.sort();
    all.dedup();
    let run: Vec<&String> = all.iter().filter(|e| is_run(e)).collect();
    assert!(run.len() > 80, "{}", run.len());
    let failed = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2_usize)
            .map(|thread| {
                let (run, kit, scratch) = (&run, &kit, scratch.path());
                scope.spawn(move || {
                    let mut failed = Vec::new();
                    for (n, example) in run.iter().enumerate().filter(|(n, _)| n % 2 == thread) {
                        let dir = scratch.join(n.to_string());
                        let copied = Command::new("cp").arg("-r").args([kit, &dir]).status();
                        assert!(copied.unwrap().success());
                        make_room(example, &dir);
                        if example.contains("status") {
                            // The copy lies elsewhere than the checkout that is known.
                            shell("alimentar checkout corpus ./corpus --update", &dir);
                        }
                        let out = shell(example, &dir);
                        if !is_fine(example, &out) {
                            let said = String::from_utf8_lossy(&out.stderr).into_owned();
                            failed.push(format!("{example}\n{said}"));
                        }
                        std::fs::remove_dir_all(&dir).unwrap();
                    }
                    failed
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|t| t.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
