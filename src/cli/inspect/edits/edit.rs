//! `inspect edit`: changes, deletes, inserts or mends rows.

use clap::ArgGroup;
use clap::Args;
use clap::ValueEnum;

use crate::cli::exit::Failure;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::edits::result;
use crate::inspect::edits::ValueForm;
use crate::inspect::lint::mend::Mend;
use crate::registry::CellChange;
use crate::registry::EditError;
use crate::registry::EditSession;
use crate::registry::parse_row_ranges;

/// Change, delete, insert or mend rows without a copy of the file
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("change").required(true).args(["set", "delete", "insert", "fix"])))]
#[command(after_help = "Examples:
  alimentar inspect edit train.jsonl --set 3.answer='a better one' --set 7.user_id=2
  alimentar inspect edit train.jsonl --delete 5,10-19
  alimentar inspect edit train.jsonl --insert new.jsonl --at 0
  alimentar inspect edit train.jsonl --fix unbalanced-think --fix trailing-blanks

The file stays as it is. Edits are kept in the registry's directory; `inspect … --edits` reads rows as if
they were applied, `inspect edits` lists and undoes them, and `inspect edits apply` and `registry commit`
write them. Rows count from 0, as `inspect lines --edits` shows them before this command.")]
pub(crate) struct EditArgs {
    /// A file, a dataset, or REF:path/in/dataset
    target: String,
    /// Set a cell; may be given several times. COLUMN may be a path such as messages.0.content
    #[arg(long, value_name = "ROW.COLUMN=VALUE", value_parser = parse_set)]
    set: Vec<CellChange>,
    /// The form of values: that of the cell, JSON, or text
    #[arg(
        long = "as",
        value_name = "FORM",
        default_value = "cell",
        requires = "set"
    )]
    form: FormArg,
    /// Delete rows: numbers and ranges with commas between them
    #[arg(long, value_name = "ROWS", value_parser = parse_rows)]
    delete: Vec<Rows>,
    /// Insert all rows of this file
    #[arg(long, value_name = "FILE", requires = "at")]
    insert: Option<String>,
    /// The row in front of which they are inserted; the number of rows appends them
    #[arg(long, value_name = "ROW", requires = "insert")]
    at: Option<u64>,
    /// Mend what this rule of `inspect lint` finds, or `trailing-blanks`; may be given several times
    #[arg(long, value_name = "RULE")]
    fix: Vec<String>,
}

/// The form of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormArg {
    /// Text where the cell is text, JSON elsewhere
    Cell,
    /// Always JSON
    Json,
    /// Always text
    Text,
}

impl From<FormArg> for ValueForm {
    fn from(form: FormArg) -> Self {
        match form {
            FormArg::Cell => Self::OfCell,
            FormArg::Json => Self::Json,
            FormArg::Text => Self::Text,
        }
    }
}

/// Ranges of rows: the first, and the one behind the last.
#[derive(Clone, Debug)]
struct Rows(Vec<(u64, u64)>);

fn parse_set(text: &str) -> Result<CellChange, String> {
    CellChange::parse(text, ValueForm::default())
}

fn parse_rows(text: &str) -> Result<Rows, String> {
    parse_row_ranges(text).map(Rows)
}

pub(crate) fn run(ctx: &InspectContext<'_>, args: &EditArgs) -> Result<(), Failure> {
    let mends = mends(&args.fix)?;
    let bar = ctx.base.progress_bar();
    let home = ctx.base.home()?;
    let options = ctx.target_options()?;
    let mut session = EditSession::open(&args.target, &home, &options, &bar)?;
    let mut fixed = None;
    if !args.set.is_empty() {
        let changes = args.set.iter().map(|change| CellChange {
            form: args.form.into(),
            ..change.clone()
        });
        session.set(&changes.collect::<Vec<_>>(), &bar)?;
    } else if !args.delete.is_empty() {
        let ranges: Vec<(u64, u64)> = args.delete.iter().flat_map(|r| r.0.clone()).collect();
        session.delete(&ranges, &bar)?;
    } else if let (Some(from), Some(at)) = (&args.insert, args.at) {
        let from = ctx.open_target(from)?;
        session.insert(&from, at, &bar)?;
    } else {
        let mut sum = (0, 0);
        for (name, mend) in mends {
            let report = session.fix((name, mend), &bar)?;
            sum = (sum.0 + report.fixed, sum.1 + report.left);
        }
        fixed = Some(sum);
    }
    drop(bar);
    result::print(ctx.base.out, &args.target, session.counts()?, fixed)
}

fn mends(names: &[String]) -> Result<Vec<(&str, Mend)>, Failure> {
    let named = names.iter().map(|name| {
        let mend = Mend::named(name).ok_or_else(|| EditError::NotFixable {
            rule: name.clone(),
            fixable: Mend::names().join(", "),
        });
        Ok((name.as_str(), mend.map_err(crate::registry::Error::from)?))
    });
    named.collect()
}
