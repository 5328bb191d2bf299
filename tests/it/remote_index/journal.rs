//! Intakes that are killed, whose connection breaks, and whose files change under way.

use std::collections::BTreeMap;
use std::process::Stdio;

use serde_json::json;

use super::done;
use super::refused;
use super::stub::Hub;
use crate::remote::home;
use crate::remote::program;
use crate::remote::server::Reply;
use crate::support::lines;
use crate::support::wait::until;

const URL: &str = "hf://datasets/lab/corpus";
/// Bytes of the large file that arrive before its server stops sending.
const SENT: usize = 6 << 20;

fn files() -> BTreeMap<String, Vec<u8>> {
    let small = (0..20).map(|n| (format!("a/{n:02}.jsonl"), lines(10, n)));
    let mut files: BTreeMap<String, Vec<u8>> = small.collect();
    files.insert("b.jsonl".to_owned(), lines(150_000, 7));
    files
}

#[test]
fn killed_intake_goes_on_where_it_was() {
    let (home, hub) = (home(), Hub::start(files()));
    let size = files()["b.jsonl"].len();
    assert!(size > SENT + (1 << 20));
    hub.plant(|asked, reply| match asked.path.ends_with("b.jsonl") {
        true => reply.stalled(SENT),
        false => reply,
    });
    let mut child = program(home.path())
        .env("HF_ENDPOINT", hub.url())
        .args(["index", URL])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A checkpoint follows while the server is silent. Its bytes are what a collection would keep.
    until("a checkpoint has the first bytes", || {
        let kept = done(home.path(), &hub.url(), &["gc", "--dry-run", "--yes"]);
        kept["live_bytes"].as_u64().unwrap() > 1 << 20
    });
    child.kill().unwrap();
    child.wait().unwrap();
    hub.mend();
    let listed = done(home.path(), &hub.url(), &["list"]);
    assert_eq!(listed["datasets"], json!([]));
    done(home.path(), &hub.url(), &["gc"]);
    let before = hub.requests();
    let report = done(home.path(), &hub.url(), &["index", URL]);
    assert_eq!(report["files"], 21);
    // The bytes in the journal are not requested again.
    let offsets = hub.offsets_asked("b.jsonl", before);
    assert_eq!(offsets.len(), 1, "{offsets:?}");
    assert!(offsets[0] > 0, "{offsets:?}");
    let fetched = report["source"]["fetched_bytes"].as_u64().unwrap();
    assert!(fetched <= (size - offsets[0]) as u64 + 4_096, "{fetched}");
    assert_eq!(
        done(home.path(), &hub.url(), &["verify", "corpus"])["content"],
        "ok"
    );
}

#[test]
fn broken_connection_is_asked_for_the_rest() {
    let (home, hub) = (home(), Hub::start(files()));
    hub.plant(|asked, reply| {
        let is_first = asked.range(usize::MAX).is_none();
        match asked.path.ends_with("b.jsonl") && is_first {
            true => reply.cut(SENT),
            false => reply,
        }
    });
    let report = done(home.path(), &hub.url(), &["index", URL]);
    assert_eq!(hub.offsets_asked("b.jsonl", 0), [0, SENT]);
    let total: usize = files().values().map(Vec::len).sum();
    assert_eq!(report["source"]["fetched_bytes"], total);
}

#[test]
fn file_that_changes_under_way_is_an_error() {
    let (home, hub) = (home(), Hub::start(files()));
    let url = format!("{}/datasets/lab/corpus/resolve/main/b.jsonl", hub.url());
    hub.plant(|asked, reply| {
        // The state of the file is asked for with one byte, the bytes without a range.
        match asked.range(usize::MAX) {
            None => reply.cut(SENT),
            Some(range) if range.start > 0 => {
                let other = lines(150_000, 8);
                Reply::honest(asked, &other, "other")
            }
            Some(_) => reply,
        }
    });
    let (code, message) = refused(home.path(), &hub.url(), &["index", &url]);
    assert_eq!(code, 4, "{message}");
    assert!(message.contains("b.jsonl"), "{message}");
}
