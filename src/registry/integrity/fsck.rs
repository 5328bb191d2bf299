//! Checks the whole registry, and names the files that damage affects.

use crate::registry::publishing::trust::Listed;
use crate::registry::views::Maintenance;
use std::collections::HashSet;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::catalog::Dataset;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::TreeId;
use crate::manifest::TreeWalk;
use crate::manifest::each_node;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::error::integrity::IntegrityError;
use crate::registry::integrity::claims;
use crate::registry::step::Step;
use crate::store::disk::BlobReader;
use crate::store::disk::Span;

/// A file that damage affects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damaged {
    /// The dataset, as `name@version`.
    pub dataset: String,
    /// The file; empty if the dataset's own structures are damaged.
    pub file: String,
}

/// A claim of a manifest that its file table contradicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FalseClaim {
    /// The dataset, as `name@version`.
    pub dataset: String,
    /// The signer of the manifest.
    pub signer: Option<String>,
    /// The claim and the actual value.
    pub claim: String,
}

/// Result of a check of the registry.
#[derive(Clone, Debug, Default)]
pub struct FsckReport {
    /// Number of blobs that were read and hashed.
    pub checked: u64,
    /// Damaged blobs.
    pub corrupt: Vec<BlobKey>,
    /// Blobs that a dataset needs and the store lacks.
    pub missing: Vec<BlobKey>,
    /// Files with damaged blobs. A damaged blob of an unindexed dataset is in no file.
    pub corrupt_files: Vec<Damaged>,
    /// Files with missing blobs.
    pub missing_files: Vec<Damaged>,
    /// Parts of packs that could not be read when the index was rebuilt.
    pub unreadable: Vec<Span>,
    /// Claims of manifests that their file tables contradict.
    pub false_claims: Vec<FalseClaim>,
}

impl FsckReport {
    /// Returns true if the check found no problem.
    pub fn is_clean(&self) -> bool {
        self.corrupt.is_empty()
            && self.missing.is_empty()
            && self.unreadable.is_empty()
            && self.false_claims.is_empty()
    }
}

impl Maintenance<'_> {
    /// Reads all blobs and compares them with their hashes, and looks up every blob that a dataset
    /// needs.
    ///
    /// # Errors
    /// [`Error`] when the index itself is damaged. The report lists damaged blobs.
    pub fn fsck(&self, progress: &dyn Progress) -> Result<FsckReport, Error> {
        let _step = Step::begin("check", self.registry.home().display());
        let found = self.registry.store.fsck(progress)?;
        let corrupt: HashSet<BlobKey> = found.corrupt.iter().copied().collect();
        let mut report = FsckReport {
            checked: found.checked,
            corrupt: found.corrupt,
            unreadable: self.registry.store.unreadable()?,
            ..FsckReport::default()
        };
        let reader = BlobReader::new(&self.registry.store)?;
        let mut known = LookedUp {
            whole_nodes: HashSet::new(),
            missing: HashSet::new(),
        };
        let trust = self.registry.trust().store()?;
        for dataset in self.registry.list()? {
            if let Some(claim) = self.registry.false_claim(&reader, &dataset)? {
                let label = (&dataset.manifest.name, &dataset.manifest.dataset_version);
                report.false_claims.push(FalseClaim {
                    dataset: format!("{}@{}", label.0, label.1),
                    signer: Listed::of(&trust, dataset.clone()).publisher(),
                    claim,
                });
            }
            known.look_for(&reader, &dataset, &corrupt)?;
            let m = &dataset.manifest;
            let name = format!("{}@{}", m.name, m.dataset_version);
            let named = |files: Vec<String>| {
                let name = name.clone();
                files.into_iter().map(move |file| Damaged {
                    dataset: name.clone(),
                    file,
                })
            };
            let files = files_with(self.registry, &reader, &dataset, &corrupt);
            report.corrupt_files.extend(named(files));
            let files = files_with(self.registry, &reader, &dataset, &known.missing);
            report.missing_files.extend(named(files));
        }
        report.missing = known.missing.into_iter().collect();
        report.missing.sort_unstable();
        Ok(report)
    }
}

impl LocalRegistry {
    /// Returns the claim of a manifest that its file table contradicts. Damage is reported
    /// elsewhere.
    fn false_claim(&self, reader: &BlobReader, dataset: &Dataset) -> Result<Option<String>, Error> {
        let m = &dataset.manifest;
        let checked = self.files_by(reader, m);
        match checked.and_then(|table| claims::check_table(m, &table)) {
            Ok(()) => Ok(None),
            Err(Error::Integrity(IntegrityError::FalseClaim { claim, .. })) => Ok(Some(claim)),
            Err(e) if e.kind() == ErrorKind::Integrity => Ok(None),
            Err(e) => Err(e),
        }
    }
}

/// Blobs that were looked up already.
struct LookedUp {
    whole_nodes: HashSet<BlobKey>,
    missing: HashSet<BlobKey>,
}

impl LookedUp {
    /// Looks up every blob that a dataset needs. The blobs below a damaged node are unknown.
    fn look_for(
        &mut self,
        reader: &BlobReader,
        dataset: &Dataset,
        corrupt: &HashSet<BlobKey>,
    ) -> Result<(), Error> {
        let m = &dataset.manifest;
        let envelope = BlobKey::new(BlobKind::Envelope, *dataset.envelope_id.as_bytes());
        let mut needed = vec![envelope];
        needed.extend(
            m.card
                .map(|id| BlobKey::new(BlobKind::Card, *id.as_bytes())),
        );
        for root in [m.chunk_tree_root, m.file_table_root] {
            needed.push(BlobKey::new(BlobKind::Node, *root.as_bytes()));
            self.walk(reader, root, corrupt, &mut needed)?;
        }
        let held = reader.has(&needed)?;
        let absent = needed.iter().zip(held).filter(|(_, held)| !held);
        self.missing.extend(absent.map(|(key, _)| *key));
        Ok(())
    }

    fn walk(
        &mut self,
        reader: &BlobReader,
        root: TreeId,
        corrupt: &HashSet<BlobKey>,
        needed: &mut Vec<BlobKey>,
    ) -> Result<(), Error> {
        let whole = &mut self.whole_nodes;
        let walked = each_node(reader, root, &mut |key| {
            if key.kind != BlobKind::Node {
                needed.push(key);
                return true;
            }
            if whole.contains(&key) {
                return false;
            }
            needed.push(key);
            // The blobs below an unreadable node are unknown, but those of its siblings are not.
            let readable = !corrupt.contains(&key) && reader.has(&[key]).is_ok_and(|h| h == [true]);
            readable && whole.insert(key)
        });
        match walked {
            Err(e) if e.kind() != ErrorKind::Integrity => Err(e.into()),
            _ => Ok(()),
        }
    }
}

/// Returns the files of a dataset that contain any of these blobs.
fn files_with(
    registry: &LocalRegistry,
    reader: &BlobReader,
    dataset: &Dataset,
    bad: &HashSet<BlobKey>,
) -> Vec<String> {
    if bad.is_empty() {
        return Vec::new();
    }
    let m = &dataset.manifest;
    let own = [
        BlobKey::new(BlobKind::Envelope, *dataset.envelope_id.as_bytes()),
        BlobKey::new(BlobKind::Node, *m.chunk_tree_root.as_bytes()),
        BlobKey::new(BlobKind::Node, *m.file_table_root.as_bytes()),
    ];
    let mut files = Vec::new();
    if own.iter().any(|key| bad.contains(key)) {
        files.push(String::new());
    }
    // The affected files are unknown if the structures cannot be read.
    match chunks_in(registry, reader, dataset, bad) {
        Ok(more) => files.extend(more),
        Err(_) if files.is_empty() => files.push(String::new()),
        Err(_) => {}
    }
    files
}

fn chunks_in(
    registry: &LocalRegistry,
    reader: &BlobReader,
    dataset: &Dataset,
    bad: &HashSet<BlobKey>,
) -> Result<Vec<String>, Error> {
    let manifest = &dataset.manifest;
    let table = registry.files_by(reader, manifest)?;
    let spans: Vec<(u64, u64, &str)> = table
        .with_offsets()
        .filter(|(_, f)| f.size_bytes > 0)
        .map(|(start, f)| (start, start + f.size_bytes, f.path.as_str()))
        .collect();
    let mut files: Vec<String> = Vec::new();
    for placed in TreeWalk::new(reader, manifest.chunk_tree_root, manifest.size_bytes, 0)? {
        let (at, chunk) = placed?;
        if !bad.contains(&BlobKey::new(BlobKind::Chunk, *chunk.id.as_bytes())) {
            continue;
        }
        let end = at + u64::from(chunk.bytes);
        let first = spans.partition_point(|(_, file_end, _)| *file_end <= at);
        let hit = spans
            .iter()
            .skip(first)
            .take_while(|(start, _, _)| *start < end);
        files.extend(hit.map(|(_, _, path)| (*path).to_owned()));
    }
    files.dedup();
    Ok(files)
}
