//! What is here: lists, references, removal, totals.

use std::collections::BTreeMap;
use std::collections::HashSet;

use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Dataset;
use crate::ident::ContentId;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::Reference;
use crate::ident::VersionPick;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::manifest::Totals;
use crate::manifest::each_node;
use crate::manifest::read_tree;
use crate::progress::NoProgress;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::integrity::claims;
use crate::registry::metadata::holders;
use crate::registry::publishing::trust::Listed;
use crate::store::disk::BlobReader;
use crate::store::disk::StoreStats;
use crate::trust::Action;
use crate::trust::Origin;
use crate::trust::Trust;
use crate::trust::TrustStore;
use crate::trust::Verdict;
use crate::trust::skeleton;

/// How much the registry holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatsReport {
    /// Datasets, every version counted.
    pub datasets: u64,
    /// Raw bytes of all datasets.
    pub raw_bytes: u64,
    /// The store's own figures.
    pub store: StoreStats,
}

/// Names that differ by so many letters may have been meant.
const NEAR_EDITS: usize = 2;

impl LocalRegistry {
    /// Every dataset, by name and version.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn list(&self) -> Result<Vec<Dataset>, Error> {
        self.store.read(|t| Ok(catalog::all(t)?))
    }

    /// The dataset with a content id; the newest, where several names stand for it.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn get(&self, id: &ContentId) -> Result<Option<Dataset>, Error> {
        let found = self
            .store
            .read(|t| Ok::<_, Error>(catalog::by_content(t, id, |c| c == id)?))?;
        let trust = self.trust()?;
        Ok(best(found, &trust).pop())
    }

    /// The one dataset that a reference means.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Ambiguous`], or the store's.
    pub fn resolve(&self, reference: &Reference) -> Result<Dataset, Error> {
        let found = self.candidates(reference)?;
        let same_content =
            |a: &Dataset, b: &Dataset| a.manifest.content_id == b.manifest.content_id;
        let Some(first) = found.first().cloned() else {
            return Err(self.not_found(reference.to_string())?);
        };
        if found.iter().all(|d| same_content(d, &first)) {
            return Ok(first);
        }
        let candidates = found.iter().map(label).collect();
        Err(Error::Ambiguous {
            reference: reference.to_string(),
            candidates,
        })
    }

    /// The error for a reference that nothing fits, with names that are nearly its.
    pub(crate) fn not_found(&self, reference: String) -> Result<Error, Error> {
        let wanted = reference.split('@').next().unwrap_or(&reference);
        let mut near: Vec<(usize, String)> = Vec::new();
        for name in self.store.read(|t| Ok::<_, Error>(catalog::names(t)?))? {
            let name = name.to_string();
            let distance = strsim::osa_distance(wanted, &name);
            // A version that is missing is no spelling mistake.
            if (1..=NEAR_EDITS).contains(&distance) {
                near.push((distance, name));
            }
        }
        near.sort();
        near.dedup();
        near.truncate(3);
        let near: Vec<String> = near.into_iter().map(|(_, name)| name).collect();
        Ok(if near.is_empty() {
            Error::NotFound(reference)
        } else {
            Error::NearMiss {
                name: reference,
                near,
            }
        })
    }

    /// Whether the publisher has given this name and version to other content too.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn equivocates(&self, manifest: &Manifest) -> Result<bool, Error> {
        let named = self
            .store
            .read(|t| Ok::<_, Error>(catalog::by_name(t, &manifest.name)?))?;
        Ok(manifest.signer.is_some()
            && named.iter().any(|d| {
                let m = &d.manifest;
                m.signer == manifest.signer
                    && m.dataset_version == manifest.dataset_version
                    && m.content_id != manifest.content_id
            }))
    }

    /// Which of these names could be taken for another name here, of what is trusted or made here;
    /// each with that other.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn look_alikes(
        &self,
        names: &[DatasetName],
    ) -> Result<Vec<(DatasetName, DatasetName)>, Error> {
        let trust = self.trust()?;
        let held = self.store.read(|t| Ok::<_, Error>(catalog::names(t)?))?;
        let mut alike: BTreeMap<String, Vec<DatasetName>> = BTreeMap::new();
        for name in held {
            alike.entry(skeleton(name.as_str())).or_default().push(name);
        }
        let mut found = Vec::new();
        for name in names {
            let others = alike.get(&skeleton(name.as_str())).into_iter().flatten();
            for other in others.filter(|other| *other != name) {
                let datasets = self
                    .store
                    .read(|t| Ok::<_, Error>(catalog::by_name(t, other)?))?;
                let mut listed = datasets.into_iter().map(|d| Self::listed(&trust, d));
                if listed.any(|l| l.decide(Action::Resolve).verdict == Verdict::Accept) {
                    found.push((name.clone(), other.clone()));
                    break;
                }
            }
        }
        Ok(found)
    }

    /// The files of a dataset, each with its hash.
    ///
    /// # Errors
    /// [`Error`] when the table, or a small file whose hash it leaves out, is missing or damaged.
    pub fn files(&self, manifest: &Manifest) -> Result<FileTable, Error> {
        let reader = BlobReader::new(&self.store)?;
        let mut table = self.files_by(&reader, manifest)?;
        let unhashed: Vec<(usize, (u64, FileEntry))> = table
            .with_offsets()
            .map(|(at, f)| (at, f.clone()))
            .enumerate()
            .filter(|(_, (_, f))| f.content_id.is_none())
            .collect();
        for run in unhashed.chunk_by(|(a, _), (b, _)| a + 1 == *b) {
            let files: Vec<(u64, &FileEntry)> = run.iter().map(|(_, (at, f))| (*at, f)).collect();
            let ids = self.hash_files(&reader, manifest, &files, &NoProgress)?;
            for ((n, _), id) in run.iter().zip(ids) {
                table.set_content_id(*n, id);
            }
        }
        Ok(table)
    }

    /// How much the registry holds.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn stats(&self) -> Result<StatsReport, Error> {
        let datasets = self.store.read(|t| Ok::<_, Error>(catalog::briefs(t)?))?;
        let raw_bytes = datasets.iter().map(|d| d.size_bytes).sum();
        Ok(StatsReport {
            datasets: datasets.len() as u64,
            raw_bytes,
            store: self.store.stats()?,
        })
    }

    /// Chunks, bytes and newlines under a dataset's tree.
    ///
    /// # Errors
    /// [`Error`] when the tree is missing or damaged.
    pub fn totals(&self, manifest: &Manifest) -> Result<Totals, Error> {
        let reader = BlobReader::new(&self.store)?;
        Ok(crate::manifest::tree_totals(
            &reader,
            manifest.chunk_tree_root,
        )?)
    }

    /// What a dataset's chunks take in the packs: of every record that holds some of them, the
    /// share of its bytes that is theirs.
    ///
    /// # Errors
    /// [`Error`] when the tree is missing or damaged.
    pub fn stored_bytes(&self, manifest: &Manifest) -> Result<u64, Error> {
        let reader = BlobReader::new(&self.store)?;
        let (mut keys, mut nodes) = (Vec::new(), HashSet::new());
        each_node(&reader, manifest.chunk_tree_root, &mut |key| {
            let first = key.kind != BlobKind::Node || nodes.insert(key);
            keys.extend(first.then_some(key));
            first
        })?;
        keys.sort_unstable();
        keys.dedup();
        Ok(reader.stored_bytes(&keys)?)
    }

    /// A reader for a dataset that is still here. From now on nothing of it is collected.
    pub(crate) fn reader_of(&self, dataset: &Dataset) -> Result<BlobReader, Error> {
        let reader = BlobReader::new(&self.store)?;
        let held = self
            .store
            .read(|t| Ok::<_, Error>(catalog::by_key(t, dataset.key)?))?;
        // It may have been unindexed, and collected, since it was looked up.
        match held {
            Some(_) => Ok(reader),
            None => Err(Error::NotFound(dataset.manifest.name.to_string())),
        }
    }

    pub(crate) fn files_by(
        &self,
        reader: &BlobReader,
        manifest: &Manifest,
    ) -> Result<FileTable, Error> {
        let root = manifest.file_table_root;
        let bytes = read_tree(reader, root, manifest.file_table_bytes)?;
        claims::table_of(&bytes, manifest)
    }
}

/// Of all datasets that have a name, those of the publisher that are the version meant.
pub(crate) fn picked(
    named: Vec<Dataset>,
    version: &VersionPick,
    publisher: Option<&String>,
    trust: &TrustStore,
) -> Vec<Dataset> {
    let mut named = match version {
        VersionPick::Alias(alias) => holders(&named, alias),
        _ => named,
    };
    named.retain(|d| {
        let m = &d.manifest;
        version.admits(&m.dataset_version, &m.tags) && is_publishers(d, publisher, trust)
    });
    named
}

/// Whether a dataset is signed by the publisher who is called so here, if one is named.
pub(crate) fn is_publishers(
    dataset: &Dataset,
    publisher: Option<&String>,
    trust: &TrustStore,
) -> bool {
    let signer = dataset.manifest.signer;
    let alias = || signer.and_then(|key| trust.alias(&key));
    publisher.is_none_or(|p| alias().is_some_and(|a| a.to_string() == *p))
}

/// `name@version` and the first digits of the content id.
pub(crate) fn label(dataset: &Dataset) -> String {
    let m = &dataset.manifest;
    format!(
        "{}@{} (alimentar:{})",
        m.name,
        m.dataset_version,
        m.content_id.short()
    )
}

/// Where the datasets of a name stand in the order in which it finds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    Own,
    Trusted,
    AskedAbout,
    KeptApart,
    Withdrawn,
}

fn tier(listed: &Listed) -> Tier {
    let is_apart = listed.decide(Action::Resolve).verdict != Verdict::Accept;
    match (listed.trust(), listed.standing.origin) {
        _ if listed.withdrawn.is_some() => Tier::Withdrawn,
        (Trust::Revoked, _) => Tier::KeptApart,
        (_, Origin::Here) => Tier::Own,
        (Trust::Prompt, _) => Tier::AskedAbout,
        _ if is_apart => Tier::KeptApart,
        _ => Tier::Trusted,
    }
}

/// What a name finds: of the best tier that has any, the newest version of every publisher.
pub(crate) fn best(found: Vec<Dataset>, trust: &TrustStore) -> Vec<Dataset> {
    let listed: Vec<Listed> = found
        .into_iter()
        .map(|d| LocalRegistry::listed(trust, d))
        .collect();
    let Some(top) = listed.iter().map(tier).min() else {
        return Vec::new();
    };
    let mut newest: BTreeMap<Option<String>, DatasetVersion> = BTreeMap::new();
    // Signed and unsigned versions made here are of one publisher.
    let publisher = |l: &Listed| match top {
        Tier::Own => None,
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

impl LocalRegistry {
    /// All that a reference may mean.
    pub(crate) fn candidates(&self, reference: &Reference) -> Result<Vec<Dataset>, Error> {
        let trust = self.trust()?;
        let (digits, named) = match reference {
            Reference::Content(digits) => (Some(digits), Vec::new()),
            Reference::Name {
                name,
                version,
                or_content,
                publisher,
            } => {
                let named = self
                    .store
                    .read(|t| Ok::<_, Error>(catalog::by_name(t, name)?))?;
                let named = picked(named, version, publisher.as_ref(), &trust);
                (or_content.as_ref(), best(named, &trust))
            }
        };
        let mut found = named;
        if let Some(digits) = digits {
            let mut matching = self.store.read(|t| {
                let from = digits.lowest();
                Ok::<_, Error>(catalog::by_content(t, &from, |id| digits.matches(id))?)
            })?;
            // The best known of those who say what the bytes are comes first.
            matching.sort_by_cached_key(|d| tier(&Self::listed(&trust, d.clone())));
            found.extend(matching);
        }
        Ok(found)
    }
}
