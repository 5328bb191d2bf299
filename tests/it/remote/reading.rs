//! Files that are read from an honest server: the same rows as from this disk, in few requests.

use std::path::Path;

use super::answer;
use super::failure;
use super::home;
use super::program;
use super::rows;
use super::run;
use super::server::Reply;
use super::server::Server;
use crate::support::lines;

/// Bytes that were asked for, all requests together.
fn bytes_asked(server: &Server, whole: usize) -> usize {
    let asked = server.asked();
    asked
        .iter()
        .filter_map(|a| Some(a.range(whole)?.len()))
        .sum()
}

#[test]
fn lines_of_a_url_are_those_of_the_file() {
    let home = home();
    let bytes = lines(40_000, 1);
    let file = home.path().join("x.jsonl");
    std::fs::write(&file, &bytes).unwrap();
    let server = Server::of(bytes);
    let url = server.url("/x.jsonl");
    for (start, count) in [("0", "10"), ("39990", "20"), ("12345", "3")] {
        let of = |target: &str| rows(home.path(), &[target, "--start", start, "--count", count]);
        assert_eq!(of(&url), of(file.to_str().unwrap()), "{start}");
    }
}

#[test]
fn first_lines_of_a_long_file_take_few_requests() {
    let home = home();
    let bytes = lines(100_000, 2);
    let whole = bytes.len();
    let server = Server::of(bytes);
    let shown = rows(home.path(), &[&server.url("/x.jsonl"), "--count", "10"]);
    assert_eq!(shown.len(), 10);
    assert!(server.asked().len() <= 5, "{:#?}", server.asked());
    assert!(bytes_asked(&server, whole) < whole / 5);
}

#[test]
fn every_row_is_read_in_large_requests() {
    let home = home();
    let bytes = lines(100_000, 3);
    let whole = bytes.len();
    let server = Server::of(bytes);
    let words = [
        "inspect",
        "search",
        &server.url("/x.jsonl"),
        "\"n\":7",
        "--count",
    ];
    let found = answer(home.path(), &words);
    assert_eq!(found["rows_scanned"], 100_000);
    assert_eq!(bytes_asked(&server, whole), whole);
    assert!(server.asked().len() < 20, "{}", server.asked().len());
}

/// Writes rows as Parquet by the program itself.
fn parquet(home: &Path, rows: usize) -> (std::path::PathBuf, Vec<u8>) {
    let (text, file) = (home.join("rows.jsonl"), home.join("rows.parquet"));
    std::fs::write(&text, lines(rows, 4)).unwrap();
    let words = [
        "inspect",
        "export",
        text.to_str().unwrap(),
        "-o",
        file.to_str().unwrap(),
        "--yes",
    ];
    answer(home, &words);
    let bytes = std::fs::read(&file).unwrap();
    (file, bytes)
}

#[test]
fn first_rows_of_a_parquet_file_take_four_requests() {
    let home = home();
    let (file, bytes) = parquet(home.path(), 60_000);
    let whole = bytes.len();
    let server = Server::of(bytes);
    let of = |target: &str| rows(home.path(), &[target, "--count", "10"]);
    assert_eq!(of(&server.url("/rows.parquet")), of(file.to_str().unwrap()));
    let asked = server.asked();
    assert!(asked.len() <= 4, "{asked:#?}");
    assert_eq!(asked[0].header("range"), Some("bytes=-131072"));
    assert!(bytes_asked(&server, whole) < whole / 2);
}

#[test]
fn all_of_a_parquet_file_is_the_same() {
    let home = home();
    let (file, bytes) = parquet(home.path(), 60_000);
    let server = Server::of(bytes);
    let url = server.url("/rows.parquet?secret=1");
    let of = |target: &str, column: &str| {
        let words = [
            "inspect", "search", target, "ab", "--column", column, "--count",
        ];
        let found = answer(home.path(), &words);
        (found["matches"].clone(), found["rows_scanned"].clone())
    };
    for column in ["n", "text"] {
        assert_eq!(of(&url, column), of(file.to_str().unwrap(), column));
    }
}

#[test]
fn info_of_a_url_names_no_query() {
    let home = home();
    let server = Server::of(b"a,b\n1,2\n".to_vec());
    let words = ["inspect", "info", &server.url("/x.csv?token=hidden")];
    let text = answer(home.path(), &words).to_string();
    assert!(
        text.contains("/x.csv") && !text.contains("hidden"),
        "{text}"
    );
}

#[test]
fn server_without_ranges_is_read_from_the_front_and_that_is_said() {
    let home = home();
    let bytes = lines(20_000, 5);
    let file = home.path().join("x.jsonl");
    std::fs::write(&file, &bytes).unwrap();
    for has_length in [true, false] {
        let bytes = bytes.clone();
        let server = Server::start(move |_| {
            let reply = Reply::new(200, &bytes);
            if has_length {
                reply
            } else {
                reply.without("Content-Length")
            }
        });
        let words = [
            "inspect",
            "lines",
            &server.url("/x.jsonl"),
            "--start",
            "19990",
        ];
        let out = run(home.path(), &words);
        assert!(out.status.success());
        let said = String::from_utf8(out.stderr).unwrap();
        assert!(said.contains("no ranges"), "{said}");
        let local = run(
            home.path(),
            &[
                "inspect",
                "lines",
                file.to_str().unwrap(),
                "--start",
                "19990",
            ],
        );
        assert_eq!(out.stdout, local.stdout);
        assert_eq!(server.asked().len(), 1);
    }
}

#[test]
fn server_without_ranges_from_the_end_is_asked_for_others() {
    let home = home();
    let (file, bytes) = parquet(home.path(), 60_000);
    let server = Server::start(move |asked| {
        let is_suffix = asked
            .header("range")
            .is_some_and(|r| r.starts_with("bytes=-"));
        if is_suffix {
            Reply::new(200, &bytes)
        } else {
            Reply::honest(asked, &bytes, "v1")
        }
    });
    let of = |target: &str| rows(home.path(), &[target, "--count", "3"]);
    assert_eq!(of(&server.url("/rows.parquet")), of(file.to_str().unwrap()));
}

#[test]
fn empty_file_has_no_rows() {
    let home = home();
    let server = Server::of(Vec::new());
    assert!(rows(home.path(), &[&server.url("/x.jsonl")]).is_empty());
}

#[test]
fn counts_are_shown_with_v() {
    let home = home();
    let server = Server::of(lines(10, 1));
    let out = program(home.path())
        .args(["-v", "inspect", "lines", &server.url("/x.jsonl")])
        .output()
        .unwrap();
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(said.contains("read from elsewhere: 1 requests"), "{said}");
}

#[test]
fn url_of_an_unknown_scheme_is_a_usage_error() {
    let home = home();
    let out = run(
        home.path(),
        &["inspect", "lines", "ftp://example.org/x.csv"],
    );
    let (code, kind, message) = failure(&out);
    assert_eq!((code, kind.as_str()), (2, "invalid"));
    assert!(message.contains("hf://"), "{message}");
}

#[test]
fn proxy_of_the_environment_is_asked() {
    let home = home();
    let bytes = lines(10, 1);
    let proxy = Server::of(bytes);
    let out = program(home.path())
        .env("HTTP_PROXY", proxy.url(""))
        .args(["inspect", "lines", "http://data.invalid/x.jsonl"])
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    assert_eq!(proxy.asked()[0].path, "http://data.invalid/x.jsonl");
}

#[test]
fn offline_makes_no_connection_and_says_so() {
    let home = home();
    let server = Server::of(lines(10, 1));
    let url = server.url("/x.jsonl");
    for (flag, variable) in [
        (Some("--offline"), None),
        (None, Some("ALIMENTAR_OFFLINE")),
        (None, Some("HF_HUB_OFFLINE")),
    ] {
        let mut command = program(home.path());
        command.arg("--json").args(flag);
        if let Some(variable) = variable {
            command.env(variable, "1");
        }
        let out = command.args(["inspect", "lines", &url]).output().unwrap();
        let (code, kind, message) = failure(&out);
        assert_eq!((code, kind.as_str()), (6, "network"));
        assert!(message.contains("offline"), "{message}");
    }
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn offline_forbids_peers_and_serving() {
    let home = home();
    for words in [
        &["--offline", "sync", "--peer", "127.0.0.1:1"][..],
        &["--offline", "pull", "corpus", "--peer", "127.0.0.1:1"],
        &["--offline", "pull", "corpus"],
        &["--offline", "list", "--peer", "127.0.0.1:1"],
        &["--offline", "serve", "--port", "0"],
    ] {
        let (code, kind, message) = failure(&run(home.path(), words));
        assert_eq!((code, kind.as_str()), (6, "network"), "{words:?}");
        assert!(message.contains("offline"), "{words:?}: {message}");
    }
}

#[test]
fn dataset_commands_take_urls() {
    let home = tempfile::tempdir().unwrap();
    let missing = home.path().join("none");
    let bytes = lines(1_000, 6);
    let server = Server::start({
        let bytes = bytes.clone();
        move |asked| match asked.path.as_str() {
            "/x.jsonl" => Reply::honest(asked, &bytes, "v1"),
            _ => Reply::honest(asked, b"---\nlicense: mit\n---\n# Corpus\n", "v1"),
        }
    });
    let url = server.url("/x.jsonl");
    let schema = answer(&missing, &["schema", &url]);
    assert_eq!(schema["content_id"], serde_json::Value::Null);
    assert_eq!(schema["files"][0]["rows"], 1_000);
    let files = answer(&missing, &["ls", &url]);
    assert_eq!(files["files"][0]["size_bytes"], bytes.len());
    let cat = program(&missing).args(["cat", &url]).output().unwrap();
    assert_eq!(cat.stdout, bytes);
    let card = answer(&missing, &["card", &server.url("/README.md")]);
    assert_eq!(card["frontmatter"]["license"], "mit");
    // No registry is made for it.
    assert!(!missing.exists());
}

#[test]
fn schema_of_a_long_url_is_that_of_its_front() {
    let home = home();
    let bytes = lines(40_000, 7);
    let whole = bytes.len();
    let server = Server::of(bytes);
    let url = server.url("/x.jsonl");
    let front = answer(home.path(), &["schema", &url]);
    assert_eq!(front["files"][0]["first_bytes"], 1 << 20);
    let rows = front["files"][0]["rows"].as_u64().unwrap();
    assert!((1_000..39_000).contains(&rows), "{front}");
    assert_eq!(front["files"][0]["unreadable"], 0);
    assert!(bytes_asked(&server, whole) < whole / 2);
    let full = answer(home.path(), &["schema", &url, "--full"]);
    assert_eq!(full["files"][0]["rows"], 40_000);
    assert_eq!(full["files"][0]["first_bytes"], serde_json::Value::Null);
    assert_eq!(
        front["files"][0]["fields"][1]["name"],
        full["files"][0]["fields"][1]["name"]
    );
}

#[test]
fn diff_compares_urls_with_datasets_and_with_each_other() {
    let home = home();
    let old = lines(20_000, 8);
    let new = [&old[..], b"{\"n\":1,\"text\":\"new\"}\n"].concat();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("x.jsonl");
    std::fs::write(&file, &old).unwrap();
    answer(
        home.path(),
        &["index", file.to_str().unwrap(), "--name", "x"],
    );
    let server = Server::start({
        let old = old.clone();
        move |asked| match asked.path.as_str() {
            "/x.jsonl" => Reply::honest(asked, &old, "v1"),
            "/y.jsonl" => Reply::honest(asked, &new, "v2"),
            _ => Reply::new(404, b""),
        }
    });
    let (x, y) = (server.url("/x.jsonl"), server.url("/y.jsonl"));
    let same = answer(home.path(), &["diff", "x", &x, "--exit-code"]);
    assert_eq!(
        (&same["only_a_bytes"], &same["only_b_bytes"]),
        (&0.into(), &0.into())
    );
    assert_eq!(same["shared_bytes"], old.len());
    assert_eq!(same["b"], serde_json::Value::Null);
    for a in ["x", &x] {
        let diff = answer(home.path(), &["diff", a, &y]);
        assert_eq!(diff["rows"][0]["added"], 1, "{diff}");
        assert_eq!(diff["rows"][0]["samples"][0]["after"]["n"], 20_000);
        assert!(diff["shared_bytes"].as_u64().unwrap() > old.len() as u64 / 2);
        let out = run(home.path(), &["diff", a, &y, "--exit-code"]);
        assert_eq!(out.status.code(), Some(1));
    }
    let back = answer(home.path(), &["diff", &y, "x"]);
    assert_eq!(back["rows"][0]["removed"], 1, "{back}");
    let missing = run(home.path(), &["diff", "x", &server.url("/none.jsonl")]);
    assert_eq!(failure(&missing).0, 3);
    let path = run(home.path(), &["diff", &x, file.to_str().unwrap()]);
    assert_eq!(failure(&path).0, 2);
}
