//! `registry export`: writes datasets into archives.

use crate::registry::Archives;
use crate::registry::Listed;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::catalog::Dataset;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::destination::check_destination;
use crate::cli::output::destination::check_file_destination;
use crate::cli::output::text::human_bytes;
use crate::cli::output::text::printable;
use crate::cli::parse::parse_alias;
use crate::cli::parse::parse_size;
use crate::cli::prompt::passphrase::read_archive_passphrase;
use crate::cli::registry::reference::find_dataset;
use crate::file_io::IfExists;
use crate::ident::Alias;
use crate::registry::Error;
use crate::registry::ExportOptions;
use crate::registry::ExportReport;
use crate::registry::LocalRegistry;
use crate::registry::NodeError;
use crate::registry::Passphrase;
use crate::registry::Receiver;
use crate::registry::Recipient;
use crate::trust::Action;
use crate::trust::Verdict;

/// Write datasets into an archive, whole or without what the receiver has
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar registry export corpus -o corpus.alimentar
  alimentar registry export corpus@1.1.0 --since corpus@1.0.0 -o delta.alimentar
  alimentar registry export --all --for lab-b.receipt --split 4GiB -o stick/all.alimentar
  alimentar registry export --to lab-b -o stick/for-b.alimentar")]
pub(crate) struct ExportArgs {
    /// References
    references: Vec<String>,
    /// All datasets here that are trusted, and neither private nor withdrawn
    #[arg(long)]
    all: bool,
    /// All of these with this tag; may be given several times
    #[arg(long = "tag", value_name = "T")]
    tags: Vec<String>,
    /// All of these by this publisher; may be given several times
    #[arg(long = "publisher", value_name = "NAME")]
    publishers: Vec<String>,
    /// The archive; in an existing directory, one archive a dataset
    #[arg(short, long, value_name = "FILE-or-DIR")]
    output: PathBuf,
    /// Leave out the content of this dataset, which the receiver has; may be given several times
    #[arg(long, value_name = "REF")]
    since: Vec<String>,
    /// For the registry of this name: leave out the content of its last receipt, and encrypt to the
    /// recipients that were given for it before; without a reference, export all datasets
    #[arg(long, value_name = "NAME", value_parser = parse_alias)]
    to: Option<Alias>,
    /// Leave out the content of this receipt, which the receiver's last import wrote; with --to it is
    /// kept
    #[arg(long = "for", value_name = "RECEIPT")]
    receipt: Option<PathBuf>,
    /// Split the archive into volumes of at most this size: 4GiB, 700MB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    split: Option<u64>,
    /// Encrypt to this age public key; may be given several times; with --to they are kept
    #[arg(long = "recipient", value_name = "age1…")]
    recipients: Vec<Recipient>,
    /// Encrypt under a passphrase, given as for keys
    #[arg(long, conflicts_with = "recipients")]
    encrypt: bool,
}

#[derive(Serialize)]
struct ExportOutput {
    archives: Vec<ArchiveObject>,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<ReceiverObject>,
}

#[derive(Serialize)]
struct ArchiveObject {
    /// The first volume.
    path: Option<String>,
    paths: Vec<String>,
    bytes: u64,
    /// The first dataset.
    content_id: Option<String>,
    content_ids: Vec<String>,
    chunks: u64,
    /// Datasets that the receiver must have.
    base: Vec<String>,
}

#[derive(Serialize)]
struct ReceiverObject {
    name: String,
    receipt: bool,
    recipients: Vec<String>,
}

/// An archive and its datasets.
struct Exported<'a> {
    datasets: Vec<&'a Dataset>,
    report: ExportReport,
}

pub(crate) fn run(ctx: &Context, args: &ExportArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let started = Instant::now();
    let if_exists = check_destination(ctx, &args.output)?;
    let datasets = select_datasets(ctx, args)?;
    let mut options = export_options(ctx, args, if_exists)?;
    let receiver = prepare_receiver(registry, args, &mut options)?;
    let exported = write_archives(ctx, args, &datasets, options)?;
    let mut text = match (exported.is_empty(), datasets.is_empty()) {
        (false, _) => exported.iter().map(Exported::text).collect(),
        (true, true) => "Nothing to export: no dataset here was asked for\n".to_owned(),
        (true, false) => "Nothing to export: the receiver has all of it\n".to_owned(),
    };
    let seconds = started.elapsed().as_secs_f64();
    if let Some(receiver) = &receiver {
        text += &printable(&remember_receiver(registry, args, receiver)?);
    }
    let output = ExportOutput {
        archives: exported.iter().map(Exported::object).collect(),
        seconds,
        to: receiver.as_ref().map(ReceiverObject::of),
    };
    let paths: Vec<String> = output
        .archives
        .iter()
        .flat_map(|a| a.paths.clone())
        .collect();
    let out = ctx.out.beside(Some(&args.output));
    Ok(out.result(&output, &paths, &text)?)
}

/// Selects the datasets: those that are named, and those with a tag or publisher, or all that may be
/// shown to others.
fn select_datasets(ctx: &Context, args: &ExportArgs) -> Result<Vec<Dataset>, Failure> {
    let registry = ctx.registry()?;
    let mut datasets = Vec::new();
    for reference in &args.references {
        datasets.push(find_dataset(ctx, reference)?);
    }
    let has_filter = !args.tags.is_empty() || !args.publishers.is_empty();
    // `--to NAME` alone means everything that the receiver lacks.
    let means_all = args.all || (args.to.is_some() && args.references.is_empty() && !has_filter);
    if !means_all && !has_filter {
        if datasets.is_empty() {
            return Err(Failure::usage(
                "name a dataset, or give --all, --tag or --publisher",
            ));
        }
        return Ok(datasets);
    }
    let believed = registry.trust().store()?;
    for dataset in registry.list()? {
        let listed = Listed::of(&believed, dataset);
        let m = &listed.dataset.manifest;
        let publisher = listed.publisher();
        let is_wanted = means_all
            || args.tags.iter().any(|t| m.tags.contains(t))
            || publisher.is_some_and(|p| args.publishers.contains(&p));
        let is_trusted = listed.decide(Action::List).verdict == Verdict::Accept;
        if is_wanted && is_trusted && listed.withdrawn.is_none() && !listed.dataset.flags.private {
            datasets.push(listed.dataset);
        }
    }
    Ok(datasets)
}

fn export_options(
    ctx: &Context,
    args: &ExportArgs,
    if_exists: IfExists,
) -> Result<ExportOptions, Failure> {
    let mut options = ExportOptions {
        split: args.split,
        recipients: args.recipients.clone(),
        passphrase: if args.encrypt {
            Some(Passphrase::new(&read_archive_passphrase(ctx, true)?))
        } else {
            None
        },
        if_exists,
        ..ExportOptions::default()
    };
    for since in &args.since {
        options.since.push(find_dataset(ctx, since)?);
    }
    if let Some(path) = &args.receipt {
        let receipt = Archives::read_full_receipt(path)?;
        (options.receipt, options.known) = (receipt.roots, receipt.known);
    }
    Ok(options)
}

/// Completes the options by the facts known of the receiver; `None` without `--to`.
fn prepare_receiver(
    registry: &LocalRegistry,
    args: &ExportArgs,
    options: &mut ExportOptions,
) -> Result<Option<Receiver>, Failure> {
    let Some(name) = &args.to else {
        return Ok(None);
    };
    let mut receiver = registry.archives().receiver(name)?;
    let is_known =
        receiver.has_receipt || receiver.node.is_some() || !receiver.recipients.is_empty();
    if !is_known && args.receipt.is_none() && args.recipients.is_empty() {
        return Err(Error::from(NodeError::UnknownReceiver(name.to_string())).into());
    }
    match args.receipt {
        // A receipt on the command line takes precedence. It is kept once the archive is written.
        Some(_) => receiver.has_receipt = true,
        None => options.receipt.clone_from(&receiver.has),
    }
    if !args.recipients.is_empty() {
        receiver.recipients.clone_from(&args.recipients);
    } else if options.passphrase.is_none() {
        options.recipients.clone_from(&receiver.recipients);
    }
    Ok(Some(receiver))
}

/// Writes one archive, or in a directory one for each dataset.
fn write_archives<'a>(
    ctx: &Context,
    args: &ExportArgs,
    datasets: &'a [Dataset],
    mut options: ExportOptions,
) -> Result<Vec<Exported<'a>>, Failure> {
    let registry = ctx.registry()?;
    let bar = ctx.progress_bar();
    let mut exported = Vec::new();
    let dir = &args.output;
    let is_dir = dir.is_dir() || dir.as_os_str().to_string_lossy().ends_with('/');
    if !is_dir {
        if !registry.archives().has_nothing_new(datasets, &options)? {
            exported.push(Exported {
                datasets: datasets.iter().collect(),
                report: registry
                    .archives()
                    .export(datasets, &args.output, &options, &bar)?,
            });
        }
        return Ok(exported);
    }
    std::fs::create_dir_all(dir).map_err(|e| Error::file("create", dir, e))?;
    for dataset in datasets {
        let one = std::slice::from_ref(dataset);
        if registry.archives().has_nothing_new(one, &options)? {
            continue;
        }
        let m = &dataset.manifest;
        let dest = dir.join(format!("{}-{}.alimentar", m.name, m.dataset_version));
        options.if_exists = check_file_destination(ctx, &dest)?;
        exported.push(Exported {
            datasets: vec![dataset],
            report: registry.archives().export(one, &dest, &options, &bar)?,
        });
    }
    Ok(exported)
}

impl Exported<'_> {
    fn object(&self) -> ArchiveObject {
        let id = |d: &Dataset| d.manifest.content_id.to_string();
        let paths = self.report.paths.iter().map(|p| p.display().to_string());
        let paths: Vec<String> = paths.collect();
        ArchiveObject {
            path: paths.first().cloned(),
            paths,
            bytes: self.report.bytes,
            content_id: self.datasets.first().map(|d| id(d)),
            content_ids: self.datasets.iter().map(|d| id(d)).collect(),
            chunks: self.report.chunks,
            base: self.report.base.iter().map(id).collect(),
        }
    }

    fn text(&self) -> String {
        let report = &self.report;
        let first = report.paths.first().cloned().unwrap_or_default();
        let more = match report.paths.len() {
            0 | 1 => String::new(),
            n => format!(" and {} more volume(s)", n - 1),
        };
        let mut text = printable(&format!(
            "Exported {} dataset(s), {} chunks, {} to {}{more}\n",
            self.datasets.len(),
            report.chunks,
            human_bytes(report.bytes),
            first.display(),
        ));
        for base in &report.base {
            let m = &base.manifest;
            text += &format!(
                "  needs {}@{} (alimentar:{})\n",
                m.name,
                m.dataset_version,
                m.content_id.short()
            );
        }
        text
    }
}

impl ReceiverObject {
    fn of(receiver: &Receiver) -> Self {
        let recipients = receiver.recipients.iter().map(ToString::to_string);
        Self {
            name: receiver.name.to_string(),
            receipt: receiver.has_receipt,
            recipients: recipients.collect(),
        }
    }
}

/// Keeps the receipt and the recipients of the receiver, and describes the archive for people.
fn remember_receiver(
    registry: &LocalRegistry,
    args: &ExportArgs,
    receiver: &Receiver,
) -> Result<String, Failure> {
    let name = &receiver.name;
    if let Some(path) = &args.receipt {
        registry.archives().keep_receipt(path, Some(name))?;
    }
    if !args.recipients.is_empty() {
        registry
            .archives()
            .keep_recipients(name, &args.recipients)?;
    }
    let extent = if receiver.has_receipt {
        "without what its last receipt names"
    } else {
        "whole, since no receipt of it is here"
    };
    let encryption = match (args.encrypt, receiver.recipients.len()) {
        (true, _) => "encrypted under the passphrase".to_owned(),
        (false, 0) => "not encrypted: no recipient is known for it".to_owned(),
        (false, n) => format!("encrypted to {n} recipient(s)"),
    };
    Ok(format!("  for `{name}`: {extent}; {encryption}\n"))
}
