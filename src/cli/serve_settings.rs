//! `serve.toml`.

use std::net::IpAddr;
use std::path::Path;

use toml_edit::DocumentMut;

use crate::cli::archives::size;
use crate::cli::args_peers::AccessMode;
use crate::cli::args_peers::ServeArgs;
use crate::cli::exit::Failure;
use crate::file_io::read_given_text;
use crate::file_io::read_own_text;
use crate::protocol::Follow;
use crate::protocol::FollowError;
use crate::protocol::QuietHours;
use crate::registry::Error;
use crate::wire::limits::NODE_FILE_BYTES_MAX;

const CONFIG_FILE: &str = "serve.toml";

/// What may stand in `serve.toml`; flags come before it.
#[derive(Debug, Default)]
pub(super) struct Settings {
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
}

/// The settings of a home, or of the file that was named.
pub(super) fn settings(home: &Path, args: &ServeArgs) -> Result<Settings, Failure> {
    let path = args
        .config
        .clone()
        .unwrap_or_else(|| home.join(CONFIG_FILE));
    let fail = |e| Failure::from(Error::file("read", &path, e));
    let read = match args.config {
        Some(_) => read_given_text(&path, NODE_FILE_BYTES_MAX),
        None => read_own_text(&path, NODE_FILE_BYTES_MAX),
    };
    let text = match read {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && args.config.is_none() => {
            return Ok(Settings::default());
        }
        Err(e) => return Err(fail(e)),
    };
    read_settings(&text).map_err(|what| fail(std::io::Error::other(what)))
}

fn read_settings(text: &str) -> Result<Settings, String> {
    let document: DocumentMut = text.parse().map_err(|e| format!("{e}"))?;
    let mut settings = Settings::default();
    for (key, item) in document.iter() {
        let wrong = || format!("`{key}` has a value that it cannot have");
        let flag = || item.as_bool().ok_or_else(wrong);
        let port = || {
            let number = item.as_integer().and_then(|n| u16::try_from(n).ok());
            number.map(Some).ok_or_else(wrong)
        };
        match key {
            "port" => settings.port = port()?,
            "metrics_port" => settings.metrics_port = port()?,
            "share_unsigned" => settings.share_unsigned = flag()?,
            "no_mdns" => settings.no_mdns = flag()?,
            "access" => {
                settings.access = Some(match item.as_str() {
                    Some("open") => AccessMode::Open,
                    Some("listed") => AccessMode::Listed,
                    _ => return Err(wrong()),
                });
            }
            "bind" => {
                let list = item.as_array().ok_or_else(wrong)?;
                for value in list {
                    let ip = value.as_str().and_then(|ip| ip.parse().ok());
                    settings.bind.push(ip.ok_or_else(wrong)?);
                }
            }
            "follow" => {
                let list = item.as_array().ok_or_else(wrong)?;
                for value in list {
                    let text = value.as_str().ok_or_else(wrong)?;
                    settings.follow.push(text.to_owned());
                }
                Follow::new(&settings.follow, None).map_err(|e| e.to_string())?;
            }
            "keep_versions" => {
                let number = item.as_integer().and_then(|n| usize::try_from(n).ok());
                settings.keep_versions = Some(number.filter(|n| *n > 0).ok_or_else(wrong)?);
            }
            "quiet_hours" => {
                let hours = item.as_str().ok_or_else(wrong)?.parse();
                settings.quiet_hours = Some(hours.map_err(|e: FollowError| e.to_string())?);
            }
            "bandwidth_limit" => {
                let bytes = match (item.as_integer(), item.as_str()) {
                    (Some(n), _) => u64::try_from(n).map_err(|_| wrong())?,
                    (None, Some(text)) => size(text)?,
                    (None, None) => return Err(wrong()),
                };
                settings.bandwidth_limit = Some(bytes).filter(|n| *n > 0);
            }
            // A word that is misspelt must not pass for one that was left out.
            _ => return Err(format!("`{key}` is no setting")),
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_mistakes_are_named() {
        let text = "port = 9000\nbind = [\"10.0.0.1\", \"::1\"]\naccess = \"listed\"\nshare_unsigned = true\nfollow = [\"lab-a\", \"corpus\"]\nkeep_versions = 3\nquiet_hours = \"22:00-06:00\"\nbandwidth_limit = \"20M\"\n";
        let settings = read_settings(text).unwrap();
        assert_eq!(settings.port, Some(9000));
        assert_eq!(settings.bind.len(), 2);
        assert_eq!(settings.access, Some(AccessMode::Listed));
        assert!(settings.share_unsigned);
        assert_eq!(settings.follow, ["lab-a", "corpus"]);
        assert_eq!(settings.keep_versions, Some(3));
        assert!(settings.quiet_hours.is_some_and(|h| h.contains(0)));
        assert_eq!(settings.bandwidth_limit, size("20M").ok());
        for text in [
            "prot = 1",
            "port = 70000",
            "access = \"some\"",
            "bind = \"x\"",
            "port =",
            "keep_versions = 0",
            "follow = \"x\"",
            "quiet_hours = \"late\"",
            "bandwidth_limit = \"fast\"",
        ] {
            assert!(read_settings(text).is_err(), "{text}");
        }
    }
}
