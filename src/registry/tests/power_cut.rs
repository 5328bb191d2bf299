//! Power cuts before every change that a run makes to the disk. Unsynced writes are dropped, torn
//! and reordered. Every reported result must survive, and nothing else may appear.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::ident::Reference;
use crate::progress::NoProgress;
use crate::registry::Error;
use crate::registry::GcOptions;
use crate::registry::GcReport;
use crate::registry::IndexOptions;
use crate::registry::LocalRegistry;
use crate::registry::integrity::rebuild;
use crate::store::disk::DiskStore;
use crate::store::disk::io::sim::SimDisk;
use crate::testing::Random;

/// Reported results, and the last unfinished request.
#[derive(Default)]
struct Expected {
    held: BTreeMap<String, PathBuf>,
    maybe: Option<(String, PathBuf)>,
}

struct Sources {
    _dir: tempfile::TempDir,
    old: PathBuf,
    new: PathBuf,
    other: PathBuf,
}

fn sources() -> Sources {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random::new(1);
    let mut lines: Vec<String> = (0..3000)
        .map(|n| format!("{{\"id\":{n},\"text\":\"{:x}\"}}\n", random.below(u64::MAX)))
        .collect();
    let write = |name: &str, lines: &[String]| {
        let path = dir.path().join(name);
        std::fs::write(&path, lines.concat()).unwrap();
        path
    };
    let old = write("old", &lines);
    lines[1500] = "{\"id\":-1}\n".to_owned();
    let new = write("new", &lines);
    lines.truncate(400);
    let other = write("other", &lines[100..]);
    Sources {
        _dir: dir,
        old,
        new,
        other,
    }
}

fn open(disk: &SimDisk) -> Result<LocalRegistry, Error> {
    let store = DiskStore::on(Arc::new(disk.clone()), &rebuild::refill)?;
    Ok(LocalRegistry::over(store))
}

fn index(
    disk: &SimDisk,
    expected: &mut Expected,
    reference: &str,
    path: &Path,
) -> Result<(), Error> {
    let (name, version) = reference.split_once('@').unwrap();
    let options = IndexOptions {
        name: Some(name.parse().unwrap()),
        version: Some(version.parse().unwrap()),
        ..IndexOptions::default()
    };
    expected.maybe = Some((reference.to_owned(), path.to_owned()));
    open(disk)?.index(path, &options, &NoProgress)?;
    expected.held.extend(expected.maybe.take());
    Ok(())
}

fn unindex(disk: &SimDisk, expected: &mut Expected, reference: &str) -> Result<(), Error> {
    expected.maybe = expected.held.remove_entry(reference);
    open(disk)?
        .removal()
        .unindex_reference(&reference.parse::<Reference>().unwrap())?;
    expected.maybe = None;
    Ok(())
}

fn gc(disk: &SimDisk) -> Result<(), Error> {
    let report = collect(disk)?;
    assert_eq!(report.deferred, None);
    Ok(())
}

fn collect(disk: &SimDisk) -> Result<GcReport, Error> {
    let options = GcOptions {
        patience: Duration::ZERO,
        keep_days: 0,
        ..GcOptions::default()
    };
    open(disk)?.maintenance().gc(&options, &NoProgress)
}

fn discard(disk: &SimDisk) {
    let options = GcOptions {
        patience: Duration::ZERO,
        discard_unreadable: true,
        keep_days: 0,
        ..GcOptions::default()
    };
    let report = open(disk)
        .unwrap()
        .maintenance()
        .gc(&options, &NoProgress)
        .unwrap();
    assert_eq!(report.deferred, None);
}

fn run(disk: &SimDisk, from: &Sources, expected: &mut Expected) -> Result<(), Error> {
    index(disk, expected, "a@1.0.0", &from.old)?;
    index(disk, expected, "a@1.1.0", &from.new)?;
    unindex(disk, expected, "a@1.0.0")?;
    gc(disk)?;
    index(disk, expected, "b@1.0.0", &from.other)?;
    unindex(disk, expected, "a@1.1.0")?;
    gc(disk)?;
    index(disk, expected, "a@1.2.0", &from.old)
}

/// Checks that exactly the reported datasets are held, and intact.
fn check(disk: &SimDisk, expected: &Expected, at: &str) {
    let registry = open(disk).unwrap_or_else(|e| panic!("{at}: {e}"));
    let label =
        |d: &crate::catalog::Dataset| format!("{}@{}", d.manifest.name, d.manifest.dataset_version);
    let listed: BTreeMap<String, _> = registry
        .list()
        .unwrap_or_else(|e| panic!("{at}: {e}"))
        .into_iter()
        .map(|d| (label(&d), d))
        .collect();
    for reference in expected.held.keys() {
        assert!(listed.contains_key(reference), "{at}: {reference} is lost");
    }
    for (reference, dataset) in &listed {
        let maybe = expected.maybe.as_ref().filter(|(r, _)| r == reference);
        let source = expected.held.get(reference).or(maybe.map(|(_, path)| path));
        let source = source.unwrap_or_else(|| panic!("{at}: {reference} came back"));
        let mut bytes = Vec::new();
        registry
            .cat(dataset, None, &mut bytes, &NoProgress)
            .unwrap_or_else(|e| panic!("{at}: {reference}: {e}"));
        assert!(bytes == std::fs::read(source).unwrap(), "{at}: {reference}");
        registry.verify(dataset, &NoProgress).unwrap();
    }
}

#[test]
fn power_cut_before_even_changes_loses_nothing() {
    cut_power(0);
}

#[test]
fn power_cut_before_odd_changes_loses_nothing() {
    cut_power(1);
}

/// Cuts before every second change. Two tests share the work of two cores.
fn cut_power(first: usize) {
    let from = sources();
    let whole = SimDisk::default();
    run(&whole, &from, &mut Expected::default()).unwrap();
    let changes = whole.changes();
    assert!(changes > 200, "{changes}");
    for cut in (0..changes).skip(first).step_by(2) {
        let disk = SimDisk::default();
        disk.cut_power_at(cut);
        let mut expected = Expected::default();
        let ended = run(&disk, &from, &mut expected);
        let mut random = Random::new(cut);
        let rebooted = disk.after_power_cut(&mut random);
        let at = format!("cut before change {cut} of {changes} ({ended:?})");
        check(&rebooted, &expected, &at);
        // The packs alone say the same. Without an index, a torn tail is as good as a damaged one:
        // it is said, and kept until somebody decides.
        let packs_only = rebooted.after_power_cut(&mut random);
        packs_only.remove_file("registry.redb");
        check(&packs_only, &expected, &format!("{at}, index rebuilt"));
        let found = open(&packs_only)
            .unwrap()
            .maintenance()
            .fsck(&NoProgress)
            .unwrap();
        assert!(
            found.corrupt.is_empty() && found.missing.is_empty(),
            "{at}: {found:?}"
        );
        discard(&packs_only);
        // Work continues, and leftovers are removed.
        for disk in [rebooted, packs_only] {
            let mut expected = Expected {
                held: std::mem::take(&mut expected.held),
                maybe: expected.maybe.take(),
            };
            index(&disk, &mut expected, "c@1.0.0", &from.other).unwrap();
            gc(&disk).unwrap_or_else(|e| panic!("{at}: {e}"));
            expected.maybe = Some(("a@1.0.0".to_owned(), from.old.clone()));
            assert!(
                open(&disk)
                    .unwrap()
                    .maintenance()
                    .fsck(&NoProgress)
                    .unwrap()
                    .is_clean()
            );
        }
    }
}

#[test]
fn full_disk_is_an_error_and_loses_nothing() {
    let from = sources();
    let mut expected = Expected::default();
    let disk = SimDisk::default();
    index(&disk, &mut expected, "a@1.0.0", &from.old).unwrap();
    let used = disk.used_bytes();
    for more in (0..200_000).step_by(4096) {
        disk.limit(Some(used + more));
        let mut trial = Expected::default();
        let done = index(&disk, &mut trial, "a@1.1.0", &from.new);
        disk.limit(None);
        if done.is_ok() {
            assert!(more > 0, "the limit never held");
            expected.held.extend(trial.held);
            break;
        }
        check(&disk, &expected, &format!("{more} bytes left, {done:?}"));
    }
    assert!(expected.held.contains_key("a@1.1.0"), "it never fitted");
    unindex(&disk, &mut expected, "a@1.0.0").unwrap();
    let used = disk.used_bytes();
    for more in (0..400_000).step_by(8192) {
        disk.limit(Some(used + more));
        let done = collect(&disk);
        disk.limit(None);
        check(
            &disk,
            &expected,
            &format!("gc with {more} bytes left, {done:?}"),
        );
        // A collection without room to move records ends without an error.
        if done.is_ok_and(|report| report.deferred.is_none()) {
            return;
        }
    }
    panic!("gc never had enough room");
}
