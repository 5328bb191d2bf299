//! Loads from sources: the newest good partition, built aside while the old rows are served.

use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::error_kind::message_with_causes;
use crate::features::build::BuildOptions;
use crate::features::build::BuildReport;
use crate::features::build::build_segment;
use crate::features::error::FeatureError;
use crate::features::segment::Origin;
use crate::features::serving::directory::Root;
use crate::features::serving::directory::SEGMENT;
use crate::features::serving::directory::UNCHECKED;
use crate::features::serving::fingerprint::fingerprint;
use crate::features::serving::slot::Rows;
use crate::features::serving::slot::Segment;
use crate::features::serving::slot::Slot;
use crate::features::serving::slot::Work;
use crate::features::serving::state::LoadReport;
use crate::features::source::Listing;
use crate::features::source::Partition;
use crate::features::source::PartitionSource;
use crate::ident::to_hex;
use crate::locks::lock;
use crate::progress::Progress;

/// Number of partitions whose reasons an error lists.
const REASONS_MAX: usize = 5;

/// One load of a table.
pub(super) struct Load<'a> {
    pub(super) slot: &'a Slot,
    pub(super) root: &'a Root,
    pub(super) source: &'a dyn PartitionSource,
    /// True to build a segment even if there is one of the same files.
    pub(super) force: bool,
    pub(super) now: i64,
    pub(super) progress: &'a dyn Progress,
}

/// The outcome of a look at a source.
enum Outcome {
    /// The rows of before stay.
    Unchanged,
    /// Other rows are served.
    Loaded(BuildReport),
}

impl Load<'_> {
    /// Looks at the source, and loads what is new.
    pub(super) fn run(&self) -> Result<LoadReport, FeatureError> {
        let mut work = lock(&self.slot.work);
        let busy = self.slot.begin();
        let mut refused = Vec::new();
        let done = self.source.partitions().and_then(|listing| {
            let outcome = self.newest_good(&listing, &mut work, &mut refused);
            outcome.map(|outcome| (outcome, listing))
        });
        drop(busy);
        let (outcome, listing) = match done {
            Ok(done) => done,
            Err(e) => {
                self.slot
                    .note_look(self.now, false, Some(message_with_causes(&e)));
                return Err(e);
            }
        };
        let failure = refused.first().map(|(name, why)| format!("{name}: {why}"));
        self.slot.note_look(self.now, true, failure);
        refused.extend(self.newer_than_loaded(listing));
        refused.sort_by(|a, b| by_age(&b.0, &a.0));
        let (is_unchanged, built) = match outcome {
            Outcome::Unchanged => (true, BuildReport::default()),
            Outcome::Loaded(built) => (false, built),
        };
        Ok(LoadReport {
            is_unchanged,
            state: self.slot.state(),
            duplicates: built.duplicates,
            null_keys: built.null_keys,
            left_out: built.left_out,
            refused,
        })
    }

    /// Goes from the newest partition to the oldest until one is good.
    fn newest_good(
        &self,
        listing: &Listing,
        work: &mut Work,
        refused: &mut Vec<(String, String)>,
    ) -> Result<Outcome, FeatureError> {
        let rows = self.slot.rows();
        let loaded = rows.as_ref().and_then(|rows| rows.segments.first());
        let loaded = loaded.map(|segment| segment.table.origin());
        let marks: Vec<String> = listing
            .partitions
            .iter()
            .map(|partition| fingerprint(&self.slot.hash, partition))
            .collect();
        work.refused.retain(|mark, _| marks.contains(mark));
        let named = loaded.and_then(|origin| origin.partition.as_deref());
        let place = listing
            .partitions
            .iter()
            .position(|p| Some(p.name.as_str()) == named);
        for (at, (partition, mark)) in listing.partitions.iter().zip(&marks).enumerate() {
            if self.progress.cancelled() {
                return Err(FeatureError::Interrupted);
            }
            let is_loaded = loaded.is_some_and(|origin| origin.fingerprint == *mark);
            if is_loaded && !self.is_forced() {
                if !self.settle(rows.as_deref())? {
                    return Ok(Outcome::Unchanged);
                }
                self.slot.set_damaged();
            }
            // Rows of a partition that was rewritten and is bad now are still better than older ones.
            if !refused.is_empty() && place.is_some_and(|place| place <= at) && !is_loaded {
                return Ok(Outcome::Unchanged);
            }
            if let Some(why) = work.refused.get(mark).filter(|_| !self.force) {
                refused.push((partition.name.clone(), why.clone()));
                continue;
            }
            match self.load(partition, mark) {
                Ok(built) => return Ok(Outcome::Loaded(built)),
                // Faults of this machine are not those of the partition.
                Err(e @ (FeatureError::File { .. } | FeatureError::Interrupted)) => return Err(e),
                Err(e) => {
                    let why = message_with_causes(&e);
                    if is_lasting(e.kind()) {
                        work.refused.insert(mark.clone(), why.clone());
                    }
                    refused.push((partition.name.clone(), why));
                }
            }
        }
        let reasons = refused.iter().chain(&listing.others);
        let reasons: Vec<String> = reasons
            .take(REASONS_MAX)
            .map(|(name, why)| format!("{name}: {why}"))
            .collect();
        Err(FeatureError::NoPartition {
            place: self.source.place(),
            why: match reasons.is_empty() {
                true => "it has no directory such as `2024-01-05`".to_owned(),
                false => reasons.join("; "),
            },
        })
    }

    /// Loads one partition: opens the segment that an earlier load made of it, or makes one.
    fn load(&self, partition: &Partition, mark: &str) -> Result<BuildReport, FeatureError> {
        let directory = &self.slot.directory;
        let name = format!("{mark}{SEGMENT}");
        let open = || Segment::open(self.slot, &name)?.settled();
        let kept = match self.is_forced() {
            true => None,
            false => open().ok(),
        };
        let (segment, built) = match kept {
            Some(kept) => {
                let (duplicates, null_keys) = kept.table.left_out();
                let built = BuildReport {
                    duplicates,
                    null_keys,
                    ..BuildReport::default()
                };
                (kept, built)
            }
            None => {
                let built = self.build(partition, mark, &name)?;
                (open()?, built)
            }
        };
        directory.set_current(&name)?;
        self.slot.serve(Rows::of(segment));
        // Readers of the old file keep it until they are done.
        self.root.alone(|| directory.clean(&|other| other == name));
        Ok(built)
    }

    /// Returns true to read files again that are loaded already. Damaged rows are as good as none.
    fn is_forced(&self) -> bool {
        self.force || self.slot.is_damaged()
    }

    /// Gives the rows of a restart, which are in a map, the memory that they shall be in. This reads and checks all of
    /// them. Returns true if they are damaged.
    fn settle(&self, rows: Option<&Rows>) -> Result<bool, FeatureError> {
        let segment = rows.and_then(|rows| rows.segments.first());
        let Some(segment) = segment.filter(|segment| !segment.is_settled) else {
            return Ok(false);
        };
        match segment.clone().settled() {
            Ok(settled) => {
                self.slot.serve(Rows::of(settled));
                Ok(false)
            }
            Err(FeatureError::Damaged { .. }) => Ok(true),
            Err(e) => Err(e),
        }
    }

    /// Builds a segment. It gets its name when the files turn out to be those of the list until the end.
    fn build(
        &self,
        partition: &Partition,
        mark: &str,
        name: &str,
    ) -> Result<BuildReport, FeatureError> {
        let (config, directory) = (&self.slot.config, &self.slot.directory);
        directory.make()?;
        let inputs = self.source.open(partition)?;
        let mut options = BuildOptions::new(&config.key);
        options.columns.clone_from(&config.columns);
        options.timestamp.clone_from(&config.timestamp);
        options.parts = config.parts;
        options.origin = Origin {
            table: config.name.clone(),
            partition: Some(partition.name.clone()),
            content_id: partition.content_id.clone(),
            publisher: partition.publisher.clone(),
            fingerprint: mark.to_owned(),
            loaded_at: self.now,
        };
        let path = directory.file(&format!("{mark}-{}{UNCHECKED}", noise()?));
        let built = build_segment(&path, &inputs, &options, self.progress);
        let built = built.and_then(|built| {
            if built.rows == 0 {
                // It would take the rows away that are served.
                return Err(FeatureError::Mismatch {
                    file: partition.name.clone(),
                    why: "it has no rows".to_owned(),
                });
            }
            self.source.check(partition)?;
            directory.rename(&path, name)?;
            Ok(built)
        });
        if built.is_err() {
            let _ = std::fs::remove_file(&path);
        }
        built
    }

    /// Returns the partitions that are not complete and newer than the one that is loaded.
    fn newer_than_loaded(&self, listing: Listing) -> Vec<(String, String)> {
        let rows = self.slot.rows();
        let loaded = rows.as_ref().and_then(|rows| rows.segments.first());
        let loaded = loaded.and_then(|segment| segment.table.origin().partition.clone());
        let mut others = listing.others;
        others.retain(|(name, _)| {
            let loaded = loaded.as_ref();
            loaded.is_none_or(|loaded| by_age(name, loaded).is_gt())
        });
        others
    }
}

/// Returns true for faults that last until the files change.
fn is_lasting(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Integrity | ErrorKind::Invalid | ErrorKind::Unsupported
    )
}

/// Returns a text that no other load has, for the name of its file.
fn noise() -> Result<String, FeatureError> {
    let mut noise = [0; 6];
    getrandom::fill(&mut noise).map_err(|e| FeatureError::Request(e.to_string()))?;
    Ok(to_hex(&noise))
}

/// Orders names of partitions: versions by their numbers, dates as texts.
fn by_age(a: &str, b: &str) -> std::cmp::Ordering {
    match (semver::Version::parse(a), semver::Version::parse(b)) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.cmp(b),
    }
}
