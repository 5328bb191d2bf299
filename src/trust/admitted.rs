//! Admission: the one form in which a catalogue takes a manifest.
//!
//! A manifest goes through three types. [`UnverifiedManifest`] is bytes from outside,
//! [`VerifiedManifest`] has a signature that holds, and [`Admitted`] was let in by the policy.
//! `catalog::put` and `catalog::merge` take the last one alone, so a manifest that nobody decided
//! about cannot be stored.

use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::trust::policy::Action;
use crate::trust::policy::Origin;
use crate::trust::policy::PolicyInput;
use crate::trust::policy::Verdict;
use crate::trust::policy::decide;
use crate::trust::signature::SignatureError;
use crate::trust::signature::UnverifiedManifest;
use crate::trust::signature::VerifiedManifest;
use crate::wire::limits::CLOCK_EDITS_MAX;

/// Whether a person agreed to what the policy asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// A person, or a flag that a person set, said yes.
    Given,
    /// Nobody was asked.
    NotAsked,
}

/// A verified manifest that may be stored, and where it was made.
#[derive(Clone, Debug)]
pub struct Admitted {
    verified: VerifiedManifest,
    origin: Origin,
}

impl Admitted {
    /// Lets in a manifest that came from elsewhere. The standing is that of the manifest.
    ///
    /// # Errors
    /// The reason, where the policy refuses it, asks and nobody agreed, or its clock is not one
    /// that edits make.
    pub fn let_in(
        verified: VerifiedManifest,
        standing: &PolicyInput,
        action: Action,
        consent: Consent,
    ) -> Result<Self, &'static str> {
        let decision = decide(standing, action);
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

    /// A manifest that this registry made: a dataset that was indexed or signed here.
    ///
    /// # Errors
    /// [`SignatureError`] when its signature does not hold.
    pub fn made_here(envelope: Envelope) -> Result<Self, SignatureError> {
        Self::stored(envelope, Origin::Here)
    }

    /// A manifest that the policy let in before, or an edit of one: of a rebuilt index, or a
    /// revision made here of what came from elsewhere.
    ///
    /// # Errors
    /// [`SignatureError`] when its signature does not hold.
    pub fn stored(envelope: Envelope, origin: Origin) -> Result<Self, SignatureError> {
        let verified = UnverifiedManifest::new(envelope).verify()?;
        Ok(Self { verified, origin })
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        self.verified.manifest()
    }

    /// The envelope that it came in.
    pub fn envelope(&self) -> &Envelope {
        self.verified.envelope()
    }

    /// Where it was made.
    pub const fn origin(&self) -> Origin {
        self.origin
    }
}

/// The reason for refusing a clock.
pub const IMPLAUSIBLE_CLOCK: &str = "its clock counts more edits than anybody makes";

/// Whether every entry of a manifest's clock is one that edits can have made. An entry near its
/// maximum would win against every later edit.
pub fn has_plausible_clock(manifest: &Manifest) -> bool {
    manifest.clock.values().all(|n| *n <= CLOCK_EDITS_MAX)
}
