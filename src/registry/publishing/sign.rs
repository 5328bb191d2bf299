//! Signing publishes a dataset: a signed manifest replaces an unsigned one.

use crate::registry::views::Publishing;
use std::collections::BTreeMap;

use serde_json::Value;
use sha2::Digest as _;
use sha2::Sha256;

use crate::archive_check::standing::with_reason;
use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::Removed;
use crate::catalog::Tombstone;
use crate::ident::NodeId;
use crate::ident::SeriesId;
use crate::ident::labels;
use crate::manifest::FileEntry;
use crate::manifest::Manifest;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::pack::Flags;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::datasets::version_numbers;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;
use crate::registry::error::metadata::MetadataError;
use crate::registry::error::publisher::PublisherError;
use crate::registry::host;
use crate::registry::publishing::node_id::node_id;
use crate::registry::step::Step;
use crate::store::disk::Entry;
use crate::store::disk::WriteSession;
use crate::trust::Action;
use crate::trust::Admitted;
use crate::trust::KeyPair;
use crate::trust::Level;
use crate::trust::Origin;
use crate::trust::PolicyInput;
use crate::trust::SignatureState;
use crate::trust::Subject;
use crate::trust::UnverifiedManifest;
use crate::trust::Verdict;
use crate::trust::attest;
use crate::trust::evaluate;
use crate::wire::limits::CLOCK_EDITS_MAX;
use crate::wire::limits::CLOCK_ENTRIES_MAX;

impl Publishing<'_> {
    /// Signs a dataset. An unsigned manifest is replaced. Beside another publisher's manifest, one
    /// of this publisher is added. A second signature changes nothing.
    ///
    /// # Errors
    /// [`PublisherError::NotTrusted`] with a revoked key. [`PublisherError::Superseded`] with a key that a rotation
    /// replaced. [`DatasetError::VersionTaken`] when this publisher has used the name and version for
    /// other content.
    pub fn sign(&self, dataset: &Dataset, pair: &KeyPair) -> Result<Dataset, Error> {
        let _step = Step::begin("sign", &dataset.manifest.name);
        self.registry.may_sign(&dataset.manifest, pair)?;
        let session = WriteSession::begin(&self.registry.store)?;
        let salt: [u8; 16] = host::random().map_err(Error::Random)?;
        let line = host::random().map_err(Error::Random)?;
        session.commit(|tables, entries| {
            let gone = || Error::Dataset(DatasetError::NotFound(dataset.manifest.name.to_string()));
            let held = catalog::by_key(tables, dataset.key)?.ok_or_else(gone)?;
            let publisher = pair.public_key();
            if held.manifest.signer == Some(publisher) {
                return Ok(held);
            }
            let mut manifest = held.manifest.clone();
            let retires = held.manifest.signer.is_none() && !held.flags.foreign;
            let node = node_id(tables)?;
            if retires {
                supersede(&mut manifest, &held, node)?;
            } else {
                // Another publisher's manifest stays. This one starts a series of its own, without
                // the aliases, which belong to the other.
                manifest.tags = labels(&manifest.tags);
                manifest.series = SeriesId::new(line);
                (manifest.seq, manifest.prev) = (1, Vec::new());
                manifest.clock = BTreeMap::from([(node, 1)]);
            }
            manifest.created_at = host::now();
            let envelope = pair.sign(&mut manifest)?;
            refuse_taken(tables, &manifest)?;
            let admitted = Admitted::from_here(envelope)?;
            let retired = retires.then_some(&held);
            let flags = Flags {
                foreign: false,
                ..held.flags
            };
            publish_edit(tables, entries, &admitted, flags)?;
            if let Some(old) = retired {
                catalog::remove(tables, old)?;
                retire(entries, salt, old);
            }
            catalog::of_register(tables, &manifest, Origin::Here)?.ok_or_else(gone)
        })
    }

    /// Verifies a dataset's signature again.
    ///
    /// # Errors
    /// [`Error`] when the store cannot be read.
    pub fn signature(&self, dataset: &Dataset) -> Result<SignatureState, Error> {
        let envelope = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::envelope(t, &dataset.envelope_id)?))?;
        let signed = envelope.signature.is_some();
        Ok(match UnverifiedManifest::new(envelope).verify() {
            Err(_) => SignatureState::Invalid,
            Ok(_) if signed => SignatureState::Valid,
            Ok(_) => SignatureState::None,
        })
    }

    /// Returns an in-toto statement about the dataset's files, in a DSSE envelope. It reads every
    /// byte.
    ///
    /// # Errors
    /// [`Error`] when a file is damaged.
    pub fn attest(
        &self,
        dataset: &Dataset,
        pair: &KeyPair,
        progress: &dyn Progress,
    ) -> Result<Value, Error> {
        self.registry.may_sign(&dataset.manifest, pair)?;
        let subjects = self.registry.subjects(dataset, progress)?;
        Ok(attest(pair, &dataset.manifest, &subjects))
    }
}

impl LocalRegistry {
    /// Checks that a key may sign here at all.
    pub(crate) fn may_sign(&self, manifest: &Manifest, pair: &KeyPair) -> Result<(), Error> {
        let trust = self.trust().store()?;
        let key = pair.public_key();
        // A person who still has the old key is no longer the publisher.
        if let (Some(publisher), false) = (trust.superseded(&key), trust.is_revoked(&key)) {
            return Err(Error::Publisher(PublisherError::Superseded {
                name: publisher.name.to_string(),
                key,
                by: publisher.key,
            }));
        }
        let input = PolicyInput {
            origin: Origin::Here,
            signature: SignatureState::Valid,
            level: if trust.is_revoked(&key) {
                Level::Revoked
            } else {
                Level::Full
            },
            is_grandfathered: false,
        };
        let decision = evaluate(&input, Action::Index);
        match decision.verdict {
            Verdict::Refuse => Err(Error::Publisher(PublisherError::NotTrusted {
                dataset: manifest.name.to_string(),
                reason: with_reason(decision.reason, trust.revoked_because(&key)),
            })),
            _ => Ok(()),
        }
    }

    /// Returns the files of a dataset in the form of in-toto subjects.
    ///
    /// # Errors
    /// [`Error`] when a file is damaged.
    pub(crate) fn subjects(
        &self,
        dataset: &Dataset,
        progress: &dyn Progress,
    ) -> Result<Vec<Subject>, Error> {
        let reader = self.reader_of(dataset)?;
        let m = &dataset.manifest;
        let table = self.files(m)?;
        let files: Vec<(u64, &FileEntry)> = table.with_offsets().collect();
        progress.phase("hashing", Some(m.size_bytes));
        let mut subjects = Vec::with_capacity(files.len());
        for file in &files {
            let (at, entry) = *file;
            let mut hasher = Sha256::new();
            let end = at + entry.size_bytes;
            self.each_piece(&reader, m, *file, (at, end), &mut |bytes| {
                hasher.update(bytes);
                progress.advance(bytes.len() as u64);
                if progress.cancelled() {
                    Err(Error::Interrupted)
                } else {
                    Ok(())
                }
            })?;
            subjects.push(Subject {
                path: entry.path.clone(),
                sha256: hasher.finalize().into(),
                // `files` computes the hashes that the table omits.
                content_id: entry
                    .content_id
                    .ok_or_else(|| Error::Dataset(DatasetError::NotFound(entry.path.clone())))?,
            });
        }
        Ok(subjects)
    }
}

/// Makes a manifest the successor of a held one. If the clock is full, its smallest entry moves to
/// the editing node, so its sum grows by one with every edit.
///
/// # Errors
/// [`MetadataError::ClockFull`] when the node's entry has no room for an edit.
pub(crate) fn supersede(
    manifest: &mut Manifest,
    held: &Dataset,
    node: NodeId,
) -> Result<(), Error> {
    manifest.seq = held.manifest.seq.saturating_add(1);
    manifest.prev = vec![held.envelope_id];
    let clock = &mut manifest.clock;
    let mut edits = clock.remove(&node).unwrap_or(0);
    while clock.len() >= CLOCK_ENTRIES_MAX {
        let least = clock.iter().min_by_key(|(node, n)| (**n, **node));
        let Some((least, n)) = least.map(|(node, n)| (*node, *n)) else {
            break;
        };
        clock.remove(&least);
        edits = edits.saturating_add(n);
    }
    let after = edits.checked_add(1);
    let full = || Error::Metadata(MetadataError::ClockFull(held.manifest.name.to_string()));
    let after = after.filter(|n| *n <= CLOCK_EDITS_MAX).ok_or_else(full)?;
    clock.insert(node, after);
    Ok(())
}

/// Adds an admitted manifest to the tables and, in the same transaction, to the packs.
pub(crate) fn publish(
    tables: &mut dyn MetaWrite,
    entries: &mut Vec<Entry>,
    admitted: &Admitted,
    flags: Flags,
) -> Result<catalog::Merged, Error> {
    let merged = catalog::merge(tables, admitted, flags)?;
    if merged != catalog::Merged::Kept {
        entries.push(Entry {
            kind: BlobKind::Envelope,
            bytes: admitted.envelope().encode(),
            flags,
        });
    }
    Ok(merged)
}

/// Publishes a local manifest or edit. It either wins or is an error.
///
/// # Errors
/// [`MetadataError::EditLost`] when another manifest wins.
pub(crate) fn publish_edit(
    tables: &mut dyn MetaWrite,
    entries: &mut Vec<Entry>,
    admitted: &Admitted,
    flags: Flags,
) -> Result<catalog::Merged, Error> {
    match publish(tables, entries, admitted, flags)? {
        catalog::Merged::Kept => Err(Error::Metadata(MetadataError::EditLost(
            admitted.manifest().name.to_string(),
        ))),
        merged => Ok(merged),
    }
}

/// Adds a tombstone, so that a rebuilt index does not bring back the replaced manifest.
pub(crate) fn retire(entries: &mut Vec<Entry>, salt: [u8; 16], old: &Dataset) {
    let tombstone = Tombstone {
        salt,
        envelopes: vec![old.envelope_id],
    };
    entries.push(Entry {
        kind: BlobKind::Tombstone,
        bytes: tombstone.encode(),
        flags: Flags::default(),
    });
}

/// Refuses a manifest whose publisher has used its name and version for other content.
pub(crate) fn refuse_taken(tables: &dyn MetaRead, manifest: &Manifest) -> Result<(), Error> {
    let named = catalog::by_name(tables, &manifest.name)?;
    let taken = named.iter().find(|d| {
        let m = &d.manifest;
        m.signer == manifest.signer
            && m.dataset_version == manifest.dataset_version
            && m.content_id != manifest.content_id
            && (m.signer.is_some() || !d.flags.foreign)
    });
    match taken {
        Some(taken) => Err(Error::Dataset(DatasetError::VersionTaken {
            name: manifest.name.clone(),
            version: manifest.dataset_version.clone(),
            held: taken.manifest.content_id,
        })),
        None => {
            let is_publishers = |r: &Removed| r.summary.signer == manifest.signer;
            version_numbers::refuse_given(tables, manifest, &is_publishers)
        }
    }
}
