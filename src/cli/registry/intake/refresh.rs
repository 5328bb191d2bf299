//! `registry refresh`: looks at the place of a dataset again, and makes the next version.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::registry::intake::index::at_revision;
use crate::cli::registry::intake::index::take_in;
use crate::cli::registry::intake::indexed::Indexed;
use crate::cli::registry::intake::indexed::publish_revision;
use crate::cli::registry::intake::indexed::show;
use crate::cli::registry::publishing::key_pair::open_key_pair;
use crate::cli::registry::reference::find_dataset;
use crate::ident::DatasetVersion;
use crate::registry::Error;
use crate::registry::IndexOptions;
use crate::registry::IntakeError;
use crate::registry::IntakeOptions;
use crate::registry::IntakeReport;
use crate::remote::RemoteUrl;

/// Look at the URL that a dataset came from again, and make the next version
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar refresh gsm8k
  alimentar refresh gsm8k --sign
  alimentar refresh gsm8k --revision refs/convert/parquet")]
pub(crate) struct RefreshArgs {
    /// A dataset that was taken in from a URL: name, name@1.2.0 or alimentar:<id or prefix>
    reference: String,
    /// The revision of a hub's repository [default: as before]
    #[arg(long, value_name = "REV")]
    revision: Option<String>,
    /// The version [default: the next after the newest of that name]
    #[arg(long = "version", value_name = "V")]
    dataset_version: Option<DatasetVersion>,
    /// Sign it: publish it under your key
    #[arg(long)]
    sign: bool,
    /// The key file to sign with [default: key.enc in the registry's directory]
    #[arg(long, value_name = "FILE", requires = "sign")]
    key: Option<PathBuf>,
}

pub(crate) fn run(ctx: &Context, args: &RefreshArgs) -> Result<(), Failure> {
    let started = Instant::now();
    let dataset = find_dataset(ctx, &args.reference)?;
    let name = dataset.manifest.name.clone();
    let Some(source) = dataset.manifest.source.clone() else {
        return Err(Error::from(IntakeError::NoSource(name.to_string())).into());
    };
    let url = RemoteUrl::parse(&source.url).map_err(Error::from)?;
    if url.is_incomplete() {
        let (name, url) = (name.to_string(), source.url);
        return Err(Error::from(IntakeError::PartialUrl { name, url }).into());
    }
    let url = at_revision(url, args.revision.as_deref())?;
    let key = args.key.as_deref();
    let options = IndexOptions {
        name: Some(name),
        version: args.dataset_version.clone(),
        exclude: source.exclude,
        sign_with: match args.sign {
            true => Some(open_key_pair(ctx, key)?),
            false => None,
        },
        ..IndexOptions::default()
    };
    let mut intake = IntakeOptions::new(options, source.include);
    intake.base = Some(dataset);
    let IntakeReport {
        index: mut report,
        source,
        fetched_files,
        fetched_bytes,
        ..
    } = take_in(ctx, &url, &intake)?;
    let revised = publish_revision(ctx, key, &intake.index, &mut report)?;
    show(
        ctx,
        &Indexed {
            report: &report,
            source: Some((source, fetched_files, fetched_bytes)),
            revised,
            seconds: started.elapsed().as_secs_f64(),
        },
    )
}
