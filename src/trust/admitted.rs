//! Admission: the form of a manifest that a catalogue stores.
//!
//! A manifest goes through three types. [`UnverifiedManifest`] is bytes from outside,
//! [`VerifiedManifest`] has a valid signature, and [`Admitted`] passed the policy. `catalog::put` and
//! `catalog::merge` take only the last one, so no code can store a manifest without a decision.

use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::trust::policy::Action;
use crate::trust::policy::Origin;
use crate::trust::policy::PolicyInput;
use crate::trust::policy::Verdict;
use crate::trust::policy::evaluate;
use crate::trust::signature::SignatureError;
use crate::trust::signature::UnverifiedManifest;
use crate::trust::signature::VerifiedManifest;
use crate::wire::limits::CLOCK_EDITS_MAX;

/// A person's answer to a question of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// A person, or a flag that a person set, agreed.
    Given,
    /// The program asked no person.
    NotAsked,
}

/// A verified manifest that may be stored, with its origin.
#[derive(Clone, Debug)]
pub struct Admitted {
    verified: VerifiedManifest,
    origin: Origin,
}

impl Admitted {
    /// Admits a manifest from elsewhere. The policy input is that of the manifest.
    ///
    /// # Errors
    /// The reason, where the policy refuses it, a question is without consent, or its
    /// clock is implausible.
    pub fn admit(
        verified: VerifiedManifest,
        input: &PolicyInput,
        action: Action,
        consent: Consent,
    ) -> Result<Self, &'static str> {
        let decision = evaluate(input, action);
        match (decision.verdict, consent) {
            (Verdict::Accept | Verdict::KeepApart, _) | (Verdict::Ask, Consent::Given) => {}
            (Verdict::Ask, Consent::NotAsked) | (Verdict::Refuse, _) => {
                return Err(decision.reason);
            }
        }
        if !has_plausible_clock(verified.manifest()) {
            return Err(IMPLAUSIBLE_CLOCK);
        }
        Ok(Self {
            verified,
            origin: Origin::Elsewhere,
        })
    }

    /// Admits a manifest that this registry made: a dataset indexed or signed here.
    ///
    /// # Errors
    /// [`SignatureError`] when its signature is invalid.
    pub fn from_here(envelope: Envelope) -> Result<Self, SignatureError> {
        Self::from_store(envelope, Origin::Here)
    }

    /// Admits a manifest that the policy admitted before, or an edit of one: from a rebuilt index, or as
    /// a local revision of a foreign manifest.
    ///
    /// # Errors
    /// [`SignatureError`] when its signature is invalid.
    pub fn from_store(envelope: Envelope, origin: Origin) -> Result<Self, SignatureError> {
        let verified = UnverifiedManifest::new(envelope).verify()?;
        Ok(Self { verified, origin })
    }

    /// Returns the manifest.
    pub fn manifest(&self) -> &Manifest {
        self.verified.manifest()
    }

    /// Returns the manifest's envelope.
    pub fn envelope(&self) -> &Envelope {
        self.verified.envelope()
    }

    /// Returns the place where the manifest was made.
    pub const fn origin(&self) -> Origin {
        self.origin
    }
}

/// The reason to refuse a clock.
pub const IMPLAUSIBLE_CLOCK: &str = "its clock counts more edits than anybody makes";

/// Returns true if edits can have made every entry of a manifest's clock. An entry near its maximum
/// would win against every later edit.
pub fn has_plausible_clock(manifest: &Manifest) -> bool {
    manifest.clock.values().all(|n| *n <= CLOCK_EDITS_MAX)
}
