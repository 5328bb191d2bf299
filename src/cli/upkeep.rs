//! Commands that look after the store: gc, fsck, stats.

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::ask;
use crate::cli::bar::Bar;
use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::out::printable;
use crate::cli::peers::connect;
use crate::cli::peers::net;
use crate::clock::Timestamp;
use crate::net::PeerAddress;
use crate::registry::Damaged;
use crate::registry::Deferred;
use crate::registry::FalseClaim;
use crate::registry::FsckReport;
use crate::registry::GcOptions;
use crate::registry::LocalRegistry;
use crate::registry::Span;

/// Asks on a terminal before a collection frees something. A script is not asked: what it frees was
/// taken out of the index before, or was never finished.
pub(crate) fn ask_before_gc(
    registry: &LocalRegistry,
    options: &GcOptions,
    (cli, out): (&Cli, &Out),
) -> Result<(), Failure> {
    if options.dry_run || cli.yes || !ask::can_ask(out) {
        return Ok(());
    }
    let options = GcOptions {
        dry_run: true,
        ..*options
    };
    let report = registry.gc(&options, &Bar::new(true))?;
    match report.freed_bytes {
        0 => Ok(()),
        bytes => {
            let what = format!(
                "the last copy here of {} that no dataset in the index needs",
                human_bytes(bytes)
            );
            ask::on_terminal(&what, cli, out)
        }
    }
}

pub(crate) fn gc(registry: &LocalRegistry, options: &GcOptions, out: &Out) -> Result<(), Failure> {
    let bar = Bar::new(out.is_quiet());
    let dry_run = options.dry_run;
    let report = registry.gc(options, &bar)?;
    drop(bar);
    let why = report.deferred.map(|d| match d {
        Deferred::AnotherCollection => "another collection is under way",
        Deferred::OperationsUnderWay => {
            "operations that began earlier are under way; run it again when they have ended"
        }
        Deferred::Unreadable => {
            "bytes of packs cannot be read and may hold a manifest, so what is needed is not known; `registry fsck` names them, `registry gc --discard-unreadable` gives them up"
        }
        Deferred::NoRoom => {
            "there is no room to move what is needed out of packs with garbage; free space on this disk and run it again"
        }
    });
    let object = json!({
        "live_bytes": report.live_bytes, "freed_bytes": report.freed_bytes,
        "packs_removed": report.packs_removed, "packs_rewritten": report.packs_rewritten,
        "dry_run": dry_run, "deferred": why, "keep_days": options.keep_days,
        "kept_back_bytes": report.kept_back_bytes,
        "kept_back_datasets": report.kept_back_datasets,
        "kept_back_until": report.kept_back_until.map(|at| Timestamp(at).to_rfc3339()),
    });
    let mut text = match why {
        Some(why) if report.freed_bytes == 0 => format!("Nothing freed: {why}\n"),
        _ => format!(
            "{} {}: {} pack(s) removed, {} rewritten; {} live{}\n",
            if dry_run { "Would free" } else { "Freed" },
            human_bytes(report.freed_bytes),
            report.packs_removed,
            report.packs_rewritten,
            human_bytes(report.live_bytes),
            why.map(|w| format!(" ({w})")).unwrap_or_default(),
        ),
    };
    if let Some(until) = report.kept_back_until {
        text += &format!(
            "Kept back {} of {} removed dataset(s), which `registry restore` brings back, until {} at the latest; --keep-days 0 frees it now\n",
            human_bytes(report.kept_back_bytes),
            report.kept_back_datasets,
            Timestamp(until).to_rfc3339(),
        );
    }
    Ok(out.result(&object, &[], &text)?)
}

pub(crate) fn fsck(registry: &LocalRegistry, out: &Out) -> Result<(), Failure> {
    let bar = Bar::new(out.is_quiet());
    let report = registry.fsck(&bar)?;
    drop(bar);
    show(&report, 0, false, out)
}

pub(crate) fn repair(home: &Path, peer: Option<&PeerAddress>, out: &Out) -> Result<(), Failure> {
    let bar = Bar::new(out.is_quiet());
    let mut report = LocalRegistry::repair(home, &bar)?;
    if let (Some(address), false) = (peer, report.now.is_clean()) {
        let registry = LocalRegistry::open(home)?;
        let net = net(&registry)?;
        let peer = connect(&net, address, out)?;
        let missing = report.now.missing.len();
        registry.refetch(&peer, &bar)?;
        report.now = registry.fsck(&bar)?;
        report.healed += missing.saturating_sub(report.now.missing.len()) as u64;
    }
    drop(bar);
    show(&report.now, report.healed, report.index_rebuilt, out)
}

fn show(report: &FsckReport, healed: u64, rebuilt: bool, out: &Out) -> Result<(), Failure> {
    let files = |damaged: &[Damaged]| -> Vec<Value> {
        let object = |d: &Damaged| json!({"dataset": d.dataset, "file": d.file});
        damaged.iter().map(object).collect()
    };
    let ids: Vec<String> = report.corrupt.iter().map(|k| k.id.to_hex()).collect();
    let object =
        |c: &FalseClaim| json!({"dataset": c.dataset, "signer": c.signer, "claim": c.claim});
    let false_claims: Vec<Value> = report.false_claims.iter().map(object).collect();
    let missing: Vec<String> = report.missing.iter().map(|k| k.id.to_hex()).collect();
    let object = json!({
        "chunks_checked": report.checked, "corrupt": files(&report.corrupt_files),
        "corrupt_blobs": ids, "missing": files(&report.missing_files),
        "missing_blobs": missing, "repaired": healed + u64::from(rebuilt),
        "index_rebuilt": rebuilt, "unreadable": unreadable(&report.unreadable),
        "false_claims": false_claims,
    });
    let mut text = format!(
        "{} blobs checked, {} damaged, {} missing\n",
        report.checked,
        ids.len(),
        missing.len()
    );
    if rebuilt {
        text += &format!("The index was made anew from the packs; {healed} blob(s) healed\n");
    }
    for span in &report.unreadable {
        text += &format!("  unreadable  {}\n", place(span));
    }
    let named = |d: &Damaged| match d.file.as_str() {
        "" => format!("{}: its structures", d.dataset),
        file => format!("{}: {}", d.dataset, printable(file)),
    };
    for d in &report.corrupt_files {
        text += &format!("  damaged  {}\n", named(d));
    }
    for d in &report.missing_files {
        text += &format!("  missing  {}\n", named(d));
    }
    let claimed = |c: &FalseClaim| {
        let by = c.signer.as_ref().map(|s| format!(", signed by {s}"));
        format!(
            "{}{}: {}",
            c.dataset,
            by.unwrap_or_default(),
            printable(&c.claim)
        )
    };
    for c in &report.false_claims {
        text += &format!("  false    {}\n", claimed(c));
    }
    out.result(&object, &[ids.as_slice(), &missing].concat(), &text)?;
    let first = report
        .corrupt_files
        .first()
        .or(report.missing_files.first());
    match first {
        Some(d) => Err(Failure::Damaged(format!("damaged: {}", named(d)))),
        None if !report.corrupt.is_empty() => Err(Failure::Damaged(format!(
            "{} stored blobs are damaged",
            ids.len()
        ))),
        None => match report.unreadable.first() {
            Some(span) => Err(Failure::Damaged(format!(
                "bytes of packs cannot be read: {}; restore the pack from a copy and run `registry fsck --repair`, or give them up with `registry gc --discard-unreadable`",
                place(span)
            ))),
            None if !report.false_claims.is_empty() => Err(Failure::Damaged(format!(
                "a false claim: {}",
                report.false_claims.first().map(claimed).unwrap_or_default()
            ))),
            None if !report.is_clean() => Err(Failure::Damaged(format!(
                "{} blobs are missing",
                missing.len()
            ))),
            None => Ok(()),
        },
    }
}

/// Says that the index was just made anew, and that it is without something.
pub(crate) fn warn_of_losses(registry: &LocalRegistry, out: &Out) -> Result<(), Failure> {
    let bytes: u64 = registry.losses()?.iter().map(|span| span.bytes).sum();
    if bytes > 0 && !out.is_json() {
        out.diagnostic(&format!(
            "warning: the index was missing and was made anew from the packs; {bytes} bytes of them could not be read: `registry fsck` says where"
        ));
    }
    Ok(())
}

fn unreadable(spans: &[Span]) -> Vec<Value> {
    let object = |s: &Span| {
        let lost: Vec<String> = s.lost.iter().map(|key| key.id.to_hex()).collect();
        json!({
            "pack": pack_name(s), "offset": s.offset, "bytes": s.bytes,
            "lost_blobs": lost, "may_hide_datasets": s.may_hide_datasets(),
        })
    };
    spans.iter().map(object).collect()
}

fn pack_name(span: &Span) -> String {
    format!("packs/{:08}.pack", span.pack)
}

/// Where unreadable bytes are, and what is known of them.
fn place(span: &Span) -> String {
    let what = match (span.is_known, span.lost.len()) {
        (true, n) => format!("{n} blob(s) lost"),
        (false, _) => "what was there is not known".to_owned(),
    };
    let (pack, bytes, offset) = (pack_name(span), span.bytes, span.offset);
    format!("{pack}: {bytes} bytes at {offset}, {what}")
}

pub(crate) fn stats(registry: &LocalRegistry, out: &Out) -> Result<(), Failure> {
    let s = registry.stats()?;
    let ratio = |a: u64, b: u64| if b == 0 { 1.0 } else { a as f64 / b as f64 };
    let dedup = ratio(s.raw_bytes, s.store.chunk_bytes);
    let compression = ratio(s.store.chunk_bytes, s.store.stored_bytes);
    let object = json!({
        "datasets": s.datasets, "chunks": s.store.chunks, "raw_bytes": s.raw_bytes,
        "stored_bytes": s.store.stored_bytes, "dedup_ratio": dedup,
        "compression_ratio": compression, "packs": s.store.packs,
    });
    let text = format!(
        "datasets     {}\nraw          {}\nstored       {} in {} pack(s), {} chunks\ndedup        {dedup:.2} x\ncompression  {compression:.2} x\n",
        s.datasets,
        human_bytes(s.raw_bytes),
        human_bytes(s.store.stored_bytes),
        s.store.packs,
        s.store.chunks,
    );
    Ok(out.result(&object, &[], &text)?)
}
