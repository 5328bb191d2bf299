//! `registry trust revoke`: accepts nothing new from a publisher.

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::parse::parse_alias;
use crate::cli::registry::publishing::key_pair::open_key_pair;
use crate::cli::registry::publishing::key_pair::own_public_key;
use crate::cli::registry::trust::publisher::print_publisher;
use crate::cli::registry::trust::publisher::unknown_publisher;
use crate::ident::Alias;
use crate::registry::Error;
use crate::registry::PublisherError;
use crate::trust::Level;
use crate::trust::Publisher;

/// Accept nothing new from a publisher; with its own key, tell everybody
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar trust revoke colleague --reason 'the key was on a laptop that is lost'")]
pub(crate) struct RevokeArgs {
    /// Its name here
    #[arg(value_parser = parse_alias)]
    name: Alias,
    /// The reason
    #[arg(long)]
    reason: String,
    /// The publisher's own secret key
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

pub(super) fn run(ctx: &Context, args: &RevokeArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let name = &args.name;
    let held = registry.trust().store()?.file().get(name).cloned();
    let held = held.ok_or_else(|| unknown_publisher(name))?;
    // The owner of the key tells everybody. Others decide for themselves alone.
    let is_own = args.key.is_some() || own_public_key(registry.home()) == Some(held.key);
    if is_own {
        let pair = open_key_pair(ctx, args.key.as_deref())?;
        if pair.public_key() != held.key {
            return Err(Error::Publisher(PublisherError::NotItsPublisher(name.to_string())).into());
        }
        registry.trust().revoke_own(&pair, &args.reason)?;
    }
    let revoked = Publisher {
        level: Level::Revoked,
        reason: Some(args.reason.clone()),
        ..held
    };
    registry.trust().change(|file| Ok(file.put(revoked)?))?;
    if is_own {
        ctx.out
            .diagnostic("the revocation is signed and travels with this registry's data");
    }
    print_publisher(ctx, name)
}
