//! The options of `dedup` and `overlap` for similar rows.

use clap::Args;
use serde::Serialize;

use crate::cli::exit::Failure;
use crate::cli::inspect::scan::thread_count;
use crate::cli::parse::parse_size;
use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::DirectorySpill;
use crate::inspect::dedup::Likeness;
use crate::inspect::dedup::Measure;
use crate::inspect::dedup::Method;
use crate::inspect::dedup::Shingle;
use crate::inspect::dedup::Weighting;

/// The options of the search for similar rows.
#[derive(Debug, Args)]
pub(crate) struct NearArgs {
    /// The least similarity of two rows, from 0 to 1; with --simhash, the most bits that may differ
    #[arg(long, value_name = "K")]
    threshold: Option<f64>,
    /// Use SimHash instead of MinHash: it finds copies, and hardly any rewording
    #[arg(long, conflicts_with = "exact")]
    simhash: bool,
    /// The parts of texts that are compared: words:N or bytes:N
    #[arg(long, value_name = "KIND:N", value_parser = parse_shingle)]
    shingle: Option<Shingle>,
    /// Compare the text of this column; may be given several times
    #[arg(long, value_name = "C")]
    column: Vec<String>,
    /// Use containment instead of Jaccard: a row matches any row that contains it
    #[arg(long)]
    containment: bool,
    /// Give parts that very many rows have in common, such as a template, their full weight
    #[arg(long)]
    no_weights: bool,
    /// The most memory to use; the rest goes to disk
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = parse_size)]
    budget: u64,
}

fn parse_shingle(text: &str) -> Result<Shingle, String> {
    let wrong = || "words:N or bytes:N, with N from 1 to 64".to_owned();
    let (kind, n) = text.split_once(':').ok_or_else(wrong)?;
    let n = n.parse::<usize>().ok().filter(|n| (1..=64).contains(n));
    match (kind, n) {
        ("words", Some(n)) => Ok(Shingle::Words(n)),
        ("bytes", Some(n)) => Ok(Shingle::Bytes(n)),
        _ => Err(wrong()),
    }
}

/// The bits that may differ between two fingerprints by default.
const DISTANCE: u32 = 3;
/// The most bits that make sense. Unrelated rows differ in half of their 64 bits.
const DISTANCE_MAX: u32 = 16;

impl NearArgs {
    /// The columns that are compared.
    pub(super) fn columns(&self) -> &[String] {
        &self.column
    }
}

/// Builds the options of the search for similar rows.
///
/// # Errors
/// [`Failure::Usage`] for a threshold that the method cannot have.
pub(super) fn near_options<'a>(
    args: &NearArgs,
    is_exact: bool,
    spill: &'a DirectorySpill,
) -> Result<DedupOptions<'a>, Failure> {
    let usual = DedupOptions::default();
    let is_bits = args.simhash || args.threshold.is_some_and(|k| k > 1.0);
    let (method, threshold) = match args.threshold {
        _ if is_exact => (Method::Exact, usual.threshold),
        None if is_bits => (Method::SimHash { distance: DISTANCE }, usual.threshold),
        Some(k) if is_bits => {
            // A threshold above one is a number of bits.
            let distance = (0..=DISTANCE_MAX).find(|bits| f64::from(*bits) == k);
            let wrong = "--threshold is a similarity from 0 to 1, or a number of bits up to 16";
            let distance = distance.ok_or(Failure::usage(wrong))?;
            (Method::SimHash { distance }, usual.threshold)
        }
        similarity => (Method::MinHash, similarity.unwrap_or(usual.threshold)),
    };
    if !(0.0..=1.0).contains(&threshold) {
        return Err(Failure::usage("--threshold is a similarity from 0 to 1"));
    }
    Ok(DedupOptions {
        method,
        shingle: args.shingle,
        threshold,
        measure: if args.containment {
            Measure::Containment
        } else {
            Measure::Jaccard
        },
        weighting: if args.no_weights {
            Weighting::Plain
        } else {
            Weighting::Rare
        },
        columns: args.column.clone(),
        budget_bytes: usize::try_from(args.budget).unwrap_or(usize::MAX),
        threads: thread_count(),
        spill,
        ..usual
    })
}

/// The kind of a match in JSON.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum MatchKind {
    Exact,
    Near,
}

impl MatchKind {
    pub(super) fn of(likeness: Likeness) -> Self {
        match likeness {
            Likeness::Exact => Self::Exact,
            Likeness::Near => Self::Near,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Near => "near",
        }
    }
}

/// Rounds a similarity to four digits.
pub(super) fn round_similarity(similarity: f32) -> f64 {
    (f64::from(similarity) * 1e4).round() / 1e4
}
