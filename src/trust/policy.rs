//! The one place that decides what may happen with a manifest, and why. The table is in
//! `spec/trust.md`, and a test compares every combination with it.

use crate::trust::signature::SignatureState;
use crate::trust::trust_file::Level;

/// Where a manifest was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In this registry.
    Here,
    /// It came by archive or from a peer.
    Elsewhere,
}

/// All that the decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyInput {
    /// Where it was made.
    pub origin: Origin,
    /// Whether it is signed.
    pub signature: SignatureState,
    /// What the signer is trusted with; means nothing where there is no valid signature.
    pub level: Level,
    /// The signer's revocation lists this manifest as one that the signer made.
    pub is_grandfathered: bool,
}

/// The word that listings show for a standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Made here, not signed.
    Local,
    /// Signed by a publisher trusted in full.
    Full,
    /// Signed by a publisher whose data is asked about.
    Prompt,
    /// Signed by a stranger.
    Unknown,
    /// Signed with a key that is revoked.
    Revoked,
    /// From elsewhere, not signed, or not by whom it says.
    Unsigned,
}

impl Trust {
    /// The word in JSON and tables.
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
    /// The word for it.
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

/// What somebody is about to do with a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make and sign it here.
    Index,
    /// Take it and its content out of an archive.
    Import,
    /// Take the manifest alone from a peer.
    Receive,
    /// Pull its content in a sync, unasked.
    Fetch,
    /// Pull its content, asked for by name.
    PullByName,
    /// Pull its content, asked for by its whole content id.
    PullById,
    /// Find it by its bare name.
    Resolve,
    /// Show it in a listing.
    List,
    /// Show it among what a search found.
    Rank,
    /// Give it to peers.
    Share,
    /// Use it where a publisher trusted in full is demanded.
    Require,
}

impl Action {
    /// All of them, in the order of the table.
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

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It happens.
    Accept,
    /// A person decides; without one it does not happen.
    Ask,
    /// It happens, marked, behind what is trusted, and out of plain listings.
    KeepApart,
    /// It does not happen.
    Refuse,
}

impl Verdict {
    /// The word for it in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Ask => "ask",
            Self::KeepApart => "apart",
            Self::Refuse => "refuse",
        }
    }
}

/// A verdict and the reason for it, as an error message would give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What may happen.
    pub verdict: Verdict,
    /// Why.
    pub reason: &'static str,
}

/// Decides.
pub fn decide(standing: &PolicyInput, action: Action) -> Decision {
    let reason = reason(standing);
    let verdict = match (standing.signature, standing.level) {
        (SignatureState::Invalid, _) => Verdict::Refuse,
        (SignatureState::None, _) if standing.origin == Origin::Here => local(action),
        (SignatureState::None, _) => unsigned(action),
        (SignatureState::Valid, Level::Revoked) => revoked(standing.is_grandfathered, action),
        (SignatureState::Valid, Level::Full) => Verdict::Accept,
        (SignatureState::Valid, _) if standing.origin == Origin::Here => own(action),
        (SignatureState::Valid, Level::Prompt) => prompt(action),
        (SignatureState::Valid, Level::Unknown) => unknown(action),
    };
    Decision { verdict, reason }
}

fn reason(standing: &PolicyInput) -> &'static str {
    match (standing.signature, standing.trust()) {
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
        // Shared only where somebody says so.
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
        // What is here already was here before, or it would not have come in.
        Action::Resolve | Action::List | Action::Rank => Verdict::KeepApart,
        Action::Import | Action::Receive if is_grandfathered => Verdict::KeepApart,
        Action::PullByName if is_grandfathered => Verdict::Ask,
        Action::PullById if is_grandfathered => Verdict::Accept,
        _ => Verdict::Refuse,
    }
}
