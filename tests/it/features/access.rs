//! Access to a server, and clients that mean no good.

use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;

use serde_json::json;

use super::Place;
use super::Server;
use crate::support::program;
use crate::support::wait::PATIENCE;

#[test]
fn server_on_loopback_is_reached_by_its_own_names() {
    let place = Place::new();
    let server = place.serve(&[]);
    assert!(server.ready["token_file"].is_null());
    for host in ["localhost", "127.0.0.1:1", "[::1]:8080"] {
        assert_eq!(
            server.ask("GET", "/health", &[("Host", host)], b"").status,
            200,
            "{host}"
        );
    }
    let rebound = server.ask("GET", "/health", &[("Host", "example.com")], b"");
    assert_eq!(rebound.status, 403);
    let page = [("Origin", "http://example.com")];
    assert_eq!(server.ask("GET", "/health", &page, b"").status, 403);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn server_that_others_reach_wants_the_token() {
    let place = Place::new();
    let config = place.config();
    let server = Server::start(&place.home(), &["-c", &config, "--http", "0.0.0.0:0"]);
    let file = server.ready["token_file"].as_str().unwrap();
    assert!(file.ends_with("features.token"), "{file}");
    let token = std::fs::read_to_string(file).unwrap();
    assert_eq!(server.get("/health").status, 401);
    assert_eq!(
        server.get("/health").header("www-authenticate"),
        Some("Bearer")
    );
    let bearer = format!("Bearer {}", token.trim());
    let given = [("Authorization", bearer.as_str()), ("Host", "node.example")];
    assert_eq!(server.ask("GET", "/health", &given, b"").status, 200);
    let mut command = program(&place.home());
    command.env("ALIMENTAR_FEATURES_TOKEN", "0123456789abcdef");
    let server = Server::of(command, &["-c", &config, "--http", "0"]);
    assert_eq!(server.get("/health").status, 401);
    let given = [("Authorization", "bearer 0123456789abcdef")];
    assert_eq!(server.ask("GET", "/health", &given, b"").status, 200);
}

#[test]
fn requests_beyond_the_limits_are_refused() {
    let place = Place::new();
    let server = place.serve(&[]);
    let path = "/api/v1/table/users/fetch";
    let long = [("Content-Length", "99999999999")];
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n{}: {}\r\n\r\n",
        long[0].0, long[0].1
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 32];
    let read = stream.read(&mut answer).unwrap();
    assert!(
        answer[..read].starts_with(b"HTTP/1.1 413"),
        "{:?}",
        &answer[..read]
    );
    let keys: Vec<u32> = (0..1_000_001).collect();
    let many = server.post(path, &json!({"keys": {"user_id": keys}}));
    assert!([400, 413].contains(&many.status), "{}", many.text());
    let deep = format!("{{\"keys\":{}", "[".repeat(100_000));
    assert_eq!(server.ask("POST", path, &[], deep.as_bytes()).status, 400);
    // It is as well as before.
    assert_eq!(server.post(path, &json!({"keys": ["a"]})).status, 200);
}

#[test]
fn server_at_an_address_that_is_taken_ends_with_an_error() {
    let place = Place::new();
    let server = place.serve(&[]);
    let address = server.address();
    let words = place.words(&["serve", "--http", &address]);
    let out = program(&place.home()).args(words).output().unwrap();
    assert!(!out.status.success());
    assert!(
        String::from_utf8_lossy(&out.stderr).contains(&address),
        "{out:?}"
    );
}
