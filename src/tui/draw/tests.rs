//! Snapshots of the views: symbols and styles. `ALIMENTAR_GOLDEN=write` writes them.

use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use crate::tui::browse::DatasetEntry;
use crate::tui::browse::PeerEntry;
use crate::tui::model::parts::browser::BrowserList;
use crate::tui::testing::Headless;
use crate::tui::testing::lines_of;
use crate::tui::testing::writes_golden;

/// Symbols of the screen, and below them the runs of styles that differ from the plain one.
fn snapshot(buffer: &Buffer) -> String {
    let mut text = lines_of(buffer).join("\n");
    text.push('\n');
    let area = buffer.area;
    for y in area.top()..area.bottom() {
        let mut runs: Vec<(u16, u16, Style)> = Vec::new();
        for x in area.left()..area.right() {
            let style = buffer.cell((x, y)).unwrap().style();
            match runs.last_mut() {
                Some((_, to, last)) if *last == style => *to = x + 1,
                _ => runs.push((x, x + 1, style)),
            }
        }
        let plain = Buffer::empty(area).cell((0, 0)).unwrap().style();
        for (from, to, style) in runs.iter().filter(|run| run.2 != plain) {
            text += &format!("{y}: {from}..{to} {}\n", name_of(style));
        }
    }
    text
}

fn name_of(style: &Style) -> String {
    let colour =
        |colour: Option<ratatui::style::Color>| colour.map_or_else(String::new, |c| c.to_string());
    format!(
        "{}/{} {:?}",
        colour(style.fg),
        colour(style.bg),
        style.add_modifier
    )
}

fn check(name: &str, session: &Headless, has_colours: bool) {
    let mut shown = snapshot(&session.screen(has_colours));
    // The directory differs in each run.
    let dir = session.dir.path().to_str().unwrap();
    let first = shown.lines().next().unwrap_or_default().to_owned();
    if first.contains(dir) {
        shown = shown.replace(&format!("{dir}/"), "");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/view");
    let path = root.join(format!("{name}.txt"));
    if writes_golden() {
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(&path, &shown).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        shown, wanted,
        "{name}: ALIMENTAR_GOLDEN=write writes the snapshots"
    );
}

fn rows() -> Vec<u8> {
    let mut text = String::new();
    for n in 0..40 {
        let word = ["alpha", "beta", "日本語", "e\u{301}tude"][n % 4];
        text += &format!(
            "{{\"id\":{n},\"word\":\"{word}\",\"long\":\"{}\",\"tags\":[1,{n}],\"ok\":{},\"none\":null}}\n",
            "some longer text ".repeat(n % 5),
            n % 2 == 0,
        );
    }
    text += "{\"id\":40,\"word\":\"\\u001b[31mred\\u202e\"}\n{broken\n";
    text.into_bytes()
}

fn session() -> Headless {
    let mut session = Headless::of("rows.jsonl", &rows(), (80, 16));
    // A narrow title must not cut off more for a longer name of the directory.
    session.state.facts.name = "rows.jsonl".to_owned();
    session
}

#[test]
fn table_looks_as_before() {
    let mut session = session();
    check("table", &session, true);
    check("table-plain", &session, false);
    session.keys("G");
    check("table-end", &session, true);
    session.keys("g W");
    check("table-wrapped", &session, true);
    session.resize(30, 8);
    check("table-small", &session, true);
    session.resize(1, 1);
    check("table-smallest", &session, true);
}

#[test]
fn search_and_filters_look_as_before() {
    let mut session = session();
    session.keys("/");
    session.typed("beta");
    check("searching", &session, true);
    session.keys("Enter & o k = t r u e Enter l ] m");
    check("sifted", &session, true);
    check("sifted-plain", &session, false);
}

#[test]
fn panes_look_as_before() {
    let mut session = session();
    session.keys("Enter");
    check("record-tree", &session, true);
    session.keys("j j j j o");
    check("record-folded", &session, true);
    session.keys("Tab");
    check("record-text", &session, true);
    session.keys("Tab l l");
    check("record-tokens", &session, true);
    session.keys("q I");
    check("statistics", &session, true);
    session.keys("q l F");
    check("frequency", &session, true);
    session.keys("q ?");
    check("help", &session, true);
    session.keys("q :");
    session.typed("so");
    check("palette", &session, true);
}

#[test]
fn faults_and_duplicates_look_as_before() {
    let mut content = rows();
    content.extend_from_slice(&rows()[..200]);
    let mut session = Headless::of("rows.jsonl", &content, (80, 16));
    session.keys("e D G");
    check("faults", &session, true);
}

#[test]
fn chat_looks_as_before() {
    let row = concat!(
        r#"{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"What is 2+2?"},"#,
        r#"{"role":"assistant","content":"<think>two and two\nis four</think>It is 4.","tool_calls":"#,
        r#"[{"id":"c1","function":{"name":"add","arguments":"{\"a\":2,\"b\":2}"}}]},"#,
        r#"{"role":"tool","content":"4"}],"source":"made up"}"#,
        "\n",
    );
    let mut session = Headless::of("chat.jsonl", row.as_bytes(), (60, 20));
    session.keys("Enter");
    check("chat", &session, true);
}

#[test]
fn columns_and_edits_look_as_before() {
    let mut session = session();
    session.keys("Enter w");
    check("record-raw", &session, true);
    session.keys("q l f l l ( h h - m =");
    check("changing", &session, true);
    session.keys("Esc X W");
    check("columns", &session, true);
    check("columns-plain", &session, false);
}

fn entry(name: &str, version: &str, is_trusted: bool) -> DatasetEntry {
    DatasetEntry {
        name: name.to_owned(),
        version: version.to_owned(),
        reference: format!("{name}@{version}"),
        rows: 12_345,
        size_bytes: 6_789_000,
        trust: if is_trusted { "trusted" } else { "unknown" }.to_owned(),
        publisher: "lab".to_owned(),
        tags: String::new(),
        is_trusted,
    }
}

#[test]
fn registry_looks_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let mut session = Headless::begin(dir, None, (110, 16));
    check("registry-empty", &session, true);
    let browser = session.state.browser.as_mut().unwrap();
    browser.datasets = vec![
        entry("tale", "1.1.0", true),
        entry("tale", "1.0.0", true),
        entry("日本語-e\u{301}", "0.1.0", false),
    ];
    check("registry", &session, true);
    check("registry-plain", &session, false);
    let browser = session.state.browser.as_mut().unwrap();
    browser.list = BrowserList::Versions("tale".to_owned());
    browser.marked = Some("tale@1.0.0".to_owned());
    check("versions", &session, true);
    let browser = session.state.browser.as_mut().unwrap();
    browser.list = BrowserList::Peers;
    browser.peers = vec![PeerEntry {
        address: "lab-a:8765".to_owned(),
        note: "lab-a 3 datasets".to_owned(),
    }];
    check("peers", &session, true);
    let browser = session.state.browser.as_mut().unwrap();
    browser.offers = vec![entry("far", "2.0.0", false)];
    browser.list = BrowserList::Offers("lab-a:8765".to_owned());
    check("offers", &session, true);
}
