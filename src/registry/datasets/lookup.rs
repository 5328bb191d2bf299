//! Lookup of held datasets: lists, references, files and totals.

use crate::registry::publishing::trust::Listed;
use crate::registry::views::Maintenance;
use crate::registry::views::Publishing;
use std::collections::BTreeMap;
use std::collections::HashSet;

use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Dataset;
use crate::ident::ContentId;
use crate::ident::DatasetName;
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
use crate::registry::datasets::ranking::best_matches;
use crate::registry::datasets::ranking::is_publishers;
use crate::registry::datasets::ranking::tier;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;
use crate::registry::integrity::claims;
use crate::registry::metadata::holders;
use crate::store::disk::BlobReader;
use crate::store::disk::StoreStats;
use crate::trust::Action;
use crate::trust::TrustStore;
use crate::trust::Verdict;
use crate::trust::skeleton;

/// Totals of the registry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatsReport {
    /// Number of datasets, with every version counted.
    pub datasets: u64,
    /// Raw bytes of all datasets.
    pub raw_bytes: u64,
    /// Number of datasets of which only a part is here.
    pub partial_datasets: u64,
    /// Raw bytes of the chunks that were stored for these.
    pub partial_bytes: u64,
    /// Statistics of the store.
    pub store: StoreStats,
}

/// Maximum edit distance of a suggested name.
const NEAR_EDITS: usize = 2;

impl Publishing<'_> {
    /// Returns true if the publisher has used this name and version for other content too.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn has_equivocated(&self, manifest: &Manifest) -> Result<bool, Error> {
        let named = self
            .registry
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

    /// Returns those names that could be confused with another held name, of trusted or local
    /// datasets. Each comes with the other name.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn confusable_names(
        &self,
        names: &[DatasetName],
    ) -> Result<Vec<(DatasetName, DatasetName)>, Error> {
        let trust = self.registry.trust().store()?;
        let held = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::names(t)?))?;
        let mut alike: BTreeMap<String, Vec<DatasetName>> = BTreeMap::new();
        for name in held {
            alike.entry(skeleton(name.as_str())).or_default().push(name);
        }
        let mut found = Vec::new();
        for name in names {
            let others = alike.get(&skeleton(name.as_str())).into_iter().flatten();
            for other in others.filter(|other| *other != name) {
                let datasets = self
                    .registry
                    .store
                    .read(|t| Ok::<_, Error>(catalog::by_name(t, other)?))?;
                let mut listed = datasets.into_iter().map(|d| Listed::of(&trust, d));
                if listed.any(|l| l.decide(Action::Resolve).verdict == Verdict::Accept) {
                    found.push((name.clone(), other.clone()));
                    break;
                }
            }
        }
        Ok(found)
    }
}

impl Maintenance<'_> {
    /// Returns the totals of the registry.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn stats(&self) -> Result<StatsReport, Error> {
        let datasets = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::summaries(t)?))?;
        let raw_bytes = datasets.iter().map(|d| d.size_bytes).sum();
        let partial = self.registry.peers().partial_holdings()?;
        Ok(StatsReport {
            datasets: datasets.len() as u64,
            raw_bytes,
            partial_datasets: partial.len() as u64,
            partial_bytes: partial.iter().map(|p| p.bytes).sum(),
            store: self.registry.store.stats()?,
        })
    }

    /// Returns the number of chunks, bytes and newlines of a dataset's tree.
    ///
    /// # Errors
    /// [`Error`] when the tree is missing or damaged.
    pub fn totals(&self, manifest: &Manifest) -> Result<Totals, Error> {
        let reader = BlobReader::new(&self.registry.store)?;
        Ok(crate::manifest::tree_totals(
            &reader,
            manifest.chunk_tree_root,
        )?)
    }

    /// Returns the bytes that a dataset's chunks take in the packs. Of each record it counts the
    /// share of its chunks.
    ///
    /// # Errors
    /// [`Error`] when the tree is missing or damaged.
    pub fn stored_bytes(&self, manifest: &Manifest) -> Result<u64, Error> {
        let reader = BlobReader::new(&self.registry.store)?;
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
}

impl LocalRegistry {
    /// Returns every dataset, by name and version.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn list(&self) -> Result<Vec<Dataset>, Error> {
        self.store.read(|t| Ok(catalog::all(t)?))
    }

    /// Returns the dataset with a content id. If several names have it, returns the newest.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn get(&self, id: &ContentId) -> Result<Option<Dataset>, Error> {
        let found = self
            .store
            .read(|t| Ok::<_, Error>(catalog::by_content(t, id, |c| c == id)?))?;
        let trust = self.trust().store()?;
        Ok(best_matches(found, &trust).pop())
    }

    /// Resolves a reference to one dataset.
    ///
    /// # Errors
    /// [`DatasetError::NotFound`], [`DatasetError::Ambiguous`], or an error of the store.
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
        Err(Error::Dataset(DatasetError::Ambiguous {
            reference: reference.to_string(),
            candidates,
        }))
    }

    /// Returns the error for a reference without a match, with suggestions of similar names.
    pub(crate) fn not_found(&self, reference: String) -> Result<Error, Error> {
        let wanted = reference.split('@').next().unwrap_or(&reference);
        let mut near: Vec<(usize, String)> = Vec::new();
        for name in self.store.read(|t| Ok::<_, Error>(catalog::names(t)?))? {
            let name = name.to_string();
            let distance = strsim::osa_distance(wanted, &name);
            // A missing version is no spelling mistake.
            if (1..=NEAR_EDITS).contains(&distance) {
                near.push((distance, name));
            }
        }
        near.sort();
        near.dedup();
        near.truncate(3);
        let near: Vec<String> = near.into_iter().map(|(_, name)| name).collect();
        Ok(if near.is_empty() {
            Error::Dataset(DatasetError::NotFound(reference))
        } else {
            Error::Dataset(DatasetError::NearMiss {
                name: reference,
                near,
            })
        })
    }

    /// Returns the files of a dataset, each with its hash.
    ///
    /// # Errors
    /// [`Error`] when the table is missing or damaged, or a small file whose hash it omits.
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

    /// Returns a reader for a dataset that is still held, whole or in part. The reader protects it from
    /// collection.
    pub(crate) fn reader_of(&self, dataset: &Dataset) -> Result<BlobReader, Error> {
        let reader = BlobReader::new(&self.store)?;
        let held = self.store.read(|t| {
            let is_whole = catalog::by_key(t, dataset.key)?.is_some();
            Ok::<_, Error>(is_whole || catalog::partial_of(t, dataset.key)?.is_some())
        })?;
        // It may have been unindexed and collected since the lookup.
        match held {
            true => Ok(reader),
            false => Err(Error::Dataset(DatasetError::NotFound(
                dataset.manifest.name.to_string(),
            ))),
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

/// Selects the datasets of the given publisher and version.
pub(crate) fn of_publisher(
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

/// Returns `name@version` and the first digits of the content id.
pub(crate) fn label(dataset: &Dataset) -> String {
    let m = &dataset.manifest;
    format!(
        "{}@{} (alimentar:{})",
        m.name,
        m.dataset_version,
        m.content_id.short()
    )
}

impl LocalRegistry {
    /// Returns all datasets that a reference can mean.
    pub(crate) fn candidates(&self, reference: &Reference) -> Result<Vec<Dataset>, Error> {
        let trust = self.trust().store()?;
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
                let named = of_publisher(named, version, publisher.as_ref(), &trust);
                (or_content.as_ref(), best_matches(named, &trust))
            }
        };
        let mut found = named;
        if let Some(digits) = digits {
            let mut matching = self.store.read(|t| {
                let from = digits.lowest();
                Ok::<_, Error>(catalog::by_content(t, &from, |id| digits.matches(id))?)
            })?;
            // The best known publisher comes first.
            matching.sort_by_cached_key(|d| tier(&Listed::of(&trust, d.clone())));
            found.extend(matching);
        }
        Ok(found)
    }
}
