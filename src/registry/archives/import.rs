//! Import of archives. It verifies the signatures first, then every blob as it arrives, then the
//! hash of every file. Everything becomes visible at once, at the end.

use std::sync::mpsc;

use crate::archive::EntryReader;
use crate::archive::RecentBlobs;
use crate::archive::decompress_frame;
use crate::archive::read_frame;
use crate::archive::take_tree;
use crate::archive_check::Expansion;
use crate::archive_check::preamble::read_header;
use crate::archive_check::preamble::read_manifests;
use crate::archive_check::preamble::read_statements;
use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::Merged;
use crate::ident::ContentId;
use crate::manifest::Manifest;
use crate::manifest::Rank;
use crate::pack::Flags;
use crate::progress::NoProgress;
use crate::progress::Progress;
use crate::registry::archives::Archives;
use crate::registry::archives::dry_run::DryRunRank;
use crate::registry::archives::encryption::DecryptionKeys;
use crate::registry::archives::import_pipeline::run_import_pipeline;
use crate::registry::archives::input::ArchiveInput;
use crate::registry::archives::input::open_archive_inputs;
use crate::registry::archives::options::ImportOptions;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::integrity::claims::attribute_to_signer;
use crate::registry::integrity::expansion::RepeatedBytes;
use crate::registry::publishing::sign;
use crate::registry::publishing::trust::Listed;
use crate::registry::step::Step;
use crate::store::disk::BlobReader;
use crate::store::disk::Entry;
use crate::store::disk::WriteSession;
use crate::trust::Action;
use crate::trust::Admitted;
use crate::trust::Consent;
use crate::trust::Origin;
use crate::trust::Statement;
use crate::trust::TrustStore;
use crate::trust::Verdict;
use crate::trust::VerifiedManifest;

/// Outcome for one dataset of an archive.
#[derive(Clone, Debug)]
pub enum ImportOutcome {
    /// The dataset was imported.
    Imported(Box<Listed>),
    /// The same revision was already held.
    AlreadyHere(Box<Listed>),
    /// A later revision is held, and stays.
    Older(Box<Listed>),
    /// The dataset was refused.
    Refused(Refusal),
}

/// Reason that a dataset was refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// `name@version` from its manifest.
    pub dataset: String,
    /// Reason for the user.
    pub reason: String,
    /// Its expansion, if that is the reason.
    pub expansion: Option<Expansion>,
}

/// Result of an import.
#[derive(Clone, Debug)]
pub struct ImportReport {
    /// Outcome of each dataset.
    pub outcomes: Vec<ImportOutcome>,
    /// Number of chunks that were not held before.
    pub new_chunks: u64,
    /// Their bytes.
    pub new_bytes: u64,
}

/// A dataset in an archive, before its trees are read.
struct Candidate {
    verified: VerifiedManifest,
    card: Option<Vec<u8>>,
    listed: Listed,
    fate: CandidateFate,
}

enum CandidateFate {
    Wanted(Box<Admitted>),
    AlreadyHere,
    Older,
    Refused(String),
    TooLarge(Expansion),
}

impl Archives<'_> {
    /// Imports an archive.
    ///
    /// # Errors
    /// [`Error::Archive`] with the problem, or `TransferError::BaseMissing`. Nothing of the archive is
    /// visible then. A dataset that trust refuses is an outcome and no error.
    pub fn import(
        &self,
        input: &ArchiveInput,
        options: &ImportOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<ImportReport, Error> {
        let _step = Step::begin("import", input.path().display());
        progress.phase("checking", None);
        input.check(&options.keys)?;
        let mut file = input.open(&options.keys)?;
        let (sender, pieces) = mpsc::sync_channel(3);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                loop {
                    let piece = read_frame(&mut file);
                    let piece = piece.and_then(|f| f.map(|f| decompress_frame(&f)).transpose());
                    let goes_on = matches!(piece, Ok(Some(_)));
                    // The receiver is gone after the import has ended.
                    if sender.send(piece).is_err() || !goes_on {
                        return;
                    }
                }
            });
            let mut next = || pieces.recv().unwrap_or(Ok(None));
            let mut reader = EntryReader::new(&mut next);
            let done = self.import_entries(&mut reader, options, progress);
            // The reading thread may be blocked until a piece is taken.
            drop(pieces);
            done
        })
    }

    /// Imports every archive in a directory. Returns the imported datasets and those that were
    /// already held.
    ///
    /// # Errors
    /// The first error, after all of them were tried.
    pub fn import_batch(&self, dir: &std::path::Path) -> Result<Vec<ContentId>, Error> {
        let (mut ids, mut first) = (Vec::new(), Ok(()));
        for input in open_archive_inputs(&[dir.to_owned()], &DecryptionKeys::default())? {
            match self.import(&input, &ImportOptions::default(), &NoProgress) {
                Ok(report) => ids.extend(report.outcomes.iter().filter_map(|o| match o {
                    ImportOutcome::Imported(l)
                    | ImportOutcome::AlreadyHere(l)
                    | ImportOutcome::Older(l) => Some(l.dataset.manifest.content_id),
                    ImportOutcome::Refused(_) => None,
                })),
                Err(error) => first = first.and(Err(error)),
            }
        }
        first.map(|()| ids)
    }

    fn import_entries(
        &self,
        reader: &mut EntryReader<'_>,
        options: &ImportOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<ImportReport, Error> {
        let header = read_header(reader)?;
        let bases = self.bases(&header, &options.dry_run_state)?;
        let statements = read_statements(reader)?;
        let trust = self.trust_with(&statements)?;
        let mut candidates = Vec::new();
        for (verified, card) in read_manifests(reader, &header)? {
            candidates.push(self.candidate(verified, card, &trust, options)?);
        }
        let last = candidates
            .iter()
            .rposition(|c| !matches!(c.fate, CandidateFate::Refused(_)));
        // This session protects imported blobs, and held blobs that no dataset needs yet, from
        // collection until they are published.
        let _until_published = if options.dry_run {
            None
        } else {
            Some(BlobReader::new(&self.registry.store)?)
        };
        let mut stats = crate::store::disk::SessionStats::default();
        if let (Some(last), false) = (last, options.dry_run) {
            let sizes = candidates.iter().map(|c| c.verified.manifest().size_bytes);
            let bytes = sizes.fold(0_u64, u64::saturating_add);
            progress.phase("importing", (header.base.is_empty()).then_some(bytes));
            // The session protects all imported blobs from collection.
            let store = BlobReader::new(&self.registry.store)?;
            let bases = if header.may_hold_deltas() {
                bases.as_slice()
            } else {
                &[]
            };
            stats = self.take(reader, (&store, bases), &candidates, last, progress)?;
            refuse_large(
                &store,
                &mut candidates,
                self.registry.sizes.free_data_bytes,
                options,
            )?;
            for c in candidates
                .iter()
                .filter(|c| matches!(c.fate, CandidateFate::Wanted(_)))
            {
                let manifest = c.verified.manifest();
                self.registry
                    .verify_manifest(&store, manifest, progress)
                    .map_err(|e| attribute_to_signer(e, c.listed.publisher()))?;
            }
        }
        if options.dry_run {
            let store = BlobReader::new(&self.registry.store)?;
            if let Some(last) = last {
                let manifests = candidates.iter().map(|c| c.verified.manifest());
                let manifests = manifests.take(last + 1);
                let how = (last + 1 == candidates.len(), progress);
                let sources = (&store, bases.as_slice());
                stats = options
                    .dry_run_state
                    .read(reader, sources, manifests, how)?;
            }
            for c in candidates
                .iter()
                .filter(|c| matches!(c.fate, CandidateFate::Wanted(_)))
            {
                let id = c.verified.envelope().id();
                options.dry_run_state.add(c.verified.manifest(), id);
            }
        }
        // Statements are independent: they apply even if the datasets are refused.
        if !options.dry_run {
            self.publish_imported(&candidates, &statements)?;
        }
        // An archive has its manifests in the order of their ids, which differs with each key.
        candidates.sort_by_cached_key(|c| {
            let m = c.verified.manifest();
            (m.name.clone(), m.dataset_version.clone(), m.content_id)
        });
        Ok(ImportReport {
            outcomes: candidates.into_iter().map(outcome).collect(),
            new_chunks: stats.new_chunks,
            new_bytes: stats.new_bytes,
        })
    }

    /// Returns the trust settings after the archive's statements apply.
    fn trust_with(&self, statements: &[Statement]) -> Result<TrustStore, Error> {
        let mut held = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::statements(t)?))?;
        held.extend_from_slice(statements);
        Ok(TrustStore::new(
            self.registry.trust().read_file()?,
            &held,
            host::now(),
        ))
    }

    fn candidate(
        &self,
        verified: VerifiedManifest,
        card: Option<Vec<u8>>,
        trust: &TrustStore,
        options: &ImportOptions<'_>,
    ) -> Result<Candidate, Error> {
        let manifest = verified.manifest().clone();
        let envelope_id = verified.envelope().id();
        // An older revision changes nothing.
        let rank = Rank::of(&manifest, envelope_id);
        let counts = |d: &Dataset| rank <= Rank::of(&d.manifest, d.envelope_id);
        let same = self.registry.store.read(|t| {
            // A dataset indexed here may have the same content, or more.
            let here = catalog::made_here(t, &manifest, Origin::Elsewhere)?.filter(counts);
            Ok::<_, Error>(match here {
                Some(here) => Some(here),
                None => catalog::of_register(t, &manifest, Origin::Elsewhere)?.filter(counts),
            })
        })?;
        // A held dataset with lost bytes is healed by reading it again.
        if let Some(held) = same
            && self.registry.is_complete(&held)?
        {
            let fate = if held.envelope_id == envelope_id {
                CandidateFate::AlreadyHere
            } else {
                CandidateFate::Older
            };
            return Ok(Candidate {
                listed: Listed::of(trust, held),
                fate,
                verified,
                card,
            });
        }
        let listed = Listed::elsewhere(trust, &verified);
        let rehearsed = match options.dry_run_state.rank(&manifest, envelope_id) {
            DryRunRank::New => None,
            DryRunRank::Same => Some(CandidateFate::AlreadyHere),
            DryRunRank::Older => Some(CandidateFate::Older),
        };
        if let Some(fate) = rehearsed {
            return Ok(Candidate {
                listed,
                fate,
                verified,
                card,
            });
        }
        let fate = match admit(&listed, verified.clone(), options) {
            Ok(admitted) => CandidateFate::Wanted(Box::new(admitted)),
            Err(reason) => CandidateFate::Refused(reason),
        };
        Ok(Candidate {
            verified,
            card,
            listed,
            fate,
        })
    }

    /// Reads the trees up to those of the last admitted dataset. All of them are verified and
    /// stored, including refused and held ones, because later trees may share their chunks. A
    /// collection deletes the blobs that no dataset needs.
    fn take(
        &self,
        reader: &mut EntryReader<'_>,
        (store, bases): (&BlobReader, &[Manifest]),
        candidates: &[Candidate],
        last: usize,
        progress: &dyn Progress,
    ) -> Result<crate::store::disk::SessionStats, Error> {
        let session = WriteSession::begin(&self.registry.store)?;
        let mut recent = RecentBlobs::default();
        let similarity = SimilarityIndex::open(&self.registry.store)?;
        run_import_pipeline(
            &session,
            &similarity,
            (store, bases),
            progress,
            |pipeline| {
                for c in candidates.iter().take(last + 1) {
                    let m = c.verified.manifest();
                    let table = m.file_table_root;
                    take_tree(reader, pipeline, &mut recent, table, m.file_table_bytes)?;
                    // Damage to one dataset must not affect another one.
                    pipeline.send_batch();
                    let data = m.chunk_tree_root;
                    take_tree(reader, pipeline, &mut recent, data, m.size_bytes)?;
                }
                if last + 1 == candidates.len() {
                    reader.end()?;
                }
                Ok(())
            },
        )?;
        for c in candidates
            .iter()
            .filter(|c| matches!(c.fate, CandidateFate::Wanted(_)))
        {
            if let Some(card) = &c.card {
                session.add(BlobKind::Card, card)?;
            }
        }
        let stats = session.stats();
        session.commit(|_, _| Ok::<_, Error>(()))?;
        Ok(stats)
    }

    fn publish_imported(
        &self,
        candidates: &[Candidate],
        statements: &[Statement],
    ) -> Result<(), Error> {
        let is_wanted = |c: &Candidate| matches!(c.fate, CandidateFate::Wanted(_));
        if statements.is_empty() && !candidates.iter().any(is_wanted) {
            return Ok(());
        }
        let session = WriteSession::begin(&self.registry.store)?;
        let mut salts = Vec::new();
        for _ in candidates {
            let salt: [u8; 16] = host::random().map_err(Error::Random)?;
            salts.push(salt);
        }
        session.commit(|tables, entries| {
            for statement in statements {
                if catalog::put_statement(tables, statement)? {
                    entries.push(Entry {
                        kind: BlobKind::Statement,
                        bytes: statement.encode().to_vec(),
                        flags: Flags::default(),
                    });
                }
            }
            for (c, salt) in candidates.iter().zip(salts) {
                let CandidateFate::Wanted(admitted) = &c.fate else {
                    continue;
                };
                let held = catalog::of_register(tables, admitted.manifest(), admitted.origin())?;
                // A private dataset stays private, and the mark for local origin stays.
                let flags = held.as_ref().map_or(c.listed.dataset.flags, |h| h.flags);
                let merged = sign::publish(tables, entries, admitted, flags)?;
                if let (Merged::Replaced(_), Some(held)) = (merged, held) {
                    sign::retire(entries, salt, &held);
                }
            }
            Ok(())
        })
    }
}

/// Refuses a dataset that is far larger than the bytes sent for it, unless a person agrees.
fn refuse_large(
    store: &BlobReader,
    candidates: &mut [Candidate],
    free_data_bytes: u64,
    options: &ImportOptions<'_>,
) -> Result<(), Error> {
    if options.allow_large {
        return Ok(());
    }
    let mut repeated = RepeatedBytes::new(free_data_bytes);
    for c in candidates {
        if !matches!(c.fate, CandidateFate::Wanted(_)) {
            continue;
        }
        let manifest = c.verified.manifest();
        let Some(beyond) = repeated.add(store, manifest)? else {
            continue;
        };
        if !options.ask_large.is_some_and(|ask| ask(&c.listed, beyond)) {
            c.fate = CandidateFate::TooLarge(beyond);
        }
    }
    Ok(())
}

/// Applies the policy, and asks a person if the policy requires it.
fn admit(
    listed: &Listed,
    verified: VerifiedManifest,
    options: &ImportOptions<'_>,
) -> Result<Admitted, String> {
    if let Some(reason) = &listed.withdrawn {
        return Err(format!("withdrawn by its publisher: {reason}"));
    }
    if options.require_signature {
        let decision = listed.decide(Action::Require);
        if decision.verdict != Verdict::Accept {
            return Err(listed.with_revocation(decision.reason).into_owned());
        }
    }
    let signer = listed.dataset.manifest.signer;
    let is_asked_about = listed.decide(Action::Import).verdict == Verdict::Ask;
    let agrees = || {
        signer.is_some_and(|k| options.accept_publishers.contains(&k))
            || options.ask.is_some_and(|ask| ask(listed))
    };
    let consent = if is_asked_about && agrees() {
        Consent::Given
    } else {
        Consent::NotAsked
    };
    let admitted = Admitted::admit(verified, &listed.policy_input, Action::Import, consent);
    admitted.map_err(|reason| listed.with_revocation(reason).into_owned())
}

fn outcome(candidate: Candidate) -> ImportOutcome {
    let m = candidate.verified.manifest();
    let dataset = format!("{}@{}", m.name, m.dataset_version);
    match candidate.fate {
        CandidateFate::Wanted(_) => ImportOutcome::Imported(Box::new(candidate.listed)),
        CandidateFate::AlreadyHere => ImportOutcome::AlreadyHere(Box::new(candidate.listed)),
        CandidateFate::Older => ImportOutcome::Older(Box::new(candidate.listed)),
        CandidateFate::Refused(reason) => ImportOutcome::Refused(Refusal {
            dataset,
            reason,
            expansion: None,
        }),
        CandidateFate::TooLarge(expansion) => ImportOutcome::Refused(Refusal {
            dataset,
            reason: expansion.reason(),
            expansion: Some(expansion),
        }),
    }
}
