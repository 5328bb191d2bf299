//! Consent: the decision about one offer, by withdrawal, then the trust policy, then a person.

use std::borrow::Cow;

use crate::ident::PublisherKey;
use crate::ident::Reference;
use crate::registry::error::Error;
use crate::registry::error::publisher::PublisherError;
use crate::registry::peers::client::accepted_offer::AcceptedOffer;
use crate::registry::peers::client::offers::Offer;
use crate::trust::Action;
use crate::trust::Consent;
use crate::trust::Trust;
use crate::trust::Verdict;

/// Consent that was given before the offer was seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct GivenConsent<'a> {
    /// Publishers whose content is accepted.
    pub publishers: &'a [PublisherKey],
    /// Set if content without a signature is accepted.
    pub unsigned: bool,
}

impl GivenConsent<'_> {
    /// Returns true if it covers the offer.
    fn covers(&self, offer: &Offer) -> bool {
        let listed = &offer.listed;
        let is_publisher_given = listed
            .signer
            .is_some_and(|key| self.publishers.contains(&key));
        is_publisher_given || (listed.trust() == Trust::Unsigned && self.unsigned)
    }
}

/// A question to a person: may this offer be pulled?
#[derive(Clone, Debug)]
pub struct ConsentQuestion<'a> {
    /// The offer.
    pub offer: &'a Offer,
    /// Its name and version.
    pub label: &'a str,
    /// The reason why the policy does not decide alone.
    pub reason: &'a str,
}

/// The decision about an offer.
#[derive(Clone, Debug)]
pub enum ConsentOutcome {
    /// The policy admits it.
    ByPolicy(AcceptedOffer),
    /// A person has agreed, now or before.
    ByPerson(AcceptedOffer),
    /// The policy asks for consent, and nobody has agreed. The text is the reason of the policy.
    Declined(Cow<'static, str>),
}

impl Offer {
    /// Returns name and version, for messages.
    pub fn label(&self) -> String {
        let m = self.manifest();
        format!("{}@{}", m.name, m.dataset_version)
    }

    /// Decides about the offer for a person who asked for it by a reference. Calls `ask` if the policy
    /// wants consent that was not given before.
    ///
    /// A whole content id selects bytes, and a name does not. So a withdrawn dataset is refused by name
    /// only.
    ///
    /// # Errors
    /// [`PublisherError::NotTrusted`] when the dataset is withdrawn, or the policy refuses it.
    pub fn accept_for(
        &self,
        reference: &Reference,
        given: GivenConsent<'_>,
        ask: impl FnOnce(&ConsentQuestion<'_>) -> bool,
    ) -> Result<ConsentOutcome, Error> {
        let listed = &self.listed;
        let label = self.label();
        let is_by_id = self.is_named_by_id(reference);
        let action = if is_by_id {
            Action::PullById
        } else {
            Action::PullByName
        };
        let refused = |reason| {
            Error::Publisher(PublisherError::NotTrusted {
                dataset: label.clone(),
                reason,
            })
        };
        if let (Some(reason), false) = (&listed.withdrawn, is_by_id) {
            let reason = format!("withdrawn by its publisher: {reason}");
            return Err(refused(reason.into()));
        }
        if listed.decide(action).verdict != Verdict::Ask {
            let accepted = self.accept(action, Consent::NotAsked);
            let accepted = accepted.map_err(|error| match error {
                Error::Publisher(PublisherError::NotTrusted { reason, .. }) => refused(reason),
                other => other,
            });
            return Ok(ConsentOutcome::ByPolicy(accepted?));
        }
        let reason = listed.reason(action);
        let question = ConsentQuestion {
            offer: self,
            label: &label,
            reason: &reason,
        };
        if given.covers(self) || ask(&question) {
            let accepted = self.accept(action, Consent::Given)?;
            return Ok(ConsentOutcome::ByPerson(accepted));
        }
        Ok(ConsentOutcome::Declined(reason))
    }

    /// Returns true if a reference is the whole content id of the offer. A dataset that has these digits
    /// as its name is not meant.
    fn is_named_by_id(&self, reference: &Reference) -> bool {
        let digits = match reference {
            Reference::Content(digits) => Some(digits),
            Reference::Name { or_content, .. } => or_content.as_ref(),
        };
        digits.is_some_and(|d| d.as_str() == self.manifest().content_id.to_hex())
    }
}
