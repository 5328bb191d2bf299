//! The messages of the program for typical mistakes, compared with one golden file.
//! `ALIMENTAR_GOLDEN=write` rewrites the file. Read the changes as a user would.

use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use crate::support::golden::assert_golden;
use crate::support::golden::masked;
use crate::support::lines;

/// A line of a shell behind `alimentar`.
const MISTAKES: &[&str] = &[
    "frobnicate",
    "lits",
    "clone train",
    "push train",
    "add train.jsonl",
    "registry prune",
    "snapshots train",
    "help nothing",
    "completions tcsh",
    "--home nowhere list",
    "--home nowhere gc",
    "--home train.jsonl list",
    "info",
    "info nothing",
    "--json info nothing",
    "info trian",
    "info a@b@c",
    "info train@9.9.9",
    "info alimentar:1234",
    "index",
    "index nowhere.jsonl",
    "index '~nobody/train.jsonl'",
    "index train.jsonl --nmae corpus",
    "index train.jsonl --name 'two words'",
    "index train.jsonl --version one",
    "index other.jsonl --name train --version 0.1.0",
    "index other.jsonl $(seq -f '--tag t%.0f' 65)",
    "index other.jsonl --sign",
    "checkout train",
    "checkout train train.jsonl",
    "checkout train no/such/place/copy.jsonl",
    "checkout photos:nothing copy",
    "cat photos:nothing",
    "cat nothing:file",
    "verify train --require-signature",
    "diff train",
    "search 'size:many'",
    "search 'colour:red'",
    "search '\"not closed'",
    "search train --limit many",
    "tag train --add",
    "rename train 'two words'",
    "withdraw train --reason wrong",
    "sign train",
    "keygen",
    "passwd",
    "trust add lab-b 1234",
    "trust add lab-b 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c --level much",
    "trust show nobody",
    "export train",
    "export nothing -o out.alimentar",
    "export train -o out.alimentar --split 1",
    "export train -o out.alimentar --split many",
    "import nowhere.alimentar",
    "import train.jsonl",
    "fsck --peer lab-a:8765",
    "pull train --peer 127.0.0.1:1",
    "serve --bind nowhere",
    "serve --port 99999",
    "peers forget lab-a:8765",
    "access add 1234",
    "token revoke nobody",
    "token add reader --dataset a@b@c",
    "inspect info nowhere.parquet",
    "inspect lines train.jsonl --start many",
    "inspect lines train.jsonl --header maybe",
    "inspect search train.jsonl '('",
    "inspect stats train.jsonl --column nothing",
    "inspect sample train.jsonl -n -1",
    "inspect split train.jsonl --ratios 50,many -o parts",
    "config get colour",
    "config set color purple",
    "config set peers 'a b'",
];

fn said(line: &str, dir: &Path) -> String {
    // Nodes of other tests, or of the network, would be asked for what is not here.
    let asks = ["info ", "cat "];
    let is_offline = asks.iter().any(|command| line.contains(command));
    let out = Command::new("sh")
        .args(["-c", &format!("\"$PROGRAM\" {line}")])
        .current_dir(dir)
        .env("PROGRAM", env!("CARGO_BIN_EXE_alimentar"))
        .env("HOME", dir)
        .env("ALIMENTAR_HOME", dir.join("home"))
        .envs(is_offline.then_some(("ALIMENTAR_OFFLINE", "1")))
        .env_remove("ALIMENTAR_PASSPHRASE")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let code = out.status.code().unwrap();
    let stderr = String::from_utf8(out.stderr).unwrap();
    let stderr = masked(&stderr, dir);
    format!("$ alimentar {line}\n{}\n[exit {code}]\n\n", stderr.trim())
}

#[test]
fn messages_of_typical_mistakes_match_the_golden_file() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().canonicalize().unwrap();
    std::fs::write(dir.join("train.jsonl"), lines(20, 1)).unwrap();
    std::fs::write(dir.join("other.jsonl"), lines(20, 2)).unwrap();
    std::fs::create_dir(dir.join("photos")).unwrap();
    std::fs::write(dir.join("photos/first.txt"), "a photo").unwrap();
    for line in ["index train.jsonl", "index photos"] {
        let said = said(line, &dir);
        assert!(said.contains("[exit 0]"), "{said}");
    }
    let half = MISTAKES.len() / 2;
    let all = |lines: &[&str]| {
        lines
            .iter()
            .map(|line| said(line, &dir))
            .collect::<String>()
    };
    let found = std::thread::scope(|scope| {
        let second = scope.spawn(|| all(&MISTAKES[half..]));
        all(&MISTAKES[..half]) + &second.join().unwrap()
    });
    for unwanted in [
        "invalid digit",
        "the terminal`",
        "panicked",
        "os error 2)\nhint: `alimentar list",
    ] {
        assert!(!found.contains(unwanted), "{unwanted}: {found}");
    }
    assert_golden("messages.txt", &found);
}
