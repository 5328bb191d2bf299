//! `registry trust add`: trusts a publisher, or changes its level.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::parse::parse_alias;
use crate::cli::parse::parse_level;
use crate::cli::prompt::confirm::ask_yes_no;
use crate::cli::prompt::confirm::can_ask;
use crate::cli::registry::trust::publisher::print_publisher;
use crate::clock::Timestamp;
use crate::ident::Alias;
use crate::ident::PublisherKey;
use crate::registry::Error;
use crate::trust::Level;
use crate::trust::Publisher;
use crate::trust::TrustStore;
use crate::trust::is_usable_key;

/// Trust a publisher, or change its level of trust
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar registry trust add lab-a 3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29
  alimentar registry trust add 'lab a' did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp --level prompt")]
pub(crate) struct AddArgs {
    /// Its name here
    #[arg(value_parser = parse_alias)]
    name: Alias,
    /// Its public key: 64 hex digits or did:key:z6Mk…
    key: PublisherKey,
    /// Its level of trust: full, prompt, unknown or revoked
    #[arg(long, default_value = "full", value_parser = parse_level)]
    level: Level,
    /// Only for datasets with such names, * for any characters; may be given several times
    #[arg(long = "only", value_name = "PATTERN")]
    names: Vec<String>,
    /// Only until the end of this day
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Add this key without a question even if it is revoked
    #[arg(long, value_name = "KEYHEX")]
    accept_publisher: Vec<PublisherKey>,
}

pub(super) fn run(ctx: &Context, args: &AddArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let publisher = Publisher {
        names: args.names.clone(),
        until: args.until.as_deref().map(parse_until).transpose()?,
        ..Publisher::new(args.name.clone(), args.key, args.level)
    };
    if !is_usable_key(&publisher.key) {
        return Err(Failure::usage(
            "this is no key that signatures can be checked with",
        ));
    }
    let believed = registry.trust().store()?;
    let name = &args.name;
    if let Some(other) = believed.lookalike_of(name) {
        ctx.out.diagnostic(&format!(
            "warning: `{name}` reads like `{other}`, who is known here with another key"
        ));
    }
    if publisher.level != Level::Revoked {
        check_revocation(ctx, &believed, &publisher, &args.accept_publisher)?;
    }
    registry.trust().change(|file| Ok(file.put(publisher)?))?;
    print_publisher(ctx, name)
}

/// Parses a time, or a day, which means its end.
fn parse_until(text: &str) -> Result<Timestamp, Failure> {
    let end = format!("{text}T23:59:59Z");
    let time = Timestamp::parse_rfc3339(text).or_else(|| Timestamp::parse_rfc3339(&end));
    time.ok_or(Failure::usage("--until wants a date such as 2027-01-31"))
}

/// Refuses a revoked key unless a person wants it: at the terminal, or with `--accept-publisher`.
fn check_revocation(
    ctx: &Context,
    believed: &TrustStore,
    publisher: &Publisher,
    accepted: &[PublisherKey],
) -> Result<(), Failure> {
    let key = &publisher.key;
    if !believed.is_revoked(key) {
        return Ok(());
    }
    let revoker = if believed.is_revoked_by_publisher(key) {
        "its publisher has revoked this key, and nothing new that it signed is accepted"
    } else {
        "this key is revoked here"
    };
    let why = believed.revoked_because(key).map(|why| format!(": {why}"));
    let message = format!("`{}`: {revoker}{}", publisher.name, why.unwrap_or_default());
    if accepted.contains(key) {
        ctx.out.diagnostic(&format!("warning: {message}"));
        return Ok(());
    }
    if can_ask(ctx.out) && ask_yes_no(ctx.out, &format!("{message}. Add it all the same?")) {
        return Ok(());
    }
    if interrupt::is_requested() {
        return Err(Error::Interrupted.into());
    }
    Err(Failure::NotTrusted(format!(
        "{message}; `--accept-publisher {key}` adds it all the same"
    )))
}
