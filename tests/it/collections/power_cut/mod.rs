//! Power cuts: the calls of the real program are recorded, and each state that they may leave on a disk is opened.

mod disk;
mod session;
mod trace;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use serde_json::Value;

use self::disk::Draw;
use self::disk::Tree;
use self::session::Session;
use self::session::document;
pub use self::session::strace_works;
use super::rows_of;
use crate::support::answer;
use crate::support::need::Need;
use crate::support::random::Random;
use crate::support::run;

/// States that are drawn at each instant, besides the extremes.
const DRAWN: usize = 20;

#[test]
fn power_cut_at_every_write_keeps_what_was_reported() {
    if let Err(why) = strace_works() {
        Need::Strace.is_missing(&why);
        return;
    }
    let dir = quick_directory();
    let session = Session::record(dir.path());
    let mut random = Random::new(27);
    let mut states: Vec<State> = Vec::new();
    let mut seen: BTreeSet<[u8; 32]> = BTreeSet::new();
    for after in 0..=session.disk.len() {
        let draws = [Draw::Lost, Draw::Kept, Draw::NamesOnly, Draw::DataOnly];
        let draws = draws.into_iter().chain([Draw::Random; DRAWN]);
        for draw in draws {
            let tree = session.disk.cut(after, draw, &mut random);
            let state = State { after, draw, tree };
            let expected = session.expected(after);
            if seen.insert(blake3::hash(format!("{:?}{expected:?}", state.tree).as_bytes()).into())
            {
                states.push(state);
            }
        }
    }
    let tally = Tally::default();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        for worker in 0..workers {
            let at = dir.path().join(format!("worker-{worker}"));
            let (states, session, next, tally) = (&states, &session, &next, &tally);
            scope.spawn(move || {
                while let Some(state) = states.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(session, state, &at, tally);
                }
            });
        }
    });
    // The states are what the test is about: some with all of a command, some with nothing of it, some torn.
    let counts = [&tally.kept, &tally.lost, &tally.torn].map(|n| n.load(Ordering::Relaxed));
    assert!(
        states.len() > 150 && counts.iter().all(|n| *n > 20),
        "{} {counts:?}",
        states.len()
    );
}

/// A directory in memory where there is one: the syncs of a thousand runs take their time elsewhere.
pub fn quick_directory() -> tempfile::TempDir {
    match Path::new("/dev/shm").is_dir() {
        true => tempfile::tempdir_in("/dev/shm"),
        false => tempfile::tempdir(),
    }
    .unwrap()
}

/// The files after a power cut.
#[derive(Debug)]
struct State {
    after: usize,
    draw: Draw,
    tree: Tree,
}

/// The documents that must be there, and what else an id may have: `None` is no document.
#[derive(Debug, Default)]
pub struct Expected {
    must: BTreeMap<String, Option<u64>>,
    may: BTreeMap<String, BTreeSet<Option<u64>>>,
}

#[derive(Debug, Default)]
struct Tally {
    /// States with something of a command that had reported nothing.
    kept: AtomicUsize,
    /// States without all of it.
    lost: AtomicUsize,
    /// States with a torn line.
    torn: AtomicUsize,
}

fn check(session: &Session, state: &State, at: &Path, tally: &Tally) {
    let _ = std::fs::remove_dir_all(at);
    disk::materialise(&state.tree, &session.base, &at.join("base"));
    let home = at.join("home");
    let root = at.join("base/s");
    let root = root.to_str().unwrap();
    let expected = session.expected(state.after);
    let label = format!(
        "after change {} of {}, {:?}",
        state.after,
        session.disk.len(),
        state.draw
    );
    let label = format!("{label}: {}", kept_for_a_look(state, &session.base));
    let found = documents(&home, root, &label);
    let ids: BTreeSet<&String> = found.keys().chain(expected.must.keys()).collect();
    let (mut kept, mut lost) = (0, 0);
    for id in ids {
        let n = found.get(id).copied();
        let must = expected.must.get(id).copied().flatten();
        let may = expected.may.get(id);
        let is_right = n == must || may.is_some_and(|may| may.contains(&n));
        assert!(
            is_right,
            "{label}: `{id}` has {n:?}, not {must:?} or {may:?}"
        );
        kept += usize::from(n != must);
    }
    for (id, may) in &expected.may {
        lost += usize::from(!may.contains(&found.get(id).copied()));
    }
    tally
        .kept
        .fetch_add(usize::from(kept > 0), Ordering::Relaxed);
    tally
        .lost
        .fetch_add(usize::from(lost > 0), Ordering::Relaxed);
    // A writer comes: it loses nothing either, and what it stores is there.
    let words = [
        "documents",
        "put",
        root,
        "-c",
        "c",
        "fresh",
        "--data",
        "{\"n\":9}",
    ];
    let out = run(&home, &words);
    assert!(out.status.success(), "{label}: {out:?}");
    let mut wanted = found;
    wanted.insert("fresh".to_owned(), 9);
    assert_eq!(documents(&home, root, &label), wanted, "{label}");
    let out = run(&home, &["documents", "validate", root, "-c", "c"]);
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    // Bytes in the middle that never arrived stay as a line that is no document.
    let code = if report["unreadable_lines"] == 0 {
        0
    } else {
        4
    };
    assert_eq!(out.status.code(), Some(code), "{label}: {report}");
    let counts = (
        &report["documents"],
        &report["torn_bytes"],
        &report["index"],
    );
    assert_eq!(
        counts,
        (&wanted.len().into(), &0.into(), &Value::Null),
        "{label}: {report}"
    );
    let names = std::fs::read_dir(at.join("base/s/collections/c/meta")).unwrap();
    let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_torn = names.any(|name| name.starts_with("torn-"));
    tally
        .torn
        .fetch_add(usize::from(is_torn), Ordering::Relaxed);
}

/// Returns the `n` of each document of the collection.
fn documents(home: &Path, root: &str, label: &str) -> BTreeMap<String, u64> {
    let out = run(home, &["documents", "scan", root, "-c", "c"]);
    // There may be no collection yet.
    if out.status.code() == Some(3) {
        return BTreeMap::new();
    }
    assert!(out.status.success(), "{label}: {out:?}");
    let rows = rows_of(&out.stdout).into_iter().map(|row| {
        let id = row["_id"].as_str().unwrap().to_owned();
        let n = row["n"].as_u64().unwrap();
        let is_whole = id == "fresh" || row == document(&id, n);
        assert!(is_whole, "{label}: nobody stored {row}");
        (id, n)
    });
    rows.collect()
}

/// Returns the lengths of the files of a state, for the message of a failure.
fn kept_for_a_look(state: &State, base: &str) -> String {
    let files = state.tree.iter().filter_map(|(path, bytes)| {
        let name = path.strip_prefix(base)?.rsplit('/').next()?;
        Some(format!("{name} {}", bytes.as_ref()?.len()))
    });
    files.collect::<Vec<_>>().join(", ")
}

#[test]
fn recorded_calls_give_the_files_that_the_program_left() {
    if let Err(why) = strace_works() {
        Need::Strace.is_missing(&why);
        return;
    }
    let dir = quick_directory();
    let session = Session::record(dir.path());
    let mut random = Random::new(0);
    let all = session
        .disk
        .cut(session.disk.len(), Draw::Kept, &mut random);
    let real = disk::tree_of(&PathBuf::from(&session.base));
    let names = |tree: &Tree| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&all), names(&real));
    assert!(all == real, "some bytes differ");
    // Everything that was reported is durable: nothing of it needs luck.
    let mut lost = session
        .disk
        .cut(session.disk.len(), Draw::Lost, &mut random);
    let mut real = real;
    // A file that is derived from the others may be lost. The program has to notice.
    let derived = format!("{}/s/collections/c/meta/alimentar.idx", session.base);
    lost.remove(&derived);
    real.remove(&derived);
    let mut files = real.iter();
    let differs = files.find(|(path, bytes)| lost.get(*path) != Some(*bytes));
    assert_eq!(differs.map(|(path, _)| path), None, "it is not durable");
    let root = format!("{}/s", session.base);
    answer(&dir.path().join("home"), &["documents", "validate", &root]);
}
