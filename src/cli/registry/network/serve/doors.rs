//! The doors of a serving node for clients of other programs: the options, and the lines that tell how to connect.

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::mcp::http::parse_address;
use crate::cli::registry::network::serve::config::ServeConfig;
use crate::cli::registry::network::serve::config::parse_origin;
use crate::cli::registry::network::serve::events::DoorUrls;
use crate::cli::registry::network::serve::events::request_sentence;
use crate::doors::DoorOptions;
use crate::doors::DoorServer;
use crate::doors::DoorServerError;
use crate::doors::RequestEvent;
use crate::doors::client_lines;
use crate::net::LookPeerFinder;
use crate::net::OwnCertificate;
use crate::net::Peer;
use crate::net::own_certificate;
use crate::net::tls_config;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::NodeError;
use crate::registry::peers::Showing;

/// Address of `--http` without a value.
const DEFAULT_HTTP: &str = "127.0.0.1:8767";
/// Address of `--s3` without a value.
const DEFAULT_S3: &str = "127.0.0.1:8768";
/// The files without which there is no page that opens files.
const BUNDLE_FILES: [&str; 2] = ["index.html", "alimentar.js"];
/// The clients that `--print-client` knows, in the order of its output.
const CLIENTS: [&str; 14] = [
    "hf", "datasets", "pandas", "polars", "duckdb", "pyarrow", "dask", "ray", "spark", "boto3",
    "aws", "s3fs", "rclone", "curl",
];

/// The doors for clients of other programs.
#[derive(Debug, Args)]
pub(super) struct DoorArgs {
    /// Serve the hub's API and a page for browsers at this address, a port or host:port
    /// [default without a value: 127.0.0.1:8767]
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = DEFAULT_HTTP, value_parser = parse_address)]
    http: Option<SocketAddr>,
    /// Serve S3, to read from, at this address: a port or host:port [default without a value: 127.0.0.1:8768]
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = DEFAULT_S3, value_parser = parse_address)]
    s3: Option<SocketAddr>,
    /// Take in new versions from clients whose token may write
    #[arg(long)]
    allow_upload: bool,
    /// Let pages of this origin read answers in a browser, such as https://lab.example; may be given several times
    #[arg(long, value_name = "ORIGIN", value_parser = parse_origin)]
    origin: Vec<String>,
    /// Serve the page that opens files in the browser from this directory, at /open/ of --http
    /// [default: web beside the program or ../share/alimentar/web, if it is there]
    #[arg(long, value_name = "DIR")]
    web: Option<PathBuf>,
    /// Speak TLS with a certificate that is made for this node; clients pin it
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_key"])]
    tls: bool,
    /// Speak TLS with this certificate: a PEM file with its chain
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Print how a client connects, and end: hf, datasets, pandas, polars, duckdb, pyarrow, dask, ray, spark, boto3, aws,
    /// s3fs, rclone, curl [without a value: all]
    #[arg(long, value_name = "CLIENT", num_args = 0..=1, default_missing_value = "", value_parser = parse_client)]
    pub(super) print_client: Option<String>,
}

fn parse_client(text: &str) -> Result<String, String> {
    match text.is_empty() || CLIENTS.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(format!("one of {}", CLIENTS.join(", "))),
    }
}

/// The rules of access of the node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) showing: Showing,
    /// Only nodes on a list are served, and so only clients with a token.
    pub(super) is_listed: bool,
}

impl DoorArgs {
    /// Prints how clients connect to the addresses of the options, or to the usual ones.
    ///
    /// # Errors
    /// [`Failure`] if the output cannot be written.
    pub(super) fn print_lines(
        &self,
        ctx: &Context,
        config: &ServeConfig,
        client: &str,
    ) -> Result<(), Failure> {
        let is_tls = self.tls || config.tls || self.tls_cert.is_some() || config.tls_cert.is_some();
        let scheme = if is_tls { "https" } else { "http" };
        let url = |given: Option<SocketAddr>, usual: &str| {
            let place = given.map_or_else(|| usual.to_owned(), |at| at.to_string());
            format!("{scheme}://{place}")
        };
        let http = url(self.http.or(config.http), DEFAULT_HTTP);
        let s3 = url(self.s3.or(config.s3), DEFAULT_S3);
        let wanted = CLIENTS
            .iter()
            .filter(|name| client.is_empty() || **name == client);
        let texts = wanted.filter_map(|name| {
            let lines = client_lines(name, Some(&http), Some(&s3), None)?;
            Some(match client.is_empty() {
                true => format!("# {name}\n{}\n", lines.trim_end()),
                false => lines.trim_end().to_owned(),
            })
        });
        let text = texts.collect::<Vec<_>>().join("\n");
        ctx.out
            .bytes((text.trim_end().to_owned() + "\n").as_bytes())?;
        Ok(())
    }

    /// Opens the doors that the options or the configuration name.
    ///
    /// # Errors
    /// [`Failure`] for an address that is taken, and for a certificate or tokens that cannot be read.
    pub(super) fn open(
        &self,
        registry: &LocalRegistry,
        config: &ServeConfig,
        rules: Rules,
        observer: impl Fn(&RequestEvent) + Send + Sync + 'static,
    ) -> Result<Option<OpenDoors>, Failure> {
        let mut options = DoorOptions {
            http: self.http.or(config.http),
            s3: self.s3.or(config.s3),
            ..DoorOptions::default()
        };
        if options.http.is_none() && options.s3.is_none() {
            return Ok(None);
        }
        options.showing = rules.showing;
        options.is_token_needed = rules.is_listed;
        options.allows_upload = self.allow_upload || config.allow_upload;
        options.origins = [self.origin.as_slice(), &config.origins].concat();
        options.bundle = self.bundle(registry.home(), config)?;
        let finder_registry = registry.clone();
        let stop = interrupt::stop_condition();
        options.pull_through = Some(Arc::new(move || {
            let (stop, met) = (stop.clone(), Box::new(|_: &Arc<Peer>| {}));
            Box::new(LookPeerFinder::new(&finder_registry, &[], stop, met))
        }));
        let own = self.certificate(registry, config, &mut options)?;
        let server = DoorServer::start(registry, &options, Arc::new(observer))?;
        let urls = DoorUrls {
            http: server.http(),
            s3: server.s3(),
            certificate: own.as_ref().map(|own| own.path.display().to_string()),
            pin: own.map(|own| format!("sha256//{}", own.pin)),
        };
        Ok(Some(OpenDoors { server, urls }))
    }

    /// Returns the directory of the page that opens files: a given one, or that of the installation.
    ///
    /// # Errors
    /// [`Failure::Misused`] for a given one without the page.
    fn bundle(&self, home: &Path, config: &ServeConfig) -> Result<Option<PathBuf>, Failure> {
        let configured = || config.web.as_ref().map(|path| home.join(path));
        let Some(given) = self.web.clone().or_else(configured) else {
            return Ok(installed_bundle());
        };
        match has_bundle(&given) {
            true => Ok(Some(given)),
            false => Err(Failure::Misused {
                message: format!(
                    "`{}` has no {}",
                    given.display(),
                    BUNDLE_FILES.join(" and no ")
                ),
                hint: "web/build.sh DIR makes such a directory".to_owned(),
            }),
        }
    }

    /// Sets the certificate: a given one, or that of the node, which is returned.
    fn certificate(
        &self,
        registry: &LocalRegistry,
        config: &ServeConfig,
        options: &mut DoorOptions,
    ) -> Result<Option<OwnCertificate>, Failure> {
        let cert = self.tls_cert.as_deref().or(config.tls_cert.as_deref());
        let key = self.tls_key.as_deref().or(config.tls_key.as_deref());
        match (cert, key) {
            _ if self.tls => {}
            (None, None) if config.tls => {}
            (None, None) => return Ok(None),
            (Some(cert), Some(key)) => {
                options.tls = Some(tls_config(cert, key)?);
                return Ok(None);
            }
            _ => return Err(Failure::usage("a certificate and its key belong together")),
        }
        let addresses: Vec<SocketAddr> = options.http.into_iter().chain(options.s3).collect();
        let own = own_certificate(registry.home(), &addresses)?;
        options.tls = Some(Arc::clone(&own.config));
        Ok(Some(own))
    }
}

/// Returns the directory of the page that was installed with the program.
fn installed_bundle() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let place = program.parent()?;
    let places = [place.join("web"), place.join("../share/alimentar/web")];
    places.into_iter().find(|path| has_bundle(path))
}

fn has_bundle(directory: &Path) -> bool {
    let mut files = BUNDLE_FILES.iter();
    files.all(|name| directory.join(name).is_file())
}

/// Doors that are open.
pub(super) struct OpenDoors {
    pub(super) server: DoorServer,
    pub(super) urls: DoorUrls,
}

/// Formats a request: as JSON, or for people.
pub(super) fn request_line(event: &RequestEvent, as_json: bool) -> String {
    match as_json {
        true => serde_json::to_string(event).unwrap_or_default(),
        false => request_sentence(event),
    }
}

/// Returns the line that tells people the addresses.
pub(super) fn sentence(urls: &DoorUrls, token_needed: bool, home: &Path) -> Option<String> {
    let mut lines = Vec::new();
    if let Some(http) = &urls.http {
        lines.push(format!("The page and the hub's API at {http}"));
    }
    if let Some(s3) = &urls.s3 {
        lines.push(format!("S3 at {s3}, bucket `datasets`"));
    }
    if lines.is_empty() {
        return None;
    }
    if let (Some(path), Some(pin)) = (&urls.certificate, &urls.pin) {
        lines.push(format!("  clients trust {path}, or pin {pin}"));
    }
    if token_needed {
        let home = home.display();
        lines.push(format!(
            "  clients need a token of `registry token add` in {home}"
        ));
    }
    Some(lines.join("\n"))
}

impl From<DoorServerError> for Failure {
    fn from(error: DoorServerError) -> Self {
        match error {
            DoorServerError::Bind { address, source } => Error::from(NodeError::Bind {
                address: address.to_string(),
                source,
            })
            .into(),
            DoorServerError::Tokens(e) => Error::from(e).into(),
            DoorServerError::Runtime(source) => Error::machine("start the server", source).into(),
        }
    }
}
