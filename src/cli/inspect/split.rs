//! `inspect split` and `inspect sample`.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_inspect::SampleArgs;
use crate::cli::args_inspect::SplitArgs;
use crate::cli::bar::Bar;
use crate::cli::commands::home_of;
use crate::cli::exit::Failure;
use crate::cli::inspect::require_columns;
use crate::cli::inspect::scan;
use crate::cli::inspect::targets;
use crate::cli::inspect::threads;
use crate::cli::inspect::write;
use crate::cli::out::Out;
use crate::cli::out::printable;
use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::SketchCache;
use crate::inspect::dedup::dedup;
use crate::inspect::sampling::groups::Groups;
use crate::inspect::sampling::sample::SampleOptions;
use crate::inspect::sampling::sample::sample;
use crate::inspect::sampling::split::SplitBy;
use crate::inspect::sampling::split::SplitOptions;
use crate::inspect::sampling::split::Splitter;
use crate::inspect::table::Scan;
use crate::inspect::table::Selection;
use crate::progress::Progress;
use crate::registry::Error;
use crate::registry::Picks;
use crate::registry::SpillDirectory;
use crate::registry::Target;
use crate::registry::host;

pub(crate) fn split(args: &SplitArgs, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let began = host::instant();
    let target = targets(&args.target, cli, out)?;
    require_columns(&target, args.by.as_slice(), out)?;
    let by = args.by.clone().map_or(SplitBy::Row, SplitBy::Column);
    let has_groups = by == SplitBy::Row && !args.no_groups;
    let options = SplitOptions {
        ratios: args.ratios.clone(),
        seed: args.seed,
        by,
    };
    let no_ratio = "--ratios takes numbers with commas between them, at least one above 0";
    let splitter = Splitter::new(&options).map_err(|_| Failure::usage(no_ratio))?;
    std::fs::create_dir_all(&args.output).map_err(|e| Error::file("create", &args.output, e))?;
    let ending = match args.format {
        Some(format) => format,
        None => target.kept_format()?,
    };
    let paths = paths(args, ending.ending());
    let if_exists = write::if_exists(&paths, &args.write, (cli, out))?;
    let groups = match has_groups {
        true => groups(&target, &splitter, (cli, out))?,
        false => Groups::default(),
    };
    let writing = write::Writing {
        targets: std::slice::from_ref(&target),
        paths: &paths,
        columns: &[],
        if_exists,
        args: &args.write,
    };
    let picks = Picks::Both(
        &|batch, row, scratch| splitter.part(splitter.place(batch.shape(), row.text, scratch)),
        &|number| groups.place(number).map(|place| splitter.part(place)),
    );
    let written = write::write(&writing, &picks, out)?;
    write::tell(&written, began.elapsed().as_secs_f64(), Vec::new(), out)
}

/// Rows that are alike go to one side.
fn groups(
    target: &Target,
    splitter: &Splitter,
    (cli, out): (&Cli, &Out),
) -> Result<Groups, Failure> {
    let spill = SpillDirectory::create(&home_of(cli)?)?;
    let bar = Bar::new(out.is_quiet());
    let kept = target.kept_prints();
    let options = DedupOptions {
        threads: threads(),
        size_bytes: Some(target.size_bytes()),
        prints: kept.as_ref().map(|k| k as &dyn SketchCache),
        spill: spill.spill(),
        ..DedupOptions::default()
    };
    let open = |s: &Selection| Ok(target.all_batches(&s.columns));
    let report = dedup(&open, &options, &bar).map_err(|e| target.blame(e))?;
    let batches = target.all_batches(&[]);
    bar.phase("reading them once more", Some(target.size_bytes()));
    let again = Scan {
        batches: &*batches,
        threads: threads(),
        progress: &bar,
    };
    let groups = Groups::read(&again, splitter, &report.evidence);
    Ok(groups.map_err(|e| target.blame(e))?)
}

fn paths(args: &SplitArgs, ending: &str) -> Vec<PathBuf> {
    let names: &[&str] = match args.ratios.len() {
        1 => &["train"],
        2 => &["train", "test"],
        3 => &["train", "valid", "test"],
        _ => &[],
    };
    let name = |n: usize| match names.get(n) {
        Some(name) => (*name).to_owned(),
        None => format!("part-{n}"),
    };
    let file = |n| args.output.join(format!("{}.{ending}", name(n)));
    (0..args.ratios.len()).map(file).collect()
}

pub(crate) fn draw(args: &SampleArgs, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let began = host::instant();
    let target = targets(&args.target, cli, out)?;
    let options = SampleOptions {
        threads: threads(),
        rows: args.rows,
        seed: args.seed,
    };
    let wanted = args.output.as_slice();
    let if_exists = write::if_exists(wanted, &args.write, (cli, out))?;
    let drawn = scan(&target, &Selection::default(), ("drawing", out), |s| {
        Ok(sample(s.batches, &options, s.progress)?)
    })?;
    if let Some(path) = &args.output {
        let numbers: Vec<u64> = drawn.rows.iter().map(|r| r.number).collect();
        let writing = write::Writing {
            targets: std::slice::from_ref(&target),
            paths: std::slice::from_ref(path),
            columns: &[],
            if_exists,
            args: &args.write,
        };
        let pick = |number: u64| numbers.binary_search(&number).is_ok().then_some(0);
        let written = write::write(&writing, &Picks::Number(&pick), out)?;
        return write::tell(&written, began.elapsed().as_secs_f64(), Vec::new(), out);
    }
    let rows = drawn
        .rows
        .iter()
        .map(|r| json!({"n": r.number, "text": String::from_utf8_lossy(&r.text)}));
    let answer = json!({
        "rows_in": drawn.rows_in, "rows_out": drawn.rows.len(), "files": [],
        "seconds": began.elapsed().as_secs_f64(), "rows": rows.collect::<Vec<_>>(),
    });
    let numbers: Vec<String> = drawn.rows.iter().map(|r| r.number.to_string()).collect();
    if out.is_json() || out.is_quiet() {
        return Ok(out.result(&answer, &numbers, "")?);
    }
    let mut bytes = Vec::new();
    for row in &drawn.rows {
        match out.has_style() {
            true => bytes.extend(printable(&String::from_utf8_lossy(&row.text)).into_bytes()),
            false => bytes.extend_from_slice(&row.text),
        }
        bytes.push(b'\n');
    }
    Ok(out.bytes(&bytes)?)
}
