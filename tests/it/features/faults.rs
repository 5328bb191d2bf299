//! Loads that are killed, that find no room, and whose source says nothing.

use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use super::Place;
use super::Server;
use crate::support::answer;
use crate::support::begun_in_silence;
use crate::support::namespace::in_mount_namespace;
use crate::support::program;
use crate::support::wait::PATIENCE;

const KEYS: [&str; 4] = ["u0", "u7", "u431", "u599"];

/// Rows of a day, each of which tells the day.
fn rows(count: u32, day: u32) -> String {
    let rows = (0..count).map(|n| {
        let score = f64::from(n) / 4.0;
        format!("{{\"user_id\":\"u{n}\",\"score\":{score:?},\"visits\":{day}}}\n")
    });
    rows.collect()
}

/// Checks that all rows of an answer are those of one day, and returns it.
fn day_of(got: &Value) -> u32 {
    let date = got["partition"].as_str().unwrap();
    let day: u32 = date.rsplit_once('-').unwrap().1.parse().unwrap();
    let visits = vec![day; KEYS.len()];
    let wanted = json!({"score": [0.0, 1.75, 107.75, 149.75], "visits": visits});
    assert_eq!(got["columns"], wanted, "{date}");
    day
}

fn words_of_get() -> Vec<&'static str> {
    let keys = KEYS.iter().flat_map(|key| ["--key", key]);
    ["get", "users"].into_iter().chain(keys).collect()
}

/// The names of the files of the only table in a directory.
fn files_of_table(directory: &Path) -> Vec<String> {
    let names = |path: &Path| {
        let entries = std::fs::read_dir(path).unwrap();
        entries.map(|entry| entry.unwrap().path())
    };
    let table = names(directory).find(|path| path.is_dir()).unwrap();
    let files = names(&table).map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    files.collect()
}

fn has_one_segment(files: &[String]) -> bool {
    let segments = files.iter().filter(|name| name.ends_with(".segment"));
    let kept = ["current", "lock"];
    let others = files.iter().filter(|name| !name.ends_with(".segment"));
    segments.count() == 1 && others.into_iter().all(|name| kept.contains(&name.as_str()))
}

#[test]
fn load_killed_at_any_instant_leaves_the_rows_of_one_day() {
    let place = Place::new();
    for day in [14, 15] {
        place.partition_of(&format!("2024-01-{day}"), &rows(6000, day));
    }
    place.answer(&["load"]);
    let marker = place.path("source/2024-01-15/_SUCCESS");
    let (mut killed, mut done) = (0, 0);
    // The time of a load that was left alone, the last one: machines differ, and are busy.
    let mut takes = Duration::from_millis(300);
    let mut before = 15;
    for round in 0..36_u32 {
        let newest = if round.is_multiple_of(2) {
            std::fs::remove_file(&marker).unwrap();
            14
        } else {
            std::fs::write(&marker, "").unwrap();
            15
        };
        let mut child = begun_in_silence(&place.home(), &place.words(&["load", "--force"]));
        let started = Instant::now();
        if !(round / 2).is_multiple_of(6) {
            std::thread::sleep(takes * (round * 37 % 100) / 100);
            let _ = child.kill();
        }
        let is_done = child.wait().unwrap().success();
        if is_done {
            takes = started.elapsed();
            done += 1;
        } else {
            killed += 1;
        }
        let day = day_of(&place.answer(&words_of_get()));
        assert!(
            day == newest || (!is_done && day == before),
            "round {round}"
        );
        before = day;
    }
    assert!(killed > 3 && done > 3, "{killed} {done}");
    let loaded = place.answer(&["load", "--force"]);
    assert_eq!(loaded["tables"][0]["partition"], "2024-01-15");
    let files = files_of_table(&place.home().join("cache/features"));
    assert!(has_one_segment(&files), "{files:?}");
}

/// Loads on a full disk again and again, with one page more of free space each time, until the rows fit.
const SCRIPT: &str = r#"dir=$1; program=$2; config=$3; shift 3
mkdir "$dir/mnt"
mount -t tmpfs -o size=2m none "$dir/mnt"
run() { command=$1; shift; "$program" --json --home "$dir/home" features "$command" -c "$config" "$@"; }
pages=0
while :; do
  rm -rf "$dir/mnt/data" "$dir/mnt/filler"
  cp -r "$dir/before" "$dir/mnt/data"
  free=$(stat -f -c %f "$dir/mnt")
  head -c $(((free - pages) * 4096)) /dev/zero >"$dir/mnt/filler"
  at=$dir/rounds/$(printf %03d $pages)
  mkdir -p "$at"
  code=0
  run load >"$at/out" 2>"$at/error" || code=$?
  echo $code >"$at/code"
  run get "$@" >"$at/full"
  rm "$dir/mnt/filler"
  run load >"$at/again"
  run get "$@" >"$at/after"
  cp -r "$dir/mnt/data" "$at/data"
  if [ "$code" = 0 ]; then break; fi
  pages=$((pages + 1))
  if [ $pages -gt 60 ]; then echo "it never fits" >&2; exit 98; fi
done
"#;

#[test]
fn full_disk_ends_a_load_and_leaves_the_rows_of_before() {
    let place = Place::new();
    let config = std::fs::read_to_string(place.config()).unwrap();
    let at = |directory: &str| {
        let path = place.path(directory);
        format!("server: {{data_dir: {}}}\n{config}", path.display())
    };
    place.partition_of("2024-01-14", &rows(600, 14));
    std::fs::write(place.config(), at("before")).unwrap();
    place.answer(&["load"]);
    place.partition_of("2024-01-15", &rows(600, 15));
    std::fs::write(place.config(), at("mnt/data")).unwrap();
    let (root, config) = (place.path(""), place.config());
    let mut args = vec![
        root.to_str().unwrap(),
        env!("CARGO_BIN_EXE_alimentar"),
        &config,
    ];
    let words = words_of_get();
    args.extend(&words[1..]);
    let out = in_mount_namespace(SCRIPT, &args);
    assert!(out.status.success(), "{out:?}");
    let rounds = std::fs::read_dir(place.path("rounds")).unwrap();
    let mut rounds: Vec<_> = rounds.map(|entry| entry.unwrap().path()).collect();
    rounds.sort();
    assert!(rounds.len() > 5, "{}", rounds.len());
    for (pages, round) in rounds.iter().enumerate() {
        let read = |name: &str| std::fs::read_to_string(round.join(name)).unwrap();
        let object = |name: &str| -> Value { serde_json::from_str(&read(name)).unwrap() };
        let label = format!("{pages} free pages: {}", read("error"));
        let is_last = pages + 1 == rounds.len();
        if !is_last {
            assert_eq!(read("code").trim(), "1", "{label}");
            let error: Value = serde_json::from_str(read("error").lines().last().unwrap()).unwrap();
            assert_eq!(error["error"]["kind"], "no_space", "{label}");
            assert_eq!(read("out"), "", "{label}");
        }
        let served = day_of(&object("full"));
        assert_eq!(served, if is_last { 15 } else { 14 }, "{label}");
        assert_eq!(day_of(&object("after")), 15, "{label}");
        let files = files_of_table(&round.join("data"));
        assert!(has_one_segment(&files), "{label}: {files:?}");
    }
}

/// A server that takes connections and says nothing. Each connection is told.
fn silent_server() -> (String, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (told, came) = mpsc::channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            kept.push(stream);
            if told.send(()).is_err() {
                return;
            }
        }
    });
    (address, came)
}

#[test]
fn source_that_says_nothing_keeps_no_other_table_waiting() {
    let place = Place::new();
    let (address, came) = silent_server();
    let config = std::fs::read_to_string(place.config()).unwrap();
    let config = config.replace("    key:", "    poll_interval: 100ms\n    key:");
    // It is the first one by its name.
    let silent = format!(
        "  a:\n    source: {{s3: {{bucket: lab, prefix: p, endpoint: 'http://{address}'}}}}\n    key: [id]\n"
    );
    std::fs::write(place.config(), config + &silent).unwrap();
    let mut command = program(&place.home());
    command
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secretexample");
    let mut server = Server::of(command, &["-c", &place.config(), "--http", "0"]);
    came.recv_timeout(PATIENCE).unwrap();
    let mut loaded = |partition: &str| {
        loop {
            let event = server.event();
            if event["event"] == "loaded" {
                assert_eq!(event["table"], "users", "{event}");
                if event["partition"] == partition {
                    return;
                }
            }
        }
    };
    loaded("2024-01-13");
    place.partition("2024-01-14", &[("a", Some(7.0), Some(7))]);
    loaded("2024-01-14");
    let asked = json!({"keys": ["a"], "columns": ["score"]});
    let fetched = server.post("/api/v1/table/users/fetch", &asked);
    assert_eq!(fetched.json()["columns"], json!({"score": [7.0]}));
    let waiting = server.post("/api/v1/table/a/fetch", &asked);
    assert_eq!(waiting.status, 503, "{}", waiting.text());
    assert_eq!(server.get("/ready").status, 503);
    // Loads of the others by hand, and by another program.
    let reloaded = server.post("/reload/users", &json!({}));
    assert_eq!(reloaded.status, 200, "{}", reloaded.text());
    let words = place.words(&["load", "users"]);
    assert_eq!(answer(&place.home(), &words)["tables"][0]["rows"], 1);
    assert_eq!(server.stop(), Some(0));
}
