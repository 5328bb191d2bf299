//! Datasets as sources of feature tables: each version that is held is a partition.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalog;
use crate::catalog::Dataset;
use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::error_kind::message_with_causes;
use crate::features::BuildInput;
use crate::features::FeatureError;
use crate::features::config::SourceConfig;
use crate::features::source::Listing;
use crate::features::source::Partition;
use crate::features::source::PartitionFile;
use crate::features::source::PartitionSource;
use crate::features::source::Sources;
use crate::ident::Reference;
use crate::inspect::FileFormat;
use crate::inspect::Format;
use crate::manifest::FileEntry;
use crate::registry::LocalRegistry;
use crate::registry::datasets::lookup::label;
use crate::registry::datasets::lookup::of_publisher;
use crate::registry::datasets::ranking::LookupTier;
use crate::registry::datasets::ranking::tier;
use crate::registry::error::Error;
use crate::registry::publishing::trust::Listed;
use crate::registry::targets::places::dataset_file::DatasetFile;

/// Sources of feature tables with those of a registry: the datasets that it holds.
pub struct RegistrySources {
    others: Arc<dyn Sources>,
    registry: LocalRegistry,
}

impl RegistrySources {
    /// Takes a registry, and the maker of sources of other kinds.
    pub fn new(others: Arc<dyn Sources>, registry: LocalRegistry) -> Self {
        Self { others, registry }
    }
}

impl Sources for RegistrySources {
    fn source(&self, config: &SourceConfig) -> Result<Box<dyn PartitionSource>, FeatureError> {
        let SourceConfig::Registry {
            name,
            version,
            path,
        } = config
        else {
            return self.others.source(config);
        };
        let text = match version {
            Some(version) => format!("{name}@{version}"),
            None => name.clone(),
        };
        let reference = text.parse().map_err(|e| FeatureError::Source {
            place: text,
            why: format!("{e}"),
            kind: ErrorKind::Invalid,
        })?;
        let path = path
            .as_deref()
            .map(|path| path.trim_matches('/').to_owned());
        Ok(Box::new(DatasetSource {
            registry: self.registry.clone(),
            reference,
            path: path.filter(|path| !path.is_empty()),
        }))
    }
}

/// The versions of a dataset.
struct DatasetSource {
    registry: LocalRegistry,
    reference: Reference,
    /// The directory or the file in the dataset.
    path: Option<String>,
}

impl DatasetSource {
    fn fault(&self, error: &Error) -> FeatureError {
        FeatureError::Source {
            place: self.place(),
            why: message_with_causes(error),
            kind: error.kind(),
        }
    }

    /// Returns the datasets that may be served, the newest version first, and the reasons against the others.
    #[allow(
        clippy::type_complexity,
        reason = "the two halves of a listing, each as the listing has it"
    )]
    fn versions(&self) -> Result<(Vec<Dataset>, Vec<(String, String)>), Error> {
        let Reference::Name {
            publisher,
            name,
            version,
            ..
        } = &self.reference
        else {
            return Ok((vec![self.registry.resolve(&self.reference)?], Vec::new()));
        };
        let trust = self.registry.trust().store()?;
        let named = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::by_name(t, name)?))?;
        let named = of_publisher(named, version, publisher.as_ref(), &trust);
        let listed = named.into_iter().map(|d| Listed::of(&trust, d));
        let (mut good, mut others) = (Vec::new(), Vec::new());
        for listed in listed {
            match tier(&listed) {
                LookupTier::Own | LookupTier::Trusted => good.push(listed),
                _ => {
                    let why = match &listed.withdrawn {
                        Some(why) => format!("its publisher withdrew it: {why}"),
                        None => listed.reason(crate::trust::Action::Resolve).into_owned(),
                    };
                    let version = listed.dataset.manifest.dataset_version.to_string();
                    others.push((version, why));
                }
            }
        }
        // As a reference means one's own dataset before those of others.
        if good.iter().any(|l| tier(l) == LookupTier::Own) {
            good.retain(|l| tier(l) == LookupTier::Own);
        } else {
            let publishers: BTreeSet<_> = good.iter().map(Listed::publisher).collect();
            if publishers.len() > 1 {
                let candidates = good.iter().map(|l| label(&l.dataset)).collect();
                return Err(crate::registry::DatasetError::Ambiguous {
                    reference: self.reference.to_string(),
                    candidates,
                }
                .into());
            }
        }
        let mut found: Vec<Dataset> = good.into_iter().map(|l| l.dataset).collect();
        // Of one version, what is signed comes first.
        found.sort_by(|a, b| {
            let rank = |d: &Dataset| (d.manifest.dataset_version.clone(), d.signed);
            rank(b).cmp(&rank(a))
        });
        let mut contents = BTreeSet::new();
        found.retain(|d| contents.insert(d.manifest.content_id));
        Ok((found, others))
    }

    fn partition(&self, dataset: &Dataset) -> Result<Result<Partition, String>, Error> {
        let reader = self.registry.reader_of(dataset)?;
        let table = self.registry.files_by(&reader, &dataset.manifest)?;
        let id = dataset.manifest.content_id.to_hex();
        let wanted = table.files().iter().filter(|entry| self.is_wanted(entry));
        let files = wanted.map(|entry| PartitionFile {
            path: entry.path.clone(),
            size_bytes: entry.size_bytes,
            // Tables leave the hashes of small files out. The dataset's is that of all of them.
            validator: match &entry.content_id {
                Some(own) => own.to_hex(),
                None => id.clone(),
            },
        });
        let files: Vec<PartitionFile> = files.collect();
        if files.is_empty() {
            return Ok(Err(match &self.path {
                Some(path) => format!("it has no Parquet file below `{path}`"),
                None => "it has no Parquet file".to_owned(),
            }));
        }
        let name = dataset.manifest.dataset_version.to_string();
        let signer = dataset.manifest.signer;
        Ok(Ok(Partition::of_dataset(
            &name,
            files,
            (id, signer.map(|key| key.to_hex())),
        )))
    }

    /// Returns true for a Parquet file below the path, no part of which is hidden; and for the file that the path names.
    fn is_wanted(&self, entry: &FileEntry) -> bool {
        let below = match self.path.as_deref() {
            None => entry.path.as_str(),
            Some(path) if path == entry.path => return is_parquet(entry),
            Some(path) => {
                let below = entry.path.strip_prefix(path);
                match below.and_then(|rest| rest.strip_prefix('/')) {
                    Some(below) => below,
                    None => return false,
                }
            }
        };
        is_parquet(entry) && !below.split('/').any(|part| part.starts_with(['_', '.']))
    }

    fn opened(&self, partition: &Partition) -> Result<Vec<BuildInput>, Error> {
        let (versions, _) = self.versions()?;
        let wanted = partition.content_id.as_deref();
        let found = versions
            .into_iter()
            .find(|d| Some(d.manifest.content_id.to_hex().as_str()) == wanted);
        let gone = || crate::registry::DatasetError::NotFound(self.reference.to_string());
        let dataset = found.ok_or_else(gone)?;
        if let Some(beyond) = self.registry.maintenance().expansion(&dataset)? {
            return Err(beyond.refused(&dataset.manifest));
        }
        let reader = Arc::new(self.registry.reader_of(&dataset)?);
        let table = self.registry.files_by(&reader, &dataset.manifest)?;
        let manifest = Arc::new(dataset.manifest);
        let files = table.with_offsets().filter(|(_, e)| self.is_wanted(e));
        let inputs = files.map(|(start, entry)| BuildInput {
            name: format!("{}:{}", self.place(), entry.path),
            source: Arc::new(DatasetFile::new(
                Arc::clone(&reader),
                Arc::clone(&manifest),
                start,
                entry.clone(),
            )),
        });
        Ok(inputs.collect())
    }
}

fn is_parquet(entry: &FileEntry) -> bool {
    FileFormat::from_number(entry.format).format == Format::Parquet
}

impl PartitionSource for DatasetSource {
    fn place(&self) -> String {
        self.reference.to_string()
    }

    fn partitions(&self) -> Result<Listing, FeatureError> {
        let (versions, others) = self.versions().map_err(|e| self.fault(&e))?;
        let mut listing = Listing::default();
        for dataset in &versions {
            match self.partition(dataset) {
                Ok(Ok(partition)) => listing.partitions.push(partition),
                Ok(Err(why)) => {
                    let version = dataset.manifest.dataset_version.to_string();
                    listing.others.push((version, why));
                }
                Err(e) => return Err(self.fault(&e)),
            }
        }
        listing.others.extend(others);
        if listing.partitions.is_empty() && listing.others.is_empty() {
            return Err(FeatureError::NoPartition {
                place: self.place(),
                why: "no version of it is here; pull it or follow its publisher".to_owned(),
            });
        }
        Ok(listing)
    }

    fn open(&self, partition: &Partition) -> Result<Vec<BuildInput>, FeatureError> {
        self.opened(partition).map_err(|e| self.fault(&e))
    }
}
