//! The API of the hub: requests of its clients, as they send them, and uploads.

use std::io::Write as _;
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;
use sha1::Digest as _;
use sha1::Sha1;
use sha2::Sha256;

use super::Place;
use super::Server;
use crate::support::http::Reply;
use crate::support::lines;

/// Bytes of a file that clients compare by SHA-256.
const LARGE: usize = 10_000_000;

fn hex(bytes: &[u8]) -> String {
    alimentar::ident::to_hex(bytes)
}

fn git_sha1(bytes: &[u8]) -> String {
    let mut hasher = Sha1::new_with_prefix(format!("blob {}\0", bytes.len()));
    hasher.update(bytes);
    hex(&hasher.finalize()[..])
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..])
}

/// A place with a dataset of several directories and its content id, and its first version.
fn with_directory() -> (Place, String, String) {
    let place = Place::empty();
    place.write(
        "d/README.md",
        b"---\nlicense: mit\ntags: [a]\n---\n# Things\n",
    );
    place.write("d/data/train.jsonl", b"{\"a\":1}\n");
    let first = place.index("d", "things", &[]);
    place.write("d/data/test/x y&é.csv", b"a,b\n1,2\n");
    place.write("d/empty", b"");
    let second = place.index("d", "things", &[]);
    (place, first, second)
}

fn assert_refused(reply: &Reply, status: u16, code: Option<&str>) {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert_eq!(reply.header("x-error-code"), code);
    assert!(
        reply
            .header("x-error-message")
            .is_some_and(|text| !text.is_empty())
    );
    assert!(reply.json()["error"].is_string());
}

#[test]
fn version_is_described_by_every_revision_that_means_it() {
    let (place, first, second) = with_directory();
    let server = place.serve(&[]);
    let info = server.get("/api/datasets/local/things").json();
    assert_eq!(info["id"], "local/things");
    assert_eq!(info["sha"], second[..40]);
    assert_eq!(info["cardData"]["license"], "mit");
    assert_eq!(info["tags"], json!(["a", "license:mit"]));
    assert_eq!(
        info["alimentar"]["content_id"],
        format!("alimentar:{second}")
    );
    let time = info["lastModified"].as_str().unwrap();
    assert!(time.len() == 24 && time.ends_with(".000Z"), "{time}");
    let names: Vec<&str> = info["siblings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["rfilename"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "README.md",
            "data/test/x y&é.csv",
            "data/train.jsonl",
            "empty"
        ]
    );
    place.answer(&["registry", "alias", "things@old", "0.1.0"]);
    for (revision, id) in [
        ("main", &second),
        (&second[..40], &second),
        (&second, &second),
        (&first[..40], &first),
        (&first, &first),
        ("0.1.0", &first),
        ("0.1.1", &second),
        ("%5E0.1", &second),
        ("old", &first),
    ] {
        let found = server.get(&format!("/api/datasets/local/things/revision/{revision}"));
        assert_eq!(found.json()["sha"], id[..40], "{revision}");
        assert_eq!(found.header("x-repo-commit"), Some(&id[..40]));
    }
    assert_eq!(
        server.get("/api/datasets/things").json()["id"],
        "local/things"
    );
    let refs = server.get("/api/datasets/local/things/refs").json();
    assert_eq!(refs["branches"][0]["targetCommit"], second[..40]);
    let tags: Vec<&Value> = refs["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| &t["name"])
        .collect();
    assert_eq!(tags, ["0.1.1", "0.1.0"]);
    let commits = server.get("/api/datasets/local/things/commits/main");
    assert_eq!(commits.header("x-total-count"), Some("2"));
    assert_eq!(commits.json()[1]["id"], first[..40]);
    let old = server.get("/api/datasets/local/things/commits/old").json();
    assert_eq!(old.as_array().unwrap().len(), 1);
}

#[test]
fn absent_things_are_told_apart_by_their_codes() {
    let (place, _, second) = with_directory();
    let server = place.serve(&[]);
    for path in [
        "/api/datasets/local/nothing",
        "/api/datasets/nobody/things",
        "/api/datasets/nothing",
        "/api/models/a/b",
        "/datasets/local/nothing/resolve/main/README.md",
        "/org/model/resolve/main/config.json",
    ] {
        assert_refused(&server.get(path), 404, Some("RepoNotFound"));
    }
    let long = "f".repeat(4000);
    for revision in [
        "nope",
        "9.9.9",
        "0000000000000000000000000000000000000000",
        "refs%2Fconvert%2Fparquet",
        &long,
    ] {
        let path = format!("/api/datasets/local/things/revision/{revision}");
        assert_refused(&server.get(&path), 404, Some("RevisionNotFound"));
        let path = format!("/datasets/local/things/resolve/{revision}/README.md");
        assert_refused(&server.get(&path), 404, Some("RevisionNotFound"));
    }
    for path in [
        "things.py",
        ".huggingface.yaml",
        "dataset_infos.json",
        "data",
        "README.md/x",
        "data%2F",
    ] {
        let reply = server.get(&format!("/datasets/local/things/resolve/main/{path}"));
        assert_refused(&reply, 404, Some("EntryNotFound"));
        assert_eq!(reply.header("x-repo-commit"), Some(&second[..40]), "{path}");
    }
    let tree = server.get("/api/datasets/local/things/tree/main/README.md");
    assert_refused(&tree, 404, Some("EntryNotFound"));
    assert_refused(&server.get("/api/agent-harnesses"), 404, None);
    let posted = server.ask("POST", "/api/datasets/local/things", &[], b"");
    assert_refused(&posted, 405, None);
    assert_eq!(posted.header("allow"), Some("GET, HEAD"));
    assert_refused(&server.get("/api/whoami-v2"), 401, None);
}

#[test]
fn file_has_the_headers_that_clients_need() {
    let (place, _, second) = with_directory();
    let server = place.serve(&[]);
    let path = "/datasets/local/things/resolve/main/data/test/x%20y%26%C3%A9.csv";
    let head = server.ask("HEAD", path, &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some("8"));
    assert_eq!(head.header("x-repo-commit"), Some(&second[..40]));
    assert_eq!(head.header("accept-ranges"), Some("bytes"));
    let etag = head.header("etag").unwrap().trim_matches('"').to_owned();
    assert_eq!(etag, blake3::hash(b"a,b\n1,2\n").to_hex().as_str());
    assert_eq!(head.header("cache-control"), Some("no-cache"));
    assert_eq!(head.header("x-content-type-options"), Some("nosniff"));
    assert!(head.header("content-encoding").is_none());
    let by_id = format!("/datasets/local/things/raw/{second}/empty");
    let empty = server.get(&by_id);
    assert_eq!((empty.status, empty.body.len()), (200, 0));
    assert!(empty.header("cache-control").unwrap().contains("immutable"));
    // An encoded slash is one in the path of a file, and never a way out of it.
    let same = server.get("/datasets/local/things/resolve/main/data%2Ftrain.jsonl");
    assert_eq!(same.body, b"{\"a\":1}\n");
}

#[test]
fn tree_has_true_digests_and_pages_at_this_host() {
    let place = Place::empty();
    let large = lines(LARGE / 130, 3);
    assert!(large.len() >= LARGE);
    place.write("d/large.jsonl", &large);
    for n in 0..5 {
        place.write(
            &format!("d/data/part-{n}.jsonl"),
            format!("{{\"n\":{n}}}\n").as_bytes(),
        );
    }
    let id = place.index("d", "things", &[]);
    let server = place.serve(&[]);
    let top = server
        .get("/api/datasets/local/things/tree/main?recursive=false&expand=false")
        .json();
    assert_eq!(top[0]["type"], "directory");
    assert_eq!(
        (&top[0]["path"], &top[1]["path"]),
        (&json!("data"), &json!("large.jsonl"))
    );
    assert_eq!(top[1]["oid"], git_sha1(&large));
    assert_eq!(top[1]["lfs"]["oid"], sha256(&large));
    assert_eq!(top[1]["lfs"]["size"], large.len());
    assert!(top[1].get("lastCommit").is_none());
    let below = server
        .get("/api/datasets/local/things/tree/main/data?expand=true")
        .json();
    assert_eq!(below[2]["oid"], git_sha1(b"{\"n\":2}\n"));
    assert!(below[2].get("lfs").is_none());
    assert_eq!(below[2]["lastCommit"]["id"], id[..40]);
    // All pages, one by one, by the addresses that the server gives.
    let mut path = "/api/datasets/local/things/tree/main?recursive=true&limit=2".to_owned();
    let mut found = Vec::new();
    loop {
        let page = server.get(&path);
        let entries = page.json();
        found.extend(
            entries
                .as_array()
                .unwrap()
                .iter()
                .map(|e| e["path"].clone()),
        );
        let Some(link) = page.header("link") else {
            break;
        };
        let (url, rel) = link.split_once('>').unwrap();
        assert_eq!(rel, "; rel=\"next\"");
        let here = format!("<http://{}", server.http());
        path = url.strip_prefix(&here).unwrap().to_owned();
    }
    let parts = (0..5).map(|n| format!("data/part-{n}.jsonl"));
    let all: Vec<String> = std::iter::once("data".to_owned())
        .chain(parts)
        .chain(["large.jsonl".to_owned()])
        .collect();
    assert_eq!(found, all);
    for query in [
        "cursor=%00",
        "cursor=..%2F..",
        "limit=0",
        "limit=99999999999999999999",
        "recursive=perhaps",
    ] {
        let page = server.get(&format!("/api/datasets/local/things/tree/main?{query}"));
        assert_eq!(page.status, 200, "{query}");
    }
}

#[test]
fn paths_are_described_from_forms_and_from_json() {
    let (place, _, second) = with_directory();
    let server = place.serve(&[]);
    let path = "/api/datasets/local/things/paths-info/main";
    let form = b"paths=data%2Ftrain.jsonl&paths=data&paths=nothing&expand=true";
    let kind = [("Content-Type", "application/x-www-form-urlencoded")];
    let found = server.ask("POST", path, &kind, form).json();
    assert_eq!(found.as_array().unwrap().len(), 2);
    assert_eq!(found[0]["oid"], git_sha1(b"{\"a\":1}\n"));
    assert_eq!(found[0]["lastCommit"]["id"], second[..40]);
    assert_eq!(found[1]["type"], "directory");
    let kind = [("Content-Type", "application/json")];
    let body = json!({"paths": ["empty", "../x", "/", ""], "expand": false}).to_string();
    let found = server.ask("POST", path, &kind, body.as_bytes()).json();
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(
        (&found[0]["path"], &found[0]["size"]),
        (&json!("empty"), &json!(0))
    );
    let many = json!({"paths": vec!["a"; 1001]}).to_string();
    assert_refused(&server.ask("POST", path, &kind, many.as_bytes()), 413, None);
    assert_refused(&server.ask("POST", path, &kind, b"{"), 400, None);
    let huge = vec![b'a'; 5 << 20];
    assert_refused(&server.ask("POST", path, &kind, &huge), 413, None);
}

#[test]
fn datasets_are_listed_by_filter_and_page() {
    let place = Place::empty();
    place.write("x.jsonl", b"{\"a\":1}\n");
    for name in ["alpha", "beta", "gamma"] {
        place.index("x.jsonl", name, &["--tag", "t1", "--license", "MIT"]);
    }
    let server = place.serve(&[]);
    let ids = |query: &str| -> Vec<String> {
        let found = server.get(&format!("/api/datasets?{query}")).json();
        let ids = found.as_array().unwrap().iter();
        ids.map(|d| d["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ["local/alpha", "local/beta", "local/gamma"];
    assert_eq!(ids("full=true"), all);
    assert_eq!(ids("search=ET"), ["local/beta"]);
    assert_eq!(ids("author=local&filter=t1&filter=license%3Amit"), all);
    assert!(ids("author=other").is_empty() && ids("filter=t2").is_empty());
    let first = server.get("/api/datasets?limit=2");
    let link = first.header("link").unwrap().to_owned();
    let next = link
        .split_once('>')
        .unwrap()
        .0
        .rsplit_once('?')
        .unwrap()
        .1
        .to_owned();
    assert_eq!(ids(&next), ["local/gamma"]);
    assert!(
        server
            .get(&format!("/api/datasets?{next}"))
            .header("link")
            .is_none()
    );
}

/// A client that may write, and the node that takes its uploads.
struct Uploader {
    place: Place,
    server: Server,
    token: String,
}

impl Uploader {
    fn new(more: &[&str]) -> Self {
        let place = Place::empty();
        let made = place.answer(&["registry", "token", "add", "ci", "--write"]);
        let token = format!("Bearer {}", made["tokens"][0]["secret"].as_str().unwrap());
        let words = [&["--allow-upload"], more].concat();
        let server = Server::start(&place.home(), &words);
        Self {
            place,
            server,
            token,
        }
    }

    fn post(&self, path: &str, body: &str) -> Reply {
        let headers = [
            ("Authorization", self.token.as_str()),
            ("Content-Type", "application/json"),
        ];
        self.server.ask("POST", path, &headers, body.as_bytes())
    }

    fn get(&self, path: &str) -> Reply {
        let headers = [("Authorization", self.token.as_str())];
        self.server.ask("GET", path, &headers, b"")
    }

    fn commit(&self, name: &str, lines: &[Value]) -> Reply {
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        self.post(
            &format!("/api/datasets/local/{name}/commit/main"),
            &lines.join("\n"),
        )
    }

    /// Files of a revision, by their paths.
    fn files(&self, name: &str, revision: &str) -> Vec<String> {
        let path = format!("/api/datasets/local/{name}/tree/{revision}?recursive=true");
        let found = self.get(&path).json();
        let files = found
            .as_array()
            .unwrap()
            .iter()
            .filter(|e| e["type"] == "file");
        files
            .map(|e| e["path"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn file(path: &str, bytes: &[u8]) -> Value {
    let content = STANDARD.encode(bytes);
    json!({"key": "file", "value": {"path": path, "content": content, "encoding": "base64"}})
}

fn header() -> Value {
    json!({"key": "header", "value": {"summary": "a change", "description": ""}})
}

#[test]
fn upload_makes_the_next_unsigned_version_of_kept_and_new_files() {
    let ci = Uploader::new(&[]);
    let new = json!({"type": "dataset", "name": "things", "organization": "local"}).to_string();
    let created = ci.post("/api/repos/create", &new);
    assert_eq!(created.status, 200, "{}", created.text());
    let url = format!("http://{}/datasets/local/things", ci.server.http());
    assert_eq!(created.json()["url"], url);
    assert_eq!(
        ci.get("/api/datasets/local/things").json()["siblings"],
        json!([])
    );
    assert_eq!(
        ci.get("/api/datasets/local/things/tree/main").json(),
        json!([])
    );
    assert_eq!(ci.server.get("/api/datasets/local/things").status, 404);
    let again = ci.post("/api/repos/create", &new);
    assert_eq!((again.status, &again.json()["url"]), (409, &json!(url)));
    let first = ci.commit(
        "things",
        &[
            header(),
            file("README.md", b"---\nlicense: mit\n---\nhi"),
            file("data/a.jsonl", b"{\"a\":1}\n"),
            file("data/b.jsonl", b"{\"b\":1}\n"),
        ],
    );
    assert_eq!(first.status, 200, "{}", first.text());
    let first = first.json()["commitOid"].as_str().unwrap().to_owned();
    assert_eq!(
        ci.files("things", "main"),
        ["README.md", "data/a.jsonl", "data/b.jsonl"]
    );
    let listed = ci.place.answer(&["list", "--all"]);
    assert_eq!(listed["datasets"][0]["version"], "0.1.0");
    assert_eq!(listed["datasets"][0]["license"], "mit");
    assert!(listed["datasets"][0]["publisher"].is_null());
    let second = ci.commit(
        "things",
        &[
            json!({"key": "header", "value": {"summary": "s", "parentCommit": first}}),
            file("data/c.jsonl", b"{\"c\":1}\n"),
            file("data/a.jsonl", b"{\"a\":2}\n"),
            json!({"key": "deletedFile", "value": {"path": "data/b.jsonl"}}),
        ],
    );
    assert_eq!(second.status, 200, "{}", second.text());
    let sha = second.json()["commitOid"].as_str().unwrap().to_owned();
    assert_eq!(second.json()["commitUrl"], format!("{url}/commit/{sha}"));
    assert_eq!(
        ci.files("things", "main"),
        ["README.md", "data/a.jsonl", "data/c.jsonl"]
    );
    assert_eq!(
        ci.files("things", &first),
        ["README.md", "data/a.jsonl", "data/b.jsonl"]
    );
    let read = ci.get("/datasets/local/things/resolve/main/data/a.jsonl");
    assert_eq!(read.body, b"{\"a\":2}\n");
    // The same as an index of the same files.
    ci.place.write("d/README.md", b"---\nlicense: mit\n---\nhi");
    ci.place.write("d/data/a.jsonl", b"{\"a\":2}\n");
    ci.place.write("d/data/c.jsonl", b"{\"c\":1}\n");
    let indexed = ci.place.index("d", "other", &[]);
    assert_eq!(sha, indexed[..40]);
    // An older state does not win.
    let stale = ci.commit(
        "things",
        &[
            json!({"key": "header", "value": {"summary": "s", "parentCommit": first}}),
            file("x", b"x"),
        ],
    );
    assert_refused(&stale, 412, None);
    // A commit that changes nothing makes nothing.
    let same = ci.commit("things", &[header(), file("data/a.jsonl", b"{\"a\":2}\n")]);
    assert_eq!(same.json()["commitOid"], sha);
    let versions = || {
        let listed = ci.place.answer(&["list", "--all"]);
        let all = listed["datasets"].as_array().unwrap().iter();
        all.filter(|d| d["name"] == "things").count()
    };
    assert_eq!(versions(), 2);
    // A commit back to an older state makes it the newest.
    let back = [
        header(),
        file("data/a.jsonl", b"{\"a\":1}\n"),
        file("data/b.jsonl", b"{\"b\":1}\n"),
        json!({"key": "deletedFile", "value": {"path": "data/c.jsonl"}}),
    ];
    assert_eq!(ci.commit("things", &back).json()["commitOid"], first);
    assert_eq!(versions(), 3);
    assert_eq!(ci.get("/api/datasets/local/things").json()["sha"], first);
    crate::support::is_sound(&ci.place.home());
}

#[test]
fn files_around_a_kept_large_file_make_what_an_index_makes() {
    let place = Place::empty();
    let large = lines(40_000, 5);
    let files: Vec<(String, Vec<u8>)> = (0..12)
        .map(|n| {
            (
                format!("part-{n:02}.jsonl"),
                lines(if n % 4 == 1 { 3_000 } else { 3 }, n),
            )
        })
        .chain([("z.jsonl".to_owned(), large)])
        .collect();
    for (path, bytes) in &files {
        place.write(&format!("d/{path}"), bytes);
    }
    place.index("d", "things", &[]);
    let made = place.answer(&[
        "registry",
        "token",
        "add",
        "ci",
        "--write",
        "--dataset",
        "things",
    ]);
    let token = format!("Bearer {}", made["tokens"][0]["secret"].as_str().unwrap());
    let server = place.serve(&["--allow-upload"]);
    let changes = [
        header(),
        file("part-00.jsonl", b"{\"new\":0}\n"),
        file("part-05.jsonl", &lines(2_000, 77)),
        json!({"key": "deletedFile", "value": {"path": "part-10.jsonl"}}),
        file("q/new.jsonl", b"{\"new\":1}\n"),
    ];
    let body: Vec<String> = changes.iter().map(Value::to_string).collect();
    let commit = |name: &str| {
        let path = format!("/api/datasets/local/{name}/commit/main");
        server.ask(
            "POST",
            &path,
            &[("Authorization", &token)],
            body.join("\n").as_bytes(),
        )
    };
    let done = commit("things");
    assert_eq!(done.status, 200, "{}", done.text());
    assert_refused(&commit("others"), 403, None);
    place.write("d/part-00.jsonl", b"{\"new\":0}\n");
    place.write("d/part-05.jsonl", &lines(2_000, 77));
    std::fs::remove_file(place.path("d/part-10.jsonl")).unwrap();
    place.write("d/q/new.jsonl", b"{\"new\":1}\n");
    let indexed = place.index("d", "beside", &[]);
    assert_eq!(done.json()["commitOid"], indexed[..40]);
    // The trees are the same too, so that both share all chunks.
    let of = |name: &str| {
        let info = place.answer(&["info", name]);
        ["chunks", "rows", "size_bytes", "files", "schema"].map(|key| info[key].clone())
    };
    assert_eq!(of("things"), of("beside"));
    let diff = place.answer(&["diff", "things", "beside"]);
    assert_eq!(
        (&diff["only_a_bytes"], &diff["only_b_bytes"]),
        (&json!(0), &json!(0))
    );
}

#[test]
fn large_file_is_uploaded_before_its_commit_by_its_digest() {
    let ci = Uploader::new(&["--access", "listed"]);
    let bytes = lines(LARGE / 130, 9);
    let oid = sha256(&bytes);
    let planned = json!({"files": [
        {"path": "big.jsonl", "size": bytes.len(), "sample": ""},
        {"path": "small", "size": 3, "sample": ""},
    ]});
    let ways = ci
        .post(
            "/api/datasets/local/things/preupload/main",
            &planned.to_string(),
        )
        .json();
    let modes: Vec<&Value> = ways["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| &f["uploadMode"])
        .collect();
    assert_eq!(modes, ["lfs", "regular"]);
    let batch = json!({"operation": "upload", "transfers": ["basic", "multipart", "xet"],
        "objects": [{"oid": oid, "size": bytes.len()}], "hash_algo": "sha256"});
    let places = |ci: &Uploader| {
        ci.post(
            "/datasets/local/things.git/info/lfs/objects/batch",
            &batch.to_string(),
        )
    };
    let found = places(&ci).json();
    assert_eq!(found["transfer"], "basic");
    let href = found["objects"][0]["actions"]["upload"]["href"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = href
        .strip_prefix(&format!("http://{}", ci.server.http()))
        .unwrap();
    // The client sends no token here.
    let put = |path: &str, bytes: &[u8]| ci.server.ask("PUT", path, &[], bytes).status;
    let mut other = bytes.clone();
    other[5] ^= 1;
    assert_eq!(put(path, &other), 400);
    assert_eq!(put(path, &bytes[1..]), 400);
    let forged = path.replace("size=1", "size=2");
    assert_eq!(put(&forged, &bytes), 401);
    let lines = [
        header(),
        json!({"key": "lfsFile", "value": {"path": "big.jsonl", "algo": "sha256", "oid": oid, "size": bytes.len()}}),
    ];
    assert_refused(&ci.commit("things", &lines), 400, None);
    assert_eq!(put(path, &bytes), 200);
    assert!(places(&ci).json()["objects"][0].get("actions").is_none());
    let done = ci.commit("things", &lines);
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(
        ci.get("/datasets/local/things/resolve/main/big.jsonl").body,
        bytes
    );
    // Nothing waits any more.
    let left = std::fs::read_dir(ci.place.home().join("cache/uploads")).unwrap();
    assert_eq!(left.count(), 0);
    // The client need not send it again.
    let ways = ci
        .post(
            "/api/datasets/local/things/preupload/main",
            &planned.to_string(),
        )
        .json();
    assert_eq!(ways["files"][0]["oid"], oid);
}

#[test]
fn upload_that_is_not_permitted_or_makes_no_sense_changes_nothing() {
    let ci = Uploader::new(&[]);
    let commit = "/api/datasets/local/things/commit/main";
    let line = file("a", b"a").to_string();
    let anonymous = ci.server.ask("POST", commit, &[], line.as_bytes());
    assert_refused(&anonymous, 401, None);
    let reader = ci.place.answer(&["registry", "token", "add", "reader"]);
    let reader = format!("Bearer {}", reader["tokens"][0]["secret"].as_str().unwrap());
    let read_only = ci.server.ask(
        "POST",
        commit,
        &[("Authorization", &reader)],
        line.as_bytes(),
    );
    assert_refused(&read_only, 403, None);
    assert_refused(
        &ci.post("/api/datasets/lab/things/commit/main", &line),
        403,
        None,
    );
    for (path, body) in [
        ("/api/datasets/local/things/commit/0.1.0", line.clone()),
        (
            "/api/datasets/local/things/commit/main?create_pr=1",
            line.clone(),
        ),
        ("/api/datasets/local/no%20name/commit/main", line.clone()),
        (commit, file("../../x", b"a").to_string()),
        (commit, file("/etc/x", b"a").to_string()),
        (commit, file("a/./b", b"a").to_string()),
        (
            commit,
            format!("{}\n{}", file("a", b"a"), file("a/b", b"b")),
        ),
        (commit, "{\"key\": \"file\"".to_owned()),
        (commit, header().to_string()),
        (
            "/api/repos/create",
            json!({"type": "model", "name": "x"}).to_string(),
        ),
        (
            "/api/repos/create",
            json!({"type": "dataset", "name": "x", "private": true}).to_string(),
        ),
        (
            "/api/datasets/local/things/preupload/main",
            json!({"files": [{"path": "../x", "size": 1}]}).to_string(),
        ),
    ] {
        assert_refused(&ci.post(path, &body), 400, None);
    }
    let place = format!("/api/xet/things/{}/v1", "0123456789ab".repeat(2));
    let hash = "0".repeat(64);
    for path in [
        format!("{place}/shards"),
        format!("{place}/xorbs/default/{hash}"),
    ] {
        assert_refused(
            &ci.post(&path, "of another form, and so is all the rest of it"),
            400,
            None,
        );
        assert_refused(&ci.server.ask("POST", &path, &[], b""), 401, None);
    }
    for path in [
        "xorbs/default/%2E%2E%2Fx",
        "xorbs/default/x",
        "xorb-grants/default/x",
        "chunks/default/x",
    ] {
        let reply = ci.post(&format!("{place}/{path}"), "");
        assert!(
            matches!(reply.status, 400 | 404),
            "{path}: {}",
            reply.text()
        );
    }
    // A body that breaks off.
    let mut stream = TcpStream::connect(ci.server.http()).unwrap();
    let (host, token) = (ci.server.http(), &ci.token);
    let head = format!(
        "POST {commit} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\nContent-Length: 100000"
    );
    stream
        .write_all(format!("{head}\r\n\r\n{line}\n").as_bytes())
        .unwrap();
    drop(stream);
    assert_eq!(ci.place.answer(&["list", "--all"])["datasets"], json!([]));
    let uploads = ci.place.home().join("cache/uploads");
    crate::support::wait::until("the uploads are gone", || {
        std::fs::read_dir(&uploads).map_or(0, Iterator::count) == 0
    });
    // A name with versions that the client does not see.
    ci.place.write("x.jsonl", b"{\"a\":1}\n");
    ci.place.index("x.jsonl", "things", &["--private"]);
    assert_refused(&ci.post(commit, &line), 403, None);
    drop(ci.server);
    let closed = Server::start(&ci.place.home(), &[]);
    let reply = closed.ask(
        "POST",
        commit,
        &[("Authorization", &ci.token)],
        line.as_bytes(),
    );
    assert_refused(&reply, 403, None);
    assert!(reply.text().contains("--allow-upload"));
}

#[test]
fn card_with_a_fault_is_a_warning() {
    let ci = Uploader::new(&["--access", "listed"]);
    // Clients send no token here.
    let check = |content: &str| {
        let body = json!({"content": content, "repoType": "dataset"}).to_string();
        ci.server
            .ask("POST", "/api/validate-yaml", &[], body.as_bytes())
            .json()
    };
    assert_eq!(
        check("---\nlicense: mit\n---\n"),
        json!({"errors": [], "warnings": []})
    );
    let fault = check("---\n: [\n---\n");
    assert_eq!(fault["errors"], json!([]));
    assert!(fault["warnings"][0]["message"].is_string());
}
