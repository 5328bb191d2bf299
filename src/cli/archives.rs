//! `registry export` and `registry import`.

use std::io::IsTerminal;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use crate::catalog::Dataset;
use crate::cli::args::Cli;
use crate::cli::args_archives::ExportArgs;
use crate::cli::args_archives::ImportArgs;
use crate::cli::ask::is_yes;
use crate::cli::bar::Bar;
use crate::cli::commands::find;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::large;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::out::printable;
use crate::cli::outputs;
use crate::cli::passphrase::archive_passphrase;
use crate::cli::receivers;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::file_io::IfExists;
use crate::progress::NoProgress;
use crate::registry::ArchiveInput;
use crate::registry::DryRun;
use crate::registry::Error;
use crate::registry::ExportOptions;
use crate::registry::ExportReport;
use crate::registry::FoundArchives;
use crate::registry::ImportOptions;
use crate::registry::ImportOutcome;
use crate::registry::Listed;
use crate::registry::LocalRegistry;
use crate::registry::Passphrase;
use crate::registry::find_archives;
use crate::trust::Action;
use crate::trust::Verdict;

pub(crate) fn export(
    registry: &LocalRegistry,
    args: &ExportArgs,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    let started = Instant::now();
    let if_exists = outputs::may_write(&args.output, cli, out)?;
    let out = &out.beside(Some(&args.output));
    let datasets = chosen(registry, args)?;
    let mut options = ExportOptions {
        split: args.split,
        recipients: args.recipients.clone(),
        passphrase: match args.encrypt {
            true => Some(Passphrase::new(&archive_passphrase(cli, true)?)),
            false => None,
        },
        if_exists,
        ..ExportOptions::default()
    };
    for since in &args.since {
        options.since.push(find(registry, since)?);
    }
    if let Some(path) = &args.receipt {
        let receipt = LocalRegistry::read_full_receipt(path)?;
        (options.receipt, options.known) = (receipt.roots, receipt.known);
    }
    let receiver = receivers::before_export(registry, args, &mut options)?;
    let bar = Bar::new(out.is_quiet());
    let is_dir = args.output.is_dir() || args.output.as_os_str().to_string_lossy().ends_with('/');
    let mut reports: Vec<(Vec<&Dataset>, ExportReport)> = Vec::new();
    if is_dir {
        let dir = &args.output;
        std::fs::create_dir_all(dir).map_err(|e| Error::file("create", dir, e))?;
        for dataset in &datasets {
            if registry.has_nothing_new(std::slice::from_ref(dataset), &options)? {
                continue;
            }
            let m = &dataset.manifest;
            let dest = dir.join(format!("{}-{}.alimentar", m.name, m.dataset_version));
            options.if_exists = outputs::may_write_file(&dest, cli, out)?;
            let one = std::slice::from_ref(dataset);
            let report = registry.export(one, &dest, &options, &bar)?;
            reports.push((vec![dataset], report));
        }
    } else if !registry.has_nothing_new(&datasets, &options)? {
        let report = registry.export(&datasets, &args.output, &options, &bar)?;
        reports.push((datasets.iter().collect(), report));
    }
    drop(bar);
    let objects: Vec<Value> = reports.iter().map(|(d, r)| archive_object(d, r)).collect();
    let mut text = match (reports.is_empty(), datasets.is_empty()) {
        (false, _) => String::new(),
        (true, true) => "Nothing to export: no dataset here was asked for\n".to_owned(),
        (true, false) => "Nothing to export: the receiver has all of it\n".to_owned(),
    };
    let mut paths = Vec::new();
    for (datasets, report) in &reports {
        let first = report.paths.first().cloned().unwrap_or_default();
        text += &printable(&format!(
            "Exported {} dataset(s), {} chunks, {} to {}{}\n",
            datasets.len(),
            report.chunks,
            human_bytes(report.bytes),
            first.display(),
            match report.paths.len() {
                0 | 1 => String::new(),
                n => format!(" and {} more volume(s)", n - 1),
            }
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
        paths.extend(report.paths.iter().map(|p| p.display().to_string()));
    }
    let seconds = started.elapsed().as_secs_f64();
    let mut object = json!({"archives": objects, "seconds": seconds});
    if let Some(receiver) = &receiver {
        text += &printable(&receivers::after_export(registry, args, receiver)?);
        object["to"] = receivers::object(receiver);
    }
    Ok(out.result(&object, &paths, &text)?)
}

fn archive_object(datasets: &[&Dataset], report: &ExportReport) -> Value {
    let id = |d: &Dataset| d.manifest.content_id.to_string();
    let paths: Vec<String> = report
        .paths
        .iter()
        .map(|p| p.display().to_string())
        .collect();
    json!({
        "path": paths.first(), "paths": paths, "bytes": report.bytes,
        "content_id": datasets.first().map(|d| id(d)),
        "content_ids": datasets.iter().map(|d| id(d)).collect::<Vec<_>>(),
        "chunks": report.chunks, "base": report.base.iter().map(id).collect::<Vec<_>>(),
    })
}

/// What is to be exported: what is named, and what has a tag or publisher, or everything that is
/// not kept from others.
fn chosen(registry: &LocalRegistry, args: &ExportArgs) -> Result<Vec<Dataset>, Failure> {
    let mut datasets = Vec::new();
    for reference in &args.references {
        datasets.push(find(registry, reference)?);
    }
    // Who exports to somebody and names nothing means everything that he lacks.
    let means_all = args.all
        || (args.to.is_some() && args.references.is_empty())
            && args.tags.is_empty()
            && args.publishers.is_empty();
    if !means_all && args.tags.is_empty() && args.publishers.is_empty() {
        if datasets.is_empty() {
            return Err(Failure::usage(
                "name a dataset, or give --all, --tag or --publisher",
            ));
        }
        return Ok(datasets);
    }
    let believed = registry.trust()?;
    for dataset in registry.list()? {
        let listed = LocalRegistry::listed(&believed, dataset);
        let m = &listed.dataset.manifest;
        let publisher = listed.publisher();
        let named = means_all
            || args.tags.iter().any(|t| m.tags.contains(t))
            || publisher.is_some_and(|p| args.publishers.contains(&p));
        let is_trusted = listed.decide(Action::List).verdict == Verdict::Accept;
        if named && is_trusted && listed.withdrawn.is_none() && !listed.dataset.flags.private {
            datasets.push(listed.dataset);
        }
    }
    Ok(datasets)
}

/// What became of all archives.
#[derive(Default)]
struct Tally {
    imported: Vec<Value>,
    already: Vec<Value>,
    refused: Vec<Value>,
    text: String,
    ids: Vec<String>,
    first: Option<Failure>,
    came: Vec<Listed>,
}

pub(crate) fn import(
    registry: &LocalRegistry,
    args: &ImportArgs,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    let started = Instant::now();
    let bar = Bar::new(out.is_quiet());
    let ask = |listed: &Listed| bar.suspended(|| ask_about(listed, out));
    let if_exists = match &args.receipt {
        Some(path) => outputs::may_write_file(path, cli, out)?,
        None => IfExists::Refuse,
    };
    let out = &out.beside(args.receipt.as_deref());
    let takes_stdin = args.paths.iter().any(|path| path.as_os_str() == "-");
    let may_ask = std::io::stdin().is_terminal() && !takes_stdin && !out.is_json();
    let ask_large = |listed: &Listed, expansion| {
        let m = &listed.dataset.manifest;
        let by = listed.publisher().map_or_else(
            || ", which nobody signed,".to_owned(),
            |p| format!(" by {p}"),
        );
        let label = format!("{}@{}{by}", m.name, m.dataset_version);
        bar.suspended(|| large::ask(&label, expansion, out))
    };
    let mut openers = registry.own_decryption_keys()?;
    for path in &args.identities {
        openers.add_file(path)?;
    }
    // One that was given for keys may be for archives; asking is for who says so.
    if args.decrypt || cli.passphrase_file.is_some() {
        let passphrase = archive_passphrase(cli, false)?;
        openers.set_passphrase(Passphrase::new(&passphrase));
    }
    let options = ImportOptions {
        keys: openers,
        require_signature: args.require_signature,
        dry_run: args.dry_run,
        dry_run_state: DryRun::default(),
        accept_publishers: args.accept_publisher.clone(),
        ask: may_ask.then_some(&ask),
        allow_large: cli.allow_large,
        ask_large: Some(&ask_large),
    };
    let (receipts, paths) = receivers::told_apart(&args.paths);
    let FoundArchives {
        inputs: found,
        unreadable,
    } = find_archives(&paths, &options.keys);
    let mut tally = Tally::default();
    for (path, error) in unreadable {
        let failure = Failure::from(error);
        refuse(&mut tally, &path.display().to_string(), &failure.message());
        tally.first.get_or_insert(failure);
    }
    // A delta may come before its base: it is tried again as long as others come in.
    let mut left: Vec<&ArchiveInput> = found.iter().collect();
    while !left.is_empty() {
        let before = left.len();
        let mut later = Vec::new();
        for parcel in left {
            match one(registry, parcel, &options, &mut tally, &bar)? {
                None => {}
                // What came through a pipe cannot be read again.
                Some(failure) if parcel.is_stream() => tally.fail(parcel, failure),
                Some(_) => later.push(parcel),
            }
        }
        if later.len() == before {
            for parcel in &later {
                refuse_without_base(registry, parcel, &options, &mut tally);
            }
            break;
        }
        left = later;
    }
    drop(bar);
    warn_about(registry, &tally.came, out)?;
    let some_done = !tally.imported.is_empty() || !tally.already.is_empty();
    let (mut receipt, mut kept) = (Value::Null, Vec::new());
    if !args.dry_run {
        kept = receivers::keep(registry, &receipts, &mut tally.text)?;
        if let Some(path) = &args.receipt {
            registry.write_receipt(path, if_exists)?;
            receipt = json!(path.display().to_string());
            tally.text += &format!("Wrote the receipt {}\n", path.display());
        } else if some_done && !args.no_receipt {
            let (left, said) = receivers::leave(registry, &found, out);
            receipt = json!(left.first());
            tally.text += &said;
        }
    }
    if found.is_empty() && receipts.is_empty() && tally.first.is_none() {
        tally.text += "No archives there\n";
    }
    let object = json!({
        "receipts_kept": kept, "imported": tally.imported, "already_here": tally.already, "refused": tally.refused,
        "dry_run": args.dry_run, "receipt": receipt, "seconds": started.elapsed().as_secs_f64(),
    });
    out.result(&object, &tally.ids, &printable(&tally.text))?;
    let refused = tally.refused.len();
    match tally.first {
        None => Ok(()),
        Some(_) if some_done => Err(Failure::Partial(format!("{refused} refused"))),
        Some(first) => Err(first),
    }
}

fn refuse_without_base(
    registry: &LocalRegistry,
    parcel: &ArchiveInput,
    options: &ImportOptions<'_>,
    tally: &mut Tally,
) {
    if let Err(error) = registry.import(parcel, options, &NoProgress) {
        tally.fail(parcel, error.into());
    }
}

/// Imports one archive; the failure when its base is not here, yet.
fn one(
    registry: &LocalRegistry,
    parcel: &ArchiveInput,
    options: &ImportOptions<'_>,
    tally: &mut Tally,
    bar: &Bar,
) -> Result<Option<Failure>, Failure> {
    let path = parcel.path().display().to_string();
    let imported = registry.import(parcel, options, bar);
    let report = match imported {
        Ok(report) => report,
        Err(error @ Error::BaseMissing { .. }) => return Ok(Some(error.into())),
        // What is wrong here is not wrong with the next archive.
        Err(error) if !matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::NoSpace) => {
            tally.fail(parcel, error.into());
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    for outcome in report.outcomes {
        match outcome {
            ImportOutcome::Imported(l) => {
                let said = if options.dry_run {
                    "Would import"
                } else {
                    "Imported"
                };
                let is_asked = l.decide(Action::Import).verdict == Verdict::Ask;
                if is_asked && !options.dry_run {
                    registry.note_accepted(&l.dataset.manifest)?;
                }
                let new = format!(", {} new", human_bytes(report.new_bytes));
                let object = object(&l, &path, report.new_chunks);
                tally.imported.push(object);
                tally.line(said, &l, &new);
                tally.came.push(*l);
            }
            ImportOutcome::AlreadyHere(l) => {
                tally.already.push(object(&l, &path, 0));
                tally.line("Already here:", &l, "");
            }
            ImportOutcome::Older(l) => {
                let mut object = object(&l, &path, 0);
                object["older"] = json!(true);
                tally.already.push(object);
                tally.line("Older than what is here:", &l, "");
            }
            // Nobody answered: the question was ended.
            ImportOutcome::Refused(_) if interrupt::was_asked_for() => {
                return Err(Error::Interrupted.into());
            }
            ImportOutcome::Refused(r) => {
                let reason = format!("{}: {}", r.dataset, r.reason);
                refuse(tally, &path, &reason);
                let failure = match r.expansion {
                    Some(expansion) => Failure::from(Error::TooLarge {
                        dataset: r.dataset,
                        expansion,
                    }),
                    None => Failure::NotTrusted(reason),
                };
                tally.first.get_or_insert(failure);
            }
        }
    }
    Ok(None)
}

fn object(listed: &Listed, path: &str, new_chunks: u64) -> Value {
    let m = &listed.dataset.manifest;
    json!({
        "content_id": m.content_id.to_string(), "name": m.name.to_string(),
        "version": m.dataset_version.to_string(), "trust": listed.trust().name(),
        "publisher": listed.publisher(), "new_chunks": new_chunks, "path": path,
    })
}

fn refuse(tally: &mut Tally, path: &str, reason: &str) {
    tally.refused.push(json!({"path": path, "reason": reason}));
    tally.text += &format!("Refused {path}: {reason}\n");
}

impl Tally {
    fn fail(&mut self, parcel: &ArchiveInput, failure: Failure) {
        let path = parcel.path().display().to_string();
        refuse(self, &path, &failure.message());
        self.first.get_or_insert(failure);
    }

    fn line(&mut self, said: &str, listed: &Listed, more: &str) {
        let m = &listed.dataset.manifest;
        let by = listed.publisher_short().map(|p| format!(" by {p}"));
        self.text += &format!(
            "{said} {}@{}{}, trust {}{more}\n  {}\n",
            m.name,
            m.dataset_version,
            by.unwrap_or_default(),
            listed.trust().name(),
            m.content_id,
        );
        self.ids.push(m.content_id.to_string());
    }
}

/// Says what is strange about datasets that just came in.
fn warn_about(registry: &LocalRegistry, came: &[Listed], out: &Out) -> Result<(), Failure> {
    for listed in came {
        let m = &listed.dataset.manifest;
        if registry.has_equivocated(m)? {
            out.diagnostic(&format!(
                "warning: its publisher has given `{}@{}` to two contents; name the content id to use one",
                m.name, m.dataset_version
            ));
        }
    }
    let apart = came
        .iter()
        .filter(|l| l.decide(Action::Resolve).verdict != Verdict::Accept);
    let names: Vec<_> = apart.map(|l| l.dataset.manifest.name.clone()).collect();
    for (name, other) in registry.confusable_names(&names)? {
        out.diagnostic(&format!("warning: the name `{name}` reads like `{other}`"));
    }
    Ok(())
}

/// Asks on the terminal. Only a clear yes is one.
fn ask_about(listed: &Listed, out: &Out) -> bool {
    let m = &listed.dataset.manifest;
    let question = format!(
        "`{}@{}` is signed by {}, whose data is asked about. Import it?",
        m.name,
        m.dataset_version,
        listed.publisher().unwrap_or_default()
    );
    is_yes(&question, out)
}

/// `4GiB`, `700M`, `5000000`: with `i` by 1024, without by 1000.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let wrong = || "a size such as 4GiB, 700MB or 5000000".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: f64 = digits.trim().parse().map_err(|_| wrong())?;
    let unit = text
        .get(digits.len()..)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let (letter, base) = match unit.strip_suffix('i') {
        Some(letter) => (letter, 1024_f64),
        None => (unit, 1000.0),
    };
    let power = match letter {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return Err(wrong()),
    };
    let bytes = number * base.powi(power);
    if (1.0..1e18).contains(&bytes) {
        Ok(bytes as u64)
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes() {
        assert_eq!(size("4GiB"), Ok(4 << 30));
        assert_eq!(size("700M"), Ok(700_000_000));
        assert_eq!(size("1.5kib"), Ok(1536));
        assert_eq!(size("5000000"), Ok(5_000_000));
        assert!(size("x").is_err() && size("-1G").is_err() && size("3 parsecs").is_err());
    }
}
