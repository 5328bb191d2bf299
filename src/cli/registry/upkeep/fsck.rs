//! `registry fsck`: reads the whole store and compares it with its hashes.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::printable;
use crate::cli::registry::network::connect::connect;
use crate::cli::registry::network::connect::open_net;
use crate::net::PeerAddress;
use crate::registry::Damaged;
use crate::registry::FalseClaim;
use crate::registry::FsckReport;
use crate::registry::LocalRegistry;
use crate::registry::Maintenance;
use crate::registry::Span;

/// Read everything and compare it with its hashes
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar fsck
  alimentar fsck --repair")]
pub(crate) struct FsckArgs {
    /// If something is wrong, rebuild the index from the undamaged parts of the packs
    #[arg(long)]
    repair: bool,
    /// Fetch missing data from this peer
    #[arg(long, value_name = "ADDR", requires = "repair")]
    peer: Option<PeerAddress>,
}

#[derive(Serialize)]
struct FsckOutput<'a> {
    chunks_checked: u64,
    corrupt: Vec<DamagedFile<'a>>,
    corrupt_blobs: Vec<String>,
    missing: Vec<DamagedFile<'a>>,
    missing_blobs: Vec<String>,
    repaired: u64,
    index_rebuilt: bool,
    unreadable: Vec<UnreadableSpan>,
    false_claims: Vec<FalseClaimObject<'a>>,
}

#[derive(Serialize)]
struct DamagedFile<'a> {
    dataset: &'a str,
    file: &'a str,
}

/// Bytes of a pack that cannot be read.
#[derive(Serialize)]
struct UnreadableSpan {
    pack: String,
    offset: u64,
    bytes: u64,
    lost_blobs: Vec<String>,
    may_hide_datasets: bool,
}

#[derive(Serialize)]
struct FalseClaimObject<'a> {
    dataset: &'a str,
    signer: Option<&'a str>,
    claim: &'a str,
}

/// The result of a check, and of a repair before it.
struct Checked {
    report: FsckReport,
    healed: u64,
    index_rebuilt: bool,
}

pub(crate) fn run(ctx: &Context, args: &FsckArgs) -> Result<(), Failure> {
    let checked = if args.repair {
        repair(ctx, args.peer.as_ref())?
    } else {
        let registry = ctx.registry()?;
        let bar = ctx.progress_bar();
        Checked {
            report: registry.maintenance().fsck(&bar)?,
            healed: 0,
            index_rebuilt: false,
        }
    };
    let output = FsckOutput::of(&checked);
    let ids = [
        output.corrupt_blobs.as_slice(),
        output.missing_blobs.as_slice(),
    ];
    ctx.out
        .result(&output, &ids.concat(), &format_report(&checked))?;
    match first_damage(&checked.report) {
        Some(message) => Err(Failure::Damaged(message)),
        None => Ok(()),
    }
}

/// Rebuilds the index, and fetches missing data from a peer. The index may be too damaged for the
/// registry to open before.
fn repair(ctx: &Context, peer: Option<&PeerAddress>) -> Result<Checked, Failure> {
    let home = ctx.home()?;
    let bar = ctx.progress_bar();
    let mut report = Maintenance::repair(&home, &bar)?;
    if let (Some(address), false) = (peer, report.now.is_clean()) {
        let registry = LocalRegistry::open(&home)?;
        let net = open_net(&registry)?;
        let peer = connect(ctx, &net, address)?;
        let missing = report.now.missing.len();
        registry.peers().refetch(&peer, &bar)?;
        report.now = registry.maintenance().fsck(&bar)?;
        report.healed += missing.saturating_sub(report.now.missing.len()) as u64;
    }
    Ok(Checked {
        report: report.now,
        healed: report.healed,
        index_rebuilt: report.index_rebuilt,
    })
}

impl<'a> FsckOutput<'a> {
    fn of(checked: &'a Checked) -> Self {
        let report = &checked.report;
        let claims = report.false_claims.iter().map(|c| FalseClaimObject {
            dataset: &c.dataset,
            signer: c.signer.as_deref(),
            claim: &c.claim,
        });
        Self {
            chunks_checked: report.checked,
            corrupt: DamagedFile::all(&report.corrupt_files),
            corrupt_blobs: report.corrupt.iter().map(|k| k.id.to_hex()).collect(),
            missing: DamagedFile::all(&report.missing_files),
            missing_blobs: report.missing.iter().map(|k| k.id.to_hex()).collect(),
            repaired: checked.healed + u64::from(checked.index_rebuilt),
            index_rebuilt: checked.index_rebuilt,
            unreadable: report.unreadable.iter().map(UnreadableSpan::of).collect(),
            false_claims: claims.collect(),
        }
    }
}

impl<'a> DamagedFile<'a> {
    fn all(damaged: &'a [Damaged]) -> Vec<Self> {
        let object = |d: &'a Damaged| Self {
            dataset: &d.dataset,
            file: &d.file,
        };
        damaged.iter().map(object).collect()
    }
}

impl UnreadableSpan {
    fn of(span: &Span) -> Self {
        Self {
            pack: pack_name(span),
            offset: span.offset,
            bytes: span.bytes,
            lost_blobs: span.lost.iter().map(|key| key.id.to_hex()).collect(),
            may_hide_datasets: span.may_hide_datasets(),
        }
    }
}

fn format_report(checked: &Checked) -> String {
    let report = &checked.report;
    let mut text = format!(
        "{} blobs checked, {} damaged, {} missing\n",
        report.checked,
        report.corrupt.len(),
        report.missing.len()
    );
    if checked.index_rebuilt {
        text += &format!(
            "The index was made anew from the packs; {} blob(s) healed\n",
            checked.healed
        );
    }
    for span in &report.unreadable {
        text += &format!("  unreadable  {}\n", format_span(span));
    }
    for d in &report.corrupt_files {
        text += &format!("  damaged  {}\n", format_file(d));
    }
    for d in &report.missing_files {
        text += &format!("  missing  {}\n", format_file(d));
    }
    for c in &report.false_claims {
        text += &format!("  false    {}\n", format_claim(c));
    }
    text
}

/// The message about the first damage; `None` if the store is sound.
fn first_damage(report: &FsckReport) -> Option<String> {
    let files = report.corrupt_files.iter().chain(&report.missing_files);
    if let Some(d) = files.into_iter().next() {
        return Some(format!("damaged: {}", format_file(d)));
    }
    if !report.corrupt.is_empty() {
        return Some(format!("{} stored blobs are damaged", report.corrupt.len()));
    }
    if let Some(span) = report.unreadable.first() {
        return Some(format!(
            "bytes of packs cannot be read: {}; restore the pack from a copy and run `registry fsck --repair`, or give them up with `registry gc --discard-unreadable`",
            format_span(span)
        ));
    }
    if let Some(claim) = report.false_claims.first() {
        return Some(format!("a false claim: {}", format_claim(claim)));
    }
    (!report.is_clean()).then(|| format!("{} blobs are missing", report.missing.len()))
}

fn format_file(d: &Damaged) -> String {
    match d.file.as_str() {
        "" => format!("{}: its structures", d.dataset),
        file => format!("{}: {}", d.dataset, printable(file)),
    }
}

fn format_claim(c: &FalseClaim) -> String {
    let by = c.signer.as_ref().map(|s| format!(", signed by {s}"));
    format!(
        "{}{}: {}",
        c.dataset,
        by.unwrap_or_default(),
        printable(&c.claim)
    )
}

fn pack_name(span: &Span) -> String {
    format!("packs/{:08}.pack", span.pack)
}

fn format_span(span: &Span) -> String {
    let loss = match (span.is_known, span.lost.len()) {
        (true, n) => format!("{n} blob(s) lost"),
        (false, _) => "what was there is not known".to_owned(),
    };
    let (pack, bytes, offset) = (pack_name(span), span.bytes, span.offset);
    format!("{pack}: {bytes} bytes at {offset}, {loss}")
}
