//! `dedup_scan` and `find_overlap`: duplicates in a target, and rows that two targets share.

use serde_json::Value;
use serde_json::json;

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::DirectorySpill;
use crate::inspect::dedup::Likeness;
use crate::inspect::dedup::Method;
use crate::inspect::dedup::OverlapOptions;
use crate::inspect::dedup::SketchCache;
use crate::inspect::dedup::dedup;
use crate::inspect::dedup::overlap;
use crate::inspect::table::Selection;
use crate::locks::threads;
use crate::mcp::answer::Answer;
use crate::mcp::error::ToolError;
use crate::mcp::limits::EXAMPLES_MAX;
use crate::mcp::tools::arguments::Arguments;
use crate::mcp::tools::scans::require_columns;
use crate::mcp::work::Work;
use crate::mcp::workspace::Workspace;
use crate::registry::SpillDirectory;

/// Memory of one search for duplicates, in bytes. Several may run at one time.
const BUDGET_BYTES: usize = 64 << 20;
/// Bits that SimHash fingerprints of duplicates differ in at most, if the call does not say.
const DISTANCE: f64 = 3.0;
const SIMILARITY: f64 = 0.5;

/// Returns duplicates of rows.
pub(crate) fn dedup_scan(
    workspace: &Workspace,
    arguments: &Arguments,
    work: &Work,
) -> Result<Answer, ToolError> {
    let open = workspace.target(arguments.text("target")?)?;
    let columns = arguments.texts("columns")?;
    require_columns(&open, &columns, work)?;
    let limit = arguments.count("limit", 10, EXAMPLES_MAX)?;
    let (method, threshold) = method(arguments)?;
    let key = format!(
        "dedup {} {}",
        open.identity,
        arguments.question(&["max_chars"])
    );
    workspace.remembered(key, || {
        let spill = SpillDirectory::create(&workspace.options.home)?;
        let cache = open.target.sketch_cache();
        let options = DedupOptions {
            sketch_cache: cache.as_ref().map(|k| k as &dyn SketchCache),
            size_bytes: Some(open.target.size_bytes()),
            ..options(method, threshold, &columns, spill.spill())
        };
        let rows = |s: &Selection| Ok(open.target.all_batches(&s.columns));
        let report = dedup(&rows, &options, work).map_err(|e| open.target.blame(e))?;
        let pairs = report
            .evidence
            .iter()
            .take(usize::try_from(limit).unwrap_or(0));
        let pairs = pairs.map(|e| {
            json!({
                "row": e.removed,
                "kept": e.kept,
                "kind": kind(e.likeness),
                "similarity": rounded(e.similarity),
            })
        });
        Ok(Answer::of(json!({
            "target": open.name,
            "rows": report.rows,
            "unique_rows": report.unique_rows,
            "exact_duplicates": report.exact_duplicates,
            "near_duplicates": report.near_duplicates,
            "clusters": report.clusters,
            "largest_cluster": report.largest_cluster,
            "pairs": pairs.collect::<Vec<Value>>(),
        })))
    })
}

/// Returns the rows of `b` that are in `a`.
pub(crate) fn find_overlap(
    workspace: &Workspace,
    arguments: &Arguments,
    work: &Work,
) -> Result<Answer, ToolError> {
    let a = workspace.target(Some(arguments.required("a")?))?;
    let b = workspace.target(Some(arguments.required("b")?))?;
    let columns = arguments.texts("columns")?;
    require_columns(&a, &columns, work)?;
    require_columns(&b, &columns, work)?;
    let limit = arguments.count("limit", 10, EXAMPLES_MAX)?;
    let ngram = arguments.count("ngram", 13, 100)?;
    let (method, threshold) = method(arguments)?;
    let question = arguments.question(&["max_chars"]);
    let key = format!("overlap {} {} {question}", a.identity, b.identity);
    workspace.remembered(key, || {
        let spill = SpillDirectory::create(&workspace.options.home)?;
        let options = OverlapOptions {
            rows: DedupOptions {
                size_bytes: Some(a.target.size_bytes() + b.target.size_bytes()),
                ..options(method, threshold, &columns, spill.spill())
            },
            ngram_words: usize::try_from(ngram).ok().filter(|n| *n > 0),
            examples: usize::try_from(limit).unwrap_or(0),
        };
        let rows_a = |s: &Selection| Ok(a.target.all_batches(&s.columns));
        let rows_b = |s: &Selection| Ok(b.target.all_batches(&s.columns));
        let report = overlap(&rows_a, &rows_b, &options, work).map_err(|e| a.target.blame(e))?;
        let examples = report.examples.iter().map(|e| {
            json!({
                "a": e.row_a,
                "b": e.row_b,
                "kind": kind(e.likeness),
                "similarity": rounded(e.similarity),
            })
        });
        Ok(Answer::of(json!({
            "a": a.name,
            "b": b.name,
            "rows_a": report.rows_a,
            "rows_b": report.rows_b,
            "exact": report.exact,
            "near": report.near,
            "contained": report.contaminated,
            "examples": examples.collect::<Vec<Value>>(),
        })))
    })
}

fn method(arguments: &Arguments) -> Result<(Method, f64), ToolError> {
    let threshold = arguments.number("threshold")?;
    let strategy = match arguments.text("strategy")? {
        Some(strategy) => strategy,
        None if threshold.is_some_and(|t| t > 1.0) => "simhash",
        None => "minhash",
    };
    match strategy {
        "exact" => Ok((Method::Exact, SIMILARITY)),
        "simhash" => {
            let bits = threshold.unwrap_or(DISTANCE);
            if !(0.0..=64.0).contains(&bits) || bits.fract() != 0.0 {
                return Err(ToolError::new(
                    "`threshold` of simhash is a number of bits from 0 to 64",
                ));
            }
            let distance = bits as u32;
            Ok((Method::SimHash { distance }, SIMILARITY))
        }
        "minhash" => {
            let similarity = threshold.unwrap_or(SIMILARITY);
            if !(0.0..=1.0).contains(&similarity) {
                return Err(ToolError::new(
                    "`threshold` of minhash is a similarity from 0 to 1",
                ));
            }
            Ok((Method::MinHash, similarity))
        }
        other => Err(ToolError::new(format!("there is no strategy `{other}`"))
            .with_next("use exact, minhash or simhash")),
    }
}

fn options<'a>(
    method: Method,
    threshold: f64,
    columns: &[String],
    spill: &'a DirectorySpill,
) -> DedupOptions<'a> {
    DedupOptions {
        method,
        threshold,
        columns: columns.to_vec(),
        budget_bytes: BUDGET_BYTES,
        threads: threads(),
        spill,
        ..DedupOptions::default()
    }
}

fn kind(likeness: Likeness) -> &'static str {
    match likeness {
        Likeness::Exact => "exact",
        Likeness::Near => "near",
    }
}

fn rounded(similarity: f32) -> f64 {
    (f64::from(similarity) * 1e4).round() / 1e4
}
