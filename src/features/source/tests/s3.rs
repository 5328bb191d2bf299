//! Partitions of buckets, whose servers are in memory.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::Mutex;

use super::reason;
use super::shown;
use crate::clock::Timestamp;
use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::features::config::SourceConfig;
use crate::features::source::FileSources;
use crate::features::source::PartitionSource;
use crate::features::source::Sources as _;
use crate::locks::lock;
use crate::remote::Remote;
use crate::remote::RemoteSettings;
use crate::remote::Request;
use crate::remote::Response;
use crate::remote::S3Keys;
use crate::remote::Secret;
use crate::remote::Transport;
use crate::remote::TransportError;

type Objects = BTreeMap<String, (Vec<u8>, String)>;

/// Servers by host, each with objects by `BUCKET/KEY`.
#[derive(Default)]
struct Servers {
    objects: Mutex<BTreeMap<String, Objects>>,
    /// Hosts with the region that a request was signed for.
    signed: Mutex<Vec<(String, String)>>,
}

impl Servers {
    fn put(&self, host: &str, key: &str, bytes: &[u8], etag: &str) {
        let mut hosts = lock(&self.objects);
        let objects = hosts.entry(host.to_owned()).or_default();
        objects.insert(format!("lab/{key}"), (bytes.to_vec(), etag.to_owned()));
    }

    fn remove(&self, host: &str, key: &str) {
        let mut hosts = lock(&self.objects);
        hosts.get_mut(host).unwrap().remove(&format!("lab/{key}"));
    }
}

fn response(status: u16, headers: &[(&str, String)], body: Vec<u8>) -> Response {
    let length = ("content-length", body.len().to_string());
    let headers = headers.iter().chain([&length]);
    Response {
        status,
        headers: headers.map(|(n, v)| ((*n).to_owned(), v.clone())).collect(),
        body: Box::new(Cursor::new(body)),
    }
}

impl Transport for Servers {
    fn send(&self, request: &Request) -> Result<Response, TransportError> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let header = |name: &str| {
            let found = request.headers.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| value.clone())
        };
        if let Some(signature) = header("authorization") {
            let region = signature.split('/').nth(2).unwrap_or_default().to_owned();
            lock(&self.signed).push((host.clone(), region));
        }
        let hosts = lock(&self.objects);
        let Some(objects) = hosts.get(&host) else {
            return Err(TransportError::Refused(format!("no server {host}")));
        };
        let query: BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
        if query.contains_key("list-type") {
            let prefix = format!("lab/{}", query["prefix"]);
            let found = objects.iter().filter(|(key, _)| key.starts_with(&prefix));
            let found = found.map(|(key, (bytes, etag))| {
                let key = key.strip_prefix("lab/").unwrap();
                let size = bytes.len();
                format!("<Contents><Key>{key}</Key><Size>{size}</Size><ETag>\"{etag}\"</ETag></Contents>")
            });
            let list: String = found.collect();
            let xml = format!("<ListBucketResult>{list}</ListBucketResult>");
            return Ok(response(200, &[], xml.into_bytes()));
        }
        let Some((bytes, etag)) = objects.get(request.url.path().trim_start_matches('/')) else {
            return Ok(response(
                404,
                &[],
                b"<Error><Code>NoSuchKey</Code></Error>".to_vec(),
            ));
        };
        let etag = ("etag", format!("\"{etag}\""));
        if header("if-match").is_some_and(|wanted| wanted != etag.1) {
            return Ok(response(412, &[], Vec::new()));
        }
        let whole = bytes.len();
        let Some(range) = header("range").and_then(|r| r.strip_prefix("bytes=").map(str::to_owned))
        else {
            return Ok(response(200, &[etag], bytes.clone()));
        };
        let (from, to) = range.split_once('-').unwrap();
        let part = match (from.parse::<usize>(), to.parse::<usize>()) {
            (Ok(from), Ok(to)) => from..(to + 1).min(whole),
            (Ok(from), Err(_)) => from..whole,
            (Err(_), Ok(last)) => whole.saturating_sub(last)..whole,
            _ => 0..whole,
        };
        let content = format!("bytes {}-{}/{whole}", part.start, part.end.max(1) - 1);
        let headers = [etag, ("content-range", content)];
        Ok(response(206, &headers, bytes[part].to_vec()))
    }
}

fn sources(servers: &Arc<Servers>) -> FileSources {
    let mut settings = RemoteSettings::new(|| Timestamp(1_700_000_000));
    settings.s3.endpoint = Some("http://standard.test".to_owned());
    settings.s3.region = Some("eu-central-1".to_owned());
    settings.s3.keys = Some(S3Keys {
        id: "AKIDEXAMPLE".to_owned(),
        secret: Secret::new("secret"),
        session_token: None,
    });
    let transport = Arc::clone(servers) as Arc<dyn Transport>;
    FileSources::new(Remote::new(transport, settings, Box::new(|_| {})))
}

fn bucket(
    servers: &Arc<Servers>,
    prefix: &str,
    place: (Option<&str>, Option<&str>),
) -> Box<dyn PartitionSource> {
    let config = SourceConfig::S3 {
        bucket: "lab".to_owned(),
        prefix: prefix.to_owned(),
        endpoint: place.0.map(str::to_owned),
        region: place.1.map(str::to_owned),
    };
    sources(servers).source(&config).unwrap()
}

#[test]
fn bucket_has_the_partitions_below_its_prefix() {
    let servers = Arc::new(Servers::default());
    for (key, text) in [
        ("features/2024-01-13/_SUCCESS", ""),
        ("features/2024-01-13/a.parquet", "old"),
        ("features/2024-01-14/_SUCCESS", ""),
        ("features/2024-01-14/b.parquet", "newer"),
        ("features/2024-01-14/_x.parquet", "hidden"),
        ("features/2024-01-15/c.parquet", "incomplete"),
        ("features2/2024-01-16/_SUCCESS", ""),
        ("features2/2024-01-16/d.parquet", "other prefix"),
    ] {
        servers.put("standard.test", key, text.as_bytes(), text);
    }
    for prefix in ["features", "features/", "/features/"] {
        let source = bucket(&servers, prefix, (None, None));
        let listing = source.partitions().unwrap();
        let wanted = [
            ("2024-01-14", vec!["2024-01-14/b.parquet"]),
            ("2024-01-13", vec!["2024-01-13/a.parquet"]),
        ];
        assert_eq!(shown(&listing), wanted, "{prefix}");
        assert_eq!(reason(&listing, "2024-01-15"), "it has no `_SUCCESS`");
        assert_eq!(listing.partitions[0].files[0].validator, "newer");
        let opened = source.open(&listing.partitions[0]).unwrap();
        let mut bytes = [0; 5];
        assert_eq!(opened[0].source.read_at(&mut bytes, 0).unwrap(), 5);
        assert_eq!(&bytes, b"newer");
        assert_eq!(opened[0].name, "s3://lab/features/2024-01-14/b.parquet");
    }
}

/// The original has one place of the bucket, and takes no keys from the environment.
#[test]
fn sources_with_different_endpoints_work_side_by_side() {
    let servers = Arc::new(Servers::default());
    for (host, text) in [
        ("standard.test", "standard"),
        ("one.test", "one"),
        ("two.test", "two"),
    ] {
        servers.put(host, "f/2024-01-14/_SUCCESS", b"", "m");
        servers.put(host, "f/2024-01-14/a.parquet", text.as_bytes(), text);
    }
    let one = (Some("http://one.test"), None);
    let two = (Some("http://two.test/"), Some("us-west-2"));
    for (place, text) in [((None, None), "standard"), (one, "one"), (two, "two")] {
        let source = bucket(&servers, "f", place);
        let partition = source.partitions().unwrap().partitions.remove(0);
        assert_eq!(partition.files[0].validator, text);
        let opened = source.open(&partition).unwrap();
        let mut bytes = vec![0; text.len()];
        opened[0].source.read_at(&mut bytes, 0).unwrap();
        assert_eq!(bytes, text.as_bytes());
    }
    let mut signed = lock(&servers.signed).clone();
    signed.dedup();
    let wanted = [
        ("standard.test", "eu-central-1"),
        ("one.test", "eu-central-1"),
        ("two.test", "us-west-2"),
    ];
    assert_eq!(
        signed,
        wanted.map(|(host, region)| (host.to_owned(), region.to_owned()))
    );
}

#[test]
fn object_that_changes_or_vanishes_after_the_list_is_an_error() {
    let servers = Arc::new(Servers::default());
    servers.put("standard.test", "2024-01-14/_SUCCESS", b"", "m");
    for n in 0..20 {
        let key = format!("2024-01-14/{n:02}.parquet");
        servers.put("standard.test", &key, b"abc", "v1");
    }
    let source = bucket(&servers, "", (None, None));
    let partition = source.partitions().unwrap().partitions.remove(0);
    let opened = source.open(&partition).unwrap();
    let names: Vec<&str> = opened.iter().map(|input| input.name.as_str()).collect();
    assert!(names.is_sorted() && names.len() == 20, "{names:?}");
    servers.put("standard.test", "2024-01-14/07.parquet", b"xyz", "v2");
    let error = source.open(&partition).err().unwrap();
    assert!(
        error
            .to_string()
            .contains("07.parquet` cannot be read: it changed"),
        "{error}"
    );
    servers.remove("standard.test", "2024-01-14/07.parquet");
    let error = source.open(&partition).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn server_that_is_not_there_is_an_error_of_the_network() {
    let servers = Arc::new(Servers::default());
    let source = bucket(&servers, "f", (Some("http://none.test"), None));
    assert_eq!(source.partitions().unwrap_err().kind(), ErrorKind::Network);
    let config = SourceConfig::S3 {
        bucket: "No Bucket".to_owned(),
        prefix: String::new(),
        endpoint: None,
        region: None,
    };
    let error = sources(&servers).source(&config).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}
