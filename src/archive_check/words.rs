//! Words of refusals, which are the same for an import and for a check without a registry.

/// The hint for a false claim.
pub(crate) const FALSE_CLAIM_HINT: &str =
    "ask its maker for another; an import or a pull of it takes nothing";
/// The hint for a false claim in a signed manifest.
pub(crate) const SIGNED_LIE_HINT: &str =
    "tell its publisher; an import or a pull of it takes nothing";
/// The hint for an archive without its base.
pub(crate) const BASE_MISSING_HINT: &str =
    "import an archive that holds it first, or ask for one made without --since";
/// The hint for an encrypted archive.
pub(crate) const LOCKED_HINT: &str =
    "`--identity FILE` gives an age identity, `--decrypt` asks for a passphrase";
/// The hint for a file that is no archive.
pub(crate) const FRAME_HINT: &str = "an archive ends in .alimentar; `alimentar index PATH` takes in data, and a damaged archive has to be made again";
/// The hint for any other fault of an archive.
pub(crate) const ARCHIVE_HINT: &str = "nothing of it was taken; ask for the archive again";

/// Returns the message of a missing base.
pub(crate) fn base_missing(name: &str, version: &str, content_id: &str) -> String {
    format!("the archive needs `{name}@{version}` (alimentar:{content_id}), which is not here")
}

/// Returns the message of damage to a file of a dataset.
pub(crate) fn damaged(dataset: &str, file: &str) -> String {
    format!("`{dataset}` is damaged: file `{file}`")
}

/// Returns the message of a false claim.
pub(crate) fn false_claim(dataset: &str, claim: &str) -> String {
    format!("`{dataset}` makes a false claim: {claim}")
}

/// Returns the message of an encrypted archive without a key.
pub(crate) fn locked(name: &str) -> String {
    format!("`{name}` is encrypted, and neither an identity nor a passphrase here opens it")
}

/// Returns the message of content that differs from its id.
pub(crate) fn other_content(dataset: &str, file: &str) -> String {
    format!("`{dataset}` does not have the content its id says: file `{file}`")
}

/// Returns the message of a false claim in a signed manifest.
pub(crate) fn signed_lie(signer: &str) -> String {
    format!("`{signer}` has signed what is not so")
}
