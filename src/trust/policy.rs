//! Trust policy: the one place that decides what may happen with a manifest. `spec/trust.md` has the
//! table, and a test compares every combination with it.

use crate::trust::signature::SignatureState;
use crate::trust::trust_file::Level;

/// The place where a manifest was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This registry.
    Here,
    /// Another registry: the manifest came by archive or from a peer.
    Elsewhere,
}

/// The complete input of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyInput {
    /// The manifest's origin.
    pub origin: Origin,
    /// The state of the signature.
    pub signature: SignatureState,
    /// The trust level of the signer; ignored without a valid signature.
    pub level: Level,
    /// Set if the signer's revocation lists this manifest as one that the signer made.
    pub is_grandfathered: bool,
}

/// The trust of a manifest, as listings show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Made here, without a signature.
    Local,
    /// Signed by a publisher with full trust.
    Full,
    /// Signed by a publisher whose data needs a person's consent.
    Prompt,
    /// Signed by an unknown publisher.
    Unknown,
    /// Signed with a revoked key.
    Revoked,
    /// From elsewhere, and without a valid signature.
    Unsigned,
}

impl Trust {
    /// Returns the word in JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Full => "full",
            Self::Prompt => "prompt",
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Unsigned => "unsigned",
        }
    }
}

impl PolicyInput {
    /// Returns the trust that listings show.
    pub const fn trust(&self) -> Trust {
        match (self.signature, self.origin, self.level) {
            (SignatureState::None, Origin::Here, _) => Trust::Local,
            (SignatureState::None, Origin::Elsewhere, _) | (SignatureState::Invalid, ..) => {
                Trust::Unsigned
            }
            (SignatureState::Valid, _, Level::Full) => Trust::Full,
            (SignatureState::Valid, _, Level::Prompt) => Trust::Prompt,
            (SignatureState::Valid, _, Level::Unknown) => Trust::Unknown,
            (SignatureState::Valid, _, Level::Revoked) => Trust::Revoked,
        }
    }
}

/// An intended action with a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make and sign it here.
    Index,
    /// Take it and its content out of an archive.
    Import,
    /// Take the manifest alone from a peer.
    Receive,
    /// Pull its content in a sync, without a person's request.
    Fetch,
    /// Pull its content by name, on a person's request.
    PullByName,
    /// Pull its content by its full content id.
    PullById,
    /// Find it by its bare name.
    Resolve,
    /// Show it in a listing.
    List,
    /// Show it among the results of a search.
    Rank,
    /// Give it to peers.
    Share,
    /// Use it where full trust is required.
    Require,
}

impl Action {
    /// All actions, in the order of the table.
    pub const ALL: [Self; 11] = [
        Self::Index,
        Self::Import,
        Self::Receive,
        Self::Fetch,
        Self::PullByName,
        Self::PullById,
        Self::Resolve,
        Self::List,
        Self::Rank,
        Self::Share,
        Self::Require,
    ];
}

/// The verdict of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The policy permits the action.
    Accept,
    /// Permitted with a person's consent.
    Ask,
    /// Permitted, but marked, ranked behind trusted data, and absent from plain listings.
    KeepApart,
    /// The policy forbids the action.
    Refuse,
}

impl Verdict {
    /// Returns the word in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Ask => "ask",
            Self::KeepApart => "apart",
            Self::Refuse => "refuse",
        }
    }
}

/// A verdict and its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason, worded for an error message.
    pub reason: &'static str,
}

/// Evaluates the policy for an action.
///
/// ```
/// use alimentar::trust::Action;
/// use alimentar::trust::Level;
/// use alimentar::trust::Origin;
/// use alimentar::trust::PolicyInput;
/// use alimentar::trust::SignatureState;
/// use alimentar::trust::Verdict;
/// use alimentar::trust::evaluate;
///
/// let stranger = PolicyInput {
///     origin: Origin::Elsewhere,
///     signature: SignatureState::Valid,
///     level: Level::Unknown,
///     is_grandfathered: false,
/// };
/// assert_eq!(evaluate(&stranger, Action::PullByName).verdict, Verdict::Ask);
/// assert_eq!(evaluate(&stranger, Action::Fetch).verdict, Verdict::Refuse);
/// ```
pub fn evaluate(input: &PolicyInput, action: Action) -> Decision {
    let reason = reason(input);
    let verdict = match (input.signature, input.level) {
        (SignatureState::Invalid, _) => Verdict::Refuse,
        (SignatureState::None, _) if input.origin == Origin::Here => local(action),
        (SignatureState::None, _) => unsigned(action),
        (SignatureState::Valid, Level::Revoked) => revoked(input.is_grandfathered, action),
        (SignatureState::Valid, Level::Full) => Verdict::Accept,
        (SignatureState::Valid, _) if input.origin == Origin::Here => own(action),
        (SignatureState::Valid, Level::Prompt) => prompt(action),
        (SignatureState::Valid, Level::Unknown) => unknown(action),
    };
    Decision { verdict, reason }
}

fn reason(input: &PolicyInput) -> &'static str {
    match (input.signature, input.trust()) {
        (SignatureState::Invalid, _) => "its signature does not hold",
        (_, Trust::Local) => "it was made here and is not signed",
        (_, Trust::Full) => "its publisher is trusted in full",
        (_, Trust::Prompt) => "its publisher's data is asked about",
        (_, Trust::Unknown) => "its publisher is not known here",
        (_, Trust::Revoked) => "its publisher's key is revoked",
        (_, Trust::Unsigned) => "it is not signed",
    }
}

fn local(action: Action) -> Verdict {
    match action {
        // Shared only where the user says so.
        Action::Share | Action::Require => Verdict::Refuse,
        _ => Verdict::Accept,
    }
}

fn own(action: Action) -> Verdict {
    match action {
        Action::Require => Verdict::Refuse,
        _ => Verdict::Accept,
    }
}

fn prompt(action: Action) -> Verdict {
    match action {
        Action::Index | Action::List | Action::PullById | Action::Share => Verdict::Accept,
        Action::Import | Action::PullByName => Verdict::Ask,
        Action::Receive | Action::Resolve | Action::Rank => Verdict::KeepApart,
        Action::Fetch | Action::Require => Verdict::Refuse,
    }
}

fn unknown(action: Action) -> Verdict {
    match action {
        Action::Index | Action::PullById => Verdict::Accept,
        Action::PullByName => Verdict::Ask,
        Action::Import | Action::Receive | Action::Resolve | Action::List | Action::Rank => {
            Verdict::KeepApart
        }
        Action::Fetch | Action::Share | Action::Require => Verdict::Refuse,
    }
}

fn unsigned(action: Action) -> Verdict {
    match action {
        // Anybody can make any number of them.
        Action::Receive => Verdict::Refuse,
        other => unknown(other),
    }
}

fn revoked(is_grandfathered: bool, action: Action) -> Verdict {
    match action {
        // A present manifest was present before, or it would not have been admitted.
        Action::Resolve | Action::List | Action::Rank => Verdict::KeepApart,
        Action::Import | Action::Receive if is_grandfathered => Verdict::KeepApart,
        Action::PullByName if is_grandfathered => Verdict::Ask,
        Action::PullById if is_grandfathered => Verdict::Accept,
        _ => Verdict::Refuse,
    }
}
