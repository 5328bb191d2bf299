//! The terminal is left clean, whatever ends the program; and every size of it is drawn.

use std::path::Path;

use rustix::process::Signal;

use crate::view::pty::Terminal;

fn begin(dir: &Path, size: (u16, u16)) -> Terminal {
    let line = |n: u64| format!("{{\"id\":{n},\"text\":\"row {n} of many\"}}\n");
    std::fs::write(
        dir.join("rows.jsonl"),
        (0..500).map(line).collect::<String>(),
    )
    .unwrap();
    Terminal::run(dir, &["view", "rows.jsonl"], size)
}

#[test]
fn signals_end_it_and_leave_the_terminal_clean() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
        let dir = tempfile::tempdir().unwrap();
        let mut terminal = begin(dir.path(), (80, 24));
        terminal.wait_for("row 3 of many");
        terminal.signal(signal);
        assert_eq!(terminal.end(), Some(code));
        terminal.assert_clean();
    }
}

#[test]
fn suspension_gives_the_terminal_back_and_takes_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut terminal = begin(dir.path(), (80, 24));
    terminal.wait_for("row 3 of many");
    terminal.type_bytes(b"\x1a");
    terminal.wait_for_state('T');
    terminal.assert_clean();
    terminal.signal(Signal::CONT);
    terminal.wait_for("row 3 of many");
    assert!(terminal.screen().alternate_screen());
    terminal.signal(Signal::TSTP);
    terminal.wait_for_state('T');
    terminal.assert_clean();
    terminal.signal(Signal::CONT);
    terminal.wait_for("row 3 of many");
    terminal.type_bytes(b"jjq");
    assert_eq!(terminal.end(), Some(0));
    terminal.assert_clean();
}

#[test]
fn terminal_that_is_closed_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut terminal = begin(dir.path(), (80, 24));
    terminal.wait_for("row 3 of many");
    terminal.hang_up();
    terminal.signal(Signal::HUP);
    assert_eq!(terminal.end(), Some(129));
}

#[test]
fn storm_of_sizes_ends_with_the_last_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut terminal = begin(dir.path(), (80, 24));
    terminal.wait_for("row 3 of many");
    for n in 0..60_u16 {
        terminal.resize(1 + n * 37 % 200, 1 + n * 13 % 60);
        terminal.type_bytes(b"j");
    }
    for size in [(1, 1), (500, 200), (20, 5), (80, 24)] {
        terminal.resize(size.0, size.1);
        terminal.type_bytes(b"\x0c");
    }
    terminal.wait_for("row 60 of many");
    terminal.type_bytes(b"g");
    terminal.wait_for("row 3 of many");
    terminal.type_bytes(b"q");
    assert_eq!(terminal.end(), Some(0));
    terminal.assert_clean();
}

#[test]
fn smallest_and_largest_screens_begin() {
    for size in [(1, 1), (500, 200)] {
        let dir = tempfile::tempdir().unwrap();
        let mut terminal = begin(dir.path(), size);
        match size {
            (1, 1) => drop(terminal.wait_until("one character", |text| !text.trim().is_empty())),
            _ => drop(terminal.wait_for("row 150 of many")),
        }
        terminal.type_bytes(b"jG/x\x1bq");
        terminal.type_bytes(b"q");
        assert_eq!(terminal.end(), Some(0));
        terminal.assert_clean();
    }
}

#[test]
fn no_colour_means_none() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("rows.jsonl"),
        "{\"id\":1,\"ok\":true,\"n\":null}\n",
    )
    .unwrap();
    let has_colours = |variables: &[(&str, &str)]| {
        let program = env!("CARGO_BIN_EXE_alimentar");
        let words = [program, "--home", "home", "view", "rows.jsonl"];
        let mut terminal = Terminal::start(dir.path(), &words, (60, 12), variables);
        terminal.wait_for("true");
        terminal.type_bytes(b"\r");
        terminal.wait_for("ok: true");
        terminal.type_bytes(b"qq");
        assert_eq!(terminal.end(), Some(0));
        let bytes = terminal.bytes();
        bytes
            .windows(5)
            .any(|part| part == b"\x1b[38;" || part == b"\x1b[48;")
    };
    assert!(has_colours(&[]));
    assert!(!has_colours(&[("NO_COLOR", "1")]));
}

#[test]
fn data_cannot_talk_to_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let hostile = "{\"a\\u001b]0;owned\\u0007\":\"\\u001b[2J\\u001b]52;c;b3duZWQ=\\u0007\\u202eabc\"}\n\u{1b}]0;owned\u{7}\u{1b}[31m raw\n";
    std::fs::write(dir.path().join("rows.jsonl"), hostile).unwrap();
    let mut terminal = Terminal::run(dir.path(), &["view", "rows.jsonl"], (80, 24));
    terminal.wait_for("raw");
    for keys in ["\r", "w", "\t", "\t", "q", "I", "q", "e"] {
        terminal.type_bytes(keys.as_bytes());
        terminal.wait_until("anything", |_| true);
    }
    terminal.type_bytes(b"qq");
    terminal.end();
    let bytes = terminal.bytes();
    let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(!has(b"\x1b]0;") && !has(b"\x1b]52;"));
    assert!(!has("\u{202e}".as_bytes()));
}

#[test]
fn without_a_terminal_it_says_so() {
    let out = std::process::Command::new("setsid")
        .arg("--wait")
        .arg(env!("CARGO_BIN_EXE_alimentar"))
        .args(["view", "rows.jsonl"])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(said.contains("terminal"), "{said}");
}
