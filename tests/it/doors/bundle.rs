//! The page that opens files in the browser, as a node serves it at `/open/`.

use std::process::Stdio;

use super::Place;
use super::Server;
use crate::support::program;

/// A directory with the files of the page, and one that is none of them.
fn bundle(place: &Place) -> String {
    place.write("page/index.html", b"<!doctype html><title>page</title>");
    place.write("page/alimentar.js", b"globalThis.ALIMENTAR = {};");
    place.write("page/service-worker.js", b"\"use strict\";");
    place.write("page/secret.txt", b"not served");
    place.write("secret.txt", b"not served either");
    place.path("page").to_str().unwrap().to_owned()
}

fn has_page(server: &Server) -> bool {
    let listed = server.get("/").text().contains("href=\"/open/\"");
    assert_eq!(listed, server.get("/open/").status == 200);
    listed
}

#[test]
fn files_of_the_page_are_served_with_types_and_a_policy() {
    let place = Place::empty();
    let server = place.serve(&["--web", &bundle(&place)]);
    assert!(has_page(&server));
    for (path, kind) in [
        ("/open/", "text/html; charset=utf-8"),
        ("/open/index.html", "text/html; charset=utf-8"),
        ("/open/alimentar.js", "text/javascript; charset=utf-8"),
        ("/open/service-worker.js", "text/javascript; charset=utf-8"),
    ] {
        let whole = server.get(path);
        assert_eq!(whole.status, 200, "{path}");
        assert_eq!(whole.header("content-type"), Some(kind), "{path}");
        assert_eq!(whole.header("x-content-type-options"), Some("nosniff"));
        let policy = whole.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(policy.contains("default-src 'none'"), "{policy}");
        let head = server.ask("HEAD", path, &[], b"");
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        let etag = whole.header("etag").unwrap();
        let again = server.ask("GET", path, &[("If-None-Match", etag)], b"");
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
    }
    let moved = server.get("/open");
    assert_eq!(
        (moved.status, moved.header("location")),
        (303, Some("/open/"))
    );
}

#[test]
fn other_files_of_the_directory_are_not_served() {
    let place = Place::empty();
    let server = place.serve(&["--web", &bundle(&place)]);
    for path in [
        "/open/secret.txt",
        "/open/manifest.webmanifest",
        "/open/page/index.html",
        "/open/index.html/x",
        "/open/%2e%2e%2fsecret.txt",
        "/open/..%2fsecret.txt",
        "/open/../secret.txt",
        "/open/alimentar.js%00",
        "/open//etc/passwd",
    ] {
        let reply = server.get(path);
        assert!(
            matches!(reply.status, 400 | 404),
            "{path}: {}",
            reply.status
        );
        assert!(!reply.text().contains("not served"), "{path}");
    }
    let post = server.ask("POST", "/open/", &[], b"x");
    assert_eq!(post.status, 405);
}

#[test]
fn page_of_the_configuration_is_served_and_none_without_one() {
    let place = Place::empty();
    bundle(&place);
    assert!(!has_page(&place.serve(&[])));
    let config = place.write("serve.toml", b"web = \"../page\"\n");
    let config = config.to_str().unwrap();
    assert!(has_page(&place.serve(&["--config", config])));
}

#[test]
fn replaced_page_is_served_at_once() {
    let place = Place::empty();
    let server = place.serve(&["--web", &bundle(&place)]);
    let before = server.get("/open/");
    place.write("page/index.html", b"<!doctype html><title>newer</title>");
    let after = server.get("/open/");
    assert!(after.text().contains("newer"));
    assert_ne!(before.header("etag"), after.header("etag"));
}

#[test]
fn directory_without_the_page_is_refused_with_a_hint() {
    let place = Place::empty();
    place.write("empty/readme.txt", b"");
    let mut command = program(&place.home());
    command.args([
        "registry",
        "serve",
        "--http",
        "0",
        "--port",
        "0",
        "--no-mdns",
        "--web",
    ]);
    command.arg(place.path("empty")).stdin(Stdio::null());
    let output = command.output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("has no index.html and no alimentar.js"),
        "{message}"
    );
    assert!(message.contains("hint: web/build.sh"), "{message}");
}

#[test]
fn page_needs_a_token_where_access_is_listed() {
    let place = Place::empty();
    let server = place.serve(&["--access", "listed", "--web", &bundle(&place)]);
    assert_eq!(server.get("/open/").status, 401);
}
