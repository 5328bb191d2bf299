//! What a collection must keep: every dataset's manifest, trees and card; and for some days those
//! of datasets that were removed.

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Fate;
use crate::catalog::Removed;
use crate::clock::Timestamp;
use crate::ident::EnvelopeId;
use crate::manifest::Manifest;
use crate::meta_store::MetaRead;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::step::Step;
use crate::store::disk::GcOptions;
use crate::store::disk::GcReport;
use crate::store::disk::Restorable;
use crate::store::disk::Rooted;
use crate::store::disk::StoreError;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Which removed datasets are kept back.
#[derive(Clone, Copy, Debug)]
struct RetainPolicy {
    now: Timestamp,
    days: u32,
}

impl RetainPolicy {
    /// Until when a removed dataset is kept back; `None` when it is not.
    fn until(self, fate: Fate) -> Option<i64> {
        let Fate::Restorable(since) = fate else {
            return None;
        };
        // What was removed by a clock that was ahead is kept as if it were removed now.
        let since = since.min(self.now);
        let until = since.0.saturating_add(i64::from(self.days) * DAY_SECONDS);
        (until > self.now.0).then_some(until)
    }
}

impl LocalRegistry {
    /// Removes the bytes that no dataset needs and gives their space back. What was unindexed within
    /// the last `keep_days` stays. May run beside everything else, and may be killed.
    ///
    /// # Errors
    /// [`Error`] when a dataset's tree is damaged, so that what it needs is not known; nothing is
    /// removed then.
    pub fn gc(&self, options: &GcOptions, progress: &dyn Progress) -> Result<GcReport, Error> {
        let _step = Step::begin("collect garbage of", self.home().display());
        let keeping = RetainPolicy {
            now: host::now(),
            days: options.keep_days,
        };
        self.store.with_reserve(|| {
            let begin = || self.give_up(keeping);
            let roots = |tables: &dyn MetaRead| roots(tables, keeping);
            let done = self.store.gc_after(&begin, &roots, options, progress);
            Ok::<_, Error>(done?)
        })
    }

    /// Notes, before the first blob of them goes, which removed datasets cannot be restored any
    /// more.
    fn give_up(&self, keeping: RetainPolicy) -> Result<(), StoreError> {
        let is_due = |removed: &Removed| {
            let is_restorable = matches!(removed.fate, Fate::Restorable(_));
            is_restorable && keeping.until(removed.fate).is_none()
        };
        let removed = self
            .store
            .read(|t| Ok::<_, StoreError>(catalog::removed(t)?))?;
        if !removed.iter().any(is_due) {
            return Ok(());
        }
        self.store.write(|tables| {
            for removed in catalog::removed(tables)?.into_iter().filter(is_due) {
                catalog::give_up(tables, removed, Fate::GivenUp)?;
            }
            Ok::<_, StoreError>(())
        })
    }
}

fn roots(tables: &dyn MetaRead, keeping: RetainPolicy) -> Result<Rooted, StoreError> {
    let mut rooted = Rooted::default();
    for dataset in catalog::all(tables)? {
        let keys = blobs_of(dataset.envelope_id, &dataset.manifest);
        rooted.needed.extend(keys);
    }
    for statement in catalog::statements(tables)? {
        let id = *statement.id().as_bytes();
        let key = BlobKey::new(BlobKind::Statement, id);
        rooted.needed.push(key);
    }
    for removed in catalog::removed(tables)? {
        let id = removed.brief.envelope_id;
        if !removed.brief.flags.foreign {
            // An index that is made anew from the packs has to know which numbers were given.
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

/// A manifest's envelope, its card, and its trees by their roots.
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
    use crate::catalog::Fate;
    use crate::clock::Timestamp;

    #[test]
    fn removed_dataset_is_kept_back_for_the_days_and_not_longer() {
        let until = |days, removed_at: i64| {
            let keeping = RetainPolicy {
                now: Timestamp(100 * DAY_SECONDS),
                days,
            };
            keeping.until(Fate::Restorable(Timestamp(removed_at)))
        };
        assert_eq!(until(7, 99 * DAY_SECONDS), Some(106 * DAY_SECONDS));
        assert_eq!(until(7, 93 * DAY_SECONDS + 1), Some(100 * DAY_SECONDS + 1));
        assert_eq!(until(7, 93 * DAY_SECONDS), None);
        assert_eq!(until(0, 100 * DAY_SECONDS), None);
        // By a clock that was ahead.
        assert_eq!(until(7, i64::MAX), Some(107 * DAY_SECONDS));
        assert_eq!(until(0, i64::MAX), None);
        assert_eq!(until(u32::MAX, i64::MIN), None);
        let keeping = RetainPolicy {
            now: Timestamp(0),
            days: 7,
        };
        assert_eq!(keeping.until(Fate::GivenUp), None);
        assert_eq!(keeping.until(Fate::Renamed), None);
    }
}
