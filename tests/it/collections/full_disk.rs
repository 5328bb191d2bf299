//! A disk that is full at each write of a command: it says so, keeps everything, and the next command works.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::rows_of;
use crate::support::answer;
use crate::support::namespace::in_mount_namespace;

/// Documents that are stored before.
const STORED: u64 = 600;
/// Most pages that are left free.
const PAGES_MAX: usize = 60;

/// Runs a command on a full disk again and again, with one page more of free space each time, until it fits.
///
/// The files go onto a disk of their own. Each round leaves the output of the command, of readers on the full disk
/// and after there is space again, and of the same command once more.
const SCRIPT: &str = r#"dir=$1; program=$2; input=$3; shift 3
mkdir "$dir/mnt"
mount -t tmpfs -o size=2m none "$dir/mnt"
root=$dir/mnt/store
run() { "$program" --json --home "$dir/home" documents "$@"; }
pages=0
while :; do
  rm -rf "$root" "$dir/mnt/filler"
  cp -r "$dir/before" "$root"
  free=$(stat -f -c %f "$dir/mnt")
  head -c $(((free - pages) * 4096)) /dev/zero >"$dir/mnt/filler"
  at=$dir/rounds/$(printf %03d $pages)
  mkdir -p "$at"
  code=0
  run "$@" <"$input" >"$at/out" 2>"$at/error" || code=$?
  echo $code >"$at/code"
  run scan "$root" >"$at/full"
  rm "$dir/mnt/filler"
  run scan "$root" >"$at/after"
  code=0
  run "$@" <"$input" >"$at/again" 2>&1 || code=$?
  echo $code >"$at/code-again"
  run scan "$root" >"$at/last"
  run validate "$root" >"$at/valid"
  ls -A "$root/collections/c/meta" >"$at/names"
  if [ "$(cat "$at/code")" = 0 ]; then break; fi
  pages=$((pages + 1))
  if [ $pages -gt 60 ]; then echo "it never fits" >&2; exit 98; fi
done
"#;

type Documents = BTreeMap<String, u64>;

fn text(n: u64) -> String {
    blake3::hash(&n.to_le_bytes()).to_hex().as_str().repeat(2)
}

fn lines(documents: &Documents) -> String {
    let lines = documents
        .iter()
        .map(|(id, n)| format!("{{\"_id\":\"{id}\",\"n\":{n},\"text\":\"{}\"}}\n", text(*n)));
    lines.collect()
}

/// Reads what a scan printed. Each document is whole.
fn documents(path: &Path) -> Documents {
    let rows = rows_of(&std::fs::read(path).unwrap())
        .into_iter()
        .map(|row| {
            let n = row["n"].as_u64().unwrap();
            assert_eq!(row["text"], text(n), "{}", path.display());
            (row["_id"].as_str().unwrap().to_owned(), n)
        });
    rows.collect()
}

/// Runs a command with each amount of free space that is too small, and compares what is there. Returns the number
/// of rounds in which it failed.
fn fill(words: &[&str], before: &Documents, input: &Documents, after: &Documents) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let [stored, given] = [("stored", before), ("given", input)].map(|(name, documents)| {
        let path = at.join(name);
        std::fs::write(&path, lines(documents)).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let root = at.join("before");
    let root = root.to_str().unwrap();
    answer(
        &at.join("home"),
        &["documents", "import", root, &stored, "-c", "c"],
    );
    // An update, so that a compaction has something to do.
    answer(&at.join("home"), &["documents", "import", root, &stored]);
    let on_disk = at.join("mnt/store");
    let replace = |word: &&str| match *word {
        "ROOT" => on_disk.to_str().unwrap().to_owned(),
        "GIVEN" => given.clone(),
        other => other.to_owned(),
    };
    let words: Vec<String> = words.iter().map(replace).collect();
    let mut args = vec![
        at.to_str().unwrap(),
        env!("CARGO_BIN_EXE_alimentar"),
        &given,
    ];
    args.extend(words.iter().map(String::as_str));
    let out = in_mount_namespace(SCRIPT, &args);
    assert!(out.status.success(), "{words:?}: {out:?}");
    let rounds = std::fs::read_dir(at.join("rounds")).unwrap();
    let mut rounds: Vec<_> = rounds.map(|entry| entry.unwrap().path()).collect();
    rounds.sort();
    let count = rounds.len() - 1;
    assert!(count <= PAGES_MAX);
    for (pages, round) in rounds.iter().enumerate() {
        let read = |name: &str| std::fs::read_to_string(round.join(name)).unwrap();
        let label = format!("{} with {pages} free pages: {}", words[0], read("error"));
        if pages < count {
            assert_eq!(read("code").trim(), "1", "{label}");
            let error: Value = serde_json::from_str(read("error").lines().last().unwrap()).unwrap();
            assert_eq!(error["error"]["kind"], "no_space", "{label}");
            assert_eq!(read("out"), "", "{label}");
        }
        for name in ["full", "after"] {
            let found = documents(&round.join(name));
            // Of a command that failed, any whole document may be there.
            let ids = before.keys().chain(after.keys()).chain(found.keys());
            for id in ids {
                let (was, is, will) = (before.get(id), found.get(id), after.get(id));
                assert!(
                    is == was || is == will,
                    "{label}: `{id}` is {is:?}, not {was:?} or {will:?}"
                );
            }
            if pages == count {
                assert_eq!(&found, after, "{label}");
            }
        }
        // Of deletions that had happened, the command now says that nothing is there.
        let again = read("code-again");
        let is_done = words[0] == "delete" && ["3", "7"].contains(&again.trim());
        assert!(again.trim() == "0" || is_done, "{label}: {}", read("again"));
        assert_eq!(&documents(&round.join("last")), after, "{label}");
        let report: Value = serde_json::from_str(&read("valid")).unwrap();
        assert_eq!(report["valid"], true, "{label}: {report}");
        let names = read("names");
        let is_leftover = |name: &&str| name.contains(".new-") || name.contains(".partial-");
        assert_eq!(names.lines().find(is_leftover), None, "{label}");
    }
    count
}

fn numbered(range: std::ops::Range<u64>, shift: u64) -> Documents {
    range.map(|n| (format!("d{n:04}"), n + shift)).collect()
}

#[test]
fn full_disk_refuses_puts_and_keeps_what_was_stored() {
    let before = numbered(0..STORED, 0);
    let given = numbered(STORED / 2..STORED + 100, 10_000);
    let mut after = before.clone();
    after.extend(given.clone());
    let rounds = fill(
        &["put", "ROOT", "-", "--batch", "100"],
        &before,
        &given,
        &after,
    );
    assert!(rounds > 10, "{rounds}");
}

#[test]
fn full_disk_refuses_an_import_into_a_new_form_of_the_index() {
    let before = numbered(0..STORED, 0);
    let given = numbered(STORED..STORED + 60, 10_000);
    let mut after = before.clone();
    after.extend(given.clone());
    let words = ["import", "ROOT", "GIVEN", "--index", "text"];
    let rounds = fill(&words, &before, &given, &after);
    assert!(rounds > 3, "{rounds}");
}

#[test]
fn full_disk_refuses_deletions_and_keeps_the_other_documents() {
    let before = numbered(0..STORED, 0);
    let gone: Vec<String> = (0..200).map(|n| format!("d{n:04}")).collect();
    let after = numbered(200..STORED, 0);
    let words: Vec<&str> = ["delete", "ROOT"]
        .into_iter()
        .chain(gone.iter().map(String::as_str))
        .collect();
    let rounds = fill(&words, &before, &Documents::new(), &after);
    assert!(rounds > 1, "{rounds}");
}

#[test]
fn full_disk_refuses_a_compaction_and_a_new_index_and_changes_nothing() {
    let before = numbered(0..STORED, 0);
    for (command, least) in [("compact", 10), ("reindex", 1)] {
        let rounds = fill(&[command, "ROOT"], &before, &Documents::new(), &before);
        assert!(rounds > least, "{command}: {rounds}");
    }
}
