//! `registry index`: puts a file or a directory into the registry, from a path or from a URL.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::registry::intake::indexed::Indexed;
use crate::cli::registry::intake::indexed::publish_revision;
use crate::cli::registry::intake::indexed::show;
use crate::cli::registry::publishing::key_pair::open_key_pair;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::registry::IndexOptions;
use crate::registry::IntakeOptions;
use crate::registry::IntakeReport;
use crate::registry::RemoteSource;
use crate::remote::RemoteUrl;

/// Put a file, a directory, or what is behind a URL into the registry
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar index train.jsonl --license MIT
  alimentar index photos --name holidays --tag 2026 --exclude '*.tmp'
  alimentar index train.jsonl --name corpus --sign
  alimentar index hf://datasets/openai/gsm8k --include '*.parquet'
  alimentar index https://example.org/data/train.csv.gz --license CC-BY-4.0
  alimentar index s3://bucket/corpus/ --name corpus")]
pub(crate) struct IndexArgs {
    /// A file or a directory, or a URL: https://, hf://[datasets/]NAMESPACE/NAME[@REVISION][/PATH] or
    /// s3://BUCKET/KEY
    path: PathBuf,
    /// The dataset's name [default: the file's name without ending, where that is a name]
    #[arg(long)]
    name: Option<DatasetName>,
    /// Its version [default: the next after the newest of that name, or 0.1.0]
    #[arg(long = "version", value_name = "V")]
    dataset_version: Option<DatasetVersion>,
    /// Its description, in Markdown [default: as in the version before]
    #[arg(long)]
    description: Option<String>,
    /// Its licence, as an SPDX expression or LicenseRef-NAME [default: as in the card or the version before]
    #[arg(long)]
    license: Option<String>,
    /// A label; may be given several times [default: as in the version before]
    #[arg(long = "tag", value_name = "T")]
    tags: Vec<String>,
    /// A Markdown file that is its card [default: README.md of a directory, or the card of the version before]
    #[arg(long, value_name = "FILE")]
    card: Option<PathBuf>,
    /// Show it to nobody else
    #[arg(long)]
    private: bool,
    /// Take only paths behind a URL that match; may be given several times
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// The revision of a hub's repository: a branch, a tag or a commit [default: main]
    #[arg(long, value_name = "REV")]
    revision: Option<String>,
    /// Leave out paths of a directory that match; may be given several times
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Also follow links that lead out of the directory
    #[arg(long)]
    follow_links: bool,
    /// Take the types of columns from all rows of text, not from its first MiB; reads large text twice
    #[arg(long)]
    full_schema: bool,
    /// Sign it: publish it under your key
    #[arg(long)]
    sign: bool,
    /// The key file to sign with [default: key.enc in the registry's directory]
    #[arg(long, value_name = "FILE", requires = "sign")]
    key: Option<PathBuf>,
}

pub(crate) fn run(ctx: &Context, args: &IndexArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let started = Instant::now();
    let options = index_options(ctx, args)?;
    let (mut report, source) = match url_of(args)? {
        Some(url) => {
            let options = IntakeOptions::new(options.clone(), args.include.clone());
            let IntakeReport {
                index,
                source,
                fetched_files,
                fetched_bytes,
                ..
            } = take_in(ctx, &url, &options)?;
            (index, Some((source, fetched_files, fetched_bytes)))
        }
        None => {
            let bar = ctx.progress_bar();
            (registry.index(&args.path, &options, &bar)?, None)
        }
    };
    let key = args.key.as_deref();
    let revised = publish_revision(ctx, key, &options, &mut report)?;
    show(
        ctx,
        &Indexed {
            report: &report,
            source,
            revised,
            seconds: started.elapsed().as_secs_f64(),
        },
    )
}

/// Takes in what is behind a URL.
pub(super) fn take_in(
    ctx: &Context,
    url: &RemoteUrl,
    options: &IntakeOptions,
) -> Result<IntakeReport, Failure> {
    let registry = ctx.registry()?;
    let bar = ctx.progress_bar();
    let source = RemoteSource::find(ctx.remote()?, url)?;
    Ok(registry.take_in(&source, options, &bar)?)
}

/// Returns the URL that is meant, or `None` for a path.
fn url_of(args: &IndexArgs) -> Result<Option<RemoteUrl>, Failure> {
    let text = args.path.to_str().filter(|t| RemoteUrl::looks_like_url(t));
    let needs_url = |option: &str| Failure::Misused {
        message: format!(
            "{option} is for URLs, and `{}` is a path",
            args.path.display()
        ),
        hint: "a directory has --exclude, and .alimentarignore".to_owned(),
    };
    let Some(text) = text else {
        return match (&args.revision, args.include.is_empty()) {
            (Some(_), _) => Err(needs_url("--revision")),
            (None, false) => Err(needs_url("--include")),
            (None, true) => Ok(None),
        };
    };
    let url = RemoteUrl::parse(text).map_err(crate::registry::Error::from)?;
    Ok(Some(at_revision(url, args.revision.as_deref())?))
}

/// Returns the place at a revision, which only a hub has.
pub(super) fn at_revision(url: RemoteUrl, revision: Option<&str>) -> Result<RemoteUrl, Failure> {
    match (url, revision) {
        (url, None) => Ok(url),
        (RemoteUrl::Hub(hub), Some(revision)) => Ok(RemoteUrl::Hub(hub.at_revision(revision))),
        (url, Some(_)) => Err(Failure::Misused {
            message: format!("--revision is for repositories of a hub, and `{url}` is none"),
            hint: "leave it out".to_owned(),
        }),
    }
}

fn index_options(ctx: &Context, args: &IndexArgs) -> Result<IndexOptions, Failure> {
    Ok(IndexOptions {
        name: args.name.clone(),
        version: args.dataset_version.clone(),
        description: args.description.clone(),
        license: args.license.clone(),
        tags: args.tags.clone(),
        card: args.card.clone(),
        private: args.private,
        exclude: args.exclude.clone(),
        follow_links: args.follow_links,
        full_schema: args.full_schema,
        sign_with: if args.sign {
            // A wrong passphrase is noticed before the work.
            Some(open_key_pair(ctx, args.key.as_deref())?)
        } else {
            None
        },
    })
}
