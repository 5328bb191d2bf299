//! `documents scan`: prints the documents of a collection.

use std::io::Write as _;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::documents::collection::CollectionArgs;
use crate::cli::documents::read::choice::ChoiceArgs;
use crate::cli::exit::Failure;
use crate::cli::output::text::escape_hidden;

/// Print documents, one a line, in the order in which they were last put
#[derive(Debug, Args)]
#[command(
    after_help = "A condition compares the value at a path: `=`, `!=`, `<`, `<=`, `>`, `>=`, `~` or `contains` \
(characters of a string, or an element), `in [a, b]`, and a path alone for a value that is there. `and`, `or`, `not` \
and parentheses join conditions. A word without quotes is equal to a string and to a number that is written so; \
`messages[].role` means any element.

Examples:
  alimentar documents scan ./store -c train --limit 10
  alimentar documents scan ./store -c train --where 'age >= 18' --fields name,age
  alimentar documents scan ./store -c train --where 'name in [Ada, Bob] or not age' --count"
)]
pub(crate) struct ScanArgs {
    #[command(flatten)]
    at: CollectionArgs,
    #[command(flatten)]
    choice: ChoiceArgs,
    /// Print only the number of documents
    #[arg(long)]
    count: bool,
}

#[derive(Serialize)]
struct CountOutput {
    documents: u64,
}

pub(crate) fn run(ctx: &Context, args: &ScanArgs) -> Result<(), Failure> {
    let choice = args.choice.scan()?;
    let at = args.at.read(ctx)?;
    let collection = at.open()?;
    if args.count {
        let mut documents = 0;
        for document in collection.scan(&choice)? {
            document?;
            documents += 1;
        }
        return Ok(ctx
            .out
            .result(&CountOutput { documents }, &[], &format!("{documents}\n"))?);
    }
    let mut out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    for document in collection.scan(&choice)? {
        let text = String::from_utf8_lossy(document?.as_bytes()).into_owned();
        out.write_all((escape_hidden(text) + "\n").as_bytes())?;
    }
    Ok(out.flush()?)
}
