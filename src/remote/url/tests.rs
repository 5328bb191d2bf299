use super::RemoteUrl;
use super::percent_decoded;
use super::percent_encoded;

fn parsed(text: &str) -> String {
    RemoteUrl::parse(text).map_or_else(|e| e.to_string(), |url| url.to_string())
}

fn hub(text: &str) -> (String, String, String) {
    match RemoteUrl::parse(text).unwrap() {
        RemoteUrl::Hub(hub) => {
            let revision = hub.revision().unwrap_or_default().to_owned();
            (hub.repository(), revision, hub.path().to_owned())
        }
        other => panic!("{other}"),
    }
}

#[test]
fn hub_url_of_a_repository_has_its_parts() {
    let of = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(hub("hf://datasets/a/b"), of("a/b", "", ""));
    assert_eq!(hub("hf://a/b"), of("a/b", "", ""));
    assert_eq!(
        hub("hf://a/b@v1/data/x.parquet"),
        of("a/b", "v1", "data/x.parquet")
    );
    assert_eq!(
        hub("hf://a/b@feature%2Fx/y.csv"),
        of("a/b", "feature/x", "y.csv")
    );
    assert_eq!(
        hub("hf://a/b@refs/pr/7/y.csv"),
        of("a/b", "refs/pr/7", "y.csv")
    );
    assert_eq!(
        hub("hf://a/b@refs/convert/parquet/default/train/0.parquet"),
        of("a/b", "refs/convert/parquet", "default/train/0.parquet")
    );
    assert_eq!(
        hub("hf://a/b@~parquet/default"),
        of("a/b", "~parquet", "default")
    );
    // An `@` behind the name is part of the path.
    assert_eq!(hub("hf://a/b/x@y.csv"), of("a/b", "", "x@y.csv"));
}

#[test]
fn hub_url_shown_parses_to_the_same() {
    for text in [
        "hf://datasets/a/b",
        "hf://datasets/a/b@v1/data/x.parquet",
        "hf://datasets/a/b@feature%2Fx/y.csv",
        "hf://datasets/a/b@refs/pr/7/y.csv",
        "hf://datasets/a/b@refs/convert/parquet",
        "hf://datasets/a/b@~parquet/default/",
        "s3://bucket/a key/with%20percent",
        "s3://bucket/",
        "https://example.org/a%20b.csv",
    ] {
        assert_eq!(parsed(text), text);
    }
}

#[test]
fn hub_url_of_another_kind_is_refused_by_its_name() {
    let why = parsed("hf://spaces/a/b");
    assert!(
        why.contains("spaces") && why.contains("only datasets"),
        "{why}"
    );
    assert!(parsed("hf://models/a/b").contains("models"));
}

#[test]
fn hub_url_with_a_path_that_leaves_is_refused() {
    for text in [
        "hf://a/b/../c",
        "hf://a/b/x/./y",
        "hf://a/b//x",
        "hf://a/b/x\\y",
        "hf://a/b@",
        "hf://a/b@..%2Fx/y",
        "hf://a/b@x%0Ay/z",
        "hf://a",
        "hf://../b/c",
        "hf://",
    ] {
        assert!(RemoteUrl::parse(text).is_err(), "{text}");
    }
}

#[test]
fn hub_url_at_an_endpoint_is_coded() {
    let RemoteUrl::Hub(hub) = RemoteUrl::parse("hf://a/b@refs/pr/7/data/ä b.csv").unwrap() else {
        panic!("no URL of a hub");
    };
    assert_eq!(
        hub.file_url("http://h"),
        "http://h/datasets/a/b/resolve/refs%2Fpr%2F7/data/%C3%A4%20b.csv"
    );
    assert_eq!(
        hub.tree_url("http://h"),
        "http://h/api/datasets/a/b/tree/refs%2Fpr%2F7/data/%C3%A4%20b.csv?recursive=true&expand=false"
    );
    assert_eq!(
        hub.revision_url("http://h"),
        "http://h/api/datasets/a/b/revision/refs%2Fpr%2F7"
    );
}

#[test]
fn http_url_is_shown_without_secrets() {
    let text = "https://user:pa%20ss@example.org:8443/x.csv?X-Amz-Signature=secret#part";
    let url = RemoteUrl::parse(text).unwrap();
    assert_eq!(url.to_string(), "https://example.org:8443/x.csv?…");
    assert!(!format!("{url:?}").contains("secret"));
    let RemoteUrl::Http(http) = url else {
        panic!("no URL of a web server");
    };
    // printf 'user:pa ss' | base64
    assert_eq!(http.authorization(), Some("Basic dXNlcjpwYSBzcw=="));
    assert!(!http.url().as_str().contains("user"));
}

#[test]
fn http_url_that_is_wrong_is_refused_without_its_password() {
    let why = parsed("http://user:secret@[::1/x?token=hidden");
    assert!(!why.contains("secret") && !why.contains("hidden"), "{why}");
    assert!(RemoteUrl::parse("http:///x").is_err() || parsed("http:///x") == "http://x/");
}

#[test]
fn url_of_another_scheme_is_refused_with_those_that_are_read() {
    let why = parsed("ftp://user:secret@host/x");
    assert!(why.contains("hf://") && !why.contains("secret"), "{why}");
    assert!(parsed("file:///etc/passwd").contains("not read here"));
}

#[test]
fn s3_url_has_bucket_and_key_as_they_are() {
    let RemoteUrl::S3(s3) = RemoteUrl::parse("s3://my-bucket/a/b%20c?.csv").unwrap() else {
        panic!("no URL of an object");
    };
    assert_eq!((s3.bucket(), s3.key()), ("my-bucket", "a/b%20c?.csv"));
    assert!(!s3.is_prefix());
    for text in [
        "s3://",
        "s3://ab/x",
        "s3://a..b/x",
        "s3://bucket/a/../b",
        "s3://bu cket/x",
    ] {
        assert!(RemoteUrl::parse(text).is_err(), "{text}");
    }
}

#[test]
fn percent_coding_round_trips() {
    let text = "a b/ä%+~.-_";
    let coded = percent_encoded(text, false);
    assert_eq!(coded, "a%20b%2F%C3%A4%25%2B~.-_");
    assert_eq!(percent_decoded(&coded), text.as_bytes());
    assert_eq!(percent_decoded("%zz%4"), b"%zz%4");
}
