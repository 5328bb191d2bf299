//! Keys typed at the terminal, and the screens they lead to.

use std::path::Path;

use crate::view::pty::Terminal;

fn rows(dir: &Path, count: u64) -> &'static str {
    let line = |n: u64| format!("{{\"id\":{n},\"text\":\"row {n} of many\"}}\n");
    std::fs::write(
        dir.join("rows.jsonl"),
        (0..count).map(line).collect::<String>(),
    )
    .unwrap();
    "rows.jsonl"
}

#[test]
fn rows_are_shown_searched_and_filtered() {
    let dir = tempfile::tempdir().unwrap();
    let name = rows(dir.path(), 5000);
    let mut terminal = Terminal::run(dir.path(), &["view", name], (80, 24));
    terminal.wait_for("row 3 of many");
    terminal.wait_for("5,000 rows");
    terminal.type_bytes(b"G");
    terminal.wait_for("row 4999 of many");
    terminal.wait_for("row 4,999");
    terminal.type_bytes(b"/row 1[23]45 ");
    terminal.wait_for("2 matches");
    terminal.type_bytes(b"\rn");
    terminal.wait_for("row 1,345");
    terminal.type_bytes(b"&text=99\r");
    let text = terminal.wait_for("row 99 of many");
    assert!(text.contains("text ~ 99"), "{text}");
    terminal.type_bytes(b"\r");
    terminal.wait_for("\"row 99 of many\"");
    terminal.type_bytes(b"q?");
    terminal.wait_for("type a command by its name");
    terminal.type_bytes(b"qq");
    assert_eq!(terminal.end(), Some(0));
    terminal.assert_clean();
}

#[test]
fn data_on_standard_input_leaves_the_keys_to_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let name = rows(dir.path(), 50);
    let line = format!("cat {name} | \"$A\" view -");
    let mut terminal = Terminal::shell(dir.path(), &line, (60, 12));
    terminal.wait_for("row 3 of many");
    terminal.type_bytes(b"G");
    terminal.wait_for("row 49 of many");
    terminal.type_bytes(b"q");
    assert_eq!(terminal.end(), Some(0));
    terminal.assert_clean();
}

#[test]
fn marked_rows_go_to_standard_output_of_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let name = rows(dir.path(), 50);
    let line = format!("\"$A\" view {name} > out.jsonl");
    let mut terminal = Terminal::shell(dir.path(), &line, (60, 12));
    terminal.wait_for("row 3 of many");
    terminal.type_bytes(b"mjm\x05");
    assert_eq!(terminal.end(), Some(0));
    let printed = std::fs::read_to_string(dir.path().join("out.jsonl")).unwrap();
    let wanted = "{\"id\":0,\"text\":\"row 0 of many\"}\n{\"id\":2,\"text\":\"row 2 of many\"}\n";
    assert_eq!(printed, wanted);
}

#[test]
fn registry_lists_datasets_and_opens_one() {
    let dir = tempfile::tempdir().unwrap();
    let name = rows(dir.path(), 20);
    let home = dir.path().join("home");
    let index = std::process::Command::new(env!("CARGO_BIN_EXE_alimentar"))
        .args([
            "--home",
            home.to_str().unwrap(),
            "index",
            name,
            "--name",
            "greetings",
        ])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(
        index.status.success(),
        "{}",
        String::from_utf8_lossy(&index.stderr)
    );
    let mut terminal = Terminal::run(dir.path(), &["view"], (120, 24));
    let text = terminal.wait_until("its description", |text| {
        text.contains("greetings") && text.contains("licence")
    });
    assert!(text.contains("registry: datasets"), "{text}");
    terminal.type_bytes(b"\r");
    terminal.wait_for("row 3 of many");
    terminal.type_bytes(b"q");
    terminal.wait_for("registry: datasets");
    terminal.type_bytes(b"q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn keys_are_printed_without_a_terminal() {
    let print = |words: &[&str]| {
        let out = std::process::Command::new(env!("CARGO_BIN_EXE_alimentar"))
            .args(words)
            .output();
        let out = out.unwrap();
        assert!(out.status.success());
        String::from_utf8(out.stdout).unwrap()
    };
    let text = print(&["view", "--print-keys"]);
    assert!(
        text.contains("Ctrl-d") && text.contains("duplicates"),
        "{text}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&print(&["view", "--print-keys", "--json"])).unwrap();
    assert!(json["keys"].as_array().unwrap().len() > 30);
}
