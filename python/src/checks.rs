//! Functions over rows: lint, duplicates, overlap.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use alimentar::inspect::ReadOptions;
use alimentar::inspect::dedup;
use alimentar::inspect::dedup::DedupOptions;
use alimentar::inspect::dedup::Keep;
use alimentar::inspect::dedup::Likeness;
use alimentar::inspect::dedup::Measure;
use alimentar::inspect::dedup::Method;
use alimentar::inspect::dedup::OverlapOptions;
use alimentar::inspect::dedup::RowSet;
use alimentar::inspect::dedup::Shingle;
use alimentar::inspect::dedup::SketchCache;
use alimentar::inspect::dedup::Weighting;
use alimentar::inspect::lint::LintOptions;
use alimentar::inspect::lint::LintReport;
use alimentar::inspect::lint::Rule;
use alimentar::inspect::lint::RuleId;
use alimentar::inspect::table::Selection;
use alimentar::locks::threads;
use alimentar::registry::Error;
use alimentar::registry::SpillDirectory;
use alimentar::registry::Target;
use alimentar::registry::TargetOptions;
use alimentar::remote::Remote;
use alimentar::remote::RemoteUrl;
use pyo3::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::failure::Failure;
use crate::home;
use crate::work::Watch;
use crate::work::run;

/// Bits that may differ between two fingerprints by default.
const DISTANCE: u32 = 3;
/// The most bits that make sense.
const DISTANCE_MAX: u32 = 16;

/// Options of the search for similar rows, as Python passes them.
#[derive(Clone, Debug, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Near {
    exact: bool,
    threshold: Option<f64>,
    simhash: bool,
    shingle: Option<String>,
    columns: Vec<String>,
    containment: bool,
    weights: bool,
    budget: usize,
}

impl Near {
    fn options<'a>(&self, spill: &'a SpillDirectory) -> Result<DedupOptions<'a>, Failure> {
        let mut options = DedupOptions::default();
        let is_bits = self.simhash || self.threshold.is_some_and(|k| k > 1.0);
        options.method = match self.threshold {
            _ if self.exact => Method::Exact,
            None if is_bits => Method::SimHash { distance: DISTANCE },
            Some(k) if is_bits => {
                let distance = (0..=DISTANCE_MAX).find(|bits| f64::from(*bits) == k);
                let wrong = "threshold is a similarity from 0 to 1, or a number of bits up to 16";
                let distance = distance.ok_or_else(|| Failure::invalid(wrong))?;
                Method::SimHash { distance }
            }
            similarity => {
                options.threshold = similarity.unwrap_or(options.threshold);
                Method::MinHash
            }
        };
        if !(0.0..=1.0).contains(&options.threshold) {
            return Err(Failure::invalid("threshold is a similarity from 0 to 1"));
        }
        options.shingle = self.shingle.as_deref().map(shingle).transpose()?;
        if self.containment {
            options.measure = Measure::Containment;
        }
        if !self.weights {
            options.weighting = Weighting::Plain;
        }
        options.columns.clone_from(&self.columns);
        options.budget_bytes = self.budget;
        options.threads = threads();
        options.spill = spill.spill();
        Ok(options)
    }
}

fn shingle(text: &str) -> Result<Shingle, Failure> {
    let (kind, n) = text.split_once(':').unwrap_or_default();
    let n = n.parse::<usize>().ok().filter(|n| (1..=64).contains(n));
    match (kind, n) {
        ("words", Some(n)) => Ok(Shingle::Words(n)),
        ("bytes", Some(n)) => Ok(Shingle::Bytes(n)),
        _ => Err(Failure::invalid(
            "shingle is words:N or bytes:N, with N from 1 to 64",
        )),
    }
}

/// Targets of a function, and what opening them needs.
struct Targets {
    texts: Vec<String>,
    home: PathBuf,
    remote: Option<Remote>,
}

impl Targets {
    fn new(texts: Vec<String>, home: Option<PathBuf>) -> PyResult<Self> {
        let home = home::path_of(home)?;
        let has_url = texts.iter().any(|text| RemoteUrl::looks_like_url(text));
        let remote = has_url.then(|| home::remote(&home)).transpose()?;
        Ok(Self {
            texts,
            home,
            remote,
        })
    }

    /// Opens all targets as one.
    fn open(&self, reading: ReadOptions) -> Result<Target, Failure> {
        let mut options = TargetOptions::default();
        options.reading = reading;
        options.remote.clone_from(&self.remote);
        let open = |text: &String| Target::open_with(text, &self.home, &options);
        let all: Result<Vec<Target>, Error> = self.texts.iter().map(open).collect();
        Target::joined(all?).ok_or_else(|| Failure::invalid("there is no target"))
    }
}

/// Looks for faults of rows and files. Returns the result as JSON.
#[pyfunction]
#[pyo3(signature = (targets, rules, without, columns, limit=5, home=None, progress=None))]
#[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
pub(crate) fn lint(
    py: Python<'_>,
    targets: Vec<String>,
    rules: Vec<String>,
    without: Vec<String>,
    columns: Vec<String>,
    limit: usize,
    home: Option<PathBuf>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let targets = Targets::new(targets, home)?;
    run(py, progress, move |watch| {
        let mut reading = ReadOptions::default();
        reading.verify = true;
        let target = targets.open(reading)?;
        if !columns.is_empty() {
            let whole = target.without_damaged()?;
            whole.require_columns(&columns, threads(), &**watch)?;
        }
        let mut options = match rules.as_slice() {
            [] => LintOptions::default(),
            some => LintOptions::only(&rule_ids(some)?),
        };
        for rule in rule_ids(&without)? {
            options.set(rule, None);
        }
        options.examples = limit;
        options.columns = columns;
        options.threads = threads();
        let report = target.lint(&options, &**watch)?;
        Ok(lint_object(&report).to_string())
    })
}

fn rule_ids(names: &[String]) -> Result<Vec<RuleId>, Failure> {
    let id = |name: &String| {
        let rule = Rule::named(name);
        rule.map(|r| r.id).ok_or_else(|| {
            Failure::invalid(format!("there is no rule `{name}`"))
                .with_hint("`alimentar inspect lint --rules` lists them")
        })
    };
    names.iter().map(id).collect()
}

fn lint_object(report: &LintReport) -> Value {
    let rules = report.rules.iter().map(|r| {
        let examples = r.examples.iter().map(|e| {
            json!({
                "n": e.row,
                "byte": e.at,
                "line": e.place.line,
                "column": e.place.column,
                "field": e.column,
                "message": e.message,
                "excerpt": e.excerpt,
            })
        });
        let examples: Vec<Value> = examples.collect();
        json!({
            "rule": r.rule.name,
            "severity": r.severity.to_string(),
            "count": r.count,
            "examples": examples,
        })
    });
    let rules: Vec<Value> = rules.collect();
    json!({
        "checked": report.checked,
        "errors": report.errors,
        "warnings": report.warnings,
        "notes": report.notes,
        "rules": rules,
    })
}

/// Finds equal and similar rows. Returns the result as JSON, and the numbers of the rows to remove.
#[pyfunction]
#[pyo3(name = "dedup", signature = (targets, near, keep, source=None, home=None, progress=None))]
pub(crate) fn find_duplicates(
    py: Python<'_>,
    targets: Vec<String>,
    near: Near,
    keep: String,
    source: Option<String>,
    home: Option<PathBuf>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<(String, Vec<u64>)> {
    let targets = Targets::new(targets, home)?;
    run(py, progress, move |watch| {
        let began = Instant::now();
        let target = targets.open(ReadOptions::default())?;
        let spill = SpillDirectory::create(&targets.home)?;
        let mut options = near.options(&spill)?;
        let mut columns = near.columns.clone();
        columns.extend(source.clone());
        options.source = source;
        options.keep = match keep.as_str() {
            "first" => Keep::First,
            "longest" => Keep::Longest,
            other => {
                let column = other.strip_prefix("max:").filter(|c| !c.is_empty());
                let wrong = "keep is first, longest or max:COLUMN";
                let column = column.ok_or_else(|| Failure::invalid(wrong))?;
                columns.push(column.to_owned());
                Keep::Maximum(column.to_owned())
            }
        };
        target.require_columns(&columns, threads(), &**watch)?;
        let cache = target.sketch_cache();
        options.sketch_cache = cache.as_ref().map(|kept| kept as &dyn SketchCache);
        options.size_bytes = Some(target.size_bytes());
        let open = |s: &Selection| Ok(target.all_batches(&s.columns));
        let report = dedup::dedup(&open, &options, &**watch);
        let report = report.map_err(|e| target.blame(e))?;
        let sources = report
            .sources
            .iter()
            .map(|s| json!({"source": s.source, "rows": s.rows, "kept": s.kept}));
        let object = json!({
            "rows": report.rows,
            "unique_rows": report.unique_rows,
            "exact_duplicates": report.exact_duplicates,
            "near_duplicates": report.near_duplicates,
            "clusters": report.clusters,
            "largest_cluster": report.largest_cluster,
            "seconds": began.elapsed().as_secs_f64(),
            "pairs_compared": report.compared,
            "rows_sketched": report.sketched,
            "spilled_bytes": report.spilled_bytes,
            "sources": sources.collect::<Vec<Value>>(),
        });
        Ok((object.to_string(), numbers_in(&report.removed)))
    })
}

/// Returns the numbers in a set, in ascending order.
fn numbers_in(rows: &RowSet) -> Vec<u64> {
    let words = rows.words().iter().zip(0_u64..);
    let bits = |(word, place): (&u64, u64)| {
        let word = *word;
        let is_set = move |bit: &u64| word >> bit & 1 == 1;
        (0..64).filter(is_set).map(move |bit| place * 64 + bit)
    };
    words.flat_map(bits).collect()
}

/// Finds the rows of `b` that are in `a`. Returns the result as JSON.
#[pyfunction]
#[pyo3(signature = (a, b, near, ngram=13, limit=10, home=None, progress=None))]
#[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
pub(crate) fn overlap(
    py: Python<'_>,
    a: String,
    b: String,
    near: Near,
    ngram: usize,
    limit: usize,
    home: Option<PathBuf>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let (of_a, of_b) = (
        Targets::new(vec![a], home.clone())?,
        Targets::new(vec![b], home)?,
    );
    run(py, progress, move |watch| {
        compare(&of_a, &of_b, &near, (ngram, limit), watch)
    })
}

fn compare(
    of_a: &Targets,
    of_b: &Targets,
    near: &Near,
    (ngram, limit): (usize, usize),
    watch: &Arc<Watch>,
) -> Result<String, Failure> {
    let began = Instant::now();
    let a = of_a.open(ReadOptions::default())?;
    let b = of_b.open(ReadOptions::default())?;
    for target in [&a, &b] {
        target.require_columns(&near.columns, threads(), &**watch)?;
    }
    let spill = SpillDirectory::create(&of_a.home)?;
    let mut options = OverlapOptions::default();
    options.rows = near.options(&spill)?;
    options.rows.size_bytes = Some(a.size_bytes() + b.size_bytes());
    options.ngram_words = (ngram > 0).then_some(ngram);
    options.examples = limit;
    let open_a = |s: &Selection| Ok(a.all_batches(&s.columns));
    let open_b = |s: &Selection| Ok(b.all_batches(&s.columns));
    let report = dedup::overlap(&open_a, &open_b, &options, &**watch);
    let report = report.map_err(|e| a.blame(e))?;
    let examples = report.examples.iter().map(|e| {
        let kind = match e.likeness {
            Likeness::Exact => "exact",
            Likeness::Near => "near",
        };
        let similarity = (f64::from(e.similarity) * 1e4).round() / 1e4;
        json!({"a": e.row_a, "b": e.row_b, "kind": kind, "similarity": similarity})
    });
    Ok(json!({
        "rows_a": report.rows_a,
        "rows_b": report.rows_b,
        "exact": report.exact,
        "near": report.near,
        "contained": report.contaminated,
        "ngram": options.ngram_words,
        "examples": examples.collect::<Vec<Value>>(),
        "seconds": began.elapsed().as_secs_f64(),
    })
    .to_string())
}
