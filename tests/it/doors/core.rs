//! The common ground of all doors: access, hosts, origins, paths, ranges, damage, the access log.

use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;

use super::Place;
use super::Server;
use crate::support::lines;

const FILE: &str = "/datasets/local/things/resolve/main/things.jsonl";

/// A place with a dataset of one file, whose bytes are returned.
fn with_file(rows: usize) -> (Place, Vec<u8>) {
    let place = Place::empty();
    let bytes = lines(rows, 7);
    place.write("things.jsonl", &bytes);
    place.index("things.jsonl", "things", &[]);
    (place, bytes)
}

#[test]
fn ready_line_names_the_doors_and_the_node_ends_cleanly() {
    let (place, _) = with_file(10);
    let server = place.serve(&[]);
    for door in ["http", "s3"] {
        assert!(
            server.ready[door]
                .as_str()
                .unwrap()
                .starts_with("http://127.0.0.1:")
        );
    }
    let health = server.get("/healthz");
    assert_eq!((health.status, health.text().as_str()), (200, "ok\n"));
    assert_eq!(server.get(FILE).status, 200);
    let metrics = server.get("/metrics").text();
    assert!(
        metrics.contains("alimentar_door_requests_total{door=\"http\",status=\"2xx\"} 2"),
        "{metrics}"
    );
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn ranges_of_a_file_are_those_of_its_bytes() {
    let (place, bytes) = with_file(12_000);
    let server = place.serve(&[]);
    assert!(
        bytes.len() > 600_000,
        "more than two blocks: {}",
        bytes.len()
    );
    let whole = server.get(FILE);
    assert!(whole.body == bytes);
    let etag = whole.header("etag").unwrap().to_owned();
    assert_eq!(
        etag.trim_matches('"'),
        blake3::hash(&bytes).to_hex().as_str()
    );
    let n = bytes.len();
    let mut ranges = vec![
        (0, 0),
        (0, n - 1),
        (n - 1, n - 1),
        (262_143, 262_144),
        (262_144, 524_287),
    ];
    ranges.extend((0..40).map(|k| {
        let (a, b) = (k * 7_919 % n, k * k * 104_729 % n);
        (a.min(b), a.max(b))
    }));
    for (from, to) in ranges {
        let range = format!("bytes={from}-{to}");
        let part = server.ask("GET", FILE, &[("Range", &range)], b"");
        assert_eq!(part.status, 206, "{range}");
        assert!(part.body == bytes[from..=to], "{range}");
        assert_eq!(
            part.header("content-range").unwrap(),
            format!("bytes {from}-{to}/{n}")
        );
        assert_eq!(part.header("etag").unwrap(), etag);
    }
    let tail = server.ask("GET", FILE, &[("Range", "bytes=-100")], b"");
    assert_eq!(tail.body, bytes[n - 100..]);
    let beyond = server.ask("GET", FILE, &[("Range", &format!("bytes={n}-"))], b"");
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, Some(format!("bytes */{n}").as_str()))
    );
    let head = server.ask("HEAD", FILE, &[("Range", "bytes=5-9")], b"");
    assert_eq!(
        (head.status, head.header("content-length"), head.body.len()),
        (206, Some("5"), 0)
    );
}

#[test]
fn several_ranges_come_in_parts() {
    let (place, bytes) = with_file(100);
    let server = place.serve(&[]);
    let reply = server.ask("GET", FILE, &[("Range", "bytes=0-3,10-12")], b"");
    assert_eq!(reply.status, 206);
    let kind = reply.header("content-type").unwrap();
    let boundary = kind.split_once("boundary=").unwrap().1.to_owned();
    let text = reply.text();
    let parts: Vec<&str> = text.split(&format!("--{boundary}")).collect();
    assert_eq!(parts.len(), 4, "{text}");
    assert!(parts[1].ends_with(&format!(
        "\r\n\r\n{}\r\n",
        String::from_utf8_lossy(&bytes[0..4])
    )));
    assert!(parts[2].contains(&format!("Content-Range: bytes 10-12/{}", bytes.len())));
    assert_eq!(parts[3], "--\r\n");
}

#[test]
fn conditions_compare_with_the_content() {
    let (place, bytes) = with_file(100);
    let server = place.serve(&[]);
    let etag = format!("\"{}\"", blake3::hash(&bytes).to_hex());
    let ask = |name: &str, value: &str| server.ask("GET", FILE, &[(name, value)], b"").status;
    assert_eq!(ask("If-None-Match", &etag), 304);
    assert_eq!(ask("If-None-Match", "\"other\""), 200);
    assert_eq!(ask("If-Match", &etag), 200);
    assert_eq!(ask("If-Match", "\"other\""), 412);
    assert_eq!(
        ask("If-Modified-Since", "Sun, 06 Nov 2044 08:49:37 GMT"),
        304
    );
    let stale = [("Range", "bytes=0-3"), ("If-Range", "\"other\"")];
    assert_eq!(server.ask("GET", FILE, &stale, b"").status, 200);
    let same = [("Range", "bytes=0-3"), ("If-Range", etag.as_str())];
    assert_eq!(server.ask("GET", FILE, &same, b"").status, 206);
}

#[test]
fn other_host_or_origin_is_refused() {
    let (place, _) = with_file(10);
    let server = place.serve(&["--origin", "https://lab.example"]);
    let status = |headers: &[(&str, &str)]| server.ask("GET", FILE, headers, b"").status;
    assert_eq!(status(&[("Host", "evil.example")]), 403);
    assert_eq!(status(&[("Host", "localhost:1")]), 200);
    assert_eq!(status(&[("Origin", "https://evil.example")]), 403);
    let permitted = server.ask("GET", FILE, &[("Origin", "https://lab.example")], b"");
    let allowed = permitted.header("access-control-allow-origin");
    assert_eq!(
        (permitted.status, allowed),
        (200, Some("https://lab.example"))
    );
    let question = [
        ("Origin", "https://lab.example"),
        ("Access-Control-Request-Method", "GET"),
    ];
    let preflight = server.ask("OPTIONS", FILE, &question, b"");
    assert_eq!(preflight.status, 204);
    assert!(
        preflight
            .header("access-control-allow-headers")
            .unwrap()
            .contains("range")
    );
}

#[test]
fn path_that_climbs_is_refused_at_both_doors() {
    let (place, _) = with_file(10);
    let server = place.serve(&[]);
    for path in [
        "/datasets/local/things/resolve/main/../../../../etc/passwd",
        "/datasets/local/things/resolve/main/%2e%2e/x",
        "/datasets/local/things/resolve/main/..%2f..%2fx",
        "/datasets/local/things/resolve/main/%00",
        "/%ff",
    ] {
        assert_eq!(server.get(path).status, 400, "{path}");
        assert_eq!(server.get_s3(path, &[]).status, 400, "{path}");
    }
}

#[test]
fn private_and_unshared_datasets_are_not_there() {
    let place = Place::empty();
    place.write("a.jsonl", b"{\"a\":1}\n");
    place.write("b.jsonl", b"{\"b\":1}\n");
    place.index("a.jsonl", "open", &[]);
    place.index("b.jsonl", "secret", &["--private"]);
    let server = place.serve(&[]);
    assert_eq!(
        server
            .get("/datasets/local/open/resolve/main/a.jsonl")
            .status,
        200
    );
    assert_eq!(
        server
            .get("/datasets/local/secret/resolve/main/b.jsonl")
            .status,
        404
    );
    assert!(!server.get("/").text().contains("secret"));
    assert!(
        !server
            .get_s3("/datasets?list-type=2", &[])
            .text()
            .contains("secret")
    );
    drop(server);
    let server = Server::start(&place.home(), &[]);
    assert_eq!(
        server
            .get("/datasets/local/open/resolve/main/a.jsonl")
            .status,
        404
    );
    place.answer(&["share", "open"]);
    assert_eq!(
        server
            .get("/datasets/local/open/resolve/main/a.jsonl")
            .status,
        200
    );
}

#[test]
fn listed_access_wants_a_token_until_it_is_revoked() {
    let place = Place::empty();
    place.write("a.jsonl", b"{\"a\":1}\n");
    place.write("b.jsonl", b"{\"b\":1}\n");
    place.index("a.jsonl", "first", &[]);
    place.index("b.jsonl", "second", &[]);
    let token = place.answer(&["registry", "token", "add", "lab", "--dataset", "first"]);
    let secret = format!("Bearer {}", token["tokens"][0]["secret"].as_str().unwrap());
    let mut server = place.serve(&["--access", "listed"]);
    let (first, second) = (
        "/datasets/local/first/resolve/main/a.jsonl",
        "/datasets/local/second/resolve/main/b.jsonl",
    );
    let status = |path: &str, token: &str| {
        server
            .ask("GET", path, &[("Authorization", token)], b"")
            .status
    };
    assert_eq!(server.get(first).status, 401);
    assert_eq!(status(first, "Bearer 0123456789"), 401);
    assert_eq!(status(first, &secret), 200);
    assert_eq!(status(second, &secret), 404);
    assert_eq!(server.get("/healthz").status, 200);
    place.answer(&["registry", "token", "revoke", "lab"]);
    assert_eq!(status(first, &secret), 401);
    // The log has the name of the token and no secret.
    let logged = std::iter::repeat_with(|| server.event("request")).find(|e| e["token"] == "lab");
    assert_eq!(logged.unwrap()["status"], 200);
}

#[test]
fn damage_is_an_error_or_a_broken_connection_and_never_wrong_bytes() {
    let (place, bytes) = with_file(60_000);
    let packs = place.home().join("packs");
    let pack = std::fs::read_dir(&packs)
        .unwrap()
        .map(|e| e.unwrap().path());
    let pack = pack
        .max_by_key(|path| std::fs::metadata(path).unwrap().len())
        .unwrap();
    let intact = std::fs::read(&pack).unwrap();
    let mut outcomes = [0, 0];
    for n in 1..8 {
        let mut damaged = intact.clone();
        let at = intact.len() / 8 * n;
        damaged[at] ^= 0x10;
        std::fs::write(&pack, &damaged).unwrap();
        let mut server = place.serve(&[]);
        let reply = server.get(FILE);
        if reply.status == 500 {
            outcomes[0] += 1;
        } else if reply.body.len() < bytes.len() {
            outcomes[1] += 1;
            assert!(reply.body == bytes[..reply.body.len()], "byte {at}");
            let event = server.event("request");
            let why = event["error"].as_str().unwrap();
            assert!(why.contains("things"), "{why}");
        } else {
            assert!(
                reply.body == bytes,
                "the byte {at} belongs to nothing that was read"
            );
        }
    }
    assert!(outcomes[1] > 0, "{outcomes:?}");
    std::fs::write(&pack, &intact).unwrap();
    assert!(place.serve(&[]).get(FILE).body == bytes);
}

#[test]
fn dataset_that_is_unindexed_while_it_is_read_ends_whole() {
    let (place, bytes) = with_file(200_000);
    let server = place.serve(&[]);
    let mut slow = TcpStream::connect(server.http()).unwrap();
    write!(
        slow,
        "GET {FILE} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        server.http()
    )
    .unwrap();
    let mut begun = [0; 4096];
    slow.read_exact(&mut begun).unwrap();
    place.answer(&["--yes", "unindex", "things"]);
    place.answer(&["--yes", "registry", "gc"]);
    assert_eq!(server.get(FILE).status, 404);
    let mut answer = begun.to_vec();
    slow.read_to_end(&mut answer).unwrap();
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    assert_eq!(answer.len() - end - 4, bytes.len());
    assert!(answer[end + 4..] == bytes);
}

#[test]
fn request_that_is_smuggled_or_too_large_is_refused() {
    let (place, _) = with_file(10);
    let server = place.serve(&[]);
    let send = |text: String| {
        let mut stream = TcpStream::connect(server.http()).unwrap();
        let _ = stream.write_all(text.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let line = String::from_utf8_lossy(&answer)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        line.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    let host = server.http();
    let both = format!(
        "POST /x HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    );
    assert_ne!(send(both), "200");
    let two = format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"
    );
    assert_eq!(send(two), "400");
    let long = format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nX: {}\r\n\r\n",
        "a".repeat(100_000)
    );
    assert_eq!(send(long), "431");
    let query = format!("/api/datasets?search={}", "a".repeat(20_000));
    assert_eq!(server.get(&query).status, 413);
    let flood = format!("bytes={}", vec!["0-0"; 40].join(","));
    assert_eq!(
        server.ask("GET", FILE, &[("Range", &flood)], b"").status,
        416
    );
}

#[test]
fn taken_address_ends_the_command_before_the_node_starts() {
    let (place, _) = with_file(10);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let words = [
        "registry",
        "serve",
        "--bind",
        "127.0.0.1",
        "--port",
        "0",
        "--no-mdns",
        "--http",
        &port,
    ];
    let error = crate::support::refused(&place.home(), &words, 1);
    assert!(
        error["message"].as_str().unwrap().contains(&port),
        "{error}"
    );
}

#[test]
fn tls_door_serves_with_a_certificate_that_is_given() {
    let (place, _) = with_file(10);
    let missing = ["registry", "serve", "--http", "0", "--tls-cert", "cert.pem"];
    let error = crate::support::refused(&place.home(), &missing, 2);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("belong together"),
        "{error}"
    );
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ])
        .args(["-keyout", place.path("key.pem").to_str().unwrap()])
        .args(["-out", place.path("cert.pem").to_str().unwrap()])
        .output()
        .unwrap();
    assert!(made.status.success());
    let (cert, key) = (place.path("cert.pem"), place.path("key.pem"));
    let server = place.serve(&[
        "--tls-cert",
        cert.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ]);
    let url = server.ready["http"].as_str().unwrap();
    assert!(url.starts_with("https://"), "{url}");
    let fetched = std::process::Command::new("curl")
        .args([
            "-sS",
            "--cacert",
            cert.to_str().unwrap(),
            &format!("{url}/healthz"),
        ])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&fetched.stdout),
        "ok\n",
        "{fetched:?}"
    );
    // Without TLS there is no answer.
    let mut plain = TcpStream::connect(url.strip_prefix("https://").unwrap()).unwrap();
    plain
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"));
}

#[test]
fn tls_door_makes_a_certificate_that_clients_pin() {
    let (place, _) = with_file(10);
    let server = place.serve(&["--tls"]);
    let text = |server: &Server, key: &str| server.ready[key].as_str().unwrap().to_owned();
    let (url, path, pin) = (
        text(&server, "http"),
        text(&server, "certificate"),
        text(&server, "pin"),
    );
    let fetch = |url: &str, words: &[&str]| {
        let mut curl = std::process::Command::new("curl");
        let out = curl
            .arg("-sS")
            .args(words)
            .arg(format!("{url}/healthz"))
            .output()
            .unwrap();
        String::from_utf8(out.stdout).unwrap()
    };
    assert_eq!(fetch(&url, &["--cacert", &path]), "ok\n");
    assert_eq!(fetch(&url, &["--insecure", "--pinnedpubkey", &pin]), "ok\n");
    assert_eq!(fetch(&url, &[]), "");
    let certificate = std::fs::read(&path).unwrap();
    drop(server);
    let server = place.serve(&["--tls"]);
    assert_eq!(text(&server, "pin"), pin);
    assert_eq!(std::fs::read(&path).unwrap(), certificate);
}

#[test]
fn lines_for_clients_are_printed_for_each() {
    let place = Place::empty();
    let words = ["registry", "serve", "--print-client"];
    let all = crate::support::run(&place.home(), &words);
    let text = String::from_utf8(all.stdout).unwrap();
    for client in [
        "hf", "datasets", "pandas", "polars", "duckdb", "pyarrow", "dask", "ray", "spark", "boto3",
        "aws", "s3fs", "rclone", "curl",
    ] {
        assert!(text.contains(&format!("# {client}\n")), "{client}\n{text}");
    }
    let one = crate::support::run(
        &place.home(),
        &[
            "registry",
            "serve",
            "--http",
            "9100",
            "--print-client",
            "hf",
        ],
    );
    let text = String::from_utf8(one.stdout).unwrap();
    assert!(text.contains("HF_ENDPOINT=http://127.0.0.1:9100"), "{text}");
    crate::support::refused(
        &place.home(),
        &["registry", "serve", "--print-client", "excel"],
        2,
    );
}
