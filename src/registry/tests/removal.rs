//! Power cuts before many changes of a run that removes, keeps, restores and collects a dataset. It
//! must be held or restorable as reported, and its version number never goes to other content.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::Reference;
use crate::progress::NoProgress;
use crate::registry::Error;
use crate::registry::GcOptions;
use crate::registry::IndexOptions;
use crate::registry::LocalRegistry;
use crate::registry::RestoreReport;
use crate::registry::error::dataset::DatasetError;
use crate::store::disk::io::sim::SimDisk;
use crate::testing::Random;

/// Last reported state of the one dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Here,
    Restorable,
    GivenUp,
}

struct Trial<'a> {
    disk: &'a SimDisk,
    /// States that are valid if the power is cut now: the reported one, and the one in progress.
    may_be: Vec<Told>,
}

fn open(disk: &SimDisk) -> LocalRegistry {
    LocalRegistry::on(Arc::new(disk.clone())).unwrap()
}

fn reference() -> Reference {
    "a@1.0.0".parse().unwrap()
}

fn index(registry: &LocalRegistry, path: &Path) -> Result<(), Error> {
    let options = IndexOptions {
        name: "a".parse().ok(),
        version: "1.0.0".parse().ok(),
        ..IndexOptions::default()
    };
    registry.index(path, &options, &NoProgress).map(drop)
}

fn gc(registry: &LocalRegistry, keep_days: u32) -> Result<(), Error> {
    let options = GcOptions {
        patience: Duration::ZERO,
        keep_days,
        ..GcOptions::default()
    };
    let report = registry.maintenance().gc(&options, &NoProgress)?;
    assert_eq!(report.deferred, None);
    Ok(())
}

fn restore(registry: &LocalRegistry) -> Result<RestoreReport, Error> {
    registry.removal().restore(&reference(), false)
}

impl Trial<'_> {
    fn step(
        &mut self,
        then: Told,
        work: &dyn Fn(&LocalRegistry) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.may_be.push(then);
        work(&LocalRegistry::on(Arc::new(self.disk.clone()))?)?;
        self.may_be = vec![then];
        Ok(())
    }

    fn run(&mut self, path: &Path) -> Result<(), Error> {
        let unindex = |r: &LocalRegistry| r.removal().unindex_reference(&reference()).map(drop);
        self.step(Told::Here, &|r| index(r, path))?;
        self.step(Told::Restorable, &unindex)?;
        self.step(Told::Restorable, &|r| gc(r, 7))?;
        self.step(Told::Here, &|r| restore(r).map(drop))?;
        self.step(Told::Restorable, &unindex)?;
        self.step(Told::GivenUp, &|r| gc(r, 0))?;
        self.step(Told::GivenUp, &|r| gc(r, 0))
    }
}

/// Determines the state, and checks that it is valid.
fn check(disk: &SimDisk, may_be: &[Told], (content, other): (&Path, &Path), at: &str) {
    let registry = open(disk);
    let listed = registry.list().unwrap();
    let is_here = !listed.is_empty();
    let restored = restore(&registry);
    let found = match &restored {
        _ if is_here => Told::Here,
        Ok(_) => Told::Restorable,
        Err(Error::Dataset(DatasetError::NotRemoved(_))) => Told::Nothing,
        Err(Error::Dataset(DatasetError::Collected(_))) => Told::GivenUp,
        Err(e) => panic!("{at}: {e}"),
    };
    assert!(
        may_be.contains(&found),
        "{at}: {found:?} and not {may_be:?}"
    );
    for dataset in registry.list().unwrap() {
        let mut bytes = Vec::new();
        let read = registry.cat(&dataset, None, &mut bytes, &NoProgress);
        read.unwrap_or_else(|e| panic!("{at}: {e}"));
        assert!(bytes == std::fs::read(content).unwrap(), "{at}");
    }
    let report = registry.maintenance().fsck(&NoProgress).unwrap();
    assert!(
        report.missing.is_empty() && report.corrupt.is_empty(),
        "{at}: {report:?}"
    );
    if found != Told::Nothing {
        let given = index(&registry, other).unwrap_err();
        assert_eq!(given.kind(), ErrorKind::Conflict, "{at}: {given}");
    }
}

#[test]
fn removed_dataset_and_its_number_outlive_power_cuts() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random::new(3);
    let mut write = |name: &str| -> PathBuf {
        let path = dir.path().join(name);
        let lines = (0..200).map(|n| format!("{{\"n\":{n},\"t\":{}}}\n", random.below(1 << 40)));
        std::fs::write(&path, lines.collect::<String>()).unwrap();
        path
    };
    let (content, other) = (write("content"), write("other"));
    let whole = SimDisk::default();
    let mut trial = Trial {
        disk: &whole,
        may_be: vec![Told::Nothing],
    };
    trial.run(&content).unwrap();
    let changes = whole.changes();
    assert!(changes > 60, "{changes}");
    // Every seventh change, because the steps of a commit fall on different numbers in each of the
    // seven commands.
    for cut in (4..changes).step_by(7) {
        let disk = SimDisk::default();
        disk.cut_power_at(cut);
        let mut trial = Trial {
            disk: &disk,
            may_be: vec![Told::Nothing],
        };
        let ended = trial.run(&content);
        let may_be = trial.may_be;
        let mut random = Random::new(cut);
        let rebooted = disk.after_power_cut(&mut random);
        let packs_only = rebooted.after_power_cut(&mut random);
        let at = format!("cut before change {cut} of {changes} ({ended:?})");
        check(&rebooted, &may_be, (&content, &other), &at);
        // Without an index, the packs record the removal but not the collection. Intact datasets
        // can be restored.
        packs_only.remove_file("registry.redb");
        let mut packs_say = may_be;
        if packs_say.contains(&Told::GivenUp) {
            packs_say.push(Told::Restorable);
        }
        let at = format!("{at}, index rebuilt");
        check(&packs_only, &packs_say, (&content, &other), &at);
    }
}
