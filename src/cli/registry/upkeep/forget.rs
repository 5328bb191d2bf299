//! `registry forget`: removes old versions by rules.

use clap::Args;
use serde::Serialize;

use crate::catalog::Dataset;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::cli::prompt::confirm::require_consent;
use crate::cli::registry::datasets::versions::ids_of;
use crate::ident::DatasetName;
use crate::registry::ForgetDecision;
use crate::registry::KEEP_DAYS;
use crate::registry::KeepRules;
use crate::registry::TimeSpan;

/// Remove old versions from the index, by rules that say which to keep
#[derive(Debug, Args)]
#[command(
    after_help = "A version stays if any rule keeps it; the newest of a name always stays, unless --keep-last is 0.

Examples:
  alimentar registry forget --keep-last 3 --keep-within 30d --dry-run
  alimentar registry forget corpus --keep-within 1y6m --keep-tag gold --yes"
)]
pub(crate) struct ForgetArgs {
    /// Names [default: all names that are made here]
    names: Vec<DatasetName>,
    /// Keep the newest N versions of every name; 0 also removes the newest one
    #[arg(long, value_name = "N")]
    keep_last: Option<u64>,
    /// Keep versions made within this time before the last one: 30d, 2w, 12h, 1y6m
    #[arg(long, value_name = "D")]
    keep_within: Option<TimeSpan>,
    /// Keep versions with this tag; may be given several times
    #[arg(long, value_name = "T")]
    keep_tag: Vec<String>,
    /// Only say which versions would be kept and removed
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct ForgetOutput<'a> {
    kept: Vec<VersionObject<'a>>,
    removed: Vec<VersionObject<'a>>,
    dry_run: bool,
    keep_days: u32,
}

#[derive(Serialize)]
struct VersionObject<'a> {
    content_id: String,
    name: String,
    version: String,
    created_at: String,
    reason: &'a str,
}

impl<'a> VersionObject<'a> {
    fn all(weighed: &'a [ForgetDecision]) -> Vec<Self> {
        let object = |w: &'a ForgetDecision| {
            let m = &w.dataset.manifest;
            Self {
                content_id: m.content_id.to_string(),
                name: m.name.to_string(),
                version: m.dataset_version.to_string(),
                created_at: m.created_at.to_rfc3339(),
                reason: &w.reason,
            }
        };
        weighed.iter().map(object).collect()
    }
}

pub(crate) fn run(ctx: &Context, args: &ForgetArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let rules = KeepRules {
        last: args.keep_last,
        within: args.keep_within,
        tags: args.keep_tag.clone(),
    };
    if rules.is_empty() {
        return Err(Failure::usage(
            "no rule says what to keep; give --keep-last, --keep-within or --keep-tag",
        ));
    }
    let plan = registry.removal().plan_forget(&args.names, &rules)?;
    let removed: Vec<Dataset> = plan.removed.iter().map(|w| w.dataset.clone()).collect();
    if !args.dry_run && !removed.is_empty() {
        let bytes = removed.iter().map(|d| d.manifest.size_bytes).sum();
        let what = format!(
            "{} version(s) of {}, {} before deduplication",
            removed.len(),
            format_names(&removed),
            human_bytes(bytes)
        );
        require_consent(
            ctx,
            &format!("Remove {what}?"),
            &format!("the rules remove {what}; --yes removes them, --dry-run shows which"),
        )?;
        registry.removal().remove_all(&removed)?;
    }
    let output = ForgetOutput {
        kept: VersionObject::all(&plan.kept),
        removed: VersionObject::all(&plan.removed),
        dry_run: args.dry_run,
        keep_days: KEEP_DAYS,
    };
    let rows = rows_by_name(&plan.kept, &plan.removed, args.dry_run);
    let mut text = ctx
        .out
        .table(&["", "NAME", "VERSION", "CREATED", "REASON"], &rows);
    text += &match (args.dry_run, removed.len()) {
        (true, n) => format!("Would remove {n} version(s)\n"),
        (false, 0) => "Removed nothing\n".to_owned(),
        (false, n) => format!(
            "Removed {n} version(s); `registry restore` brings them back, for at least {KEEP_DAYS} days\n"
        ),
    };
    Ok(ctx.out.result(&output, &ids_of(&removed), &text)?)
}

/// The rows of a table, in the order of names.
fn rows_by_name(
    kept: &[ForgetDecision],
    removed: &[ForgetDecision],
    dry_run: bool,
) -> Vec<Vec<String>> {
    let row = |fate: &str, w: &ForgetDecision| {
        let m = &w.dataset.manifest;
        vec![
            fate.to_owned(),
            m.name.to_string(),
            m.dataset_version.to_string(),
            m.created_at.to_rfc3339(),
            w.reason.clone(),
        ]
    };
    let goes = if dry_run { "would go" } else { "removed" };
    let mut rows: Vec<(&DatasetName, Vec<String>)> = Vec::new();
    for (fate, list) in [("kept", kept), (goes, removed)] {
        rows.extend(
            list.iter()
                .map(|w| (&w.dataset.manifest.name, row(fate, w))),
        );
    }
    rows.sort_by_key(|(name, _)| *name);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// The names of datasets, each once. A long list has only the first.
fn format_names(datasets: &[Dataset]) -> String {
    let mut names: Vec<String> = Vec::new();
    for d in datasets {
        let name = d.manifest.name.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match names.as_slice() {
        [a, b, c, rest @ ..] if !rest.is_empty() => {
            format!("{a}, {b}, {c} and {} more name(s)", rest.len())
        }
        _ => names.join(", "),
    }
}
