//! Reading archives. Signatures come first, then every blob is checked as it comes, then every
//! file's hash; only then anything is visible, and then all of it at once.

use std::sync::mpsc;

use crate::archive::EntryReader;
use crate::archive::Recent;
use crate::archive::decompress_frame;
use crate::archive::read_frame;
use crate::archive::take_tree;
use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::Merged;
use crate::ident::ContentId;
use crate::ident::PublisherKey;
use crate::manifest::Manifest;
use crate::manifest::Rank;
use crate::pack::Flags;
use crate::progress::NoProgress;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::archives::dry_run::Rehearsal;
use crate::registry::archives::dry_run::Rehearsed;
use crate::registry::archives::encryption::Openers;
use crate::registry::archives::import_pipeline::with_intake;
use crate::registry::archives::input::Parcel;
use crate::registry::archives::input::opened_parcels;
use crate::registry::archives::preamble::read_header;
use crate::registry::archives::preamble::read_manifests;
use crate::registry::archives::preamble::read_statements;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::integrity::claims::accuse;
use crate::registry::integrity::expansion::Expansion;
use crate::registry::integrity::expansion::Repeated;
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

/// Asks a person whether a dataset may come in.
pub type Ask<'a> = dyn Fn(&Listed) -> bool + 'a;
/// Asks a person whether a dataset may be so much larger than what was sent for it.
pub type AskLarge<'a> = dyn Fn(&Listed, Expansion) -> bool + 'a;

/// How to import.
#[derive(Default)]
pub struct ImportOptions<'a> {
    /// Take only what a publisher trusted in full has signed.
    pub require_signature: bool,
    /// Only look what would happen.
    pub dry_run: bool,
    /// What archives that were looked at with these options would have brought.
    pub rehearsal: Rehearsal,
    /// Publishers that need not be asked about this time.
    pub accept_publishers: Vec<PublisherKey>,
    /// What opens encrypted archives.
    pub openers: Openers,
    /// Where there is a person to be asked.
    pub ask: Option<&'a Ask<'a>>,
    /// Take datasets however much larger they are than what was sent for them.
    pub allow_large: bool,
    /// Where there is a person to be asked about that.
    pub ask_large: Option<&'a AskLarge<'a>>,
}

/// What became of one dataset in an archive.
#[derive(Clone, Debug)]
pub enum ImportOutcome {
    /// It is here now.
    Imported(Box<Listed>),
    /// It was here, just so.
    AlreadyHere(Box<Listed>),
    /// A later revision of it is here, and stays.
    Older(Box<Listed>),
    /// It may not come in.
    Refused(Refusal),
}

/// Why a dataset may not come in.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// `name@version`, as its manifest says.
    pub dataset: String,
    /// Why.
    pub reason: String,
    /// How large it is, where that is why.
    pub expansion: Option<Expansion>,
}

/// What became of an archive.
#[derive(Clone, Debug)]
pub struct ImportReport {
    /// Dataset by dataset.
    pub outcomes: Vec<ImportOutcome>,
    /// Chunks that were not here before.
    pub new_chunks: u64,
    /// Their bytes.
    pub new_bytes: u64,
}

/// A dataset in an archive, before its trees are read.
struct Candidate {
    verified: VerifiedManifest,
    card: Option<Vec<u8>>,
    listed: Listed,
    fate: Fate,
}

enum Fate {
    Wanted(Box<Admitted>),
    AlreadyHere,
    Older,
    Refused(String),
    TooLarge(Expansion),
}

impl LocalRegistry {
    /// Imports an archive.
    ///
    /// # Errors
    /// [`Error::Archive`] naming what is wrong with it, [`Error::BaseMissing`]; nothing of it is
    /// visible then. Datasets that trust refuses are no error but an outcome.
    pub fn import(
        &self,
        parcel: &Parcel,
        options: &ImportOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<ImportReport, Error> {
        let _step = Step::begin("import", parcel.path().display());
        progress.phase("checking", None);
        parcel.check(&options.openers)?;
        let mut file = parcel.open(&options.openers)?;
        let (sender, pieces) = mpsc::sync_channel(3);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                loop {
                    let piece = read_frame(&mut file);
                    let piece = piece.and_then(|f| f.map(|f| decompress_frame(&f)).transpose());
                    let goes_on = matches!(piece, Ok(Some(_)));
                    // Nobody listens any more when the import has ended.
                    if sender.send(piece).is_err() || !goes_on {
                        return;
                    }
                }
            });
            let mut next = || pieces.recv().unwrap_or(Ok(None));
            let mut reader = EntryReader::new(&mut next);
            let done = self.import_entries(&mut reader, options, progress);
            // The other thread may be waiting for somebody to take a piece.
            drop(pieces);
            done
        })
    }

    /// Imports every archive in a directory; what was imported, or was here already.
    ///
    /// # Errors
    /// The first error, after all of them were tried.
    pub fn import_batch(&self, dir: &std::path::Path) -> Result<Vec<ContentId>, Error> {
        let (mut ids, mut first) = (Vec::new(), Ok(()));
        for parcel in opened_parcels(&[dir.to_owned()], &Openers::default())? {
            match self.import(&parcel, &ImportOptions::default(), &NoProgress) {
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
        let bases = self.bases(&header, &options.rehearsal)?;
        let statements = read_statements(reader)?;
        let trust = self.trust_with(&statements)?;
        let mut candidates = Vec::new();
        for (verified, card) in read_manifests(reader, &header)? {
            candidates.push(self.candidate(verified, card, &trust, options)?);
        }
        let last = candidates
            .iter()
            .rposition(|c| !matches!(c.fate, Fate::Refused(_)));
        // What comes in, and what of it was here and is needed by nothing yet, is not collected
        // before it is published.
        let _until_published = match options.dry_run {
            true => None,
            false => Some(BlobReader::new(&self.store)?),
        };
        let mut stats = crate::store::disk::SessionStats::default();
        if let (Some(last), false) = (last, options.dry_run) {
            let sizes = candidates.iter().map(|c| c.verified.manifest().size_bytes);
            let bytes = sizes.fold(0_u64, u64::saturating_add);
            progress.phase("importing", (header.base.is_empty()).then_some(bytes));
            // Nothing that comes in is collected while this lasts.
            let store = BlobReader::new(&self.store)?;
            let bases = match header.may_differ() {
                true => bases.as_slice(),
                false => &[],
            };
            stats = self.take(reader, (&store, bases), &candidates, last, progress)?;
            refuse_large(&store, &mut candidates, options)?;
            for c in candidates
                .iter()
                .filter(|c| matches!(c.fate, Fate::Wanted(_)))
            {
                let manifest = c.verified.manifest();
                self.verify_manifest(&store, manifest, progress)
                    .map_err(|e| accuse(e, c.listed.publisher()))?;
            }
        }
        if options.dry_run {
            let store = BlobReader::new(&self.store)?;
            if let Some(last) = last {
                let manifests = candidates.iter().map(|c| c.verified.manifest());
                let manifests = manifests.take(last + 1);
                let how = (last + 1 == candidates.len(), progress);
                let sources = (&store, bases.as_slice());
                stats = options.rehearsal.read(reader, sources, manifests, how)?;
            }
            for c in candidates
                .iter()
                .filter(|c| matches!(c.fate, Fate::Wanted(_)))
            {
                let id = c.verified.envelope().id();
                options.rehearsal.add(c.verified.manifest(), id);
            }
        }
        // Statements stand for themselves: they count also where the datasets do not come in.
        if !options.dry_run {
            self.publish_imported(&candidates, &statements)?;
        }
        Ok(ImportReport {
            outcomes: candidates.into_iter().map(outcome).collect(),
            new_chunks: stats.new_chunks,
            new_bytes: stats.new_bytes,
        })
    }

    /// What is believed once the archive's statements are.
    fn trust_with(&self, statements: &[Statement]) -> Result<TrustStore, Error> {
        let mut held = self
            .store
            .read(|t| Ok::<_, Error>(catalog::statements(t)?))?;
        held.extend_from_slice(statements);
        Ok(TrustStore::new(self.read_trust_file()?, &held, host::now()))
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
        let same = self.store.read(|t| {
            // What was made here may say the same, or more.
            let here = catalog::made_here(t, &manifest, Origin::Elsewhere)?.filter(counts);
            Ok::<_, Error>(match here {
                Some(here) => Some(here),
                None => catalog::of_register(t, &manifest, Origin::Elsewhere)?.filter(counts),
            })
        })?;
        // One whose bytes were lost is healed by reading them again.
        if let Some(held) = same
            && self.is_complete(&held)?
        {
            let fate = match held.envelope_id == envelope_id {
                true => Fate::AlreadyHere,
                false => Fate::Older,
            };
            return Ok(Candidate {
                listed: Self::listed(trust, held),
                fate,
                verified,
                card,
            });
        }
        let listed = Self::listed_elsewhere(trust, &verified);
        let rehearsed = match options.rehearsal.rank(&manifest, envelope_id) {
            Rehearsed::New => None,
            Rehearsed::Same => Some(Fate::AlreadyHere),
            Rehearsed::Older => Some(Fate::Older),
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
            Ok(admitted) => Fate::Wanted(Box::new(admitted)),
            Err(reason) => Fate::Refused(reason),
        };
        Ok(Candidate {
            verified,
            card,
            listed,
            fate,
        })
    }

    /// Reads the trees up to those of the last dataset that is not refused. All of them are checked,
    /// also what is here already, and kept: later ones may share their chunks; a collection takes
    /// what nobody needs.
    fn take(
        &self,
        reader: &mut EntryReader<'_>,
        (store, bases): (&BlobReader, &[Manifest]),
        candidates: &[Candidate],
        last: usize,
        progress: &dyn Progress,
    ) -> Result<crate::store::disk::SessionStats, Error> {
        let session = WriteSession::begin(&self.store)?;
        let mut recent = Recent::default();
        let resembling = SimilarityIndex::open(&self.store)?;
        with_intake(&session, &resembling, (store, bases), progress, |intake| {
            for c in candidates.iter().take(last + 1) {
                let m = c.verified.manifest();
                let table = m.file_table_root;
                take_tree(reader, intake, &mut recent, table, m.file_table_bytes)?;
                // Damage to the one must not be damage to the other.
                intake.hand_on();
                let data = m.chunk_tree_root;
                take_tree(reader, intake, &mut recent, data, m.size_bytes)?;
            }
            if last + 1 == candidates.len() {
                reader.end()?;
            }
            Ok(())
        })?;
        for c in candidates
            .iter()
            .filter(|c| matches!(c.fate, Fate::Wanted(_)))
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
        let is_wanted = |c: &Candidate| matches!(c.fate, Fate::Wanted(_));
        if statements.is_empty() && !candidates.iter().any(is_wanted) {
            return Ok(());
        }
        let session = WriteSession::begin(&self.store)?;
        let mut salts = Vec::new();
        for _ in candidates {
            let salt: [u8; 16] = host::random().map_err(|e| Error::file("seed", self.home(), e))?;
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
                let Fate::Wanted(admitted) = &c.fate else {
                    continue;
                };
                let held = catalog::of_register(tables, admitted.manifest(), admitted.origin())?;
                // Private stays private, and made here stays made here.
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

/// Refuses what is far larger than what was sent for it, unless a person agrees.
fn refuse_large(
    store: &BlobReader,
    candidates: &mut [Candidate],
    options: &ImportOptions<'_>,
) -> Result<(), Error> {
    if options.allow_large {
        return Ok(());
    }
    let mut repeated = Repeated::default();
    for c in candidates {
        if !matches!(c.fate, Fate::Wanted(_)) {
            continue;
        }
        let manifest = c.verified.manifest();
        let Some(beyond) = repeated.add(store, manifest)? else {
            continue;
        };
        if !options.ask_large.is_some_and(|ask| ask(&c.listed, beyond)) {
            c.fate = Fate::TooLarge(beyond);
        }
    }
    Ok(())
}

/// Asks the policy, and a person where it says so.
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
    let consent = match is_asked_about && agrees() {
        true => Consent::Given,
        false => Consent::NotAsked,
    };
    let admitted = Admitted::let_in(verified, &listed.standing, Action::Import, consent);
    admitted.map_err(|reason| listed.with_revocation(reason).into_owned())
}

fn outcome(candidate: Candidate) -> ImportOutcome {
    let m = candidate.verified.manifest();
    let dataset = format!("{}@{}", m.name, m.dataset_version);
    match candidate.fate {
        Fate::Wanted(_) => ImportOutcome::Imported(Box::new(candidate.listed)),
        Fate::AlreadyHere => ImportOutcome::AlreadyHere(Box::new(candidate.listed)),
        Fate::Older => ImportOutcome::Older(Box::new(candidate.listed)),
        Fate::Refused(reason) => ImportOutcome::Refused(Refusal {
            dataset,
            reason,
            expansion: None,
        }),
        Fate::TooLarge(expansion) => ImportOutcome::Refused(Refusal {
            dataset,
            reason: expansion.reason(),
            expansion: Some(expansion),
        }),
    }
}
