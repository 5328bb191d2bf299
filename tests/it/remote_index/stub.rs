//! A stub of a hub: repositories of files at commits, in the shapes that its clients were seen to get.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;

use serde_json::Value;
use serde_json::json;
use sha1::Digest as _;
use sha1::Sha1;
use sha2::Sha256;

use alimentar::ident::to_hex;

use crate::remote::server::Asked;
use crate::remote::server::Reply;
use crate::remote::server::Server;

/// Files of at least this length are in the large file storage.
const LARGE_BYTES: usize = 1000;

type Files = BTreeMap<String, Vec<u8>>;

/// A change of an answer: a fault that a test plants.
type Fault = dyn Fn(&Asked, Reply) -> Reply + Send + Sync;

/// A hub with the repository `lab/corpus`.
pub struct Hub {
    server: Server,
    commits: Arc<Mutex<Vec<Files>>>,
    fault: Arc<Mutex<Box<Fault>>>,
}

/// The commit with a number.
pub fn sha(number: usize) -> String {
    format!("{number:040x}")
}

impl Hub {
    /// Starts a hub whose first commit has these files.
    pub fn start(files: Files) -> Self {
        let commits = Arc::new(Mutex::new(vec![files]));
        let fault: Arc<Mutex<Box<Fault>>> = Arc::new(Mutex::new(Box::new(|_, reply| reply)));
        let (own, own_fault) = (Arc::clone(&commits), Arc::clone(&fault));
        let server = Server::start(move |asked| {
            let reply = answer(&own.lock().unwrap(), asked);
            (own_fault.lock().unwrap())(asked, reply)
        });
        Self {
            server,
            commits,
            fault,
        }
    }

    /// Adds a commit with these files.
    pub fn commit(&self, files: Files) {
        self.commits.lock().unwrap().push(files);
    }

    /// Plants a fault into the answers.
    pub fn plant(&self, fault: impl Fn(&Asked, Reply) -> Reply + Send + Sync + 'static) {
        *self.fault.lock().unwrap() = Box::new(fault);
    }

    /// Ends all faults.
    pub fn mend(&self) {
        self.plant(|_, reply| reply);
    }

    pub fn url(&self) -> String {
        self.server.url("")
    }

    /// The paths of the files that were asked for since a request.
    pub fn files_asked(&self, since: usize) -> Vec<String> {
        let asked = self.server.asked();
        let files = asked.iter().skip(since).filter_map(|a| {
            let (_, rest) = a.path.split_once("/resolve/")?;
            Some(rest.split_once('/')?.1.to_owned())
        });
        let mut files: Vec<String> = files.collect();
        files.sort();
        files
    }

    /// The number of requests until now.
    pub fn requests(&self) -> usize {
        self.server.asked().len()
    }

    /// The first byte of each request for a file since a request.
    pub fn offsets_asked(&self, path: &str, since: usize) -> Vec<usize> {
        let asked = self.server.asked();
        let of_file = asked.iter().skip(since).filter(|a| a.path.ends_with(path));
        of_file
            .map(|a| a.range(usize::MAX).map_or(0, |range| range.start))
            .collect()
    }
}

fn json_reply(value: &Value) -> Reply {
    Reply::new(200, value.to_string().as_bytes()).with("Content-Type", "application/json")
}

fn missing(code: &str) -> Reply {
    Reply::new(404, b"").with("X-Error-Code", code)
}

/// The commit that a revision names.
fn number_of(commits: &[Files], revision: &str) -> Option<usize> {
    match revision {
        "main" => commits.len().checked_sub(1),
        other => (0..commits.len()).find(|n| sha(*n) == other),
    }
}

fn answer(commits: &[Files], asked: &Asked) -> Reply {
    let path = asked.path.split('?').next().unwrap();
    let api = "/api/datasets/lab/corpus";
    if let Some(revision) = path.strip_prefix(&format!("{api}/revision/")) {
        return match number_of(commits, revision) {
            Some(n) => json_reply(&json!({"id": "lab/corpus", "sha": sha(n), "siblings": [],
                "lastModified": "2026-11-01T00:00:00.000Z", "tags": []})),
            None => missing("RevisionNotFound"),
        };
    }
    if let Some(rest) = path.strip_prefix(&format!("{api}/tree/")) {
        let (revision, below) = rest.split_once('/').unwrap_or((rest, ""));
        let Some(n) = number_of(commits, revision) else {
            return missing("RevisionNotFound");
        };
        let inside = commits[n].iter();
        let inside =
            inside.filter(|(p, _)| below.is_empty() || p.starts_with(&format!("{below}/")));
        let entries: Vec<Value> = inside.map(|(p, bytes)| entry(p, bytes)).collect();
        return json_reply(&json!(entries));
    }
    let resolve = path.strip_prefix("/datasets/lab/corpus/resolve/");
    let Some((revision, file)) = resolve.and_then(|rest| rest.split_once('/')) else {
        return missing("EntryNotFound");
    };
    let found = number_of(commits, revision).and_then(|n| Some((n, commits[n].get(file)?)));
    match found {
        Some((n, bytes)) => {
            let etag = to_hex(&Sha256::digest(bytes));
            Reply::honest(asked, bytes, &etag).with("X-Repo-Commit", &sha(n))
        }
        None => missing("EntryNotFound"),
    }
}

fn entry(path: &str, bytes: &[u8]) -> Value {
    let blob = [format!("blob {}\0", bytes.len()).as_bytes(), bytes].concat();
    let oid = to_hex(&Sha1::digest(blob));
    let mut entry = json!({"type": "file", "path": path, "size": bytes.len(), "oid": oid});
    if bytes.len() >= LARGE_BYTES {
        let sha256 = to_hex(&Sha256::digest(bytes));
        entry["oid"] = json!("0".repeat(40));
        entry["lfs"] = json!({"oid": sha256, "size": bytes.len(), "pointerSize": 134});
    }
    entry
}
