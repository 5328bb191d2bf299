//! The decision about a pull: withdrawal, then the verdict of the trust policy, then a person's consent.

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::output::text::human_bytes;
use crate::cli::prompt::confirm::ask_yes_no;
use crate::cli::prompt::confirm::can_ask;
use crate::ident::PublisherKey;
use crate::ident::Reference;
use crate::registry::Error;
use crate::registry::peers::AcceptedOffer;
use crate::registry::peers::Offer;
use crate::trust::Action;
use crate::trust::Consent;
use crate::trust::Trust;
use crate::trust::Verdict;

/// The consent that was given on the command line.
#[derive(Clone, Copy, Debug)]
pub(super) struct GivenConsent<'a> {
    /// As `--accept-publisher`.
    pub publishers: &'a [PublisherKey],
    /// As `--accept-unsigned`.
    pub unsigned: bool,
}

/// Accepts an offer, and says if a person had to agree. A whole content id selects bytes, and a name
/// does not: a withdrawn dataset is refused by name only.
///
/// # Errors
/// [`Failure::NotTrusted`], [`Error::Interrupted`].
pub(super) fn accept_offer(
    ctx: &Context,
    offer: &Offer,
    reference: &Reference,
    given: GivenConsent<'_>,
) -> Result<(AcceptedOffer, bool), Failure> {
    let listed = &offer.listed;
    let m = offer.manifest();
    let name = format!("{}@{}", m.name, m.dataset_version);
    let is_by_id = names_whole_content(reference, offer);
    let action = if is_by_id {
        Action::PullById
    } else {
        Action::PullByName
    };
    let refused = |reason: &str| Failure::NotTrusted(format!("`{name}`: {reason}"));
    if let (Some(reason), false) = (&listed.withdrawn, is_by_id) {
        return Err(refused(&format!("withdrawn by its publisher: {reason}")));
    }
    if listed.decide(action).verdict != Verdict::Ask {
        let accepted = offer.accept(action, Consent::NotAsked);
        let accepted = accepted.map_err(|error| match error {
            Error::NotTrusted { reason, .. } => refused(&reason),
            other => other.into(),
        });
        return Ok((accepted?, false));
    }
    let reason = listed.reason(action);
    let is_publisher_given = listed
        .signer
        .is_some_and(|key| given.publishers.contains(&key));
    let is_unsigned_given = listed.trust() == Trust::Unsigned && given.unsigned;
    if is_publisher_given || is_unsigned_given || ask(ctx, offer, &name, &reason) {
        return Ok((offer.accept(action, Consent::Given)?, true));
    }
    if interrupt::is_requested() {
        return Err(Error::Interrupted.into());
    }
    let way = match listed.signer {
        Some(key) => format!("`--accept-publisher {key}` takes it this once"),
        None => "`--accept-unsigned` takes it this once".to_owned(),
    };
    Err(refused(&format!("{reason}; {way}")))
}

/// True if a reference is the whole content id of an offer. A dataset that has these digits as its name
/// is not meant.
fn names_whole_content(reference: &Reference, offer: &Offer) -> bool {
    let digits = match reference {
        Reference::Content(digits) => Some(digits),
        Reference::Name { or_content, .. } => or_content.as_ref(),
    };
    digits.is_some_and(|d| d.as_str() == offer.manifest().content_id.to_hex())
}

/// Asks on the terminal. Only a clear yes counts.
fn ask(ctx: &Context, offer: &Offer, name: &str, reason: &str) -> bool {
    if !can_ask(ctx.out) {
        return false;
    }
    let by = match offer.listed.signer {
        Some(key) => format!("signed by {key}"),
        None => "not signed".to_owned(),
    };
    let size = human_bytes(offer.manifest().size_bytes);
    let question = format!("`{name}` ({size}) is {by}: {reason}. Pull it?");
    ask_yes_no(ctx.out, &question)
}
