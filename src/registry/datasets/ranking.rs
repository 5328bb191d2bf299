//! Ranking of the datasets that a name matches.

use std::collections::BTreeMap;

use crate::catalog::Dataset;
use crate::ident::DatasetVersion;
use crate::registry::publishing::trust::Listed;
use crate::trust::Action;
use crate::trust::Origin;
use crate::trust::Trust;
use crate::trust::TrustStore;
use crate::trust::Verdict;

/// Returns true if the named publisher signed a dataset, or if no publisher is named.
pub(crate) fn is_publishers(
    dataset: &Dataset,
    publisher: Option<&String>,
    trust: &TrustStore,
) -> bool {
    let signer = dataset.manifest.signer;
    let alias = || signer.and_then(|key| trust.alias(&key));
    publisher.is_none_or(|p| alias().is_some_and(|a| a.to_string() == *p))
}

/// Rank of the datasets of a name in a lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LookupTier {
    Own,
    Trusted,
    AskedAbout,
    KeptApart,
    Withdrawn,
}

/// Returns the rank of a dataset.
pub(crate) fn tier(listed: &Listed) -> LookupTier {
    let is_apart = listed.decide(Action::Resolve).verdict != Verdict::Accept;
    match (listed.trust(), listed.policy_input.origin) {
        _ if listed.withdrawn.is_some() => LookupTier::Withdrawn,
        (Trust::Revoked, _) => LookupTier::KeptApart,
        (_, Origin::Here) => LookupTier::Own,
        (Trust::Prompt, _) => LookupTier::AskedAbout,
        _ if is_apart => LookupTier::KeptApart,
        _ => LookupTier::Trusted,
    }
}

/// Returns the newest version of every publisher in the best tier that has any.
pub(crate) fn best_matches(found: Vec<Dataset>, trust: &TrustStore) -> Vec<Dataset> {
    let listed: Vec<Listed> = found.into_iter().map(|d| Listed::of(trust, d)).collect();
    let Some(top) = listed.iter().map(tier).min() else {
        return Vec::new();
    };
    let mut newest: BTreeMap<Option<String>, DatasetVersion> = BTreeMap::new();
    // Signed and unsigned local versions count as one publisher's.
    let publisher = |l: &Listed| match top {
        LookupTier::Own => None,
        _ => l.publisher(),
    };
    let of_top = || listed.iter().filter(|l| tier(l) == top);
    for l in of_top() {
        let version = &l.dataset.manifest.dataset_version;
        let held = newest
            .entry(publisher(l))
            .or_insert_with(|| version.clone());
        if *held < *version {
            held.clone_from(version);
        }
    }
    let is_newest =
        |l: &&Listed| newest.get(&publisher(l)) == Some(&l.dataset.manifest.dataset_version);
    of_top()
        .filter(is_newest)
        .map(|l| l.dataset.clone())
        .collect()
}
