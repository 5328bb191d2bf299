//! One function a command: call the library, shape the answer.

use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;

use crate::catalog::Dataset;
use crate::cli::alias;
use crate::cli::archives;
use crate::cli::args::Cli;
use crate::cli::args::IndexArgs;
use crate::cli::args::KeyArgs;
use crate::cli::args::RegistryCommand;
use crate::cli::bar::Bar;
use crate::cli::card;
use crate::cli::checkouts;
use crate::cli::diff;
use crate::cli::exit::Failure;
use crate::cli::keys;
use crate::cli::large;
use crate::cli::life;
use crate::cli::nodes;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::peers;
use crate::cli::pull;
use crate::cli::receivers;
use crate::cli::revise;
use crate::cli::schema;
use crate::cli::search;
use crate::cli::serve;
use crate::cli::show;
use crate::cli::show::extend;
use crate::cli::sync;
use crate::cli::trust;
use crate::cli::upkeep;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::Reference;
use crate::registry::Edit;
use crate::registry::Error;
use crate::registry::GcOptions;
use crate::registry::IndexOptions;
use crate::registry::LocalRegistry;
use crate::registry::Skipped;
use crate::trust::Action;
use crate::trust::SignatureState;
use crate::trust::Verdict;

pub(crate) fn run(command: &RegistryCommand, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let home = home_of(cli)?;
    if let RegistryCommand::Fsck { repair: true, peer } = command {
        return upkeep::repair(&home, peer.as_ref(), out);
    }
    let registry = LocalRegistry::open(&home)?;
    upkeep::warn_of_losses(&registry, out)?;
    match command {
        RegistryCommand::Index(args) => index(&registry, args, cli, out),
        RegistryCommand::List { peer: None, all } => show::list(&registry, *all, out),
        RegistryCommand::List {
            peer: Some(peer), ..
        } => peers::list(&registry, peer, out),
        RegistryCommand::Info(r) => show::info(&registry, &find(&registry, &r.reference)?, out),
        RegistryCommand::Ls { reference: None } => show::list(&registry, false, out),
        RegistryCommand::Ls {
            reference: Some(reference),
        } => show::ls(&registry, &find(&registry, reference)?, out),
        RegistryCommand::Cat { target } => checkouts::cat(&registry, target, cli, out),
        RegistryCommand::Resolve(r) => resolve(&find(&registry, &r.reference)?, out),
        RegistryCommand::Checkout {
            target,
            dest,
            update,
        } => checkouts::checkout(&registry, target, (dest, *update), (cli, out)),
        RegistryCommand::Status { dir, exit_code } => {
            checkouts::status(&registry, dir, *exit_code, out)
        }
        RegistryCommand::Verify {
            reference,
            require_signature,
        } => verify(
            &registry,
            &find(&registry, reference)?,
            *require_signature,
            out,
        ),
        RegistryCommand::Diff { a, b, exit_code } => {
            diff::run(&registry, (a, b), *exit_code, (cli, out))
        }
        RegistryCommand::Search {
            query,
            schema,
            limit,
        } => search::run(&registry, query, schema.as_deref(), *limit, out),
        RegistryCommand::Card {
            reference,
            html,
            set,
            key,
            croissant,
        } => {
            let dataset = find(&registry, reference)?;
            let dataset = match set {
                None => dataset,
                Some(_) => {
                    let edit = Edit {
                        card: set.clone(),
                        ..Edit::default()
                    };
                    let pair = keys::pair_for(&dataset, key, cli)?;
                    registry.revise(&dataset, &edit, pair.as_ref())?
                }
            };
            if *croissant {
                return card::croissant(&registry, &dataset, out);
            }
            card::run(&registry, &dataset, *html, out)
        }
        RegistryCommand::Tag {
            reference,
            add,
            remove,
            key,
        } => {
            let edit = Edit {
                add_tags: add.clone(),
                remove_tags: remove.clone(),
                ..Edit::default()
            };
            let dataset = find(&registry, reference)?;
            revise::revise(&registry, &dataset, &edit, (key, cli), out)
        }
        RegistryCommand::Set(args) => {
            let dataset = find(&registry, &args.reference)?;
            revise::set(&registry, &dataset, args, cli, out)
        }
        RegistryCommand::Alias(args) => alias::run(&registry, args, cli, out),
        RegistryCommand::Rename {
            reference,
            name,
            key,
        } => life::rename(&registry, reference, name, key, (cli, out)),
        RegistryCommand::Withdraw {
            reference,
            reason,
            purge,
            key,
        } => {
            let dataset = find(&registry, reference)?;
            revise::withdraw(&registry, &dataset, reason, *purge, (key, cli), out)
        }
        RegistryCommand::Export(args) => archives::export(&registry, args, cli, out),
        RegistryCommand::Import(args) => archives::import(&registry, args, cli, out),
        RegistryCommand::Identity { command } => receivers::identity(&registry, command, out),
        RegistryCommand::Keygen(args) => keys::keygen(&registry, args, cli, out),
        RegistryCommand::Sign(args) => keys::sign(&registry, args, cli, out),
        RegistryCommand::Passwd(args) => keys::passwd(&registry, args, cli, out),
        RegistryCommand::Trust { command } => trust::run(&registry, command, cli, out),
        RegistryCommand::Schema { target } => {
            let (dataset, path) = find_target(&registry, target)?;
            large::check(&registry, &dataset, cli, out)?;
            schema::run(&registry, &dataset, path.as_deref(), out)
        }
        RegistryCommand::Log { name } => revise::log(&registry, name, out),
        RegistryCommand::Unindex(r) => life::unindex(&registry, &r.reference, cli, out),
        RegistryCommand::Restore(args) => life::restore(&registry, args, out),
        RegistryCommand::Forget(args) => life::forget(&registry, args, (cli, out)),
        RegistryCommand::Gc {
            dry_run,
            discard_unreadable,
            keep_days,
        } => {
            let options = GcOptions {
                dry_run: *dry_run,
                discard_unreadable: *discard_unreadable,
                keep_days: *keep_days,
                ..GcOptions::default()
            };
            upkeep::ask_before_gc(&registry, &options, (cli, out))?;
            upkeep::gc(&registry, &options, out)
        }
        RegistryCommand::Fsck { .. } => upkeep::fsck(&registry, out),
        RegistryCommand::Stats => upkeep::stats(&registry, out),
        RegistryCommand::Share(r) => peers::share(&registry, &find(&registry, &r.reference)?, out),
        RegistryCommand::Unshare(r) => {
            peers::unshare(&registry, &find(&registry, &r.reference)?, out)
        }
        RegistryCommand::Serve(args) => serve::run(&registry, args, cli, out),
        RegistryCommand::Access { command } => nodes::access(&registry, command, out),
        RegistryCommand::Peers(args) => peers::peers(&registry, args, out),
        RegistryCommand::Sync(args) => sync::run(&registry, args, cli, out),
        RegistryCommand::Pull(args) => pull::run(&registry, args, cli, out),
        RegistryCommand::Node => serve::node(&registry, out),
    }
}

/// Where the registry is.
#[allow(
    clippy::disallowed_methods,
    reason = "the default place is below the user's home"
)]
pub(crate) fn home_of(cli: &Cli) -> Result<PathBuf, Failure> {
    if let Some(home) = &cli.home {
        return Ok(home.clone());
    }
    let user = std::env::var_os("HOME").filter(|h| !h.is_empty());
    let missing = || {
        let none = std::io::Error::other("HOME is not set; give --home DIR");
        Failure::from(Error::file("find", "~/.alimentar", none))
    };
    Ok(PathBuf::from(user.ok_or_else(missing)?).join(".alimentar"))
}

pub(crate) fn find(registry: &LocalRegistry, text: &str) -> Result<Dataset, Failure> {
    Ok(registry.resolve(&text.parse::<Reference>()?)?)
}

/// A dataset, and a path in it where one is given behind a colon.
pub(crate) fn find_target(
    registry: &LocalRegistry,
    target: &str,
) -> Result<(Dataset, Option<String>), Failure> {
    let (scheme, rest) = match target.strip_prefix("alimentar:") {
        Some(rest) => ("alimentar:", rest),
        None => ("", target),
    };
    match rest.split_once(':') {
        Some((reference, path)) => {
            let dataset = find(registry, &format!("{scheme}{reference}"))?;
            Ok((dataset, Some(path.to_owned())))
        }
        None => Ok((find(registry, target)?, None)),
    }
}

fn index(registry: &LocalRegistry, args: &IndexArgs, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let started = Instant::now();
    let options = IndexOptions {
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
        sign_with: match args.sign {
            // Before the work, so that a wrong passphrase costs nothing.
            true => {
                let key = KeyArgs {
                    key: args.key.clone(),
                };
                Some(keys::pair(registry.home(), &key, cli)?)
            }
            false => None,
        },
    };
    let bar = Bar::new(out.is_quiet());
    let mut report = registry.index(&args.path, &options, &bar)?;
    drop(bar);
    let revised = revise::after_index(registry, &mut report, (&options, args), cli)?;
    let (m, seconds) = (&report.manifest, started.elapsed().as_secs_f64());
    let skipped: Vec<_> = report
        .skipped
        .iter()
        .map(|s| json!({"path": s.path.to_string_lossy(), "reason": s.why.name()}))
        .collect();
    let is_left_out = |s: &&Skipped| !s.why.is_asked_for();
    let left_out: Vec<&Skipped> = report.skipped.iter().filter(is_left_out).collect();
    let left_out_objects: Vec<_> = left_out
        .iter()
        .map(|s| json!({"path": s.path.to_string_lossy(), "reason": s.why.name(), "detail": s.why.reason()}))
        .collect();
    let warnings: Vec<_> = report
        .warnings
        .iter()
        .map(|w| json!({"path": w.path.to_string_lossy(), "reason": w.reason}))
        .collect();
    let object = json!({
        "content_id": m.content_id.to_string(), "name": m.name.to_string(),
        "version": m.dataset_version.to_string(), "files": m.num_files, "rows": m.num_rows,
        "size_bytes": m.size_bytes, "chunks": report.chunks,
        "new_chunks": report.stats.new_chunks, "new_bytes": report.stats.new_bytes,
        "stored_bytes": report.stats.stored_bytes, "unchanged": report.unchanged,
        "revised": revised.is_some(), "inherited": revise::inherited(&report),
        "schema_from": report.schema_from.map(|from| from.to_string()),
        "schema_kept": report.schema_kept,
        "seconds": seconds, "skipped": skipped, "warnings": warnings,
        "left_out": left_out_objects,
    });
    let did = match (&revised, report.unchanged) {
        (Some(_), _) => "Revised",
        (None, true) => "Unchanged",
        (None, false) => "Indexed",
    };
    let text = format!(
        "{did} {}@{}  {} in {} file(s), {} new, {} stored, {seconds:.2} s\n  {}\n{}",
        m.name,
        m.dataset_version,
        human_bytes(m.size_bytes),
        m.num_files,
        human_bytes(report.stats.new_bytes),
        human_bytes(report.stats.stored_bytes),
        m.content_id,
        revise::said_of(&report, revised.as_deref()),
    );
    if report.schema_kept {
        out.diagnostic(&format!(
            "warning: {}@{} has this content, with types from less than all rows, which stay; --version makes a version with those of all rows",
            m.name, m.dataset_version,
        ));
    }
    if !report.skipped.is_empty() && !out.is_json() && !out.is_quiet() {
        out.diagnostic(&format!("left out: {} path(s)", report.skipped.len()));
        for s in report.skipped.iter().take(10) {
            out.diagnostic(&format!("  {} ({})", s.path.display(), s.why.reason()));
        }
    }
    if !out.is_json() {
        for w in report.warnings.iter().take(10) {
            let path = w.path.display();
            out.diagnostic(&format!("warning: `{path}` looks like {}", w.reason));
        }
        if let Some(more) = report.warnings.len().checked_sub(10).filter(|n| *n > 0) {
            out.diagnostic(&format!("warning: and {more} more; --json lists all"));
        }
    }
    out.result(&object, &[m.content_id.to_string()], &text)?;
    match left_out.first() {
        None => Ok(()),
        Some(first) => Err(Failure::Partial(format!(
            "{} path(s) were left out, such as `{}` ({}); --exclude names what is meant to be",
            left_out.len(),
            first.path.display(),
            first.why.reason()
        ))),
    }
}

fn resolve(d: &Dataset, out: &Out) -> Result<(), Failure> {
    let m = &d.manifest;
    let id = m.content_id.to_string();
    let object = json!({
        "content_id": id, "name": m.name.to_string(), "version": m.dataset_version.to_string(),
    });
    let text = format!("{id}  {}@{}\n", m.name, m.dataset_version);
    Ok(out.result(&object, &[id], &text)?)
}

fn verify(
    registry: &LocalRegistry,
    d: &Dataset,
    require_signature: bool,
    out: &Out,
) -> Result<(), Failure> {
    let bar = Bar::new(out.is_quiet());
    let found = registry.verify(d, &bar);
    drop(bar);
    let content = match &found {
        Ok(_) => "ok",
        Err(e) if e.kind() == ErrorKind::Integrity => "corrupt",
        Err(_) => return Err(found.err().map_or(Failure::BrokenPipe, Failure::from)),
    };
    let believed = registry.trust()?;
    let mut listed = LocalRegistry::listed(&believed, d.clone());
    listed.standing.signature = registry.signature(d)?;
    trust::warn(registry, &listed, out)?;
    let id = d.manifest.content_id.to_string();
    let signature = listed.standing.signature;
    let mut object = json!({
        "content_id": id, "content": content, "signature": signature.name(),
    });
    extend(&mut object, trust::fields(&listed));
    let by = listed.publisher().map(|p| format!(" by {p}"));
    let text = format!(
        "{}@{}  content {content}, signature {}{}, trust {}\n",
        d.manifest.name,
        d.manifest.dataset_version,
        signature.name(),
        by.unwrap_or_default(),
        listed.trust().name(),
    );
    out.result(&object, &[id], &text)?;
    found?;
    let name = &d.manifest.name;
    if signature == SignatureState::Invalid {
        let message = format!("`{name}`: its signature does not hold");
        return Err(Failure::Damaged(message));
    }
    let decision = listed.decide(Action::Require);
    if require_signature && decision.verdict != Verdict::Accept {
        let reason = listed.reason(Action::Require);
        let message = format!("`{name}`: {reason}");
        return Err(match signature {
            SignatureState::None => Failure::NotSigned(message),
            _ => Failure::NotTrusted(message),
        });
    }
    Ok(())
}
