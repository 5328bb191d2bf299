//! The S3 door, as clients of S3 meet it. `tests/independent/check_s3_door.py` has the clients themselves.

use std::os::unix::ffi::OsStrExt as _;

use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use sha2::Digest as _;
use sha2::Sha256;

use super::Place;
use super::Server;
use crate::support::http::Reply;
use crate::support::http::ask;
use crate::support::program;

const DAY: i64 = 24 * 60 * 60;

/// A place with two versions of a directory with subdirectories, and a dataset of one file.
fn place() -> Place {
    let place = Place::empty();
    for (path, bytes) in [
        ("corpus/README.md", "# Corpus\n"),
        ("corpus/data/a.jsonl", "{\"a\":1}\n"),
        ("corpus/data/b.jsonl", "{\"b\":1}\n"),
        ("corpus/data/deep/c.jsonl", "{\"c\":1}\n"),
        ("corpus/z.bin", "z"),
    ] {
        place.write(path, bytes.as_bytes());
    }
    place.index("corpus", "corpus", &["--version", "1.0.0"]);
    place.write("corpus/data/a.jsonl", b"{\"a\":2}\n");
    place.index("corpus", "corpus", &["--version", "1.1.0"]);
    place.write("one.jsonl", "{\"text\":\"one\"}\n".repeat(400).as_bytes());
    place.index("one.jsonl", "one", &[]);
    place
}

/// The texts of all elements of a name.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(&open).skip(1);
    let texts = parts.map(|part| part.split(&close).next().unwrap());
    texts
        .map(|text| {
            text.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&")
        })
        .collect()
}

fn code(reply: &Reply) -> (u16, String) {
    (reply.status, texts(&reply.text(), "Code").concat())
}

fn list(server: &Server, query: &str) -> String {
    let reply = server.get_s3(&format!("/datasets?{query}"), &[]);
    assert_eq!(reply.status, 200, "{query}: {}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/xml"));
    reply.text()
}

/// Keys, and the beginnings of keys.
fn entries(xml: &str) -> (Vec<String>, Vec<String>) {
    let directories = xml.split("<CommonPrefixes>").skip(1).collect::<String>();
    (texts(xml, "Key"), texts(&directories, "Prefix"))
}

#[test]
fn listing_has_keys_sizes_and_tags_of_all_versions() {
    let place = place();
    let server = place.serve(&[]);
    let xml = list(&server, "list-type=2");
    let mut wanted = Vec::new();
    for version in ["1.0.0", "1.1.0"] {
        for path in [
            "README.md",
            "data/a.jsonl",
            "data/b.jsonl",
            "data/deep/c.jsonl",
            "z.bin",
        ] {
            wanted.push(format!("local/corpus@{version}/{path}"));
        }
    }
    wanted.push("local/one@0.1.0/one.jsonl".to_owned());
    assert_eq!(entries(&xml), (wanted.clone(), Vec::new()));
    assert_eq!(texts(&xml, "KeyCount"), ["11"]);
    let tags = texts(&xml, "ETag");
    for ((key, size), tag) in wanted.iter().zip(texts(&xml, "Size")).zip(tags) {
        let object = server.get_s3(&format!("/datasets/{key}"), &[]);
        assert_eq!(object.status, 200, "{key}");
        assert_eq!(object.body.len().to_string(), size, "{key}");
        let hash = blake3::hash(&object.body).to_hex();
        assert_eq!(tag, format!("&quot;{hash}&quot;"), "{key}");
        assert_eq!(object.header("etag"), Some(format!("\"{hash}\"").as_str()));
        assert_eq!(object.header("x-amz-meta-dataset").unwrap().len(), 64);
    }
    // A slash behind the bucket changes nothing.
    let slash = server.get_s3("/datasets/?list-type=2", &[]);
    assert_eq!(slash.text(), xml);
}

#[test]
fn listing_by_delimiter_and_page_has_each_entry_once() {
    let place = place();
    let server = place.serve(&[]);
    let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    for (query, keys, directories) in [
        ("delimiter=/", &[][..], &["local/"][..]),
        (
            "delimiter=/&prefix=local/",
            &[],
            &[
                "local/corpus@1.0.0/",
                "local/corpus@1.1.0/",
                "local/one@0.1.0/",
            ],
        ),
        (
            "delimiter=/&prefix=local/corpus@1.0.0/",
            &["local/corpus@1.0.0/README.md", "local/corpus@1.0.0/z.bin"],
            &["local/corpus@1.0.0/data/"],
        ),
        (
            "delimiter=/&prefix=local/corpus@1.0.0/data",
            &[],
            &["local/corpus@1.0.0/data/"],
        ),
        ("delimiter=/&prefix=nobody/", &[], &[]),
        (
            "delimiter=%40&prefix=local/",
            &[],
            &["local/corpus@", "local/one@"],
        ),
        (
            "start-after=local/corpus@1.1.0/data/deep/c.jsonl&prefix=local/corpus",
            &["local/corpus@1.1.0/z.bin"],
            &[],
        ),
        ("max-keys=0", &[], &[]),
        // Asked for by name.
        (
            "delimiter=/&prefix=local/corpus@latest/",
            &["local/corpus@latest/README.md", "local/corpus@latest/z.bin"],
            &["local/corpus@latest/data/"],
        ),
        (
            "delimiter=/&prefix=local/corpus@latest",
            &[],
            &["local/corpus@latest/"],
        ),
    ] {
        let found = entries(&list(&server, &format!("list-type=2&{query}")));
        assert_eq!(found, (own(keys), own(directories)), "{query}");
    }
    for delimiter in ["", "&delimiter=/&prefix=local/corpus@1.1.0/"] {
        let whole = entries(&list(&server, &format!("list-type=2{delimiter}")));
        let (mut found, mut token) = ((Vec::new(), Vec::new()), String::new());
        loop {
            let xml = list(
                &server,
                &format!("list-type=2&max-keys=1{delimiter}{token}"),
            );
            let page = entries(&xml);
            found.0.extend(page.0);
            found.1.extend(page.1);
            match texts(&xml, "NextContinuationToken").pop() {
                None => break assert_eq!(texts(&xml, "IsTruncated"), ["false"]),
                Some(next) => token = format!("&continuation-token={next}"),
            }
        }
        assert_eq!(found, whole, "{delimiter}");
        let (mut found, mut marker) = ((Vec::new(), Vec::new()), String::new());
        loop {
            let xml = list(&server, &format!("max-keys=1{delimiter}{marker}"));
            let page = entries(&xml);
            let last = page.0.last().or(page.1.last()).unwrap().clone();
            found.0.extend(page.0);
            found.1.extend(page.1);
            if texts(&xml, "IsTruncated") == ["false"] {
                break;
            }
            assert!(delimiter.is_empty() || texts(&xml, "NextMarker") == [last.as_str()]);
            marker = format!("&marker={last}");
        }
        assert_eq!(found, whole, "{delimiter}");
    }
}

#[test]
fn contents_and_aliases_are_read_and_not_listed_at_the_root() {
    let place = place();
    let id = place.answer(&["resolve", "corpus@1.0.0"])["content_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let hex = id.trim_start_matches("alimentar:");
    place.answer(&["alias", "corpus@prod", "1.0.0"]);
    let server = place.serve(&[]);
    let read = |key: &str| server.get_s3(&format!("/datasets/{key}/data/a.jsonl"), &[]);
    for old in [
        "local/corpus@1.0.0",
        "local/corpus@prod",
        "local%2Fcorpus%401.0",
        &format!("by-id/{hex}"),
        &format!("local/corpus@{}", &hex[..12]),
    ] {
        assert_eq!(read(old).text(), "{\"a\":1}\n", "{old}");
    }
    for new in ["local/corpus@latest", "local/corpus@1", "local/corpus@%5E1"] {
        assert_eq!(read(new).text(), "{\"a\":2}\n", "{new}");
    }
    let immutable = read(&format!("by-id/{hex}"));
    assert!(
        immutable
            .header("cache-control")
            .unwrap()
            .contains("immutable")
    );
    assert_eq!(read("local/corpus@latest").header("cache-control"), None);
    for absent in [
        "local/corpus",
        "local/corpus@2",
        "by-id",
        &format!("by-id/{}", &hex[..20]),
        "lab/corpus@1.0.0",
    ] {
        assert_eq!(
            code(&read(absent)),
            (404, "NoSuchKey".to_owned()),
            "{absent}"
        );
    }
    assert!(!list(&server, "list-type=2").contains("by-id"));
    let (keys, _) = entries(&list(&server, &format!("list-type=2&prefix=by-id/{hex}/")));
    assert_eq!(keys.len(), 5);
    let (_, directories) = entries(&list(&server, "list-type=2&delimiter=/&prefix=by-id/"));
    assert_eq!(directories.len(), 3);
}

#[test]
fn directory_is_no_object_and_a_bucket_has_a_region() {
    let place = place();
    let server = place.serve(&[]);
    let head = |path: &str| ask(&server.s3(), "HEAD", path, &[], b"");
    for key in [
        "local",
        "local/",
        "local/corpus@1.0.0",
        "local/corpus@1.0.0/",
        "local/corpus@1.0.0/data",
        "local/corpus@1.0.0/data/",
    ] {
        let reply = head(&format!("/datasets/{key}"));
        assert_eq!((reply.status, reply.body.len()), (404, 0), "{key}");
    }
    let object = head("/datasets/local/corpus@1.0.0/z.bin");
    assert_eq!(
        (object.status, object.header("content-length")),
        (200, Some("1"))
    );
    assert_eq!(object.header("accept-ranges"), Some("bytes"));
    assert_eq!(
        head("/datasets").header("x-amz-bucket-region"),
        Some("us-east-1")
    );
    assert_eq!(head("/other").status, 404);
    let location = server.get_s3("/datasets?location", &[]).text();
    assert!(
        location.contains("<LocationConstraint xmlns="),
        "{location}"
    );
    assert_eq!(texts(&server.get_s3("/", &[]).text(), "Name"), ["datasets"]);
    assert_eq!(
        code(&server.get_s3("/other?list-type=2", &[])),
        (404, "NoSuchBucket".to_owned())
    );
}

#[test]
fn requests_that_write_or_that_s3_has_elsewhere_are_refused() {
    let place = place();
    let server = place.serve(&[]);
    let key = "/datasets/local/corpus@1.0.0/z.bin";
    for (method, path) in [
        ("PUT", key),
        ("PUT", "/datasets/new"),
        ("PUT", "/mine"),
        ("DELETE", key),
        ("DELETE", "/datasets"),
        ("POST", "/datasets?delete"),
        ("POST", &format!("{key}?uploads")),
        ("PUT", &format!("{key}?acl")),
    ] {
        let reply = ask(&server.s3(), method, path, &[], b"x");
        assert_eq!(
            code(&reply),
            (403, "AccessDenied".to_owned()),
            "{method} {path}"
        );
    }
    let patch = ask(&server.s3(), "PATCH", key, &[], b"");
    assert_eq!(code(&patch), (405, "MethodNotAllowed".to_owned()));
    assert_eq!(patch.header("allow"), Some("GET, HEAD"));
    for path in [
        "/datasets?acl",
        "/datasets?versions",
        "/datasets?uploads",
        "/datasets?policy",
        &format!("{key}?acl"),
        &format!("{key}?tagging"),
        &format!("{key}?uploadId=1"),
    ] {
        assert_eq!(
            code(&server.get_s3(path, &[])),
            (501, "NotImplemented".to_owned()),
            "{path}"
        );
    }
    for path in [
        "/datasets?list-type=3",
        "/datasets?list-type=2&max-keys=-1",
        "/datasets?list-type=2&continuation-token=x",
        "/datasets?encoding-type=x",
        &format!("{key}?versionId=1"),
    ] {
        assert_eq!(
            code(&server.get_s3(path, &[])),
            (400, "InvalidArgument".to_owned()),
            "{path}"
        );
    }
    for query in [
        "response-content-type=text/html",
        "x-id=GetObject",
        "partNumber=1",
        "versionId=null",
    ] {
        let reply = server.get_s3(&format!("{key}?{query}"), &[]);
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, Some("binary/octet-stream")),
            "{query}"
        );
    }
    let error = server.get_s3("/datasets/a&%3Cb%3E", &[]);
    assert_eq!(texts(&error.text(), "Resource"), ["/datasets/a&%3Cb%3E"]);
    assert_eq!(texts(&error.text(), "Key"), ["a&<b>"]);
    let id = error.header("x-amz-request-id").unwrap().to_owned();
    assert_eq!(texts(&error.text(), "RequestId"), [id]);
}

#[test]
fn conditions_and_ranges_fail_as_in_s3() {
    let place = place();
    let server = place.serve(&[]);
    let key = "/datasets/local/corpus@1.0.0/README.md";
    let get = |headers: &[(&str, &str)]| server.get_s3(key, headers);
    assert_eq!(get(&[("Range", "bytes=-4")]).text(), "pus\n");
    // Of several ranges, S3 answers the whole.
    let several = get(&[("Range", "bytes=0-1,3-4")]);
    assert_eq!((several.status, several.body.len()), (200, 9));
    let beyond = get(&[("Range", "bytes=9-")]);
    assert_eq!(code(&beyond), (416, "InvalidRange".to_owned()));
    assert_eq!(beyond.header("content-range"), Some("bytes */9"));
    assert_eq!(
        code(&get(&[("If-Match", "\"0\"")])),
        (412, "PreconditionFailed".to_owned())
    );
    let tag = get(&[]).header("etag").unwrap().to_owned();
    assert_eq!(get(&[("If-None-Match", &tag)]).status, 304);
    assert_eq!(
        get(&[("If-Match", &tag), ("Range", "bytes=0-0")]).status,
        206
    );
}

#[test]
fn keys_with_any_character_are_listed_and_read() {
    let place = Place::empty();
    let names = [
        "a b+c",
        "x&y<z>\"'",
        "é/ü",
        "per%cent",
        "#?;=:@,$",
        "tab\tline\nend",
        "low\u{1}\u{7f}",
        "..dots../.x",
        "a\\b",
    ];
    for name in names {
        let path = place
            .path("odd")
            .join(std::ffi::OsStr::from_bytes(name.as_bytes()));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, name).unwrap();
    }
    place.index("odd", "odd", &[]);
    let server = place.serve(&[]);
    let xml = list(
        &server,
        "list-type=2&encoding-type=url&prefix=local/odd@0.1.0/",
    );
    let keys = texts(&xml, "Key");
    assert_eq!(keys.len(), names.len(), "{xml}");
    let mut read = Vec::new();
    for key in keys {
        // The coded key is a path.
        let object = server.get_s3(&format!("/datasets/{key}"), &[]);
        assert_eq!(object.status, 200, "{key}");
        read.push(object.text());
    }
    let mut wanted: Vec<&str> = names.to_vec();
    wanted.sort_unstable();
    assert_eq!(read, wanted);
    // Without the coding, characters that XML has not are references, which parsers refuse.
    let xml = list(&server, "list-type=2");
    assert!(
        xml.contains("low&#1;&#127;") && xml.contains("tab&#9;line&#10;end"),
        "{xml}"
    );
}

/// The keys of a token.
struct Keys {
    access_key: String,
    secret: String,
}

impl Keys {
    fn add(place: &Place, name: &str, more: &[&str]) -> Self {
        let made = place.answer(&[&["registry", "token", "add", name], more].concat());
        assert_eq!(made["secret"], made["tokens"][0]["secret"]);
        Self {
            access_key: made["tokens"][0]["access_key"].as_str().unwrap().to_owned(),
            secret: made["secret"].as_str().unwrap().to_owned(),
        }
    }

    /// Sends a signed request, some seconds from now.
    fn get(&self, server: &Server, path: &str, seconds: i64) -> Reply {
        let (instant, date) = instant(seconds);
        let empty = hex(&Sha256::digest(b""));
        let host = server.s3();
        let (plain, query) = path.split_once('?').unwrap_or((path, ""));
        let names = "host;x-amz-content-sha256;x-amz-date";
        let canonical = format!(
            "GET\n{}\n{query}\nhost:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:{instant}\n\n{names}\n{empty}",
            plain.replace('@', "%40")
        );
        let scope = format!("{date}/eu-central-1/s3/aws4_request");
        let digest = hex(&Sha256::digest(canonical.as_bytes()));
        let text = format!("AWS4-HMAC-SHA256\n{instant}\n{scope}\n{digest}");
        let mut key = format!("AWS4{}", self.secret).into_bytes();
        for step in [date.as_str(), "eu-central-1", "s3", "aws4_request", &text] {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            mac.update(step.as_bytes());
            key = mac.finalize().into_bytes().to_vec();
        }
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
            self.access_key,
            hex(&key)
        );
        let headers = [
            ("x-amz-content-sha256", empty.as_str()),
            ("x-amz-date", &instant),
            ("Authorization", &authorization),
        ];
        ask(&host, "GET", path, &headers, b"")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A time some seconds from now, as `20130524T000000Z`, and its day.
fn instant(seconds: i64) -> (String, String) {
    let now = alimentar::registry::host::now().0 + seconds;
    let text = alimentar::clock::Timestamp(now).to_rfc3339();
    let text = text.replace(['-', ':'], "");
    let date = text[..8].to_owned();
    (text, date)
}

#[test]
fn signed_request_sees_the_datasets_of_its_token_until_it_is_revoked() {
    let place = place();
    let (all, one) = (
        Keys::add(&place, "all", &[]),
        Keys::add(&place, "one", &["--dataset", "one"]),
    );
    let mut server = place.serve(&["--access", "listed"]);
    let (corpus, single) = (
        "/datasets/local/corpus@1.0.0/z.bin",
        "/datasets/local/one@0.1.0/one.jsonl",
    );
    assert_eq!(
        code(&server.get_s3(corpus, &[])),
        (403, "AccessDenied".to_owned())
    );
    assert_eq!(
        code(&server.get_s3("/datasets?list-type=2", &[])),
        (403, "AccessDenied".to_owned())
    );
    for path in [
        corpus,
        single,
        "/",
        "/datasets?list-type=2",
        "/datasets?location=",
    ] {
        assert_eq!(all.get(&server, path, 0).status, 200, "{path}");
    }
    assert_eq!(one.get(&server, single, 0).status, 200);
    assert_eq!(
        code(&one.get(&server, corpus, 0)),
        (404, "NoSuchKey".to_owned())
    );
    let listed = one.get(&server, "/datasets?list-type=2", 0).text();
    assert_eq!(texts(&listed, "Key"), ["local/one@0.1.0/one.jsonl"]);
    place.answer(&["registry", "token", "revoke", "one"]);
    assert_eq!(
        code(&one.get(&server, single, 0)),
        (403, "InvalidAccessKeyId".to_owned())
    );
    assert_eq!(all.get(&server, single, 0).status, 200);
    // The log names the token, and the list says that it was used. A thread writes that.
    let logged = std::iter::repeat_with(|| server.event("request")).find(|e| e["token"] == "one");
    assert_eq!(logged.unwrap()["door"], "s3");
    crate::support::wait::until("the use is written", || {
        place.answer(&["token", "list"])["tokens"][0]["last_used"].is_string()
    });
}

#[test]
fn forged_or_late_signature_is_refused_also_where_nobody_needs_one() {
    let place = place();
    let keys = Keys::add(&place, "all", &[]);
    let server = place.serve(&[]);
    let key = "/datasets/local/corpus@1.0.0/z.bin";
    assert_eq!(server.get_s3(key, &[]).status, 200);
    assert_eq!(keys.get(&server, key, 0).status, 200);
    for seconds in [-DAY, -1000, 1000, DAY] {
        let reply = keys.get(&server, key, seconds);
        assert_eq!(
            code(&reply),
            (403, "RequestTimeTooSkewed".to_owned()),
            "{seconds}"
        );
    }
    let forged = Keys {
        access_key: keys.access_key.clone(),
        secret: "alim_guess".to_owned(),
    };
    assert_eq!(
        code(&forged.get(&server, key, 0)),
        (403, "SignatureDoesNotMatch".to_owned())
    );
    let unknown = Keys {
        access_key: "ALIMAAAAAAAAAAAAAAAA".to_owned(),
        secret: keys.secret.clone(),
    };
    assert_eq!(
        code(&unknown.get(&server, key, 0)),
        (403, "InvalidAccessKeyId".to_owned())
    );
    for header in ["Bearer x", "AWS a:b", "AWS4-HMAC-SHA256 Credential=a", "x"] {
        let reply = server.get_s3(key, &[("Authorization", header)]);
        assert_eq!(reply.status, 400, "{header}: {}", reply.text());
    }
    let session = server.get_s3(&format!("{key}?X-Amz-Algorithm=AWS4-HMAC-SHA256"), &[]);
    assert_eq!(
        code(&session),
        (400, "AuthorizationQueryParametersError".to_owned())
    );
}

#[test]
fn own_client_of_s3_lists_and_reads() {
    let place = place();
    let keys = Keys::add(&place, "own", &[]);
    let run = |server: &Server, words: &[&str], keys: Option<&Keys>| {
        let mut command = program(&place.path("elsewhere"));
        command.args(words);
        command.env("AWS_ENDPOINT_URL", format!("http://{}", server.s3()));
        command
            .env("AWS_REGION", "us-east-1")
            .env_remove("AWS_PROFILE");
        match keys {
            Some(keys) => {
                command.env("AWS_ACCESS_KEY_ID", &keys.access_key);
                command.env("AWS_SECRET_ACCESS_KEY", &keys.secret)
            }
            None => command
                .env_remove("AWS_ACCESS_KEY_ID")
                .env_remove("AWS_SECRET_ACCESS_KEY"),
        };
        command.output().unwrap()
    };
    let server = place.serve(&["--access", "listed"]);
    let url = "s3://datasets/local/corpus@1.1.0/data/a.jsonl";
    let read = run(&server, &["cat", url], Some(&keys));
    assert_eq!(
        String::from_utf8_lossy(&read.stdout),
        "{\"a\":2}\n",
        "{read:?}"
    );
    let listed = run(
        &server,
        &["--json", "ls", "s3://datasets/local/corpus@1.1.0/"],
        Some(&keys),
    );
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["files"].as_array().unwrap().len(), 5, "{listed}");
    assert!(!run(&server, &["cat", url], None).status.success());
    drop(server);
    let server = place.serve(&[]);
    let read = run(&server, &["cat", url], None);
    assert_eq!(
        String::from_utf8_lossy(&read.stdout),
        "{\"a\":2}\n",
        "{read:?}"
    );
}
