//! Faults while the viewer runs: kills during edits, two viewers with edits on one target, files that change
//! below it, too few descriptors.

use std::io::Write;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::answer;
use crate::support::random::Random;
use crate::view::pty::Terminal;

const SIZE: (u16, u16) = (100, 20);

fn row(n: u64, text: &str) -> String {
    format!("{{\"id\":{n},\"text\":\"{text}\"}}\n")
}

fn rows(dir: &Path, count: u64) -> String {
    let text: String = (0..count)
        .map(|n| row(n, &format!("row {n} of many")))
        .collect();
    std::fs::write(dir.join("rows.jsonl"), &text).unwrap();
    text
}

fn view(dir: &Path) -> Terminal {
    let terminal = Terminal::run(dir, &["view", "rows.jsonl"], SIZE);
    terminal.wait_for("row 3 of many");
    terminal
}

fn ask(dir: &Path, words: &[&str]) -> Value {
    let target = dir.join("rows.jsonl");
    answer(
        &dir.join("home"),
        &[words, &[target.to_str().unwrap()]].concat(),
    )
}

fn edits(dir: &Path) -> u64 {
    ask(dir, &["inspect", "edits", "list"])["edits"]
        .as_u64()
        .unwrap()
}

fn applied(dir: &Path) -> String {
    let target = dir.join("rows.jsonl");
    let bytes = crate::edits::applied(&dir.join("home"), target.to_str().unwrap());
    String::from_utf8(bytes).unwrap()
}

/// Keys that set the text of a row.
fn change(row: u64, text: &str) -> Vec<u8> {
    // A 0 is no number before a key. The columns are `id` and `text`.
    let go = match row {
        0 => "g".to_owned(),
        row => format!("{row}G"),
    };
    format!("{go}^l=\x15{text}\r").into_bytes()
}

#[test]
fn kill_at_any_key_keeps_reported_edits_and_halves_none() {
    let dir = tempfile::tempdir().unwrap();
    let before = rows(dir.path(), 12);
    let mut random = Random::new(25);
    let mut reported = 0;
    for round in 0..8_u64 {
        let mut terminal = Terminal::run(dir.path(), &["view", "rows.jsonl"], SIZE);
        terminal.wait_for("12 rows");
        let first = change(round % 12, &format!("first of {round}"));
        terminal.type_bytes(&first);
        reported += 1;
        let said = match reported {
            1 => "(1 edit)".to_owned(),
            n => format!("({n} edits)"),
        };
        terminal.wait_for(&said);
        // The next edit is typed in part, and may have got to any place.
        let second = change((round + 5) % 12, &format!("second of {round}"));
        let typed = random.below(second.len() as u64 + 1) as usize;
        terminal.type_bytes(&second[..typed]);
        std::thread::sleep(std::time::Duration::from_millis(random.below(12)));
        terminal.signal(Signal::KILL);
        assert_eq!(terminal.end(), None);
        let now = edits(dir.path());
        assert!(
            now == reported || now == reported + 1,
            "{now}, {reported} reported"
        );
        reported = now;
        let text = applied(dir.path());
        assert_eq!(text.lines().count(), 12);
        let line = row(round % 12, &format!("first of {round}"));
        assert!(text.contains(&line), "{text}");
        for line in text.lines() {
            serde_json::from_str::<Value>(line).unwrap();
        }
    }
    assert_eq!(
        std::fs::read_to_string(dir.path().join("rows.jsonl")).unwrap(),
        before
    );
}

#[test]
fn two_viewers_with_edits_lose_none_and_meet_no_wrong_row() {
    let dir = tempfile::tempdir().unwrap();
    rows(dir.path(), 12);
    let (mut first, mut second) = (view(dir.path()), view(dir.path()));
    second.wait_for("12 rows");
    first.wait_for("12 rows");
    first.type_bytes(b"gX");
    first.wait_for("1 row deleted (1 edit)");
    // To the second one, row 5 is still the one that is row 4 now.
    second.type_bytes(&change(5, "by the second"));
    second.wait_for("it was edited elsewhere");
    second.type_bytes(b"u");
    second.wait_for("it was edited elsewhere");
    assert_eq!(edits(dir.path()), 1);
    second.type_bytes(b"R");
    second.wait_for("11 rows");
    second.type_bytes(&change(5, "by the second"));
    second.wait_for("changed (2 edits)");
    first.type_bytes(b"u");
    first.wait_for("it was edited elsewhere");
    assert_eq!(edits(dir.path()), 2);
    let text = applied(dir.path());
    assert!(
        !text.contains("row 0 of") && text.contains(&row(6, "by the second")),
        "{text}"
    );
    for mut terminal in [first, second] {
        terminal.type_bytes(b"qq");
        assert_eq!(terminal.end(), Some(0));
        terminal.assert_clean();
    }
}

#[test]
fn file_that_was_replaced_is_not_edited_by_old_numbers() {
    let dir = tempfile::tempdir().unwrap();
    rows(dir.path(), 12);
    let mut terminal = view(dir.path());
    terminal.wait_for("12 rows");
    std::fs::write(dir.path().join("other"), row(99, "another file")).unwrap();
    std::fs::rename(dir.path().join("other"), dir.path().join("rows.jsonl")).unwrap();
    terminal.type_bytes(&change(0, "mine"));
    terminal.wait_for("`R` reads it anew");
    assert_eq!(edits(dir.path()), 0);
    terminal.type_bytes(b"R");
    terminal.wait_for("another file");
    terminal.type_bytes(&change(0, "mine"));
    terminal.wait_for("changed (1 edit)");
    assert_eq!(applied(dir.path()), row(99, "mine"));
    terminal.type_bytes(b"q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn edits_are_refused_and_kept_once_their_file_has_changed() {
    let dir = tempfile::tempdir().unwrap();
    let before = rows(dir.path(), 12);
    let mut terminal = view(dir.path());
    terminal.wait_for("12 rows");
    terminal.type_bytes(&change(2, "mine"));
    terminal.wait_for("changed (1 edit)");
    std::fs::write(
        dir.path().join("rows.jsonl"),
        before.replace("row 7", "ROW 7"),
    )
    .unwrap();
    terminal.type_bytes(&change(3, "more"));
    terminal.wait_for("since it was edited");
    terminal.type_bytes(b"R");
    terminal.wait_for("shown without its edits");
    terminal.type_bytes(b"q");
    assert_eq!(terminal.end(), Some(0));
    std::fs::write(dir.path().join("rows.jsonl"), before).unwrap();
    assert!(applied(dir.path()).contains(&row(2, "mine")));
}

#[test]
fn file_that_grows_shrinks_and_vanishes_is_said_and_ends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    rows(dir.path(), 3_000);
    let path = dir.path().join("rows.jsonl");
    let mut terminal = view(dir.path());
    terminal.wait_for("3,000 rows");
    let mut file = std::fs::File::options().append(true).open(&path).unwrap();
    file.write_all(row(3_000, "the new end").as_bytes())
        .unwrap();
    terminal.type_bytes(b"G");
    terminal.wait_for("the new end");
    file.set_len(row(0, "row 0 of many").len() as u64).unwrap();
    terminal.type_bytes(b"gG\r");
    terminal.type_bytes(b"qI");
    terminal.type_bytes(b"q/many\r");
    terminal.wait_for("1 matches");
    terminal.type_bytes(b"\x1bR");
    terminal.wait_for_screen(&["  1 row\n"]);
    std::fs::remove_file(&path).unwrap();
    terminal.type_bytes(b"\r");
    terminal.wait_for("row 0 of many");
    terminal.type_bytes(b"qR");
    terminal.wait_for("rows.jsonl");
    terminal.wait_for("there is no file");
    terminal.type_bytes(b"jGIq/a\x1bDeqq");
    assert_eq!(terminal.end(), Some(0));
    terminal.assert_clean();
}

#[test]
fn too_few_descriptors_are_said_and_leave_the_terminal_clean() {
    for most in 4..16 {
        let dir = tempfile::tempdir().unwrap();
        rows(dir.path(), 50);
        let line = format!("ulimit -n {most}; \"$A\" view rows.jsonl; echo \"ended $?.\"");
        let mut terminal = Terminal::shell(dir.path(), &line, SIZE);
        terminal.wait_until("rows, an error, or the end", |text| {
            ["row 3 of many", "rror", "oo many open files", "ended"]
                .iter()
                .any(|part| text.contains(part))
        });
        // A viewer that could begin works as usual.
        if terminal.screen().alternate_screen() {
            terminal.type_bytes(b"jG\rqIqDeqq");
        }
        assert_eq!(terminal.end(), Some(0), "{most}");
        terminal.wait_for("ended");
        terminal.assert_clean();
    }
}
