//! `registry identity`: the age keys that open archives which others encrypt to this registry.

use clap::Args;
use clap::Subcommand;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::registry::Error;
use crate::registry::NodeError;

/// The keys that open archives which others encrypt to this registry
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar registry identity new
  alimentar registry export --to lab-b --recipient age1… -o stick/    # on the other side, with the key that was shown")]
pub(crate) struct IdentityArgs {
    #[command(subcommand)]
    command: IdentityCommand,
}

#[derive(Debug, Subcommand)]
enum IdentityCommand {
    /// Make an age identity: others encrypt archives to its public key, and import here opens them
    #[command(after_help = "Examples:
  alimentar identity new --another")]
    New {
        /// Beside the identities that exist, which go on opening archives
        #[arg(long)]
        another: bool,
    },
    /// Show the public keys to which others encrypt archives for this registry
    #[command(after_help = "Examples:
  alimentar identity show")]
    Show,
}

#[derive(Serialize)]
struct IdentityOutput<'a> {
    /// The newest public key.
    recipient: &'a str,
    recipients: &'a [String],
    path: String,
}

pub(crate) fn run(ctx: &Context, args: &IdentityArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let path = registry.archives().identity_path();
    let mut text = String::new();
    if let IdentityCommand::New { another } = args.command {
        if !another && !registry.archives().identities()?.is_empty() {
            return Err(Error::from(NodeError::HasIdentity(path)).into());
        }
        registry.archives().make_identity()?;
        text = format!(
            "Made an identity; its secret half is in {}\n",
            path.display()
        );
    }
    let recipients = registry.archives().identities()?;
    let Some(newest) = recipients.first() else {
        return Err(Error::from(NodeError::NoIdentity).into());
    };
    text += &format!(
        "  recipient  {newest}\nOthers encrypt to it with: alimentar registry export --to NAME --recipient {newest}\n"
    );
    for older in recipients.iter().skip(1) {
        text += &format!("  older      {older}\n");
    }
    let output = IdentityOutput {
        recipient: newest,
        recipients: &recipients,
        path: path.to_string_lossy().into_owned(),
    };
    Ok(ctx.out.result(&output, &recipients, &text)?)
}
