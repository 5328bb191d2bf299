//! The question to a person about an offer, and the message if nobody agrees.

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::output::text::human_bytes;
use crate::cli::prompt::confirm::ask_yes_no;
use crate::cli::prompt::confirm::can_ask;
use crate::ident::Reference;
use crate::registry::Error;
use crate::registry::peers::AcceptedOffer;
use crate::registry::peers::ConsentOutcome;
use crate::registry::peers::ConsentQuestion;
use crate::registry::peers::GivenConsent;
use crate::registry::peers::Offer;

/// Accepts an offer, and says if a person had to agree. `wish` is what the command is about to do.
///
/// # Errors
/// `PublisherError::NotTrusted`, [`Error::Interrupted`].
pub(super) fn accept_offer(
    ctx: &Context,
    offer: &Offer,
    reference: &Reference,
    given: GivenConsent<'_>,
    wish: &str,
) -> Result<(AcceptedOffer, bool), Failure> {
    let reason = match offer.accept_for(reference, given, |question| ask(ctx, question, wish))? {
        ConsentOutcome::ByPolicy(accepted) => return Ok((accepted, false)),
        ConsentOutcome::ByPerson(accepted) => return Ok((accepted, true)),
        ConsentOutcome::Declined(reason) => reason,
    };
    if interrupt::is_requested() {
        return Err(Error::Interrupted.into());
    }
    let way = match offer.listed.signer {
        Some(key) => format!("`--accept-publisher {key}` takes it this once"),
        None => "`--accept-unsigned` takes it this once".to_owned(),
    };
    let dataset = offer.label();
    Err(Failure::NotTrusted(format!("`{dataset}`: {reason}; {way}")))
}

/// Asks on the terminal. Only a clear yes counts.
fn ask(ctx: &Context, question: &ConsentQuestion<'_>, wish: &str) -> bool {
    if !can_ask(ctx.out) {
        return false;
    }
    let by = match question.offer.listed.signer {
        Some(key) => format!("signed by {key}"),
        None => "not signed".to_owned(),
    };
    let size = human_bytes(question.offer.manifest().size_bytes);
    let (label, reason) = (question.label, question.reason);
    let text = format!("`{label}` ({size}) is {by}: {reason}. {wish}?");
    ask_yes_no(ctx.out, &text)
}
