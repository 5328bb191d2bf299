//! Ownership of datasets by this registry.

use crate::catalog::Dataset;
use crate::registry::index::options::IndexOptions;
use crate::trust::KeyPair;

/// Returns true if a dataset was indexed here, or if the same publisher signed it elsewhere.
pub(in crate::registry) fn is_own(dataset: &Dataset, options: &IndexOptions) -> bool {
    let signer = options.sign_with.as_ref().map(KeyPair::public_key);
    !dataset.flags.foreign || (signer.is_some() && dataset.manifest.signer == signer)
}
