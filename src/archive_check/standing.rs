//! Standing of a dataset of an archive under trust settings, and the decision about it.

use std::borrow::Cow;

use crate::trust::Action;
use crate::trust::Admitted;
use crate::trust::Claim;
use crate::trust::Consent;
use crate::trust::Origin;
use crate::trust::PolicyInput;
use crate::trust::SignatureState;
use crate::trust::Trust;
use crate::trust::TrustStore;
use crate::trust::VerifiedManifest;
use crate::trust::evaluate;

/// Maximum number of characters of a reason in a message.
const REASON_CHARS_MAX: usize = 300;

/// Returns the reason of a decision, followed by the reason of the revocation if that decided.
pub(crate) fn with_reason(said: &'static str, revoked: Option<&str>) -> Cow<'static, str> {
    match revoked {
        None => Cow::Borrowed(said),
        Some(why) => {
            let mut shown: String = why.chars().take(REASON_CHARS_MAX).collect();
            if shown.len() < why.len() {
                shown.push('…');
            }
            Cow::Owned(format!("{said}: {shown}"))
        }
    }
}

/// The standing of a dataset.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Input of policy decisions.
    pub policy_input: PolicyInput,
    /// Local name of the publisher, if it is known.
    pub alias: Option<String>,
    /// The publisher's key, if the dataset is signed.
    pub signer: Option<String>,
    /// The publisher's reason for withdrawing the dataset.
    pub withdrawn: Option<String>,
    /// The reason for revoking the publisher's key.
    pub revoked: Option<String>,
}

impl Standing {
    /// Applies trust settings to a dataset from elsewhere.
    pub fn of(trust: &TrustStore, verified: &VerifiedManifest) -> Self {
        let manifest = verified.manifest();
        let claim = Claim::from(manifest);
        let signature = match manifest.signer {
            Some(_) => SignatureState::Valid,
            None => SignatureState::None,
        };
        let id = verified.envelope().id();
        let key = claim.signer.as_ref();
        let revoked = key.filter(|key| trust.is_revoked(key));
        let revoked = revoked.and_then(|key| trust.revoked_because(key));
        Self {
            policy_input: trust.policy_input(&claim, &id, signature, Origin::Elsewhere),
            alias: key
                .and_then(|key| trust.alias(key))
                .map(ToString::to_string),
            signer: key.map(|key| key.to_hex()),
            withdrawn: trust.withdrawn(&claim).map(str::to_owned),
            revoked: revoked.map(str::to_owned),
        }
    }

    /// Returns the trust level.
    pub fn trust(&self) -> Trust {
        self.policy_input.trust()
    }

    /// Returns the publisher: the local name, or else the key.
    pub fn publisher(&self) -> Option<String> {
        self.alias.clone().or_else(|| self.signer.clone())
    }

    /// Returns the reason of the policy for its decision on an import.
    pub fn reason(&self) -> Cow<'static, str> {
        self.with_revocation(evaluate(&self.policy_input, Action::Import).reason)
    }

    fn with_revocation(&self, said: &'static str) -> Cow<'static, str> {
        let revoked = self.revoked.as_deref();
        with_reason(said, revoked.filter(|_| self.trust() == Trust::Revoked))
    }

    /// Decides on an import.
    ///
    /// # Errors
    /// The reason of a refusal.
    pub fn admit(&self, verified: VerifiedManifest, consent: Consent) -> Result<(), String> {
        if let Some(reason) = &self.withdrawn {
            return Err(format!("withdrawn by its publisher: {reason}"));
        }
        let admitted = Admitted::admit(verified, &self.policy_input, Action::Import, consent);
        let refused = |said| self.with_revocation(said).into_owned();
        admitted.map(drop).map_err(refused)
    }
}
