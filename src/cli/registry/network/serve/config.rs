//! `serve.toml`: the configuration of a serving node. Options take precedence.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

use clap::ValueEnum;
use toml_edit::DocumentMut;
use toml_edit::Item;

use crate::cli::exit::Failure;
use crate::cli::mcp::http::parse_address;
use crate::cli::parse::parse_size;
use crate::file_io::read_given_text;
use crate::file_io::read_own_text;
use crate::protocol::Follow;
use crate::protocol::FollowError;
use crate::protocol::QuietHours;
use crate::registry::Error;
use crate::wire::limits::NODE_FILE_BYTES_MAX;

const CONFIG_FILE: &str = "serve.toml";

/// The nodes that are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AccessMode {
    /// All nodes
    Open,
    /// The nodes on the list of `registry access`
    Listed,
}

/// The values of `serve.toml`.
#[derive(Debug, Default)]
pub(super) struct ServeConfig {
    pub(super) port: Option<u16>,
    pub(super) bind: Vec<IpAddr>,
    pub(super) access: Option<AccessMode>,
    pub(super) share_unsigned: bool,
    pub(super) no_mdns: bool,
    pub(super) metrics_port: Option<u16>,
    pub(super) follow: Vec<String>,
    pub(super) keep_versions: Option<usize>,
    pub(super) quiet_hours: Option<QuietHours>,
    pub(super) bandwidth_limit: Option<u64>,
    pub(super) mcp: Option<SocketAddr>,
    /// The configuration of tables of features.
    pub(super) features: Option<PathBuf>,
    pub(super) features_http: Option<SocketAddr>,
    pub(super) features_flight: Option<SocketAddr>,
    /// The address of the hub's API and the page.
    pub(super) http: Option<SocketAddr>,
    pub(super) s3: Option<SocketAddr>,
    pub(super) allow_upload: bool,
    pub(super) origins: Vec<String>,
    /// The directory with the page that opens files in the browser.
    pub(super) web: Option<PathBuf>,
    pub(super) tls: bool,
    pub(super) tls_cert: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
}

/// Reads the configuration from the file `given`, or from the registry's directory.
///
/// # Errors
/// [`Error::File`].
pub(super) fn read_config(home: &Path, given: Option<&Path>) -> Result<ServeConfig, Failure> {
    let path = given.map_or_else(|| home.join(CONFIG_FILE), Path::to_owned);
    let fail = |e| Failure::from(Error::file("read", &path, e));
    let read = match given {
        Some(_) => read_given_text(&path, NODE_FILE_BYTES_MAX),
        None => read_own_text(&path, NODE_FILE_BYTES_MAX),
    };
    let text = match read {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && given.is_none() => {
            return Ok(ServeConfig::default());
        }
        Err(e) => return Err(fail(e)),
    };
    parse_config(&text).map_err(|what| fail(std::io::Error::other(what)))
}

fn parse_config(text: &str) -> Result<ServeConfig, String> {
    let document: DocumentMut = text.parse().map_err(|e| format!("{e}"))?;
    let mut config = ServeConfig::default();
    for (key, item) in document.iter() {
        let wrong = || format!("`{key}` has a value that it cannot have");
        let flag = || item.as_bool().ok_or_else(wrong);
        let port = || {
            let number = item.as_integer().and_then(|n| u16::try_from(n).ok());
            number.map(Some).ok_or_else(wrong)
        };
        match key {
            "port" => config.port = port()?,
            "metrics_port" => config.metrics_port = port()?,
            "share_unsigned" => config.share_unsigned = flag()?,
            "no_mdns" => config.no_mdns = flag()?,
            "access" => {
                config.access = Some(match item.as_str() {
                    Some("open") => AccessMode::Open,
                    Some("listed") => AccessMode::Listed,
                    _ => return Err(wrong()),
                });
            }
            "http" => config.http = Some(address_of(key, item)?),
            "s3" => config.s3 = Some(address_of(key, item)?),
            "allow_upload" => config.allow_upload = flag()?,
            "web" => config.web = Some(path_of(item).ok_or_else(wrong)?),
            "tls" => config.tls = flag()?,
            "tls_cert" => config.tls_cert = Some(path_of(item).ok_or_else(wrong)?),
            "tls_key" => config.tls_key = Some(path_of(item).ok_or_else(wrong)?),
            "origins" => {
                let list = item.as_array().ok_or_else(wrong)?;
                for value in list {
                    let origin = value.as_str().and_then(|text| parse_origin(text).ok());
                    config.origins.push(origin.ok_or_else(wrong)?);
                }
            }
            "bind" => {
                let list = item.as_array().ok_or_else(wrong)?;
                for value in list {
                    let ip = value.as_str().and_then(|ip| ip.parse().ok());
                    config.bind.push(ip.ok_or_else(wrong)?);
                }
            }
            "follow" => {
                let list = item.as_array().ok_or_else(wrong)?;
                for value in list {
                    let text = value.as_str().ok_or_else(wrong)?;
                    config.follow.push(text.to_owned());
                }
                Follow::new(&config.follow, None).map_err(|e| e.to_string())?;
            }
            "keep_versions" => {
                let number = item.as_integer().and_then(|n| usize::try_from(n).ok());
                config.keep_versions = Some(number.filter(|n| *n > 0).ok_or_else(wrong)?);
            }
            "quiet_hours" => {
                let hours = item.as_str().ok_or_else(wrong)?.parse();
                config.quiet_hours = Some(hours.map_err(|e: FollowError| e.to_string())?);
            }
            "bandwidth_limit" => {
                let bytes = match (item.as_integer(), item.as_str()) {
                    (Some(n), _) => u64::try_from(n).map_err(|_| wrong())?,
                    (None, Some(text)) => parse_size(text)?,
                    (None, None) => return Err(wrong()),
                };
                config.bandwidth_limit = Some(bytes).filter(|n| *n > 0);
            }
            "mcp" => config.mcp = Some(address_of(key, item)?),
            "features" => config.features = Some(path_of(item).ok_or_else(wrong)?),
            "features_http" => config.features_http = Some(address_of(key, item)?),
            "features_flight" => config.features_flight = Some(address_of(key, item)?),
            // A misspelt key must not count as a missing one.
            _ => return Err(format!("`{key}` is no setting")),
        }
    }
    if config.features.is_none()
        && (config.features_http.is_some() || config.features_flight.is_some())
    {
        return Err("`features` is missing, the file with the tables".to_owned());
    }
    Ok(config)
}

fn path_of(item: &Item) -> Option<PathBuf> {
    let text = item.as_str().filter(|text| !text.is_empty());
    text.map(PathBuf::from)
}

/// Reads an origin of pages: a scheme and a host, or `*`.
pub(super) fn parse_origin(text: &str) -> Result<String, String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let is_host = |rest: &str| {
        !rest.is_empty()
            && rest
                .bytes()
                .all(|b| b.is_ascii_graphic() && b != b'/' && b != b',')
    };
    match text == "*" || rest.is_some_and(is_host) {
        true => Ok(text.to_owned()),
        false => Err("an origin, such as https://lab.example, or *".to_owned()),
    }
}

/// Reads an address: a port, or a text.
fn address_of(key: &str, item: &Item) -> Result<SocketAddr, String> {
    let text = match (item.as_integer(), item.as_str()) {
        (Some(port), _) => port.to_string(),
        (None, Some(text)) => text.to_owned(),
        (None, None) => return Err(format!("`{key}` has a value that it cannot have")),
    };
    parse_address(&text).map_err(|why| format!("`{key}` is {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_keys_are_read() {
        let text = "port = 9000\nbind = [\"10.0.0.1\", \"::1\"]\naccess = \"listed\"\nshare_unsigned = true\nfollow = [\"lab-a\", \"corpus\"]\nkeep_versions = 3\nquiet_hours = \"22:00-06:00\"\nbandwidth_limit = \"20M\"\nmcp = 8766\nfeatures = \"f.yaml\"\nfeatures_http = 8080\nhttp = 8767\ns3 = \"0.0.0.0:9000\"\nallow_upload = true\norigins = [\"https://lab.example\"]\nweb = \"page\"\n";
        let config = parse_config(text).unwrap();
        assert_eq!(config.port, Some(9000));
        assert_eq!(config.bind.len(), 2);
        assert_eq!(config.access, Some(AccessMode::Listed));
        assert!(config.share_unsigned);
        assert_eq!(config.follow, ["lab-a", "corpus"]);
        assert_eq!(config.keep_versions, Some(3));
        assert!(config.quiet_hours.is_some_and(|h| h.contains(0)));
        assert_eq!(config.mcp, parse_address("127.0.0.1:8766").ok());
        assert_eq!(config.features.as_deref(), Some(Path::new("f.yaml")));
        assert_eq!(config.features_http, parse_address("8080").ok());
        assert_eq!(config.bandwidth_limit, parse_size("20M").ok());
        assert_eq!(config.http, parse_address("8767").ok());
        assert_eq!(config.s3, parse_address("0.0.0.0:9000").ok());
        assert!(config.allow_upload);
        assert_eq!(config.origins, ["https://lab.example"]);
        assert_eq!(config.web.as_deref(), Some(Path::new("page")));
    }

    #[test]
    fn config_with_unknown_key_or_wrong_value_is_refused() {
        for (text, named) in [
            ("prot = 1", "prot"),
            ("port = 70000", "port"),
            ("access = \"some\"", "access"),
            ("bind = \"x\"", "bind"),
            ("keep_versions = 0", "keep_versions"),
            ("follow = \"x\"", "follow"),
            ("mcp = \"train.jsonl\"", "mcp"),
            ("features = 1", "features"),
            ("features_http = 8080", "`features`"),
            ("origins = [\"lab.example\"]", "origins"),
            ("s3 = true", "s3"),
            ("web = 1", "web"),
        ] {
            let message = parse_config(text).unwrap_err();
            assert!(message.contains(named), "{text}: {message}");
        }
        for text in [
            "port =",
            "quiet_hours = \"late\"",
            "bandwidth_limit = \"fast\"",
        ] {
            assert!(!parse_config(text).unwrap_err().is_empty(), "{text}");
        }
    }
}
