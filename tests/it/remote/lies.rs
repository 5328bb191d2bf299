//! Servers that lie, stall, change their minds, or want a token: each ends with an error that says so.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use super::failure;
use super::home;
use super::program;
use super::server::Asked;
use super::server::Reply;
use super::server::Server;
use crate::support::lines;

/// Reads all rows from a server that answers so, and returns exit code, kind and message.
fn scan(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> (i32, String, String) {
    let server = Server::start(handler);
    scan_at(&server.url("/x.jsonl?sig=hidden"))
}

fn scan_at(url: &str) -> (i32, String, String) {
    let home = home();
    let out = program(home.path())
        .env("ALIMENTAR_REMOTE_TIMEOUT", "1")
        .args(["--json", "inspect", "search", url, "x", "--count"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(!said.contains("hidden"), "{said}");
    assert!(!out.status.success(), "{said}");
    failure(&out)
}

/// Bytes that take several requests.
fn data() -> Vec<u8> {
    lines(20_000, 7)
}

#[test]
fn content_range_of_other_bytes_is_refused() {
    let bytes = data();
    let (code, kind, message) = scan(move |asked| {
        let whole = bytes.len();
        let reply = Reply::honest(asked, &bytes, "v1");
        match asked.number {
            0 => reply,
            _ => reply.with("Content-Range", &format!("bytes 0-9/{whole}")),
        }
    });
    assert_eq!((code, kind.as_str()), (6, "network"));
    assert!(message.contains("Content-Range: bytes 0-9/"), "{message}");
}

#[test]
fn content_range_that_is_missing_or_no_range_is_refused() {
    for value in [
        None,
        Some("bytes 9-0/100"),
        Some("bytes 0-65535/*"),
        Some("lines 0-9/10"),
    ] {
        let bytes = data();
        let (code, kind, message) = scan(move |asked| {
            let reply = Reply::honest(asked, &bytes, "v1").without("Content-Range");
            match value {
                Some(value) => reply.with("Content-Range", value),
                None => reply,
            }
        });
        assert_eq!((code, kind.as_str()), (6, "network"), "{value:?}");
        assert!(message.contains("Content-Range"), "{message}");
    }
}

#[test]
fn length_other_than_that_of_the_range_is_refused() {
    let bytes = data();
    let (code, kind, message) = scan(move |asked| {
        let reply = Reply::honest(asked, &bytes, "v1");
        match asked.number {
            0 => reply,
            _ => reply.with("Content-Length", "17"),
        }
    });
    assert_eq!((code, kind.as_str()), (6, "network"));
    assert!(message.contains("Content-Length: 17"), "{message}");
}

#[test]
fn short_body_is_asked_for_again_from_where_it_broke() {
    let bytes = data();
    let home = home();
    let server = Server::start(move |asked| {
        let reply = Reply::honest(asked, &bytes, "v1");
        if asked.number % 2 == 1 {
            reply.cut(20_000)
        } else {
            reply
        }
    });
    let out = program(home.path())
        .args([
            "--json",
            "inspect",
            "search",
            &server.url("/x.jsonl"),
            "\"n\"",
            "--count",
        ])
        .output()
        .unwrap();
    let found: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(found["matches"], 20_000);
}

#[test]
fn body_that_is_always_short_is_an_error() {
    let bytes = data();
    let (code, kind, _) = scan(move |asked| {
        let reply = Reply::honest(asked, &bytes, "v1");
        if asked.number == 0 {
            reply
        } else {
            reply.cut(100)
        }
    });
    assert_eq!((code, kind.as_str()), (6, "network"));
}

#[test]
fn compressed_range_is_refused() {
    let bytes = data();
    let (code, kind, message) =
        scan(move |asked| Reply::honest(asked, &bytes, "v1").with("Content-Encoding", "gzip"));
    assert_eq!((code, kind.as_str()), (6, "network"));
    assert!(message.contains("Content-Encoding: gzip"), "{message}");
}

#[test]
fn whole_file_in_place_of_a_later_range_is_refused() {
    let bytes = data();
    let (code, kind, message) = scan(move |asked| match asked.number {
        0 => Reply::honest(asked, &bytes, "v1"),
        _ => Reply::new(200, &bytes).with("ETag", "\"v1\""),
    });
    assert_eq!((code, kind.as_str()), (6, "network"));
    assert!(message.contains("whole file"), "{message}");
}

#[test]
fn endless_headers_end() {
    let (code, kind, _) = scan(|_| Reply::endless_headers());
    assert_eq!((code, kind.as_str()), (6, "network"));
}

#[test]
fn redirects_in_a_loop_end() {
    let server = Server::start(|asked| {
        let next = if asked.path.starts_with("/a") {
            "/b"
        } else {
            "/a"
        };
        Reply::new(302, b"").with("Location", next)
    });
    let (code, kind, message) = scan_at(&server.url("/a"));
    assert_eq!((code, kind.as_str()), (6, "network"));
    assert!(message.contains("more than 5"), "{message}");
    assert_eq!(server.asked().len(), 6);
}

#[test]
fn redirect_to_a_file_or_another_scheme_is_refused() {
    for place in [
        "file:///etc/passwd",
        "data:text/plain,x",
        "ftp://127.0.0.1/x",
    ] {
        let (code, kind, message) = scan(move |_| Reply::new(302, b"").with("Location", place));
        assert_eq!((code, kind.as_str()), (6, "network"), "{place}");
        assert!(message.contains("redirects to a"), "{message}");
    }
}

#[test]
fn server_that_stalls_is_given_up() {
    let began = Instant::now();
    for sent in [0, 1, 50_000] {
        let bytes = data();
        let (code, kind, message) = scan(move |asked| {
            let reply = Reply::honest(asked, &bytes, "v1");
            if asked.number == 0 && sent > 0 {
                reply
            } else {
                reply.stalled(sent)
            }
        });
        assert_eq!((code, kind.as_str()), (6, "network"), "{sent}");
        assert!(message.contains("takes too long"), "{message}");
    }
    assert!(began.elapsed() < Duration::from_secs(120));
}

#[test]
fn file_that_changes_under_way_is_an_error_that_says_so() {
    // With a strong validator the server refuses; without, the answers differ.
    for has_etag in [true, false] {
        let (old, new) = (data(), lines(19_000, 8));
        let (code, kind, message) = scan(move |asked| {
            let (bytes, etag) = if asked.number == 0 {
                (&old, "v1")
            } else {
                (&new, "v2")
            };
            let reply = Reply::honest(asked, bytes, etag);
            if has_etag {
                reply
            } else {
                reply.without("ETag")
            }
        });
        assert_eq!((code, kind.as_str()), (4, "integrity"));
        assert!(message.contains("changed while"), "{message}");
    }
}

#[test]
fn server_that_ignores_the_validator_does_not_mix_states() {
    let (old, new) = (data(), lines(20_000, 9));
    let (code, kind, message) = scan(move |asked| {
        let (bytes, etag) = if asked.number == 0 {
            (&old, "v1")
        } else {
            (&new, "v2")
        };
        let range = asked.range(bytes.len()).unwrap();
        let value = format!("bytes {}-{}/{}", range.start, range.end - 1, bytes.len());
        Reply::new(206, &bytes[range])
            .with("Content-Range", &value)
            .with("ETag", &format!("\"{etag}\""))
    });
    assert_eq!((code, kind.as_str()), (4, "integrity"));
    assert!(message.contains("changed while"), "{message}");
}

#[test]
fn password_of_a_url_reaches_no_other_host() {
    let home = home();
    let bytes = lines(10, 1);
    let other = Server::of(bytes);
    let to = other.url("/x.jsonl?sig=1");
    let first = Server::start(move |_| Reply::new(302, b"").with("Location", &to));
    let url = first
        .url("/x.jsonl")
        .replace("http://", "http://user:secret@");
    let out = program(home.path())
        .args(["-vv", "inspect", "lines", &url])
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let asked = &first.asked()[0];
    assert!(asked.header("authorization").unwrap().starts_with("Basic "));
    assert_eq!(other.asked()[0].header("authorization"), None);
    let said = [out.stdout, out.stderr].concat();
    assert!(!String::from_utf8_lossy(&said).contains("secret"));
}

#[test]
fn status_of_missing_and_refused_things_has_its_exit_code() {
    for (status, code, kind) in [
        (404, 3, "not_found"),
        (410, 3, "not_found"),
        (401, 5, "denied"),
        (403, 5, "denied"),
        (451, 6, "network"),
    ] {
        let found = scan(move |_| Reply::new(status, b"no"));
        assert_eq!((found.0, found.1.as_str()), (code, kind), "{status}");
    }
}

#[test]
fn busy_server_is_asked_again_when_it_says() {
    let home = home();
    let bytes = lines(10, 1);
    for status in [408, 429, 500, 502, 503, 504] {
        let (bytes, times) = (bytes.clone(), Arc::new(Mutex::new(Vec::new())));
        let log = Arc::clone(&times);
        let server = Server::start(move |asked| {
            log.lock().unwrap().push(Instant::now());
            match asked.number {
                0 => Reply::new(status, b"busy").with("Retry-After", "1"),
                _ => Reply::honest(asked, &bytes, "v1"),
            }
        });
        let out = program(home.path())
            .args(["inspect", "lines", &server.url("/x.jsonl")])
            .output()
            .unwrap();
        assert!(out.status.success(), "{status}");
        let times = times.lock().unwrap();
        assert_eq!(times.len(), 2, "{status}");
        assert!(times[1] - times[0] >= Duration::from_secs(1), "{status}");
    }
}

#[test]
fn server_that_asks_to_wait_for_long_is_not_waited_for() {
    let (code, kind, message) = scan(|_| Reply::new(503, b"").with("Retry-After", "86400"));
    assert_eq!((code, kind.as_str()), (6, "network"));
    assert!(message.contains("86400 seconds"), "{message}");
}

#[test]
fn broken_answer_is_no_answer() {
    let (code, kind, message) = scan_at("http://127.0.0.1:1/x.jsonl");
    assert_eq!((code, kind.as_str()), (6, "network"));
    assert!(message.contains("cannot reach"), "{message}");
}
