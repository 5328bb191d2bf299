//! Sessions without a terminal: keys in, state out.

use crate::tui::job::Answer;
use crate::tui::job::AnswerBody;
use crate::tui::job::Slot;
use crate::tui::model::Action;
use crate::tui::testing::Headless;

fn jsonl(rows: u64) -> Vec<u8> {
    let row = |n: u64| {
        format!(
            "{{\"id\":{n},\"word\":\"{}\",\"meta\":{{\"a\":{}}}}}\n",
            WORDS[n as usize % 3],
            n % 7
        )
    };
    (0..rows).map(row).collect::<String>().into_bytes()
}

const WORDS: [&str; 3] = ["alpha", "beta", "Gamma"];

fn session(rows: u64) -> Headless {
    Headless::of("a.jsonl", &jsonl(rows), (80, 24))
}

#[test]
fn last_row_is_there_at_once_and_gets_its_number_later() {
    let mut session = session(20_000);
    session.keys("G");
    assert_eq!(session.here(), "19999");
    assert_eq!(session.state.table.current().unwrap().number, Some(19_999));
    assert!(session.state.table.is_end);
    session.keys("k k Ctrl-u g");
    assert_eq!(session.here(), "0");
}

#[test]
fn long_walk_holds_few_rows() {
    let mut session = session(20_000);
    for _ in 0..60 {
        session.keys("1 0 0 j");
    }
    assert_eq!(session.here(), "6000");
    assert!(session.state.table.rows.len() <= crate::tui::limits::HELD_ROWS_MAX);
    for _ in 0..30 {
        session.keys("2 0 0 k");
    }
    assert_eq!(session.here(), "0");
    assert!(session.state.table.is_front);
}

#[test]
fn number_before_a_key_goes_to_that_row() {
    let mut session = session(20_000);
    session.keys("1 2 3 4 5 G");
    assert_eq!(session.here(), "12345");
    session.keys(":");
    session.typed("777");
    session.keys("Enter");
    assert_eq!(session.here(), "777");
    session.keys("9 9 9 9 9 G");
    assert!(session.text().contains("there is no such row"));
    assert_eq!(session.here(), "777");
}

#[test]
fn search_goes_to_matches_in_both_directions_and_around() {
    let mut session = session(1000);
    session.keys("/");
    session.typed("\"id\":5[05]0,");
    assert_eq!(session.here(), "500");
    session.keys("Enter");
    assert_eq!(session.here(), "500");
    session.keys("n");
    assert_eq!(session.here(), "550");
    session.keys("n");
    assert_eq!(session.here(), "500");
    session.keys("N");
    assert_eq!(session.here(), "550");
    assert!(session.text().contains("2 matches"));
}

#[test]
fn abandoned_search_goes_back_to_where_it_began() {
    let mut session = session(1000);
    session.keys("5 j /");
    session.typed("\"id\":900");
    assert_eq!(session.here(), "900");
    session.keys("Esc");
    assert_eq!(session.here(), "5");
    assert!(session.state.search.is_none());
}

#[test]
fn filters_add_up_and_escape_takes_the_last_one_back() {
    let mut session = session(900);
    session.keys("&");
    session.typed("word=beta");
    session.keys("Enter");
    assert_eq!(session.state.sifting.count, 300);
    assert_eq!(session.here(), "1");
    session.keys("&");
    session.typed("!\"id\":[0-9]{3}");
    session.keys("Enter");
    assert_eq!(session.state.sifting.count, 33);
    session.keys("G");
    assert_eq!(session.here(), "97");
    assert!(session.text().contains("word ~ beta"), "{}", session.text());
    session.keys("Esc");
    assert_eq!(session.state.sifting.count, 300);
    session.keys("Esc");
    assert!(session.state.sifting.list().is_none());
    assert_eq!(session.state.table.total, Some(900));
}

#[test]
fn rows_like_a_cell_are_kept() {
    let mut session = session(900);
    session.keys("j l @");
    assert_eq!(session.state.sifting.count, 300);
    session.keys("Esc ! G");
    assert_eq!(session.state.sifting.count, 600);
    assert!(session.text().contains("not word ="), "{}", session.text());
}

#[test]
fn sort_orders_numbers_by_value_and_texts_by_bytes() {
    let mut session = session(120);
    session.keys("]");
    assert_eq!(session.here(), "119");
    session.keys("G");
    assert_eq!(session.here(), "0");
    session.keys("l [ g");
    assert_eq!(
        session.state.table.current().unwrap().cells[1].text,
        "Gamma"
    );
    session.keys("Esc");
    assert!(session.state.sifting.sort.is_none());
}

#[test]
fn expanded_column_shows_its_keys_and_contracts_again() {
    let mut session = session(10);
    session.keys("$ (");
    let names = |session: &Headless| -> Vec<String> {
        session
            .state
            .table
            .columns
            .all
            .iter()
            .map(|column| column.name.clone())
            .collect()
    };
    assert!(names(&session).contains(&"meta.a".to_owned()));
    session.keys("$ )");
    assert_eq!(names(&session), ["id", "word", "meta"]);
}

#[test]
fn columns_hide_freeze_and_come_back() {
    let mut session = session(10);
    session.keys("-");
    assert!(!session.lines()[1].contains("id"));
    session.keys("+ g * w o r Enter");
    assert_eq!(session.state.table.columns.visible().len(), 1);
    session.keys("Esc f");
    assert!(session.state.table.columns.frozen > 0);
    session.keys("r");
    assert_eq!(session.state.table.columns.frozen, 0);
}

#[test]
fn statistics_count_values_and_a_value_becomes_a_filter() {
    let mut session = session(900);
    session.keys("l F");
    assert!(session.text().contains("300"), "{}", session.text());
    session.keys("Enter");
    assert_eq!(session.state.sifting.count, 300);
    session.keys("Esc ^ I");
    assert!(session.text().contains("maximum"), "{}", session.text());
    session.keys("q");
    assert!(session.state.pane.is_none());
}

#[test]
fn faults_are_found_and_gone_to() {
    let mut content = jsonl(50);
    content.extend_from_slice(b"{\"id\":50,\"word\":\n");
    content.extend_from_slice(&jsonl(3));
    let mut session = Headless::of("a.jsonl", &content, (80, 24));
    session.keys("e");
    let mut rows = Vec::new();
    for _ in 0..session.state.findings.as_ref().unwrap().len() {
        rows.push(session.state.table.current().unwrap().number.unwrap());
        session.keys("e");
    }
    assert!(rows.contains(&50), "{rows:?}");
}

#[test]
fn duplicates_light_up_and_lead_to_each_other() {
    let mut content = jsonl(40);
    content.extend_from_slice(&jsonl(40)[..60]);
    let content = [
        jsonl(40),
        b"{\"id\":7,\"word\":\"beta\",\"meta\":{\"a\":0}}\n".to_vec(),
    ]
    .concat();
    let mut session = Headless::of("a.jsonl", &content, (80, 24));
    session.keys("D");
    assert!(session.state.shows_duplicates);
    assert_eq!(session.state.duplicates.as_ref().unwrap().exact, 1);
    session.keys("g d");
    assert!(
        session
            .state
            .duplicates
            .as_ref()
            .unwrap()
            .pairs
            .iter()
            .any(|pair| pair.0 == 40)
    );
    session.keys("D");
    assert!(!session.state.shows_duplicates);
}

#[test]
fn record_opens_folds_and_changes_its_form() {
    let mut session = session(10);
    session.keys("Enter");
    assert!(session.text().contains("meta: { 1"), "{}", session.text());
    session.keys("G k k Enter");
    let folded = session.text();
    assert!(folded.contains('▸'), "{folded}");
    session.keys("Tab Tab");
    assert!(!session.state.record.as_ref().unwrap().text.lines.is_empty());
    session.keys("J w");
    assert!(session.text().contains("{\"id\":1,"), "{}", session.text());
    session.keys("q");
    assert!(session.state.record.is_none());
    assert_eq!(session.here(), "1");
}

#[test]
fn tokens_show_their_id_under_the_cursor() {
    let mut session = Headless::of("a.jsonl", b"{\"t\":\"hello world\"}\n", (80, 24));
    session.keys("Enter Tab Tab l");
    let record = session.state.record.as_ref().unwrap();
    assert_eq!(record.text.tokens.len(), 2);
    assert!(
        session.text().contains("token 1 of 2: id 2375"),
        "{}",
        session.text()
    );
}

#[test]
fn chat_is_shown_as_one_without_asking() {
    let row = b"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\"<think>so</think>yo\"}]}\n";
    let mut session = Headless::of("a.jsonl", row, (80, 24));
    session.keys("Enter");
    let text = session.text();
    assert!(
        text.contains("assistant") && text.contains("thinking, 1 word"),
        "{text}"
    );
    session.keys("Tab Tab Tab");
    assert!(
        session.text().contains("messages: [ 2"),
        "{}",
        session.text()
    );
}

#[test]
fn marked_rows_are_printed_at_the_end_or_written() {
    let mut session = session(10);
    session.keys("m j m");
    assert_eq!(session.state.marks.len(), 2);
    let path = session.dir.path().join("out.jsonl");
    session.keys("x");
    session.typed(path.to_str().unwrap());
    session.keys("Enter");
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(written.lines().count(), 2);
    assert!(written.starts_with("{\"id\":0,"));
    session.keys("x");
    session.typed(path.to_str().unwrap());
    session.keys("Enter");
    assert!(session.text().contains("exists"));
    session.keys("Ctrl-e");
    assert_eq!(session.farewell.as_ref().unwrap().print.len(), 2);
}

#[test]
fn records_are_written_below_their_header() {
    let mut session = Headless::of("a.csv", b"n,\"a,b\"\n1,x\n2,\"y\nz\"\n", (80, 24));
    session.keys("j m");
    let path = session.dir.path().join("out.csv");
    session.keys("x");
    session.typed(path.to_str().unwrap());
    session.keys("Enter");
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "n,\"a,b\"\n2,\"y\nz\"\n"
    );
}

#[test]
fn copied_command_prints_what_is_shown() {
    let mut session = session(10);
    session.keys("j y");
    assert_eq!(session.copied, ["1"]);
    session.keys("&");
    session.typed("word=beta");
    session.keys("Enter Y");
    let line = session.copied.last().unwrap();
    assert!(line.ends_with(" -i --column word beta"), "{line}");
    session.keys("Esc Enter Y");
    let line = session.copied.last().unwrap();
    assert!(
        line.contains("inspect lines") && line.ends_with("--count 1"),
        "{line}"
    );
}

#[test]
fn palette_runs_a_command_by_its_name() {
    let mut session = session(10);
    session.keys(":");
    session.typed("wra");
    session.keys("Enter");
    assert!(session.state.table.wraps);
    session.keys(":");
    session.typed("nosuch");
    session.keys("Enter");
    assert!(session.text().contains("there is no command"));
}

#[test]
fn edits_are_shown_undone_and_kept_beside_the_data() {
    let mut session = session(10);
    let path = session.dir.path().join("a.jsonl");
    let before = std::fs::read(&path).unwrap();
    session.keys("j l =");
    session.keys("Backspace Backspace Backspace Backspace");
    session.typed("delta");
    session.keys("Enter");
    assert_eq!(
        session.state.table.current().unwrap().cells[1].text,
        "delta"
    );
    assert_eq!(session.state.table.current().unwrap().number, Some(1));
    session.keys("X");
    assert_eq!(session.here(), "2");
    assert_eq!(session.state.table.total, Some(9));
    session.keys("u");
    assert_eq!(
        session.state.table.current().unwrap().cells[1].text,
        "delta"
    );
    session.keys("u U g a");
    session.typed("{\"id\":99,\"word\":\"new\"}");
    session.keys("Enter");
    assert_eq!(session.here(), "99");
    assert!(session.text().contains("inserted"), "{}", session.text());
    assert_eq!(std::fs::read(&path).unwrap(), before);
    session.keys("R");
    assert_eq!(session.here(), "99");
    session.keys("Z");
    session.typed("no-such-rule");
    session.keys("Enter");
    assert!(session.text().contains("no mend"), "{}", session.text());
}

#[test]
fn edits_of_data_that_changed_are_refused_and_the_data_is_shown() {
    let mut session = session(10);
    session.keys("X");
    let path = session.dir.path().join("a.jsonl");
    std::fs::write(&path, "{\"id\":\"other\"}\n").unwrap();
    session.keys("R");
    assert_eq!(session.here(), "other");
    assert!(
        session.text().contains("without its edits"),
        "{}",
        session.text()
    );
}

#[test]
fn answer_of_an_earlier_generation_changes_nothing() {
    let mut session = session(10);
    let before = session.text();
    let answer = Answer {
        slot: Slot::Page,
        generation: 0,
        body: AnswerBody::Failed("old".to_owned()),
    };
    session.act(Action::Answer(answer));
    assert_eq!(session.text(), before);
}

#[test]
fn missing_target_is_said_and_the_program_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none.jsonl");
    let mut session = Headless::begin(dir, Some(&path), (80, 24));
    assert!(session.text().contains("none.jsonl"), "{}", session.text());
    session.keys("j G / Esc Enter q");
    assert!(session.farewell.is_some());
}

#[test]
fn empty_file_and_wrong_patterns_are_said() {
    let mut session = Headless::of("a.jsonl", b"", (80, 24));
    assert!(session.text().contains("no rows"), "{}", session.text());
    session.keys("j G Enter D e I q /");
    session.typed("(");
    assert!(session.state.message.as_ref().unwrap().is_error);
}

#[test]
fn file_that_grows_shows_its_new_end() {
    let mut session = session(10);
    session.keys("G");
    let path = session.dir.path().join("a.jsonl");
    let mut content = std::fs::read(&path).unwrap();
    content.extend_from_slice(b"{\"id\":\"new\"}\n");
    std::fs::write(&path, content).unwrap();
    session.keys("R G");
    assert_eq!(session.here(), "new");
    std::fs::write(&path, "{\"id\":\"short\"}\n").unwrap();
    session.keys("R");
    assert_eq!(session.here(), "short");
}

#[test]
fn every_key_at_every_size_leaves_a_screen() {
    let mut session = session(30);
    let sizes = [
        (1, 1),
        (2, 3),
        (7, 2),
        (20, 5),
        (40, 12),
        (500, 200),
        (1, 50),
        (300, 1),
    ];
    let keys = "j l Enter o O J K c w Tab Tab Tab h l q W ( ) [ ] Esc f > < _ - + I q F q ? j q @ Esc # n N Esc m M * a Esc & a Esc e D d Y";
    for (width, height) in sizes {
        session.resize(width, height);
        for key in keys.split(' ') {
            session.keys(key);
            let screen = session.screen(false);
            assert_eq!(screen.area.width, width);
        }
        session.keys("Esc Esc Esc r");
    }
}
