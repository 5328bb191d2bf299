//! Who said it, and whether to believe it: signatures, key files, what publishers state, and the
//! one place that decides. Pure: keys and time come in as values. Normative: `spec/signing.md`,
//! `spec/key-file.md`, `spec/trust.md`.

mod admitted;
mod attestation;
mod fingerprint;
mod key_file;
mod keypair;
mod lookalike;
mod policy;
mod signature;
mod statement;
mod store;
mod trust_file;

pub use admitted::Admitted;
pub use admitted::Consent;
pub use admitted::IMPLAUSIBLE_CLOCK;
pub use admitted::has_plausible_clock;
pub use attestation::Subject;
pub use attestation::attest;
pub use fingerprint::Fingerprint;
pub use key_file::KeyCost;
pub use key_file::KeyFileError;
pub use key_file::LockedKey;
pub use keypair::KeyPair;
pub use lookalike::looks_like;
pub use lookalike::skeleton;
pub use policy::Action;
pub use policy::Decision;
pub use policy::Origin;
pub use policy::PolicyInput;
pub use policy::Trust;
pub use policy::Verdict;
pub use policy::decide;
pub use signature::Domain;
pub use signature::SignatureError;
pub use signature::SignatureState;
pub use signature::UnverifiedManifest;
pub use signature::VerifiedManifest;
pub use signature::is_usable_key;
pub use signature::verify;
pub use statement::Statement;
pub use statement::StatementBody;
pub use statement::StatementError;
pub use store::Claim;
pub use store::TrustStore;
pub use trust_file::Level;
pub use trust_file::Publisher;
pub use trust_file::TrustFile;
pub use trust_file::TrustFileError;

#[cfg(test)]
mod tests;
