//! `registry import`: reads archives.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::output::destination::check_file_destination;
use crate::cli::output::out::Out;
use crate::cli::output::text::human_bytes;
use crate::cli::output::text::printable;
use crate::cli::prompt::confirm::ask_yes_no;
use crate::cli::prompt::dataset::ask_about_size;
use crate::cli::prompt::passphrase::read_archive_passphrase;
use crate::cli::registry::archives::import_report::ImportReport;
use crate::cli::registry::archives::import_report::ImportedDataset;
use crate::cli::registry::archives::import_report::RefusedArchive;
use crate::cli::registry::archives::receipts::KeptReceipt;
use crate::cli::registry::archives::receipts::keep_receipts;
use crate::cli::registry::archives::receipts::split_receipts;
use crate::cli::registry::archives::receipts::write_receipts;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::file_io::IfExists;
use crate::ident::PublisherKey;
use crate::progress::NoProgress;
use crate::progress::Progress;
use crate::registry::ArchiveInput;
use crate::registry::DecryptionKeys;
use crate::registry::DryRun;
use crate::registry::Error;
use crate::registry::Expansion;
use crate::registry::FoundArchives;
use crate::registry::ImportOptions;
use crate::registry::ImportOutcome;
use crate::registry::IntegrityError;
use crate::registry::Listed;
use crate::registry::LocalRegistry;
use crate::registry::Passphrase;
use crate::registry::TransferError;
use crate::registry::find_archives;
use crate::trust::Action;
use crate::trust::Verdict;

/// Read archives, or every archive in a directory
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar import corpus.alimentar
  alimentar import corpus.alimentar --dry-run
  alimentar import corpus.alimentar --receipt lab-b.receipt")]
pub(crate) struct ImportArgs {
    /// Archives, volumes in any order, or directories of them
    #[arg(required = true, value_name = "FILE-or-DIR")]
    paths: Vec<PathBuf>,
    /// Write a list of the content here into this file, for the next export to this registry [default:
    /// alimentar-NODE.receipt beside the archive]
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Write no receipt
    #[arg(long, conflicts_with = "receipt")]
    no_receipt: bool,
    /// Take only datasets that publishers trusted in full have signed
    #[arg(long)]
    require_signature: bool,
    /// Only say what would happen
    #[arg(long)]
    dry_run: bool,
    /// Do not ask about this publisher; may be given several times
    #[arg(long, value_name = "KEYHEX")]
    accept_publisher: Vec<PublisherKey>,
    /// A file of age identities that opens encrypted archives, beside those of `registry identity`;
    /// may be given several times
    #[arg(long = "identity", value_name = "FILE")]
    identities: Vec<PathBuf>,
    /// Ask for a passphrase that opens encrypted archives
    #[arg(long)]
    decrypt: bool,
}

#[derive(Serialize)]
struct ImportOutput<'a> {
    receipts_kept: Vec<KeptReceipt>,
    imported: &'a [ImportedDataset],
    already_here: &'a [ImportedDataset],
    refused: &'a [RefusedArchive],
    dry_run: bool,
    /// The receipt that was written.
    receipt: Option<String>,
    seconds: f64,
}

pub(crate) fn run(ctx: &Context, args: &ImportArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let started = Instant::now();
    let bar = ctx.progress_bar();
    let if_exists = match &args.receipt {
        Some(path) => check_file_destination(ctx, path)?,
        None => IfExists::Refuse,
    };
    let takes_stdin = args.paths.iter().any(|path| path.as_os_str() == "-");
    let may_ask = std::io::stdin().is_terminal() && !takes_stdin && !ctx.out.is_json();
    let ask = |listed: &Listed| bar.suspend(|| ask_about_publisher(ctx.out, listed));
    let ask_large = |listed: &Listed, expansion: Expansion| {
        bar.suspend(|| ask_about_size(ctx.out, &label_of(listed), expansion))
    };
    let options = ImportOptions {
        keys: find_openers(ctx, args)?,
        require_signature: args.require_signature,
        dry_run: args.dry_run,
        dry_run_state: DryRun::default(),
        accept_publishers: args.accept_publisher.clone(),
        ask: may_ask.then_some(&ask),
        allow_large: ctx.global.allow_large,
        ask_large: Some(&ask_large),
    };
    let (receipts, paths) = split_receipts(&args.paths);
    let FoundArchives {
        inputs: archives,
        unreadable,
    } = find_archives(&paths, &options.keys);
    let mut report = ImportReport::default();
    for (path, error) in unreadable {
        let failure = Failure::from(error);
        let reason = failure.message();
        report.refuse(&path.display().to_string(), &reason, failure);
    }
    import_archives(registry, &archives, &options, &bar, &mut report)?;
    drop(bar);
    warn_about_arrivals(ctx, &report.arrived)?;
    let (mut receipt, mut receipts_kept) = (None, Vec::new());
    if !args.dry_run {
        receipts_kept = keep_receipts(registry, &receipts, &mut report.text);
        if let Some(path) = &args.receipt {
            registry.archives().write_receipt(path, if_exists)?;
            receipt = Some(path.display().to_string());
            report.text += &format!("Wrote the receipt {}\n", path.display());
        } else if report.has_success() && !args.no_receipt {
            let written = write_receipts(registry, &archives, ctx.out, &mut report.text);
            receipt = written.into_iter().next();
        }
    }
    if archives.is_empty() && receipts.is_empty() && report.first_failure.is_none() {
        report.text += "No archives there\n";
    }
    let output = ImportOutput {
        receipts_kept,
        imported: &report.imported,
        already_here: &report.already_here,
        refused: &report.refused,
        dry_run: args.dry_run,
        receipt,
        seconds: started.elapsed().as_secs_f64(),
    };
    let out = ctx.out.beside(args.receipt.as_deref());
    out.result(&output, &report.ids, &printable(&report.text))?;
    let is_partial = report.has_success();
    match report.first_failure {
        None => Ok(()),
        Some(_) if is_partial => Err(Failure::Partial(format!(
            "{} refused",
            report.refused.len()
        ))),
        Some(first) => Err(first),
    }
}

/// The identities and the passphrase that may open encrypted archives.
fn find_openers(ctx: &Context, args: &ImportArgs) -> Result<DecryptionKeys, Failure> {
    let mut openers = ctx.registry()?.archives().own_decryption_keys()?;
    for path in &args.identities {
        openers.add_file(path)?;
    }
    // A passphrase file for keys may be for archives as well. Only `--decrypt` asks.
    if args.decrypt || ctx.global.passphrase_file.is_some() {
        let passphrase = read_archive_passphrase(ctx, false)?;
        openers.set_passphrase(Passphrase::new(&passphrase));
    }
    Ok(openers)
}

/// Imports all archives. One that lacks its base is tried again as long as others come in.
fn import_archives(
    registry: &LocalRegistry,
    archives: &[ArchiveInput],
    options: &ImportOptions<'_>,
    progress: &dyn Progress,
    report: &mut ImportReport,
) -> Result<(), Failure> {
    let mut waiting: Vec<&ArchiveInput> = archives.iter().collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut later = Vec::new();
        for archive in waiting {
            match import_archive(registry, archive, options, progress, report)? {
                None => {}
                // A pipe cannot be read again.
                Some(failure) if archive.is_stream() => report.fail(archive, failure),
                Some(_) => later.push(archive),
            }
        }
        if later.len() == before {
            for archive in later {
                if let Err(error) = registry.archives().import(archive, options, &NoProgress) {
                    report.fail(archive, error.into());
                }
            }
            break;
        }
        waiting = later;
    }
    Ok(())
}

/// Imports one archive. Returns the failure of an archive whose base is not here yet.
fn import_archive(
    registry: &LocalRegistry,
    archive: &ArchiveInput,
    options: &ImportOptions<'_>,
    progress: &dyn Progress,
    report: &mut ImportReport,
) -> Result<Option<Failure>, Failure> {
    let path = archive.path().display().to_string();
    let imported = match registry.archives().import(archive, options, progress) {
        Ok(imported) => imported,
        Err(error @ Error::Transfer(TransferError::BaseMissing { .. })) => {
            return Ok(Some(error.into()));
        }
        // Other faults of one archive do not concern the next.
        Err(error) if !matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::NoSpace) => {
            report.fail(archive, error.into());
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    for outcome in imported.outcomes {
        match outcome {
            ImportOutcome::Imported(l) => {
                let did = if options.dry_run {
                    "Would import"
                } else {
                    "Imported"
                };
                let is_asked = l.decide(Action::Import).verdict == Verdict::Ask;
                if is_asked && !options.dry_run {
                    registry.trust().note_accepted(&l.dataset.manifest)?;
                }
                let new = format!(", {} new", human_bytes(imported.new_bytes));
                let object = ImportedDataset::of(&l, &path, imported.new_chunks);
                report.imported.push(object);
                report.add_line(did, &l, &new);
                report.arrived.push(*l);
            }
            ImportOutcome::AlreadyHere(l) => {
                report.already_here.push(ImportedDataset::of(&l, &path, 0));
                report.add_line("Already here:", &l, "");
            }
            ImportOutcome::Older(l) => {
                report.already_here.push(ImportedDataset::older(&l, &path));
                report.add_line("Older than what is here:", &l, "");
            }
            // A signal has ended the question.
            ImportOutcome::Refused(_) if interrupt::is_requested() => {
                return Err(Error::Interrupted.into());
            }
            ImportOutcome::Refused(r) => {
                let reason = format!("{}: {}", r.dataset, r.reason);
                let failure = match r.expansion {
                    Some(expansion) => Failure::from(Error::Integrity(IntegrityError::TooLarge {
                        dataset: r.dataset,
                        expansion,
                    })),
                    None => Failure::NotTrusted(reason.clone()),
                };
                report.refuse(&path, &reason, failure);
            }
        }
    }
    Ok(None)
}

/// Warns about datasets that just arrived: two contents for one version, names that mimic others.
fn warn_about_arrivals(ctx: &Context, arrived: &[Listed]) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    for listed in arrived {
        let m = &listed.dataset.manifest;
        if registry.publishing().has_equivocated(m)? {
            ctx.out.diagnostic(&format!(
                "warning: its publisher has given `{}@{}` to two contents; name the content id to use one",
                m.name, m.dataset_version
            ));
        }
    }
    let strange = arrived
        .iter()
        .filter(|l| l.decide(Action::Resolve).verdict != Verdict::Accept);
    let names: Vec<_> = strange.map(|l| l.dataset.manifest.name.clone()).collect();
    for (name, other) in registry.publishing().confusable_names(&names)? {
        ctx.out
            .diagnostic(&format!("warning: the name `{name}` reads like `{other}`"));
    }
    Ok(())
}

fn label_of(listed: &Listed) -> String {
    let m = &listed.dataset.manifest;
    let by = match listed.publisher() {
        Some(publisher) => format!(" by {publisher}"),
        None => ", which nobody signed,".to_owned(),
    };
    format!("{}@{}{by}", m.name, m.dataset_version)
}

/// Asks on the terminal. Only a clear yes counts.
fn ask_about_publisher(out: Out, listed: &Listed) -> bool {
    let m = &listed.dataset.manifest;
    let question = format!(
        "`{}@{}` is signed by {}, whose data is asked about. Import it?",
        m.name,
        m.dataset_version,
        listed.publisher().unwrap_or_default()
    );
    ask_yes_no(out, &question)
}
