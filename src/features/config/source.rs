//! The source of a table.

use std::path::PathBuf;

use crate::features::config::SourceConfig;
use crate::features::config::fault::Fault;
use crate::features::config::fields::Fields;
use crate::features::config::fields::any_text;
use crate::features::config::fields::text;
use crate::features::config::fields::written;
use crate::features::config::node::Node;

/// Reads a source: one of `s3`, `local` and `registry`.
pub(super) fn source(node: &Node) -> Result<SourceConfig, Fault> {
    let fields = Fields::of(node, "source", &["s3", "local", "registry"])?;
    let Some((kind, node)) = fields.only() else {
        let why = "`source` is one of `s3`, `local` and `registry`";
        return Fault::at(fields.place, why);
    };
    match kind.text.as_str() {
        "local" => {
            let fields = Fields::of(node, "local", &["path"])?;
            let path = text(fields.required("path")?, "path")?;
            Ok(SourceConfig::Local {
                path: PathBuf::from(path),
            })
        }
        "s3" => s3(node),
        _ => registry(node),
    }
}

fn s3(node: &Node) -> Result<SourceConfig, Fault> {
    let fields = Fields::of(node, "s3", &["bucket", "prefix", "endpoint", "region"])?;
    let bucket = text(fields.required("bucket")?, "bucket")?;
    let prefix = any_text(fields.required("prefix")?, "prefix")?;
    let mut endpoint = None;
    if let Some(node) = fields.optional("endpoint") {
        let url = text(node, "endpoint")?;
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let why = "`endpoint` is the URL of a server, such as `http://localhost:9000`";
            return Fault::at(node.place, why);
        }
        endpoint = Some(url.to_owned());
    }
    let region = match fields.optional("region") {
        Some(node) => Some(text(node, "region")?.to_owned()),
        None => None,
    };
    Ok(SourceConfig::S3 {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        endpoint,
        region,
    })
}

fn registry(node: &Node) -> Result<SourceConfig, Fault> {
    let fields = Fields::of(node, "registry", &["name", "version", "path"])?;
    let name = text(fields.required("name")?, "name")?;
    let version = match fields.optional("version") {
        // `1.2` without quotes is a number for YAML.
        Some(node) => Some(written(node, "version")?.to_owned()),
        None => None,
    };
    let path = match fields.optional("path") {
        Some(node) => Some(text(node, "path")?.to_owned()),
        None => None,
    };
    Ok(SourceConfig::Registry {
        name: name.to_owned(),
        version,
        path,
    })
}
