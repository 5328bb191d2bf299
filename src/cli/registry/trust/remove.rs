//! `registry trust remove`: forgets a publisher.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::parse::parse_alias;
use crate::cli::prompt::confirm::confirm_destruction;
use crate::cli::registry::publishing::key_pair::own_public_key;
use crate::cli::registry::trust::publisher::unknown_publisher;
use crate::ident::Alias;
use crate::ident::PublisherKey;
use crate::registry::Error;
use crate::registry::PublisherError;

/// Forget a publisher; the datasets that it signed stay, marked
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar trust remove colleague")]
pub(crate) struct RemoveArgs {
    /// Its name here, or the key of one that was accepted by hand
    #[arg(value_parser = parse_name_or_key)]
    name: NameOrKey,
}

/// A publisher, by its name here or by its key.
#[derive(Clone, Debug)]
enum NameOrKey {
    Name(Alias),
    Key(PublisherKey),
}

fn parse_name_or_key(text: &str) -> Result<NameOrKey, String> {
    match text.parse() {
        Ok(key) => Ok(NameOrKey::Key(key)),
        Err(_) => parse_alias(text).map(NameOrKey::Name),
    }
}

#[derive(Serialize)]
struct RemoveOutput {
    name: String,
    removed: bool,
}

pub(super) fn run(ctx: &Context, args: &RemoveArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let name = match &args.name {
        NameOrKey::Name(name) => name.clone(),
        NameOrKey::Key(key) => match registry.trust().store()?.file().by_key(key) {
            Some(p) => p.name.clone(),
            None if registry.trust().forget_accepted(key)? => {
                let text = format!("Forgot that data of {key} was accepted by hand\n");
                return print_removal(ctx, key.to_hex(), &text);
            }
            None => return Err(Error::Publisher(PublisherError::NoPublisher(key.to_hex())).into()),
        },
    };
    let believed = registry.trust().store()?;
    let held = believed.file().get(&name);
    let held = held.ok_or_else(|| unknown_publisher(&name))?;
    if own_public_key(registry.home()) == Some(held.key) {
        let what = format!(
            "the entry of your own key, `{name}` {}: what you sign is shown as a stranger's then",
            held.key
        );
        confirm_destruction(ctx, &what)?;
    }
    if !registry.trust().change(|file| Ok(file.remove(&name)))? {
        return Err(unknown_publisher(&name).into());
    }
    let text = format!("`{name}` is a stranger now; what it signed stays, marked\n");
    print_removal(ctx, name.to_string(), &text)
}

fn print_removal(ctx: &Context, name: String, text: &str) -> Result<(), Failure> {
    let output = RemoveOutput {
        name: name.clone(),
        removed: true,
    };
    Ok(ctx.out.result(&output, &[name], text)?)
}
