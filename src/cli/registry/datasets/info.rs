//! `registry info`: everything about one dataset.

use crate::registry::Listed;
use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use crate::catalog::Dataset;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::cli::output::text::printable;
use crate::cli::registry::datasets::listed::FileObject;
use crate::cli::registry::datasets::listed::ListedDataset;
use crate::cli::registry::fields::SchemaObject;
use crate::cli::registry::fields::SourceFields;
use crate::cli::registry::fields::field_rows;
use crate::cli::registry::network::look::FoundDataset;
use crate::cli::registry::network::look::LookArgs;
use crate::cli::registry::network::look::Looks;
use crate::cli::registry::reference::RefArgs;
use crate::cli::registry::trust::warning::warn_about_dataset;
use crate::ident::labels;
use crate::manifest::DatasetKind;
use crate::manifest::FileTable;
use crate::manifest::Totals;
use crate::registry::Descriptions;
use crate::registry::LocalRegistry;

/// Show everything about one dataset
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar info train
  alimentar info train@^0.1 --json")]
pub(crate) struct InfoArgs {
    #[command(flatten)]
    reference: RefArgs,
    #[command(flatten)]
    look: LookArgs,
}

#[derive(Serialize)]
struct InfoOutput<'a> {
    #[serde(flatten)]
    listed: ListedDataset,
    dataset_kind: DatasetKind,
    chunk_tree_root: String,
    file_table_root: String,
    num_files: u64,
    num_rows: u64,
    description: Option<&'a str>,
    line: String,
    seq: u64,
    prev: Vec<String>,
    clock: BTreeMap<String, u64>,
    signer: Option<String>,
    signature: &'static str,
    equivocation: bool,
    schema: SchemaObject,
    aliases: Vec<String>,
    files: Vec<FileObject>,
    chunks: u64,
    stored_bytes: u64,
    /// The share of the data that is here, from 0 to 1.
    here: f64,
    /// The place that it was taken in from.
    source: Option<SourceFields<'a>>,
}

/// Figures of a dataset that are not in its manifest.
struct Figures {
    aliases: Vec<String>,
    files: FileTable,
    totals: Totals,
    stored_bytes: u64,
    held_bytes: u64,
}

pub(crate) fn run(ctx: &Context, args: &InfoArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let looks = Looks::new(ctx, &args.look);
    match looks.dataset(&args.reference.reference)? {
        FoundDataset::Held(d) => {
            let m = &d.manifest;
            let figures = Figures {
                aliases: find_aliases(registry, &d)?,
                files: registry.files(m)?,
                totals: registry.maintenance().totals(m)?,
                stored_bytes: registry.maintenance().stored_bytes(m)?,
                held_bytes: m.size_bytes,
            };
            print_info(ctx, &d, &figures)
        }
        FoundDataset::Look(look) => {
            let figures = Figures {
                aliases: Vec::new(),
                files: look.table().clone(),
                totals: look.totals(),
                held_bytes: look.held_bytes()?,
                stored_bytes: registry.peers().partial_stored_bytes(look.manifest())?,
            };
            print_info(ctx, &look.offer().listed.dataset, &figures)
        }
    }
}

fn print_info(ctx: &Context, d: &Dataset, figures: &Figures) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let m = &d.manifest;
    let schema = Descriptions::schema(m);
    let believed = registry.trust().store()?;
    let listed = Listed::of(&believed, d.clone());
    warn_about_dataset(ctx, &listed)?;
    let output = InfoOutput {
        listed: ListedDataset::of(&listed),
        dataset_kind: m.dataset_kind,
        chunk_tree_root: m.chunk_tree_root.to_hex(),
        file_table_root: m.file_table_root.to_hex(),
        num_files: m.num_files,
        num_rows: m.num_rows,
        description: m.description.as_deref(),
        line: m.series.to_hex(),
        seq: m.seq,
        prev: m.prev.iter().map(|p| p.to_hex()).collect(),
        clock: m.clock.iter().map(|(k, n)| (k.to_hex(), *n)).collect(),
        signer: m.signer.map(|k| k.to_hex()),
        signature: listed.policy_input.signature.name(),
        equivocation: registry.publishing().has_equivocated(m)?,
        schema: SchemaObject::of(schema.as_ref()),
        aliases: figures.aliases.clone(),
        files: FileObject::all(&figures.files),
        chunks: figures.totals.chunks,
        stored_bytes: figures.stored_bytes,
        here: share(figures.held_bytes, m.size_bytes),
        source: m.source.as_ref().map(SourceFields::of),
    };
    let by = match listed.publisher() {
        Some(publisher) => format!("{}, signed by {publisher}", listed.trust().name()),
        None => format!("{}, not signed", listed.trust().name()),
    };
    let kind = if m.dataset_kind == DatasetKind::File {
        "file"
    } else {
        "directory"
    };
    let aliases = if output.aliases.is_empty() {
        String::new()
    } else {
        format!("  aliases      {}\n", output.aliases.join(", "))
    };
    let source = m.source.as_ref().map_or_else(String::new, |s| {
        format!("  source       {}\n", SourceFields::of(s).line())
    });
    let optional = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let text = printable(&format!(
        "{}@{}\n  content id   {}\n  kind         {kind}, {} file(s)\n  size         {} ({} chunks, {} stored{})\n  rows         {}\n  licence      {}\n  tags         {}\n{aliases}{source}  created      {}\n  trust        {by}{}\n  description  {}\n",
        m.name,
        m.dataset_version,
        m.content_id,
        m.num_files,
        human_bytes(m.size_bytes),
        figures.totals.chunks,
        human_bytes(figures.stored_bytes),
        here_text(figures.held_bytes, m.size_bytes),
        m.num_rows,
        optional(&m.license),
        match labels(&m.tags) {
            none if none.is_empty() => "-".to_owned(),
            tags => tags.join(", "),
        },
        m.created_at.to_rfc3339(),
        if d.flags.private { ", private" } else { "" },
        optional(&m.description),
    ));
    let fields = field_rows(schema.as_ref());
    let text = match fields.as_slice() {
        [] => text,
        fields => format!("{text}\n{}", ctx.out.table(&["FIELD", "TYPE", ""], fields)),
    };
    Ok(ctx
        .out
        .result(&output, &[m.content_id.to_string()], &text)?)
}

/// The share of bytes that are here. Nothing is all of nothing.
fn share(held: u64, size: u64) -> f64 {
    match size {
        0 => 1.0,
        size => held as f64 / size as f64,
    }
}

/// The share as a part of a line; empty if all is here.
fn here_text(held: u64, size: u64) -> String {
    let percent = share(held, size) * 100.0;
    match percent {
        _ if held >= size => String::new(),
        p if p > 0.0 && p < 1.0 => ", less than 1 % here".to_owned(),
        // Never 100 % while something is missing.
        p => format!(", {} % here", p.floor()),
    }
}

/// The aliases that point to this dataset now. Its manifest may carry others, which have moved on.
fn find_aliases(registry: &LocalRegistry, d: &Dataset) -> Result<Vec<String>, Failure> {
    let entries = registry.descriptions().aliases(&d.manifest.name, None)?;
    let own = entries.into_iter().filter(|e| e.dataset.key == d.key);
    Ok(own.map(|e| e.alias.to_string()).collect())
}
