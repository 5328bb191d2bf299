//! The check: reads an archive to its end, and refuses it for the reasons, in the order and in the
//! words of an import.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::archive::EntryReader;
use crate::archive::RecentBlobs;
use crate::archive::take_tree;
use crate::archive_check::blobs::ArchiveBlobs;
use crate::archive_check::content::ArchiveFile;
use crate::archive_check::content::ContentPass;
use crate::archive_check::content::Places;
use crate::archive_check::error::CheckError;
use crate::archive_check::expansion::Expansion;
use crate::archive_check::expansion::RepeatedBytes;
use crate::archive_check::expansion::distinct_needed;
use crate::archive_check::frames::Frames;
use crate::archive_check::intake::Intake;
use crate::archive_check::open::check_volume;
use crate::archive_check::open::refuse_bases;
use crate::archive_check::preamble::read_header;
use crate::archive_check::preamble::read_manifests;
use crate::archive_check::preamble::read_statements;
use crate::archive_check::standing::Standing;
use crate::clock::Timestamp;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::manifest::distinct_bytes;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::trust::Consent;
use crate::trust::Statement;
use crate::trust::TrustFile;
use crate::trust::TrustStore;
use crate::trust::VerifiedManifest;
use crate::wire::limits::EXPANSION_FREE_BYTES;

/// Outcome for one dataset of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The dataset is intact, and the trust settings admit it.
    Intact,
    /// The dataset is refused for this reason.
    Refused(String),
    /// The dataset is far larger than the bytes sent for it.
    TooLarge(Expansion),
}

impl Outcome {
    /// Returns the reason of a refusal.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Intact => None,
            Self::Refused(reason) => Some(reason.clone()),
            Self::TooLarge(expansion) => Some(expansion.reason()),
        }
    }
}

/// A dataset of a checked archive.
pub struct CheckedDataset {
    /// The outcome.
    pub outcome: Outcome,
    /// The files, if the dataset is intact.
    pub table: FileTable,
    places: Arc<Places>,
}

/// An archive that was read to its end.
pub struct CheckedArchive {
    /// Its datasets, in the order of the header.
    pub datasets: Vec<CheckedDataset>,
    frames: Arc<Frames>,
}

impl CheckedArchive {
    /// Opens a file of an intact dataset; `None` if there is no such file.
    pub fn file(&self, dataset: usize, path: &str) -> Option<ArchiveFile> {
        let dataset = self.datasets.get(dataset)?;
        let mut files = dataset.table.with_offsets();
        let (start, file) = files.find(|(_, file)| file.path == path)?;
        Some(ArchiveFile {
            frames: Arc::clone(&self.frames),
            places: Arc::clone(&dataset.places),
            start,
            bytes: file.size_bytes,
        })
    }
}

/// The trust settings of a check.
#[derive(Clone, Debug)]
pub struct TrustSettings {
    /// The publishers that the user knows.
    pub file: TrustFile,
    /// Statements of publishers that are held.
    pub statements: Vec<Statement>,
    /// The present time.
    pub now: Timestamp,
    /// True if a person agreed to what the policy asks about.
    pub has_consent: bool,
}

impl TrustSettings {
    /// Makes settings that know no publisher.
    pub fn new(now: Timestamp) -> Self {
        Self {
            file: TrustFile::default(),
            statements: Vec::new(),
            now,
            has_consent: false,
        }
    }

    /// Returns the settings after further statements apply.
    pub fn with(&self, statements: &[Statement]) -> TrustStore {
        let held = [self.statements.as_slice(), statements].concat();
        TrustStore::new(self.file.clone(), &held, self.now)
    }
}

/// A dataset before its trees are read.
struct Candidate {
    manifest: Manifest,
    publisher: Option<String>,
    outcome: Outcome,
}

impl Candidate {
    fn new(trust: &TrustStore, verified: VerifiedManifest, consent: Consent) -> Self {
        let standing = Standing::of(trust, &verified);
        let manifest = verified.manifest().clone();
        Self {
            publisher: standing.publisher(),
            outcome: match standing.admit(verified, consent) {
                Ok(()) => Outcome::Intact,
                Err(reason) => Outcome::Refused(reason),
            },
            manifest,
        }
    }
}

/// Reads an archive to its end with all checks of an import into an empty registry.
///
/// # Errors
/// [`CheckError`] with the reason. A dataset that trust refuses is an outcome and no error.
pub fn check_archive(
    source: Arc<dyn ReadAt>,
    name: &str,
    settings: &TrustSettings,
    progress: &dyn Progress,
) -> Result<CheckedArchive, CheckError> {
    check_volume(&*source, name)?;
    let frames = Arc::new(Frames::new(source));
    let mut in_order = frames.in_order();
    let mut next = || in_order.next_piece();
    let mut reader = EntryReader::new(&mut next);
    let header = read_header(&mut reader)?;
    refuse_bases(&header)?;
    let trust = settings.with(&read_statements(&mut reader)?);
    let consent = match settings.has_consent {
        true => Consent::Given,
        false => Consent::NotAsked,
    };
    let mut candidates = Vec::new();
    for (verified, _) in read_manifests(&mut reader, &header)? {
        candidates.push(Candidate::new(&trust, verified, consent));
    }
    let outcomes = check_data(&frames, &mut reader, &candidates, progress)?;
    let datasets = candidates.into_iter().zip(outcomes);
    let datasets = datasets.map(|(c, checked)| {
        checked.unwrap_or_else(|| CheckedDataset {
            outcome: c.outcome,
            table: FileTable::default(),
            places: Arc::default(),
        })
    });
    let datasets = datasets.collect();
    Ok(CheckedArchive { datasets, frames })
}

/// Reads the trees up to those of the last admitted dataset, and checks the admitted ones.
fn check_data(
    frames: &Frames,
    reader: &mut EntryReader<'_>,
    candidates: &[Candidate],
    progress: &dyn Progress,
) -> Result<Vec<Option<CheckedDataset>>, CheckError> {
    let is_wanted = |c: &Candidate| c.outcome == Outcome::Intact;
    let Some(last) = candidates.iter().rposition(is_wanted) else {
        return Ok(Vec::from_iter(candidates.iter().map(|_| None)));
    };
    let tables: Vec<OnceCell<FileTable>> = candidates.iter().map(|_| OnceCell::new()).collect();
    let sizes = candidates.iter().map(|c| c.manifest.size_bytes);
    progress.phase("verifying", Some(sizes.fold(0, u64::saturating_add)));
    let blobs = ArchiveBlobs {
        frames,
        nodes: HashMap::new(),
        chunks: HashMap::new(),
    };
    let mut intake = Intake::new(blobs, reader.next_at(), progress);
    let mut recent = RecentBlobs::default();
    for (n, (c, table)) in candidates.iter().zip(&tables).take(last + 1).enumerate() {
        let m = &c.manifest;
        intake.current = None;
        let root = m.file_table_root;
        take_tree(reader, &mut intake, &mut recent, root, m.file_table_bytes)?;
        intake.flush()?;
        let is_early = is_wanted(c) && is_read_early(&intake.blobs, m)?;
        let pass = is_early.then(|| ContentPass::begin(&intake.blobs, m, table));
        intake.passes.push(pass);
        intake.current = Some(n);
        let root = m.chunk_tree_root;
        take_tree(reader, &mut intake, &mut recent, root, m.size_bytes)?;
    }
    if last + 1 == candidates.len() {
        reader.end()?;
    }
    intake.flush()?;
    let (blobs, mut passes) = (intake.blobs, intake.passes.into_iter());
    let mut repeated = RepeatedBytes::new(EXPANSION_FREE_BYTES);
    let mut expansions = Vec::new();
    for c in candidates {
        expansions.push(match is_wanted(c) {
            true => repeated.add(&blobs, &c.manifest)?,
            false => None,
        });
    }
    let mut checked = Vec::new();
    for ((c, expansion), slot) in candidates.iter().zip(expansions).zip(&tables) {
        let pass = passes.next().flatten();
        checked.push(match expansion {
            Some(expansion) => Some(CheckedDataset {
                outcome: Outcome::TooLarge(expansion),
                table: FileTable::default(),
                places: Arc::default(),
            }),
            None if !is_wanted(c) => None,
            None => {
                let pass = pass.unwrap_or_else(|| ContentPass::begin(&blobs, &c.manifest, slot));
                let places = pass.and_then(|pass| pass.finish(&blobs, &|| progress.cancelled()));
                Some(CheckedDataset {
                    outcome: Outcome::Intact,
                    places: Arc::new(places.map_err(|e| e.of_signer(c.publisher.clone()))?),
                    table: slot.get().cloned().unwrap_or_default(),
                })
            }
        });
    }
    Ok(checked)
}

/// Returns true if the file table does not repeat itself, so that it can be read before the data.
fn is_read_early(blobs: &ArchiveBlobs<'_>, m: &Manifest) -> Result<bool, CheckError> {
    let needed = distinct_needed(m.file_table_bytes);
    let is_small = m.file_table_bytes <= EARLY_TABLE_BYTES;
    Ok(is_small || distinct_bytes(blobs, m.file_table_root, needed)? >= needed)
}

/// Bytes of a file table that is read early whatever it repeats.
const EARLY_TABLE_BYTES: u64 = 1 << 20;
