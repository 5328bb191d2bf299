//! A session of the program that is recorded: batches, updates, deletions, compactions, recovery.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;

use super::Expected;
use super::disk::Disk;
use super::disk::Draw;
use super::trace;
use super::trace::Offset;
use super::trace::Step;
use crate::support::random::Random;

/// A command of the session.
#[derive(Debug)]
struct Done {
    /// The number of changes on disk when it began, and when it had printed its result.
    begun: usize,
    reported: usize,
    /// The `n` of each document that it stored, or `None` for one that it deleted, in order.
    changes: Vec<(String, Option<u64>)>,
    /// The first of its changes that were durable after a number of changes on disk.
    durable: Vec<(usize, usize)>,
}

/// The commands and what they did on disk.
#[derive(Debug)]
pub struct Session {
    pub base: String,
    pub disk: Disk,
    done: Vec<Done>,
}

/// The document with an id and a number.
pub fn document(id: &str, n: u64) -> Value {
    let hash = blake3::hash(&n.to_le_bytes()).to_hex();
    json!({"_id": id, "n": n, "text": hash.as_str().repeat(n as usize % 12)})
}

/// Tries whether processes can be traced here.
pub fn strace_works() -> Result<(), String> {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=getcwd", "true"]);
    match command.output() {
        Ok(out) if out.status.success() => Ok(()),
        Ok(out) => Err(String::from_utf8_lossy(&out.stderr).into_owned()),
        Err(e) => Err(e.to_string()),
    }
}

impl Session {
    /// Runs the session in a directory, which is then at `base`.
    pub fn record(dir: &Path) -> Self {
        let base = dir.join("base");
        std::fs::create_dir(&base).unwrap();
        let base = base.to_str().unwrap().to_owned();
        let mut session = Self {
            disk: Disk::new(&base),
            base,
            done: Vec::new(),
        };
        let names =
            |range: std::ops::Range<u64>| range.map(|n| format!("d{n:02}")).collect::<Vec<_>>();
        session.put(dir, &["--batch", "5"], &names(0..12));
        session.put(dir, &[], &[names(3..6), names(12..14)].concat());
        // The last one too: an index of others says nothing of the end of the log.
        session.delete(dir, &["d01", "d07", "d13"]);
        session.put(dir, &[], &names(1..2));
        session.run(dir, &["compact"], &[], "");
        session.put(
            dir,
            &["--batch", "2"],
            &[names(14..17), names(0..1)].concat(),
        );
        session.tear();
        session.put(dir, &[], &names(17..18));
        session.run(dir, &["reindex"], &["--index", "text"], "");
        let all = names(0..18);
        let all: Vec<&str> = all
            .iter()
            .map(String::as_str)
            .filter(|id| !["d07", "d13"].contains(id))
            .collect();
        session.delete(dir, &all);
        session.put(dir, &[], &names(2..5));
        session.compact_in_part(dir);
        session.put(dir, &["--index", "binary"], &names(20..22));
        session
    }

    /// Stores documents from standard input, each with a number that no other has.
    fn put(&mut self, dir: &Path, options: &[&str], ids: &[String]) {
        let before: usize = self.done.iter().map(|d| d.changes.len()).sum();
        let changes: Vec<_> = ids
            .iter()
            .zip(before as u64..)
            .map(|(id, n)| (id.clone(), Some(n)))
            .collect();
        let lines: Vec<String> = ids
            .iter()
            .zip(before as u64..)
            .map(|(id, n)| document(id, n).to_string())
            .collect();
        self.begin(changes);
        self.run(
            dir,
            &["put"],
            &[&["-"], options].concat(),
            &lines.join("\n"),
        );
    }

    fn delete(&mut self, dir: &Path, ids: &[&str]) {
        self.begin(ids.iter().map(|id| ((*id).to_owned(), None)).collect());
        self.run(dir, &["delete"], ids, "");
    }

    fn begin(&mut self, changes: Vec<(String, Option<u64>)>) {
        let begun = self.disk.len();
        self.done.push(Done {
            begun,
            reported: usize::MAX,
            changes,
            durable: Vec::new(),
        });
    }

    /// Runs a command on the collection and takes what it did.
    fn run(&mut self, dir: &Path, words: &[&str], more: &[&str], input: &str) {
        let root = format!("{}/s", self.base);
        let log = dir.join("trace");
        let mut command = trace::traced(&log);
        command
            .arg("--home")
            .arg(dir.join("home"))
            .arg("--json")
            .arg("documents");
        command.args(words).args([&root, "-c", "c"]).args(more);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let out = child.wait_with_output().unwrap();
        assert!(out.status.success(), "{words:?}: {out:?}");
        let log = std::fs::read_to_string(log).unwrap();
        trace::assert_no_writable_map(&log, &self.base);
        let steps = trace::steps(&log, &self.base, |path| self.disk.has(path));
        assert!(
            steps.iter().any(|step| matches!(step, Step::Reported)),
            "{words:?}"
        );
        let first = self.disk.len();
        for step in &steps {
            self.disk.take(step, first);
            self.note(step, words == ["put"]);
        }
    }

    /// Notes what is durable after a step.
    fn note(&mut self, step: &Step, is_put: bool) {
        let at = self.disk.len();
        let done = self.done.last_mut().unwrap();
        match step {
            Step::Reported => done.reported = done.reported.min(at),
            Step::Synced { path, .. } if is_put && path.ends_with("/data.jsonl") => {
                let log = String::from_utf8_lossy(self.disk.read(path).unwrap_or_default());
                let is_in =
                    |n: &Option<u64>| n.is_some_and(|n| log.contains(&format!("\"n\":{n},")));
                let count = done.changes.iter().take_while(|(_, n)| is_in(n)).count();
                done.durable.push((at, count));
            }
            _ => {}
        }
    }

    /// Appends a part of a line to the log, as a crash may leave it.
    fn tear(&mut self) {
        let path = format!("{}/s/collections/c/meta/data.jsonl", self.base);
        let torn = b"{\"_id\":\"d90\",\"n\":90,\"te";
        let mut file = std::fs::File::options().append(true).open(&path).unwrap();
        file.write_all(torn).unwrap();
        let first = self.disk.len();
        let wrote = Step::Wrote {
            path: path.clone(),
            offset: Offset::End,
            bytes: torn.to_vec(),
        };
        self.disk.take(&wrote, first);
        self.disk.take(&Step::Synced { path, before: 1 }, first);
    }

    /// Compacts, and brings the files back that were there when the new log had just replaced the old one: a power cut may
    /// leave them, and the next command goes on from there.
    fn compact_in_part(&mut self, dir: &Path) {
        let first = self.disk.len();
        self.run(dir, &["compact"], &[], "");
        let log = format!("{}/s/collections/c/meta/data.jsonl", self.base);
        let compacted = self.disk.read(&log).map(<[u8]>::to_vec);
        let mut random = Random::new(0);
        let moments = first..=self.disk.len();
        let mut trees = moments.map(|after| self.disk.cut(after, Draw::Kept, &mut random));
        let tree = trees.find(|tree| tree[&log] == compacted).unwrap();
        let mut changed = 0;
        for (path, bytes) in tree {
            let Some(bytes) = bytes.filter(|bytes| self.disk.read(&path) != Some(bytes)) else {
                continue;
            };
            std::fs::write(&path, &bytes).unwrap();
            let first = self.disk.len();
            if !self.disk.has(&path) {
                // The index that is written aside.
                let (path, is_dir) = (path.clone(), false);
                self.disk.take(&Step::Made { path, is_dir }, first);
            }
            let steps = [
                Step::Cut {
                    path: path.clone(),
                    length: 0,
                },
                Step::Wrote {
                    path: path.clone(),
                    offset: Offset::At(0),
                    bytes,
                },
                Step::Synced { path, before: 2 },
            ];
            steps.iter().for_each(|step| self.disk.take(step, first));
            changed += 1;
        }
        // The side log that announces the compaction, and the older index.
        assert!(changed >= 2, "{changed}");
    }

    /// Returns what must be there after a number of changes on disk, and what may.
    pub fn expected(&self, after: usize) -> Expected {
        let mut expected = Expected::default();
        for done in self.done.iter().filter(|done| done.begun <= after) {
            let durable = done
                .durable
                .iter()
                .filter(|(at, _)| *at <= after)
                .map(|(_, count)| *count);
            let sure = match done.reported <= after {
                true => done.changes.len(),
                false => durable.max().unwrap_or(0),
            };
            let (must, may) = done.changes.split_at(sure);
            expected.must.extend(must.iter().cloned());
            for (id, n) in may {
                expected.may.entry(id.clone()).or_default().insert(*n);
            }
        }
        expected
    }
}
