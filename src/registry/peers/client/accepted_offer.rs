//! An offer that may be pulled: the policy let it in, or a person did.

use crate::registry::error::Error;
use crate::registry::peers::client::offers::Offer;
use crate::trust::Action;
use crate::trust::Admitted;
use crate::trust::Consent;

/// An offer that trust lets in. `LocalRegistry::pull` takes nothing else.
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

    /// The manifest as the catalogue takes it.
    pub(crate) fn admitted(&self) -> &Admitted {
        &self.admitted
    }
}

impl Offer {
    /// Asks the policy. A withdrawn dataset comes by its whole content id alone.
    ///
    /// # Errors
    /// [`Error::NotTrusted`] with the reason.
    pub fn accept(&self, action: Action, consent: Consent) -> Result<AcceptedOffer, Error> {
        let refused = |reason| Error::NotTrusted {
            dataset: self.listed.dataset.manifest.name.to_string(),
            reason: self.listed.with_revocation(reason),
        };
        if self.listed.withdrawn.is_some() && action != Action::PullById {
            return Err(refused("withdrawn by its publisher"));
        }
        let verified = self.verified().clone();
        let admitted = Admitted::let_in(verified, &self.listed.standing, action, consent);
        Ok(AcceptedOffer {
            offer: self.clone(),
            admitted: admitted.map_err(refused)?,
        })
    }

    /// An offer whose manifest counts here already: its missing bytes are fetched again.
    ///
    /// # Errors
    /// [`Error::Signature`] where its signature does not hold.
    pub(crate) fn accept_held(&self) -> Result<AcceptedOffer, Error> {
        let envelope = self.verified().envelope().clone();
        let origin = self.listed.dataset.origin();
        Ok(AcceptedOffer {
            offer: self.clone(),
            admitted: Admitted::stored(envelope, origin)?,
        })
    }
}
