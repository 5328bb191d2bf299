//! The datasets that a node shows at its doors, as a visitor sees them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;

use tokio::sync::Semaphore;

use crate::catalog::DatasetSummary;
use crate::doors::blocks::Blocks;
use crate::doors::error::DoorError;
use crate::doors::limits::BLOCKS_AHEAD_OF_ALL;
use crate::doors::limits::OPEN_MAX;
use crate::doors::limits::OPEN_TIME;
use crate::doors::limits::STAMP_AGE;
use crate::doors::limits::WORK_AT_ONCE;
use crate::doors::open_dataset::OpenDataset;
use crate::doors::shown::ShownDataset;
use crate::doors::visitor::Visitor;
use crate::doors::work::run_blocking;
use crate::ident::EnvelopeId;
use crate::ident::PublisherKey;
use crate::ident::VersionAlias;
use crate::ident::VersionPick;
use crate::locks::lock;
use crate::locks::threads;
use crate::registry::Error;
use crate::registry::Listed;
use crate::registry::LocalRegistry;
use crate::registry::Stamp;
use crate::registry::peers::PeerFinder;
use crate::registry::peers::Showing;
use crate::registry::served::ServedDataset;

/// The shortest beginning of a content id that counts as one.
const ID_DIGITS_MIN: usize = 8;

/// The datasets that a visitor sees, by publisher and name, the newest version first.
#[derive(Clone, Debug)]
pub(super) struct DatasetList {
    datasets: Arc<Vec<Arc<ShownDataset>>>,
}

impl DatasetList {
    fn of(here: Vec<Listed<DatasetSummary>>, elsewhere: Vec<Listed<DatasetSummary>>) -> Self {
        let here = here.into_iter().map(|l| ShownDataset::of(l, true));
        let elsewhere = elsewhere.into_iter().map(|l| ShownDataset::of(l, false));
        let mut datasets: Vec<_> = here.chain(elsewhere).collect();
        datasets.sort_by(|a, b| {
            let order = (&a.publisher, &a.name).cmp(&(&b.publisher, &b.name));
            let newest = (&b.version, b.is_here, b.created_at, b.envelope_id);
            order.then(newest.cmp(&(&a.version, a.is_here, a.created_at, a.envelope_id)))
        });
        let datasets = datasets.into_iter().map(Arc::new).collect();
        Self {
            datasets: Arc::new(datasets),
        }
    }

    /// Returns what of it a visitor sees.
    fn seen_by(&self, visitor: &Visitor) -> Self {
        if visitor.sees_all() {
            return self.clone();
        }
        let seen = self.datasets.iter().filter(|d| visitor.sees(d)).cloned();
        Self {
            datasets: Arc::new(seen.collect()),
        }
    }

    /// Returns all versions of all datasets.
    pub(super) fn all(&self) -> &[Arc<ShownDataset>] {
        &self.datasets
    }

    /// Returns the versions of a dataset, the newest first. The publisher may be given by the key.
    pub(super) fn versions(&self, publisher: &str, name: &str) -> &[Arc<ShownDataset>] {
        let found = self.versions_by_name(publisher, name);
        if !found.is_empty() || publisher.len() != 64 {
            return found;
        }
        let is_key = |key: PublisherKey| key.to_hex() == publisher;
        let mut signed = self.datasets.iter();
        match signed.find(|d| d.name.as_str() == name && d.publisher_key.is_some_and(is_key)) {
            Some(dataset) => self.versions_by_name(&dataset.publisher, name),
            None => &[],
        }
    }

    fn versions_by_name(&self, publisher: &str, name: &str) -> &[Arc<ShownDataset>] {
        let wanted = (publisher, name);
        let place = |d: &Arc<ShownDataset>| (d.publisher.as_str(), d.name.as_str()).cmp(&wanted);
        let from = self.datasets.partition_point(|d| place(d).is_lt());
        let rest = self.datasets.get(from..).unwrap_or_default();
        let count = rest.partition_point(|d| place(d).is_le());
        rest.get(..count).unwrap_or_default()
    }

    /// Returns the newest version of a dataset.
    pub(super) fn newest(&self, publisher: &str, name: &str) -> Option<Arc<ShownDataset>> {
        self.versions(publisher, name).first().cloned()
    }

    /// Returns the version that a revision means: `main` or `latest`, a version, a range of versions, an alias, or
    /// the content id or its beginning.
    pub(super) fn revision(
        &self,
        publisher: &str,
        name: &str,
        revision: &str,
    ) -> Option<Arc<ShownDataset>> {
        let versions = self.versions(publisher, name);
        if matches!(revision, "main" | "latest") {
            return versions.first().cloned();
        }
        let mut exact = versions.iter();
        if let Some(found) = exact.find(|d| d.version.to_string() == revision) {
            return Some(Arc::clone(found));
        }
        if let Some(found) = by_beginning(versions, revision) {
            return Some(found);
        }
        let pick: VersionPick = revision.parse().ok()?;
        match &pick {
            VersionPick::Alias(alias) => holder(versions, alias),
            pick => {
                let mut fitting = versions.iter();
                let found = fitting.find(|d| pick.admits(&d.version, &d.tags));
                found.cloned()
            }
        }
    }

    /// Returns the newest dataset with a content id, in whole.
    pub(super) fn by_id(&self, hex: &str) -> Option<Arc<ShownDataset>> {
        if hex.len() != 64 {
            return None;
        }
        let same = self
            .datasets
            .iter()
            .filter(|d| d.content_id.to_hex() == hex);
        same.max_by_key(|d| d.created_at).cloned()
    }
}

/// Returns the one content that begins with these digits.
fn by_beginning(versions: &[Arc<ShownDataset>], digits: &str) -> Option<Arc<ShownDataset>> {
    let is_id = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if digits.len() < ID_DIGITS_MIN || !digits.bytes().all(is_id) {
        return None;
    }
    let mut fitting = versions
        .iter()
        .filter(|d| d.content_id.to_hex().starts_with(digits));
    let first = fitting.next()?;
    fitting
        .all(|d| d.content_id == first.content_id)
        .then(|| Arc::clone(first))
}

/// Returns the version that holds an alias: the one with the greatest count.
fn holder(versions: &[Arc<ShownDataset>], alias: &VersionAlias) -> Option<Arc<ShownDataset>> {
    let ranked = versions.iter().filter_map(|d| {
        let count = alias.count_in(&d.tags)?;
        Some(((count, &d.version, d.envelope_id), d))
    });
    let best = ranked.max_by(|(a, _), (b, _)| a.cmp(b));
    best.map(|(_, dataset)| Arc::clone(dataset))
}

/// Makes finders of peers, for datasets that are not here.
pub type PullThrough = Arc<dyn Fn() -> Box<dyn PeerFinder> + Send + Sync>;

/// The datasets of a registry, and those that are open.
pub(super) struct Catalogue {
    registry: LocalRegistry,
    showing: Showing,
    pull_through: Option<PullThrough>,
    list: Mutex<Option<(Stamp, DatasetList)>>,
    open: Mutex<BTreeMap<EnvelopeId, (Arc<OpenDataset>, tokio::time::Instant)>>,
    blocks: Arc<Blocks>,
    /// Room for work that blocks.
    work: Arc<Semaphore>,
    /// Room for reading what is here. It keeps processors busy, so more threads would only take memory.
    reads: Arc<Semaphore>,
    /// Room for blocks that are read ahead of quick clients.
    ahead: Arc<Semaphore>,
}

impl Catalogue {
    pub(super) fn new(
        registry: LocalRegistry,
        showing: Showing,
        pull_through: Option<PullThrough>,
    ) -> Self {
        Self {
            registry,
            showing,
            pull_through,
            list: Mutex::default(),
            open: Mutex::default(),
            blocks: Arc::default(),
            work: Arc::new(Semaphore::new(WORK_AT_ONCE)),
            reads: Arc::new(Semaphore::new((2 * threads()).min(WORK_AT_ONCE))),
            ahead: Arc::new(Semaphore::new(BLOCKS_AHEAD_OF_ALL)),
        }
    }

    /// Returns the registry, for work that runs in [`Catalogue::blocking`].
    pub(super) fn registry(&self) -> &LocalRegistry {
        &self.registry
    }

    /// Runs work that blocks, when there is room for it. It goes on if the client leaves.
    ///
    /// # Errors
    /// [`DoorError::Failed`] if the work panics.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, DoorError> {
        run_blocking(&self.work, work).await
    }

    /// Returns the datasets that a visitor sees now.
    ///
    /// # Errors
    /// [`DoorError::Failed`] when the index or `trust.toml` cannot be read.
    pub(super) async fn list(&self, visitor: &Visitor) -> Result<DatasetList, DoorError> {
        let stamp = self.registry.stamp();
        let kept = lock(&self.list).clone();
        let list = match kept {
            Some((of, list)) if of == stamp => list,
            _ => self.read_list(stamp).await?,
        };
        Ok(list.seen_by(visitor))
    }

    async fn read_list(&self, stamp: Stamp) -> Result<DatasetList, DoorError> {
        let (registry, showing) = (self.registry.clone(), self.showing);
        let is_pulling = self.pull_through.is_some();
        let read = move || {
            let here = registry.peers().shown_listed(showing)?;
            let elsewhere = match is_pulling {
                true => registry.peers().named_elsewhere()?,
                false => Vec::new(),
            };
            Ok::<_, Error>(DatasetList::of(here, elsewhere))
        };
        let list = self.blocking(read).await??;
        // A change within one step of the clock would have the same stamp.
        if stamp.is_older_than(STAMP_AGE) {
            *lock(&self.list) = Some((stamp, list.clone()));
        }
        Ok(list)
    }

    /// Opens a dataset, or returns it if it is open.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] if it is not shown any more, and [`DoorError::Failed`] when it cannot be read.
    pub(super) async fn open(
        &self,
        dataset: &Arc<ShownDataset>,
    ) -> Result<Arc<OpenDataset>, DoorError> {
        let id = dataset.envelope_id;
        let now = tokio::time::Instant::now();
        {
            let mut open = lock(&self.open);
            open.retain(|_, (_, used)| now.duration_since(*used) < OPEN_TIME);
            if let Some((found, used)) = open.get_mut(&id) {
                *used = now;
                return Ok(Arc::clone(found));
            }
        }
        let (registry, showing) = (self.registry.clone(), self.showing);
        let finder = self.pull_through.clone().filter(|_| !dataset.is_here);
        let read = move || match finder {
            Some(finder) => ServedDataset::look(&registry, &id, finder()),
            None => ServedDataset::open(&registry, &id, showing),
        };
        let served = self.blocking(read).await??;
        let gone = || DoorError::NotFound(format!("{} is not here", dataset.key_prefix()));
        let work = match dataset.is_here {
            true => &self.reads,
            // Peers are waited for.
            false => &self.work,
        };
        let opened = Arc::new(OpenDataset::new(
            Arc::clone(dataset),
            served.ok_or_else(gone)?,
            Arc::clone(&self.blocks),
            (Arc::clone(work), Arc::clone(&self.ahead)),
        ));
        let mut open = lock(&self.open);
        if open.len() >= OPEN_MAX {
            let oldest = open.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                open.remove(&oldest);
            }
        }
        open.insert(id, (Arc::clone(&opened), now));
        Ok(opened)
    }

    /// Closes datasets that nobody asked for lately, so that a collection need not keep their bytes, and makes durable
    /// what was fetched of the others. It blocks.
    pub(super) fn tidy(&self) {
        let now = tokio::time::Instant::now();
        let is_idle = |used: tokio::time::Instant| now.duration_since(used) >= OPEN_TIME;
        let (idle, busy) = {
            let mut open = lock(&self.open);
            let idle = open.extract_if(.., |_, (_, used)| is_idle(*used));
            // They are dropped behind the lock.
            let idle: Vec<_> = idle.collect();
            (
                idle,
                open.values()
                    .map(|(d, _)| Arc::clone(d))
                    .collect::<Vec<_>>(),
            )
        };
        drop(idle);
        busy.iter().for_each(|dataset| dataset.save());
    }
}
