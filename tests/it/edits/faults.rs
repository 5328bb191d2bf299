//! The journal under faults: changed bases, torn and damaged journals, kills, two writers.

use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use super::applied;
use super::counts;
use super::edit;
use crate::support::answer;
use crate::support::begun;
use crate::support::ended;
use crate::support::lines;
use crate::support::namespace::in_mount_namespace;
use crate::support::program;
use crate::support::refused;
use crate::support::run;
use crate::support::wait::settle;

fn journal(home: &Path) -> PathBuf {
    let entries = std::fs::read_dir(home.join("edits")).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths.find(|path| path.extension().is_none()).unwrap()
}

#[test]
fn changed_base_refuses_its_edits_and_keeps_them() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("t.txt"));
    let path = file.to_str().unwrap();
    std::fs::write(&file, "a\nb\nc\n").unwrap();
    edit(&home, &file, &["--delete", "0"]);
    let others: [(Option<&str>, &str); 4] = [
        (Some("a\nb\nc\nd\n"), "grew"),
        (Some("a\nb\n"), "shortened"),
        (Some("a\nB\nc\n"), "changed"),
        (None, "removed"),
    ];
    for (other, part) in others {
        match other {
            Some(text) => std::fs::write(&file, text).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        let list = answer(&home, &["inspect", "edits", "list", path]);
        assert_eq!(counts(&list), [1, 0, 1, 0]);
        assert!(list["refused"].as_str().unwrap().contains(part), "{list}");
        if other.is_some() {
            refused(&home, &["inspect", "lines", path, "--edits"], 4);
            refused(&home, &["inspect", "edit", path, "--delete", "0"], 4);
            refused(&home, &["inspect", "edits", "undo", path], 4);
        }
    }
    // The old bytes are back, in a new file with another time.
    std::fs::write(&file, "a\nb\nc\n").unwrap();
    assert_eq!(applied(&home, path), b"b\nc\n");
    assert_eq!(edit(&home, &file, &["--delete", "0"]), [2, 0, 2, 0]);
    // A second discard replaces no journal of the first.
    for discards in 1..=2 {
        std::fs::remove_file(&file).unwrap();
        assert_eq!(
            counts(&answer(&home, &["inspect", "edits", "discard", path])),
            [0; 4]
        );
        let names = journal_names(&home);
        assert!(names.iter().all(|name| name.ends_with(".discarded")));
        assert_eq!(names.len(), discards);
        std::fs::write(&file, "a\nb\nc\n").unwrap();
        edit(&home, &file, &["--delete", "0"]);
    }
}

fn journal_names(home: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(home.join("edits")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

#[test]
fn torn_tail_is_left_out_and_set_aside_by_the_next_writer() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("t.txt"));
    std::fs::write(&file, "z\na\nb\nc\n").unwrap();
    let path = file.to_str().unwrap();
    // An edit soon after a change of the file cannot trust its timestamp, and the next notes its state again.
    settle();
    edit(&home, &file, &["--delete", "0"]);
    edit(&home, &file, &["--delete", "0"]);
    let journal = journal(&home);
    let whole = std::fs::read(&journal).unwrap();
    edit(&home, &file, &["--delete", "0"]);
    let longer = std::fs::read(&journal).unwrap();
    let cuts = [whole.len() + 1, whole.len() + 7, longer.len() - 1];
    for (before, cut) in cuts.into_iter().enumerate() {
        std::fs::write(&journal, &longer[..cut]).unwrap();
        assert_eq!(applied(&home, path), b"b\nc\n");
        let list = answer(&home, &["inspect", "edits", "list", path]);
        assert_eq!(list["torn_bytes"], cut - whole.len());
        assert_eq!(edit(&home, &file, &["--set", "1.text=C"]), [3, 1, 2, 0]);
        assert_eq!(applied(&home, path), b"b\nC\n");
        // Each torn tail is kept, those of earlier kills too.
        for (number, cut) in cuts[..=before].iter().enumerate() {
            let name = journal.file_name().unwrap().to_str().unwrap();
            let torn = match number {
                0 => format!("{name}.torn"),
                _ => format!("{name}-{}.torn", number + 1),
            };
            let torn = std::fs::read(journal.with_file_name(torn)).unwrap();
            assert_eq!(torn, &longer[whole.len()..*cut]);
        }
    }
}

#[test]
fn damaged_journal_is_refused_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("t.txt"));
    std::fs::write(&file, "a\nb\nc\n").unwrap();
    let path = file.to_str().unwrap();
    edit(&home, &file, &["--delete", "0"]);
    edit(&home, &file, &["--delete", "0"]);
    let journal = journal(&home);
    let sound = std::fs::read(&journal).unwrap();
    type Damage<'a> = &'a dyn Fn(&mut Vec<u8>);
    let damages: [Damage<'_>; 4] = [
        &|bytes| bytes[30] ^= 1,
        &|bytes| bytes[0] = b'x',
        &|bytes| bytes.splice(12..16, [0, 0, 0, 0]).for_each(drop),
        &|bytes| *bytes = b"garbage of some length".to_vec(),
    ];
    for damage in damages {
        let mut bytes = sound.clone();
        damage(&mut bytes);
        std::fs::write(&journal, &bytes).unwrap();
        refused(&home, &["inspect", "lines", path, "--edits"], 4);
        refused(&home, &["inspect", "edit", path, "--delete", "0"], 4);
        refused(&home, &["inspect", "edits", "list", path], 4);
        assert_eq!(std::fs::read(&journal).unwrap(), bytes);
        assert_eq!(
            run(&home, &["inspect", "lines", path]).status.code(),
            Some(0)
        );
    }
    let mut newer = sound.clone();
    newer[8] = 2;
    std::fs::write(&journal, &newer).unwrap();
    refused(&home, &["inspect", "lines", path, "--edits"], 1);
    answer(&home, &["inspect", "edits", "discard", path]);
    assert_eq!(applied(&home, path), b"a\nb\nc\n");
}

#[test]
fn writers_of_one_target_take_turns() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("t.txt"));
    std::fs::write(&file, "row\n".repeat(40)).unwrap();
    let path = file.to_str().unwrap();
    let writers = (0..6).map(|n| {
        let set = format!("{n}.text=of writer {n}");
        let mut command = program(&home);
        begun(command.args(["inspect", "edit", path, "--set", &set]))
    });
    let writers: Vec<_> = writers.collect();
    for writer in writers {
        let out = ended(writer);
        assert!(out.status.success(), "{out:?}");
    }
    let list = answer(&home, &["inspect", "edits", "list", path]);
    assert_eq!(counts(&list), [6, 6, 0, 0]);
    let text = String::from_utf8(applied(&home, path)).unwrap();
    for n in 0..6 {
        assert_eq!(text.lines().nth(n), Some(format!("of writer {n}").as_str()));
    }
}

#[test]
fn killed_writer_leaves_all_or_nothing_of_its_edit() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("t.txt"));
    std::fs::write(&file, "row  \n".repeat(20_000)).unwrap();
    let path = file.to_str().unwrap();
    edit(&home, &file, &["--set", "0.text=first"]);
    for wait in [0, 5, 15, 30, 60, 120] {
        let mut command = program(&home);
        let mut child = begun(command.args(["inspect", "edit", path, "--fix", "trailing-blanks"]));
        std::thread::sleep(std::time::Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
        let list = answer(&home, &["inspect", "edits", "list", path]);
        let found = counts(&list);
        assert!(
            found == [1, 1, 0, 0] || found == [2, 20_000, 0, 0],
            "{list}"
        );
        answer(
            &home,
            &["inspect", "lines", path, "--edits", "--count", "1"],
        );
        if found[0] == 2 {
            answer(&home, &["inspect", "edits", "undo", path]);
        }
    }
    assert_eq!(
        edit(&home, &file, &["--fix", "trailing-blanks"]),
        [2, 20_000, 0, 0]
    );
}

#[test]
fn read_only_home_refuses_edits_and_reads_them() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("t.txt"));
    std::fs::write(&file, "a\nb\n").unwrap();
    let path = file.to_str().unwrap();
    edit(&home, &file, &["--delete", "0"]);
    let journal = journal(&home);
    let mut torn = std::fs::OpenOptions::new()
        .append(true)
        .open(&journal)
        .unwrap();
    torn.write_all(b"half").unwrap();
    let before = std::fs::read(&journal).unwrap();
    let script = r#"program=$1; home=$2; file=$3
mount --bind "$home" "$home"
mount -o remount,ro,bind "$home"
if "$program" --json --home "$home" inspect edit "$file" --delete 0 2>"$file.error"; then exit 98; fi
"$program" --json --home "$home" inspect lines "$file" --edits >"$file.lines"
"#;
    let home = home.to_str().unwrap();
    let out = in_mount_namespace(script, &[env!("CARGO_BIN_EXE_alimentar"), home, path]);
    assert!(out.status.success(), "{out:?}");
    let read = |ending: &str| std::fs::read_to_string(format!("{path}.{ending}")).unwrap();
    assert!(
        read("error").contains("Read-only file system"),
        "{}",
        read("error")
    );
    assert!(read("lines").contains("\"text\":\"b\"") && read("lines").lines().count() == 1);
    assert_eq!(std::fs::read(&journal).unwrap(), before);
}

#[test]
fn full_disk_refuses_an_edit_and_keeps_those_before() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.jsonl");
    std::fs::write(&file, lines(20_000, 1)).unwrap();
    std::fs::write(dir.path().join("more.jsonl"), lines(20_000, 2)).unwrap();
    let script = r#"dir=$1; program=$2; home=$dir/mnt/home
mkdir -p "$dir/mnt"
mount -t tmpfs -o size=9m none "$dir/mnt"
run() { "$program" --json --home "$home" "$@"; }
run registry index "$dir/a.jsonl" >/dev/null
run inspect edit "$dir/a.jsonl" --delete 0 >/dev/null
run inspect edit a --delete 0 >/dev/null
cat /dev/zero >"$dir/mnt/filler" 2>/dev/null || true
for target in "$dir/a.jsonl" a; do
  if run inspect edit "$target" --insert "$dir/more.jsonl" --at 5 >/dev/null 2>"$dir/error"; then
    echo fitted >&2; exit 98
  fi
  run inspect edits list "$target" >>"$dir/lists"
  run inspect lines "$target" --edits --count 1 >>"$dir/lines"
done
if run registry commit a >/dev/null 2>"$dir/commit"; then echo committed >&2; exit 97; fi
rm "$dir/mnt/filler"
run inspect edit "$dir/a.jsonl" --delete 0 >>"$dir/lists"
run registry commit a >"$dir/committed"
run registry fsck >/dev/null
"#;
    let at = dir.path().to_str().unwrap();
    let out = in_mount_namespace(script, &[at, env!("CARGO_BIN_EXE_alimentar")]);
    let text = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap_or_default();
    let shown = format!("{out:?} {} {}", text("error"), text("commit"));
    assert!(out.status.success(), "{shown}");
    let json = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
    assert_eq!(json(&text("error"))["error"]["kind"], "no_space");
    assert_eq!(json(&text("commit"))["error"]["kind"], "no_space");
    let lists = text("lists");
    let lists: Vec<_> = lists.lines().map(|line| counts(&json(line))).collect();
    assert_eq!(lists, [[1, 0, 1, 0], [1, 0, 1, 0], [2, 0, 2, 0]]);
    assert_eq!(json(&text("committed"))["rows"], 19_999);
    for line in text("lines").lines() {
        assert!(
            json(line)["text"]
                .as_str()
                .unwrap()
                .starts_with("{\"n\":1,"),
            "{line}"
        );
    }
}
