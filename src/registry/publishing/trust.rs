//! Trust settings: reads and changes `trust.toml`, stores statements of publishers, and judges
//! datasets.

use crate::archive_check::standing::with_reason;
use crate::registry::views::Publishing;
use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::DatasetSummary;
use crate::catalog::RegisterKey;
use crate::ident::EnvelopeId;
use crate::ident::PublisherKey;
use crate::pack::Flags;
use crate::registry::error::Error;
use crate::registry::error::publisher::PublisherError;
use crate::registry::host;
use crate::trust::Action;
use crate::trust::Claim;
use crate::trust::Decision;
use crate::trust::KeyPair;
use crate::trust::Origin;
use crate::trust::PolicyInput;
use crate::trust::SignatureState;
use crate::trust::Statement;
use crate::trust::Trust;
use crate::trust::TrustStore;
use crate::trust::VerifiedManifest;
use crate::trust::evaluate;

/// A dataset or its summary, with its standing under the trust settings.
#[derive(Clone, Debug)]
pub struct Listed<D = Dataset> {
    /// The dataset.
    pub dataset: D,
    /// Input of policy decisions about it.
    pub policy_input: PolicyInput,
    /// Local name of its publisher; `None` if it is unsigned or the publisher is unknown.
    pub alias: Option<String>,
    /// The publisher's reason for withdrawing it, if it is withdrawn.
    pub withdrawn: Option<String>,
    /// The publisher's reason for revoking the key; `None` if it is not revoked or has no reason.
    pub revoked: Option<String>,
    /// Its publisher's key.
    pub signer: Option<PublisherKey>,
    /// True if a person accepted it by hand. It is set only in listings.
    pub accepted: bool,
}

impl<D> Listed<D> {
    /// Returns the trust level.
    pub fn trust(&self) -> Trust {
        self.policy_input.trust()
    }

    /// Returns its publisher: the local name, or else the key.
    pub fn publisher(&self) -> Option<String> {
        let key = self.signer?;
        Some(self.alias.clone().unwrap_or_else(|| key.to_hex()))
    }

    /// Returns its publisher for people. The first digits of a key are enough to tell it from
    /// others in a list.
    pub fn publisher_short(&self) -> Option<String> {
        let whole = self.publisher()?;
        match self.alias {
            Some(_) => Some(whole),
            None => Some(whole.chars().take(16).chain(['…']).collect()),
        }
    }

    /// Returns the reason of a decision for an error message. For a revoked key it includes the
    /// publisher's reason.
    pub fn reason(&self, action: Action) -> Cow<'static, str> {
        self.with_revocation(self.decide(action).reason)
    }

    /// Adds the reason of the revocation to a reason of the policy, if the key is revoked.
    pub(crate) fn with_revocation(&self, said: &'static str) -> Cow<'static, str> {
        let revoked = self.revoked.as_deref();
        with_reason(said, revoked.filter(|_| self.trust() == Trust::Revoked))
    }

    /// Returns the same standing of another value about the dataset.
    pub(crate) fn map<E>(self, change: impl FnOnce(D) -> E) -> Listed<E> {
        Listed {
            dataset: change(self.dataset),
            policy_input: self.policy_input,
            alias: self.alias,
            withdrawn: self.withdrawn,
            revoked: self.revoked,
            signer: self.signer,
            accepted: self.accepted,
        }
    }

    /// Returns the policy's decision on an action.
    pub fn decide(&self, action: Action) -> Decision {
        evaluate(&self.policy_input, action)
    }

    pub(crate) fn new(
        trust: &TrustStore,
        dataset: D,
        claim: Claim<'_>,
        (id, signed, flags): (EnvelopeId, bool, Flags),
    ) -> Self {
        let origin = if flags.foreign {
            Origin::Elsewhere
        } else {
            Origin::Here
        };
        // Held manifests were verified when they arrived.
        let signature = if signed {
            SignatureState::Valid
        } else {
            SignatureState::None
        };
        let alias = claim.signer.as_ref().and_then(|key| trust.alias(key));
        let revoked = claim.signer.as_ref().filter(|key| trust.is_revoked(key));
        let revoked = revoked.and_then(|key| trust.revoked_because(key));
        Self {
            policy_input: trust.policy_input(&claim, &id, signature, origin),
            alias: alias.map(ToString::to_string),
            withdrawn: trust.withdrawn(&claim).map(str::to_owned),
            revoked: revoked.map(str::to_owned),
            signer: claim.signer,
            accepted: false,
            dataset,
        }
    }
}

impl Listed {
    /// Applies the trust settings to a held dataset.
    pub fn of(trust: &TrustStore, dataset: Dataset) -> Self {
        let manifest = dataset.manifest.clone();
        let local = (dataset.envelope_id, dataset.signed, dataset.flags);
        Self::new(trust, dataset, Claim::from(&manifest), local)
    }

    /// Applies the trust settings to a remote manifest, whose data may not be held.
    pub(crate) fn elsewhere(trust: &TrustStore, verified: &VerifiedManifest) -> Self {
        let manifest = verified.manifest().clone();
        let flags = Flags {
            foreign: true,
            ..Flags::default()
        };
        let dataset = Dataset {
            key: RegisterKey::of(&manifest, Origin::Elsewhere),
            envelope_id: verified.envelope().id(),
            signed: manifest.signer.is_some(),
            manifest,
            flags,
        };
        Self::of(trust, dataset)
    }

    /// Returns the same with a summary of the dataset.
    pub fn summary(&self) -> Listed<DatasetSummary> {
        Listed {
            dataset: self.dataset.summary(),
            policy_input: self.policy_input,
            alias: self.alias.clone(),
            withdrawn: self.withdrawn.clone(),
            revoked: self.revoked.clone(),
            signer: self.signer,
            accepted: self.accepted,
        }
    }
}

impl Publishing<'_> {
    /// Returns summaries of all datasets with their standing, by name and version.
    ///
    /// # Errors
    /// [`Error`] when the index or `trust.toml` cannot be read.
    pub fn list_summaries(&self) -> Result<Vec<Listed<DatasetSummary>>, Error> {
        let trust = self.registry.trust().store()?;
        let summaries = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::summaries(t)?))?;
        let accepted = self.registry.trust().accepted_by_hand()?.into_iter();
        let accepted: BTreeSet<_> = accepted.map(|a| (a.key, a.content_id)).collect();
        let listed = summaries.into_iter().map(|b| {
            let (name, version) = (b.name.clone(), b.version.clone());
            let claim = Claim {
                signer: b.signer,
                name: &name,
                version: &version,
                series: b.series,
                content_id: b.content_id,
            };
            let local = (b.envelope_id, b.signed, b.flags);
            let is_accepted = accepted.contains(&(b.signer, b.content_id));
            let mut listed = Listed::new(&trust, b, claim, local);
            listed.accepted = is_accepted && listed.dataset.flags.foreign;
            listed
        });
        Ok(listed.collect())
    }

    /// Publishes that a dataset should not be used any more.
    ///
    /// # Errors
    /// [`PublisherError::NotItsPublisher`] when another publisher, or nobody, signed it.
    pub fn withdraw(&self, dataset: &Dataset, by: &KeyPair, reason: &str) -> Result<(), Error> {
        if dataset.manifest.signer != Some(by.public_key()) {
            return Err(Error::Publisher(PublisherError::NotItsPublisher(
                dataset.manifest.name.to_string(),
            )));
        }
        let statement = Statement::withdraw(by, &dataset.manifest, reason, host::now())?;
        self.registry.trust().accept_statement(&statement).map(drop)
    }
}
