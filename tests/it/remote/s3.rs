//! Objects of S3: signed or anonymous requests, lists in pages.

use std::path::Path;
use std::process::Output;

use super::failure;
use super::home;
use super::program;
use super::server::Reply;
use super::server::Server;
use crate::support::lines;

fn ask(home: &Path, server: &Server, has_keys: bool, words: &[&str]) -> Output {
    let mut command = program(home);
    command.env("AWS_ENDPOINT_URL", server.url(""));
    if has_keys {
        command
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
            .env("AWS_SESSION_TOKEN", "session-secret")
            .env("AWS_REGION", "eu-central-1");
    }
    command.arg("--json").args(words).output().unwrap()
}

/// A server of a bucket whose list has two pages.
fn bucket() -> Server {
    Server::start(|asked| {
        if let Some(query) = asked.path.strip_prefix("/lab/?") {
            if !query.contains("prefix=data%2F") {
                return Reply::new(
                    200,
                    b"<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>",
                );
            }
            let (key, more) = match query.contains("continuation-token=t%2F1") {
                true => ("data/b+c.jsonl", ""),
                false => (
                    "data/a.jsonl",
                    "<IsTruncated>true</IsTruncated><NextContinuationToken>t/1</NextContinuationToken>",
                ),
            };
            let xml = format!(
                "<ListBucketResult>{more}<EncodingType>url</EncodingType><Contents><Key>{key}</Key>\
                 <Size>7</Size></Contents><Contents><Key>data/</Key><Size>0</Size></Contents></ListBucketResult>"
            );
            return Reply::new(200, xml.as_bytes());
        }
        match asked.path.as_str() {
            "/lab/data/a.jsonl" => Reply::honest(asked, &lines(2_000, 1), "a"),
            "/lab/data/b%20c.jsonl" => Reply::honest(asked, &lines(1_000, 2), "b"),
            _ => Reply::new(404, b"<Error><Code>NoSuchKey</Code></Error>"),
        }
    })
}

fn rows(out: &Output) -> u64 {
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let info: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    info["rows"].as_u64().unwrap()
}

#[test]
fn prefix_is_all_its_objects_with_rows() {
    let home = home();
    let server = bucket();
    for (target, count) in [
        ("s3://lab/data/", 3_000),
        ("s3://lab/data", 3_000),
        ("s3://lab/data/b c.jsonl", 1_000),
    ] {
        let out = ask(home.path(), &server, true, &["inspect", "info", target]);
        assert_eq!(rows(&out), count, "{target}");
        assert!(!String::from_utf8_lossy(&out.stderr).contains("session-secret"));
    }
    for asked in server.asked() {
        let value = asked.header("authorization").unwrap();
        assert!(
            value.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
            "{value}"
        );
        assert!(value.contains("/eu-central-1/s3/aws4_request"), "{value}");
        assert_eq!(asked.header("x-amz-security-token"), Some("session-secret"));
    }
}

#[test]
fn requests_without_keys_are_anonymous() {
    let home = home();
    let server = bucket();
    let out = ask(
        home.path(),
        &server,
        false,
        &["inspect", "info", "s3://lab/data/a.jsonl"],
    );
    assert_eq!(rows(&out), 2_000);
    assert!(
        server
            .asked()
            .iter()
            .all(|a| a.header("authorization").is_none())
    );
}

#[test]
fn missing_object_is_not_found_and_refusal_has_its_code() {
    let home = home();
    let server = bucket();
    let out = ask(
        home.path(),
        &server,
        true,
        &["inspect", "info", "s3://lab/none.csv"],
    );
    assert_eq!(failure(&out).0, 3);
    let server = Server::start(|_| {
        let xml = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Not yours</Message></Error>";
        Reply::new(403, xml.as_bytes()).with("Content-Type", "application/xml")
    });
    let out = ask(
        home.path(),
        &server,
        true,
        &["inspect", "info", "s3://lab/x.csv"],
    );
    let (code, kind, message) = failure(&out);
    assert_eq!((code, kind.as_str()), (5, "denied"));
    assert!(message.contains("AccessDenied Not yours"), "{message}");
}

#[test]
fn list_whose_pages_never_end_ends() {
    let home = home();
    let server = Server::start(|_| {
        let xml = "<ListBucketResult><IsTruncated>true</IsTruncated>\
                   <NextContinuationToken>same</NextContinuationToken></ListBucketResult>";
        Reply::new(200, xml.as_bytes())
    });
    let out = ask(
        home.path(),
        &server,
        true,
        &["inspect", "info", "s3://lab/data/"],
    );
    let (code, _, message) = failure(&out);
    assert_eq!(code, 6);
    assert!(message.contains("same again"), "{message}");
}

/// The program with a home of its own, in which files of profiles are.
fn with_profiles(home: &Path, server: &Server, profile: Option<&str>, words: &[&str]) -> Output {
    let aws = home.join(".aws");
    std::fs::create_dir_all(&aws).unwrap();
    let keys = "[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = of-default\n\
                [lab]\naws_access_key_id = AKIDLAB\naws_secret_access_key = secret-of-lab\n\
                aws_session_token = token-of-lab\n";
    std::fs::write(aws.join("credentials"), keys).unwrap();
    let url = server.url("");
    let config = format!(
        "[default]\nendpoint_url = {url}\n[profile lab]\nregion = eu-north-1\nservices = own\n\
         [profile robot]\ncredential_process = /bin/false\nendpoint_url = {url}\n\
         [services own]\ns3 =\n  endpoint_url = {url}\n"
    );
    std::fs::write(aws.join("config"), config).unwrap();
    let mut command = program(home);
    command.env("HOME", home);
    if let Some(profile) = profile {
        command.env("AWS_PROFILE", profile);
    }
    command
        .args(["--json", "-vv"])
        .args(words)
        .output()
        .unwrap()
}

#[test]
fn profile_in_the_files_of_aws_signs_requests_and_is_in_no_log() {
    let home = home();
    let server = bucket();
    let words = ["inspect", "info", "s3://lab/data/a.jsonl"];
    for (profile, id, region) in [
        (None, "AKIDDEFAULT", "us-east-1"),
        (Some("lab"), "AKIDLAB", "eu-north-1"),
    ] {
        let before = server.asked().len();
        let out = with_profiles(home.path(), &server, profile, &words);
        assert_eq!(rows(&out), 2_000);
        let said = String::from_utf8_lossy(&out.stderr);
        for secret in ["of-default", "secret-of-lab", "token-of-lab"] {
            assert!(!said.contains(secret), "{said}");
        }
        let asked = server.asked();
        let value = asked[before].header("authorization").unwrap();
        assert!(value.contains(&format!("Credential={id}/")), "{value}");
        assert!(value.contains(&format!("/{region}/s3/")), "{value}");
        let token = profile.map(|_| "token-of-lab");
        assert_eq!(asked[before].header("x-amz-security-token"), token);
    }
}

#[test]
fn profile_that_is_missing_or_needs_a_program_is_a_usage_error() {
    let home = home();
    let server = bucket();
    let words = ["inspect", "info", "s3://lab/data/a.jsonl"];
    for (profile, part) in [("none", "no file has"), ("robot", "credential_process")] {
        let out = with_profiles(home.path(), &server, Some(profile), &words);
        let (code, kind, message) = failure(&out);
        assert_eq!((code, kind.as_str()), (2, "invalid"));
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(server.asked().len(), 0);
    // A web server is no concern of it.
    let plain = Server::of(lines(10, 1));
    let url = plain.url("/x.jsonl");
    let out = with_profiles(
        home.path(),
        &server,
        Some("none"),
        &["inspect", "info", &url],
    );
    assert_eq!(rows(&out), 10);
}
