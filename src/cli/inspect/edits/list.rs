//! `inspect edits list`: the edits of a target, or of all.

use clap::Args;
use serde::Serialize;

use crate::cli::exit::Failure;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::edits::result::CountsObject;
use crate::cli::inspect::edits::result::counts_text;
use crate::cli::output::text::printable;
use crate::clock::Timestamp;
use crate::registry::EditList;
use crate::registry::all_edits;
use crate::registry::edits_of;

/// List edits: those of a file or dataset, or which files and datasets have some
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect edits list
  alimentar inspect edits list train.jsonl --json")]
pub(crate) struct ListArgs {
    /// A file, a dataset, or REF:path/in/dataset; all that have edits without it
    target: Option<String>,
}

#[derive(Serialize)]
struct ListOutput {
    target: String,
    #[serde(flatten)]
    counts: CountsObject,
    /// The reason why they are not applied.
    refused: Option<String>,
    torn_bytes: u64,
    journal: String,
    log: Vec<LoggedEdit>,
}

#[derive(Serialize)]
struct LoggedEdit {
    time: String,
    edit: String,
    undone: bool,
}

#[derive(Serialize)]
struct AllOutput {
    targets: Vec<ListOutput>,
    damaged: Vec<String>,
}

pub(crate) fn run(ctx: &InspectContext<'_>, args: &ListArgs) -> Result<(), Failure> {
    let (out, home) = (ctx.base.out, ctx.base.home()?);
    if let Some(target) = &args.target {
        let list = edits_of(target, &home, &ctx.target_options()?)?;
        let (output, text) = (output_of(&list), text_of(&list));
        let labels: Vec<String> = list.active.iter().map(|e| e.label.clone()).collect();
        return Ok(out.result(&output, &labels, &text)?);
    }
    let mut output = AllOutput {
        targets: Vec::new(),
        damaged: Vec::new(),
    };
    let (mut text, mut names) = (String::new(), Vec::new());
    for list in all_edits(&home)? {
        match list {
            Ok(list) if list.active.is_empty() && list.undone.is_empty() => {}
            Ok(list) => {
                text += &format!(
                    "{}  {}\n",
                    printable(&list.target),
                    counts_text(&list.counts)
                );
                text += &refusal_of(&list);
                names.push(list.target.clone());
                output.targets.push(output_of(&list));
            }
            Err(error) => {
                let why = Failure::from(error).message();
                text += &format!("{}\n", printable(&why));
                output.damaged.push(why);
            }
        }
    }
    if text.is_empty() {
        text = "no edits\n".to_owned();
    }
    out.result(&output, &names, &text)?;
    match output.damaged.as_slice() {
        [] => Ok(()),
        [first, ..] => Err(Failure::Damaged(first.clone())),
    }
}

fn output_of(list: &EditList) -> ListOutput {
    let logged = |edit: &crate::registry::ListedEdit, undone| LoggedEdit {
        time: Timestamp(edit.time).to_rfc3339(),
        edit: edit.label.clone(),
        undone,
    };
    let active = list.active.iter().map(|edit| logged(edit, false));
    let undone = list.undone.iter().map(|edit| logged(edit, true));
    ListOutput {
        target: list.target.clone(),
        counts: list.counts.into(),
        refused: list.refused.clone(),
        torn_bytes: list.torn_bytes,
        journal: list.journal.display().to_string(),
        log: active.chain(undone).collect(),
    }
}

fn text_of(list: &EditList) -> String {
    let mut text = format!(
        "{}  {}\n",
        printable(&list.target),
        counts_text(&list.counts)
    );
    text += &refusal_of(list);
    for edit in &list.active {
        let time = Timestamp(edit.time).to_rfc3339();
        text += &format!("  {time}  {}\n", printable(&edit.label));
    }
    for edit in &list.undone {
        let time = Timestamp(edit.time).to_rfc3339();
        text += &format!("  {time}  {} (undone)\n", printable(&edit.label));
    }
    text
}

fn refusal_of(list: &EditList) -> String {
    let refused = list.refused.iter();
    let refused = refused.map(|why| format!("  not applied: {}\n", printable(why)));
    let torn = (list.torn_bytes > 0).then(|| {
        let bytes = list.torn_bytes;
        format!("  {bytes} bytes at the end of the journal are no whole record and are left out\n")
    });
    refused.chain(torn).collect()
}
