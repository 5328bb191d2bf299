//! Roots of a garbage collection: the manifest, trees and card of every dataset, and for some days those of
//! removed datasets. `store::disk::gc` deletes the rest, beside writers.

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::RemovalFate;
use crate::catalog::Removed;
use crate::clock::Timestamp;
use crate::ident::EnvelopeId;
use crate::manifest::Manifest;
use crate::meta_store::MetaRead;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::intake::journal;
use crate::registry::intake::journal::RunHead;
use crate::registry::step::Step;
use crate::registry::views::Maintenance;
use crate::store::disk::GcOptions;
use crate::store::disk::GcReport;
use crate::store::disk::Restorable;
use crate::store::disk::RootSet;
use crate::store::disk::StoreError;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Retention of removed datasets.
#[derive(Clone, Copy, Debug)]
struct RetainPolicy {
    now: Timestamp,
    days: u32,
}

impl RetainPolicy {
    /// Returns the time until which a removed dataset is kept, or `None` if it is not kept.
    fn until(self, fate: RemovalFate) -> Option<i64> {
        let RemovalFate::Restorable(since) = fate else {
            return None;
        };
        // A removal time in the future comes from a clock that was ahead. It counts as now.
        let since = since.min(self.now);
        let until = since.0.saturating_add(i64::from(self.days) * DAY_SECONDS);
        (until > self.now.0).then_some(until)
    }

    /// Returns true if an unfinished run of an intake is kept.
    fn keeps_run(self, run: &RunHead) -> bool {
        self.until(RemovalFate::Restorable(run.updated_at))
            .is_some()
    }
}

impl Maintenance<'_> {
    /// Deletes the blobs that no dataset needs, and frees their space.
    ///
    /// Datasets that were unindexed within the last `keep_days` stay. A collection may run beside
    /// any other operation, and may be killed.
    ///
    /// # Errors
    /// [`Error`] when a dataset's tree is damaged, so that its blobs are unknown. Nothing is
    /// deleted then.
    pub fn gc(&self, options: &GcOptions, progress: &dyn Progress) -> Result<GcReport, Error> {
        let _step = Step::begin("collect garbage of", self.registry.home().display());
        let keeping = RetainPolicy {
            now: host::now(),
            days: options.keep_days,
        };
        self.registry.store.with_reserve(|| {
            let begin = || self.registry.give_up(keeping);
            let roots = |tables: &dyn MetaRead| roots(tables, keeping);
            let done = self
                .registry
                .store
                .gc_after(&begin, &roots, options, progress);
            Ok::<_, Error>(done?)
        })
    }
}

impl LocalRegistry {
    /// Marks the removed datasets that can no longer be restored, before their first blob is
    /// deleted.
    fn give_up(&self, keeping: RetainPolicy) -> Result<(), StoreError> {
        let is_due = |removed: &Removed| {
            let is_restorable = matches!(removed.fate, RemovalFate::Restorable(_));
            is_restorable && keeping.until(removed.fate).is_none()
        };
        let removed = self
            .store
            .read(|t| Ok::<_, StoreError>(catalog::removed(t)?))?;
        self.forget_runs(keeping)?;
        if !removed.iter().any(is_due) {
            return Ok(());
        }
        self.store.write(|tables| {
            for removed in catalog::removed(tables)?.into_iter().filter(is_due) {
                catalog::give_up(tables, removed, RemovalFate::GivenUp)?;
            }
            Ok::<_, StoreError>(())
        })
    }
}

impl LocalRegistry {
    /// Removes the rows of intakes that nobody went on with, and of those whose dataset is gone.
    fn forget_runs(&self, keeping: RetainPolicy) -> Result<(), StoreError> {
        let due = |tables: &dyn MetaRead| -> Result<Vec<_>, StoreError> {
            let mut due = Vec::new();
            for (source, run, head) in journal::heads(tables)? {
                let is_kept = match &head.finished {
                    None => keeping.keeps_run(&head),
                    Some((content, _)) => {
                        !catalog::by_content(tables, content, |id| id == content)?.is_empty()
                    }
                };
                due.extend((!is_kept).then_some((source, run)));
            }
            Ok(due)
        };
        if self.store.read(due)?.is_empty() {
            return Ok(());
        }
        self.store.write(|tables| {
            for (source, run) in due(tables)? {
                journal::forget_run(tables, &source, run)?;
            }
            Ok::<_, StoreError>(())
        })
    }
}

fn roots(tables: &dyn MetaRead, keeping: RetainPolicy) -> Result<RootSet, StoreError> {
    let mut rooted = RootSet::default();
    for dataset in catalog::all(tables)? {
        let keys = blobs_of(dataset.envelope_id, &dataset.manifest);
        rooted.needed.extend(keys);
    }
    for statement in catalog::statements(tables)? {
        let id = *statement.id().as_bytes();
        let key = BlobKey::new(BlobKind::Statement, id);
        rooted.needed.push(key);
    }
    for partial in catalog::partial_holdings(tables)? {
        // Its envelope is in its row.
        let keys = blobs_of(partial.envelope.id(), &partial.manifest);
        rooted.partial.extend(keys.into_iter().skip(1));
    }
    for (_, _, run) in journal::heads(tables)? {
        if run.finished.is_none() && keeping.keeps_run(&run) {
            let root = BlobKey::new(BlobKind::Node, *run.root.as_bytes());
            rooted.partial.push(root);
        }
    }
    for removed in catalog::removed(tables)? {
        let id = removed.summary.envelope_id;
        if !removed.summary.flags.foreign {
            // An index rebuilt from the packs has to know which version numbers were used.
            let key = BlobKey::new(BlobKind::Envelope, *id.as_bytes());
            rooted.needed.push(key);
        }
        if let Some(until) = keeping.until(removed.fate)
            && let Some(dataset) = removed.dataset()?
        {
            rooted.restorable.push(Restorable {
                roots: blobs_of(id, &dataset.manifest),
                until,
            });
        }
    }
    Ok(rooted)
}

/// Returns a manifest's envelope, its card, and the roots of its trees.
pub(crate) fn blobs_of(id: EnvelopeId, manifest: &Manifest) -> Vec<BlobKey> {
    let key = BlobKey::new;
    let mut keys = vec![
        key(BlobKind::Envelope, *id.as_bytes()),
        key(BlobKind::Node, *manifest.chunk_tree_root.as_bytes()),
        key(BlobKind::Node, *manifest.file_table_root.as_bytes()),
    ];
    let card = manifest.card.map(|id| key(BlobKind::Card, *id.as_bytes()));
    keys.extend(card);
    keys
}

#[cfg(test)]
mod tests {
    use super::DAY_SECONDS;
    use super::RetainPolicy;
    use crate::catalog::RemovalFate;
    use crate::clock::Timestamp;

    #[test]
    fn removed_dataset_is_kept_back_for_the_days_and_not_longer() {
        let until = |days, removed_at: i64| {
            let keeping = RetainPolicy {
                now: Timestamp(100 * DAY_SECONDS),
                days,
            };
            keeping.until(RemovalFate::Restorable(Timestamp(removed_at)))
        };
        assert_eq!(until(7, 99 * DAY_SECONDS), Some(106 * DAY_SECONDS));
        assert_eq!(until(7, 93 * DAY_SECONDS + 1), Some(100 * DAY_SECONDS + 1));
        assert_eq!(until(7, 93 * DAY_SECONDS), None);
        assert_eq!(until(0, 100 * DAY_SECONDS), None);
        // A clock that was ahead set this time.
        assert_eq!(until(7, i64::MAX), Some(107 * DAY_SECONDS));
        assert_eq!(until(0, i64::MAX), None);
        assert_eq!(until(u32::MAX, i64::MIN), None);
        let keeping = RetainPolicy {
            now: Timestamp(0),
            days: 7,
        };
        assert_eq!(keeping.until(RemovalFate::GivenUp), None);
        assert_eq!(keeping.until(RemovalFate::Renamed), None);
    }
}
