//! Files of web servers and objects of S3.

use md5::Digest as _;
use md5::Md5;
use serde_json::json;

use alimentar::ident::to_hex;

use super::done;
use super::refused;
use crate::remote::home;
use crate::remote::server::Reply;
use crate::remote::server::Server;
use crate::support::lines;

#[test]
fn file_of_a_web_server_is_fetched_once_and_again_when_it_changes() {
    let home = home();
    let server = Server::start(|asked| {
        let tag = match asked.number < 4 {
            true => "v1",
            false => "v2",
        };
        Reply::honest(asked, &lines(5_000, u64::from(tag == "v2")), tag)
    });
    let url = server.url("/data/rows.jsonl");
    let report = done(home.path(), "", &["index", &url, "--license", "MIT"]);
    assert_eq!(
        (&report["name"], &report["rows"]),
        (&json!("rows"), &json!(5_000))
    );
    assert_eq!(report["source"]["validator"], "v1");
    assert_eq!(report["source"]["fetched_bytes"], lines(5_000, 0).len());
    let same = done(home.path(), "", &["index", &url]);
    assert_eq!(
        (&same["unchanged"], &same["source"]["fetched_bytes"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(server.asked().len(), 3);
    done(home.path(), "", &["index", &url]);
    let next = done(home.path(), "", &["refresh", "rows"]);
    assert_eq!(
        (&next["version"], &next["unchanged"]),
        (&json!("0.1.1"), &json!(false))
    );
    let info = done(home.path(), "", &["info", "rows"]);
    assert_eq!(
        (&info["source"]["validator"], &info["license"]),
        (&json!("v2"), &json!("MIT"))
    );
}

#[test]
fn server_without_ranges_and_lengths_is_read_from_the_front() {
    let home = home();
    let bytes = lines(60_000, 1);
    let size = bytes.len();
    let server = Server::start(move |_| Reply::new(200, &bytes).without("Content-Length"));
    let report = done(
        home.path(),
        "",
        &["index", &server.url("/x.jsonl?download=1")],
    );
    assert_eq!(
        (&report["rows"], &report["size_bytes"]),
        (&json!(60_000), &json!(size))
    );
    assert_eq!(server.asked().len(), 1);
    let info = done(home.path(), "", &["info", "x"]);
    assert_eq!(info["source"]["url"], server.url("/x.jsonl?download=1"));
}

#[test]
fn secret_query_is_not_recorded_and_refresh_says_so() {
    let home = home();
    let server = Server::of(lines(10, 1));
    let url = server.url("/x.jsonl?X-Amz-Signature=geheim");
    let report = done(home.path(), "", &["index", &url]);
    assert!(!report.to_string().contains("geheim"), "{report}");
    let info = done(home.path(), "", &["info", "x"]);
    assert!(!info.to_string().contains("geheim"), "{info}");
    let out = super::ask(home.path(), "", &["refresh", "x"]);
    assert_eq!(out.status.code(), Some(2));
}

#[test]
fn dataset_without_a_source_cannot_be_refreshed() {
    let home = home();
    let path = home.path().join("x.jsonl");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(path.file_name().unwrap());
    std::fs::write(&path, lines(3, 1)).unwrap();
    done(home.path(), "", &["index", path.to_str().unwrap()]);
    let out = super::ask(home.path(), "", &["refresh", "x"]);
    assert_eq!(out.status.code(), Some(2));
    for option in ["--include=*", "--revision=main"] {
        let out = super::ask(home.path(), "", &["index", path.to_str().unwrap(), option]);
        assert_eq!(out.status.code(), Some(2), "{option}");
    }
}

/// A server of the bucket `lab` with two objects; the tag of one may be false.
fn bucket(is_false: bool, encryption: &'static str) -> Server {
    Server::start(move |asked| {
        let (a, b) = (lines(2_000, 1), lines(100, 2));
        let tag_of = |bytes: &[u8]| to_hex(&Md5::digest(bytes));
        let tag_a = if is_false { "0".repeat(32) } else { tag_of(&a) };
        if asked.path.starts_with("/lab/?") {
            let contents: String = [("data/a.jsonl", &a, &tag_a), ("data/b.jsonl", &b, &tag_of(&b))]
                .iter()
                .map(|(key, bytes, tag)| {
                    let size = bytes.len();
                    format!("<Contents><Key>{key}</Key><Size>{size}</Size><ETag>&quot;{tag}&quot;</ETag></Contents>")
                })
                .collect();
            let xml = format!("<ListBucketResult>{contents}</ListBucketResult>");
            return Reply::new(200, xml.as_bytes());
        }
        let reply = match asked.path.as_str() {
            "/lab/data/a.jsonl" => Reply::honest(asked, &a, &tag_a),
            "/lab/data/b.jsonl" => Reply::honest(asked, &b, &tag_of(&b)),
            _ => Reply::new(404, b"<Error><Code>NoSuchKey</Code></Error>"),
        };
        reply.with("x-amz-server-side-encryption", encryption)
    })
}

#[test]
fn objects_below_a_prefix_are_checked_by_their_tags() {
    let (home, server) = (home(), bucket(false, "AES256"));
    let report = done(home.path(), &server.url(""), &["index", "s3://lab/data"]);
    assert_eq!(
        (&report["name"], &report["rows"]),
        (&json!("data"), &json!(2_100))
    );
    let same = done(home.path(), &server.url(""), &["refresh", "data"]);
    assert_eq!(
        (&same["unchanged"], &same["source"]["fetched_files"]),
        (&json!(true), &json!(0))
    );
    let one = done(
        home.path(),
        &server.url(""),
        &["index", "s3://lab/data/b.jsonl"],
    );
    assert_eq!((&one["name"], &one["rows"]), (&json!("b"), &json!(100)));
}

#[test]
fn object_with_a_false_tag_is_refused_unless_the_tag_is_no_hash() {
    let words = ["index", "s3://lab/data/"];
    let (first, server) = (home(), bucket(true, "AES256"));
    let (code, message) = refused(first.path(), &server.url(""), &words);
    assert_eq!(code, 4, "{message}");
    let (second, server) = (home(), bucket(true, "aws:kms"));
    let report = done(second.path(), &server.url(""), &words);
    assert_eq!(report["rows"], 2_100);
}

#[test]
fn tag_of_a_web_server_is_a_hash_only_where_it_speaks_s3() {
    let false_tag = "0".repeat(32);
    for (speaks_s3, is_refused) in [(true, true), (false, false)] {
        let tag = false_tag.clone();
        let server = Server::start(move |asked| {
            let reply = Reply::honest(asked, &lines(500, 3), &tag);
            match speaks_s3 {
                true => reply.with("x-amz-request-id", "1"),
                false => reply,
            }
        });
        let home = home();
        let url = server.url("/rows.jsonl?signature=hidden");
        let words = ["index", &url];
        match is_refused {
            true => {
                let (code, message) = refused(home.path(), "", &words);
                assert_eq!(code, 4);
                assert!(message.contains("md5"), "{message}");
            }
            false => assert_eq!(done(home.path(), "", &words)["rows"], 500),
        }
    }
}
