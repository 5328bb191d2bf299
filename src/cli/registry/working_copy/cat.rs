//! `registry cat`: the bytes of a dataset, or of one file, on stdout.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::progress_bar::ProgressBar;
use crate::cli::prompt::dataset::check_size;
use crate::cli::prompt::dataset::check_withdrawal;
use crate::cli::registry::elsewhere::files_at;
use crate::cli::registry::elsewhere::url_of;
use crate::cli::registry::elsewhere::write_bytes;
use crate::cli::registry::network::look::FoundDataset;
use crate::cli::registry::network::look::LookArgs;
use crate::cli::registry::network::look::Looks;

/// Write a dataset's bytes, or one file's, to stdout
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar cat train
  alimentar cat photos:notes/first.txt")]
pub(crate) struct CatArgs {
    /// REF, REF:path/in/dataset, or a URL
    pub target: String,
    #[command(flatten)]
    look: LookArgs,
}

pub(crate) fn run(ctx: &Context, args: &CatArgs) -> Result<(), Failure> {
    if let Some(url) = url_of(&args.target)? {
        let remote = ctx.remote()?;
        let mut stdout = std::io::stdout().lock();
        for file in files_at(remote, &url)? {
            write_bytes(remote, &file.url, &mut stdout)?;
        }
        return Ok(());
    }
    let registry = ctx.registry()?;
    let looks = Looks::new(ctx, &args.look);
    let (found, path) = looks.target(&args.target)?;
    let mut stdout = std::io::stdout().lock();
    let dataset = match found {
        FoundDataset::Held(dataset) => dataset,
        FoundDataset::Look(look) => {
            return Ok(look.cat(path, &mut stdout, &ProgressBar::hidden())?);
        }
    };
    check_size(ctx, &dataset)?;
    check_withdrawal(ctx, &dataset)?;
    // The bar is hidden, because the bytes may go to the terminal.
    let bar = ProgressBar::hidden();
    registry.cat(&dataset, path, &mut stdout, &bar)?;
    Ok(())
}
