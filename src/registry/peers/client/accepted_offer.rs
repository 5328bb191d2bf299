//! Accepted offers: the policy or a person has admitted them, so they may be pulled.

use crate::registry::error::publisher::PublisherError;

use crate::registry::error::Error;
use crate::registry::peers::client::offers::Offer;
use crate::trust::Action;
use crate::trust::Admitted;
use crate::trust::Consent;

/// An offer that is admitted. `Peers::pull` takes nothing else.
#[derive(Clone, Debug)]
pub struct AcceptedOffer {
    offer: Offer,
    admitted: Admitted,
}

impl AcceptedOffer {
    /// The offer.
    pub fn offer(&self) -> &Offer {
        &self.offer
    }

    /// Returns the manifest in the form that the catalogue takes.
    pub(crate) fn admitted(&self) -> &Admitted {
        &self.admitted
    }
}

impl Offer {
    /// Applies the policy to the offer. A withdrawn dataset is admitted only by its full content
    /// id.
    ///
    /// # Errors
    /// [`PublisherError::NotTrusted`] with the reason.
    pub fn accept(&self, action: Action, consent: Consent) -> Result<AcceptedOffer, Error> {
        let refused = |reason| {
            Error::Publisher(PublisherError::NotTrusted {
                dataset: self.listed.dataset.manifest.name.to_string(),
                reason: self.listed.with_revocation(reason),
            })
        };
        if self.listed.withdrawn.is_some() && action != Action::PullById {
            return Err(refused("withdrawn by its publisher"));
        }
        let verified = self.verified().clone();
        let admitted = Admitted::admit(verified, &self.listed.policy_input, action, consent);
        Ok(AcceptedOffer {
            offer: self.clone(),
            admitted: admitted.map_err(refused)?,
        })
    }

    /// Accepts an offer whose manifest is already in the catalogue, so that its missing bytes are
    /// fetched again.
    ///
    /// # Errors
    /// [`Error::Signature`] when its signature does not hold.
    pub(crate) fn accept_held(&self) -> Result<AcceptedOffer, Error> {
        let envelope = self.verified().envelope().clone();
        let origin = self.listed.dataset.origin();
        Ok(AcceptedOffer {
            offer: self.clone(),
            admitted: Admitted::from_store(envelope, origin)?,
        })
    }
}
