//! `registry stats`: the size of the registry.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;

/// Show the size of the registry, and the savings by deduplication and compression
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar stats")]
pub(crate) struct StatsArgs {}

#[derive(Serialize)]
struct StatsOutput {
    datasets: u64,
    chunks: u64,
    raw_bytes: u64,
    stored_bytes: u64,
    dedup_ratio: f64,
    compression_ratio: f64,
    packs: u64,
    partial_datasets: u64,
    partial_bytes: u64,
}

pub(crate) fn run(ctx: &Context, _args: &StatsArgs) -> Result<(), Failure> {
    let s = ctx.registry()?.maintenance().stats()?;
    let ratio = |a: u64, b: u64| if b == 0 { 1.0 } else { a as f64 / b as f64 };
    let output = StatsOutput {
        datasets: s.datasets,
        chunks: s.store.chunks,
        raw_bytes: s.raw_bytes,
        stored_bytes: s.store.stored_bytes,
        dedup_ratio: ratio(s.raw_bytes, s.store.chunk_bytes),
        compression_ratio: ratio(s.store.chunk_bytes, s.store.stored_bytes),
        packs: s.store.packs,
        partial_datasets: s.partial_datasets,
        partial_bytes: s.partial_bytes,
    };
    let mut text = format!(
        "datasets     {}\nraw          {}\nstored       {} in {} pack(s), {} chunks\ndedup        {:.2} x\ncompression  {:.2} x\n",
        output.datasets,
        human_bytes(output.raw_bytes),
        human_bytes(output.stored_bytes),
        output.packs,
        output.chunks,
        output.dedup_ratio,
        output.compression_ratio,
    );
    if output.partial_datasets > 0 {
        text += &format!(
            "in part      {} dataset(s) that were looked into, {}\n",
            output.partial_datasets,
            human_bytes(output.partial_bytes),
        );
    }
    Ok(ctx.out.result(&output, &[], &text)?)
}
