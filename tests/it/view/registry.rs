//! The browser of the registry: versions, their differences, and datasets that are only at a peer.

use crate::support::lab::Scratch;
use crate::support::serving::Serving;
use crate::view::pty::Terminal;

fn lines(count: u64, word: &str) -> Vec<u8> {
    let line = |n: u64| format!("{{\"id\":{n},\"text\":\"{word} {n}\"}}\n");
    (0..count).map(line).collect::<String>().into_bytes()
}

#[test]
fn versions_are_listed_and_compared_by_rows() {
    let lab = Scratch::new();
    lab.index("home", "tale", &lines(30, "row"), &["--name", "tale"]);
    let mut changed = lines(30, "row");
    changed.extend_from_slice(b"{\"id\":30,\"text\":\"a new row\"}\n");
    lab.index("home", "tale", &changed, &["--name", "tale"]);
    let dir = lab.at("");
    let mut terminal = Terminal::run(&dir, &["view"], (130, 30));
    terminal.wait_for("tale");
    terminal.type_bytes(b"v");
    terminal.wait_for("versions of tale");
    terminal.type_bytes(b"jm");
    terminal.wait_for("rows      30");
    // The description of the other version is on its way when the comparison begins.
    terminal.type_bytes(b"k=");
    let text = terminal.wait_for("1 added");
    assert!(text.contains("a new row"), "{text}");
    terminal.type_bytes(b"qqq");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn dataset_of_a_peer_is_pulled_and_opened() {
    let lab = Scratch::new();
    lab.index("there", "tale", &lines(40, "far row"), &["--name", "tale"]);
    let node = Serving::start(&lab.at("there"), &["--share-unsigned"]);
    let address = format!("{}@{}", node.node_id(), node.addr());
    lab.done("home", &["registry", "list", "--peer", &address]);
    let mut terminal = Terminal::run(&lab.at(""), &["view"], (130, 30));
    terminal.wait_for("no datasets yet");
    terminal.type_bytes(b"p");
    terminal.wait_for(&node.addr());
    terminal.type_bytes(b"\r");
    terminal.wait_for("tale");
    terminal.type_bytes(b"P");
    terminal.wait_for("far row 5");
    terminal.type_bytes(b"qqqq");
    assert_eq!(terminal.end(), Some(0));
    terminal.assert_clean();
    // An unsigned dataset of another node is listed only if asked for.
    let held = lab.done("home", &["list", "--all"]);
    assert_eq!(held["datasets"][0]["name"], "tale", "{held}");
}
