//! Versions of a dataset with small differences, from index to export.

use std::path::Path;

use crate::catalog::Dataset;
use crate::progress::NoProgress;
use crate::registry::Error;
use crate::registry::ExportOptions;
use crate::registry::GcOptions;
use crate::registry::ImportOptions;
use crate::registry::IndexOptions;
use crate::registry::IndexReport;
use crate::registry::LocalRegistry;
use crate::registry::archive_inputs;
use crate::registry::error::transfer::TransferError;
use crate::trust::KeyPair;
use crate::trust::Level;
use crate::trust::Publisher;

fn lines(edited: impl Fn(usize) -> bool) -> Vec<String> {
    let word = |n: usize| *blake3::hash(&(n as u64).to_le_bytes()).as_bytes();
    let line = |n| {
        let text = crate::ident::to_hex(&word(n));
        let score = if edited(n) { 7 } else { 3 };
        format!("{{\"id\":{n},\"text\":\"{text}\",\"score\":{score}}}\n")
    };
    (0..60_000).map(line).collect()
}

fn index(registry: &LocalRegistry, dir: &Path, lines: &[String], key: &KeyPair) -> IndexReport {
    let path = dir.join("data.jsonl");
    std::fs::write(&path, lines.concat()).unwrap();
    let options = IndexOptions {
        name: Some("d".parse().unwrap()),
        sign_with: Some(key.clone()),
        ..IndexOptions::default()
    };
    registry.index(&path, &options, &NoProgress).unwrap()
}

fn dataset(registry: &LocalRegistry, report: &IndexReport) -> Dataset {
    registry.get(&report.manifest.content_id).unwrap().unwrap()
}

fn export(registry: &LocalRegistry, dataset: &Dataset, dest: &Path) -> Vec<u8> {
    let options = ExportOptions::default();
    let all = std::slice::from_ref(dataset);
    registry
        .archives()
        .export(all, dest, &options, &NoProgress)
        .unwrap();
    std::fs::read(dest).unwrap()
}

#[test]
fn scattered_edits_cost_little_in_every_version() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let registry = LocalRegistry::open(&home).unwrap();
    let key = KeyPair::generate().unwrap();
    let first = index(&registry, dir.path(), &lines(|_| false), &key);
    let mut datasets = vec![dataset(&registry, &first)];
    for version in 1..4 {
        // Every version edits other lines, and keeps the earlier edits.
        let edited = lines(|n| n % 500 < version);
        let report = index(&registry, dir.path(), &edited, &key);
        let stats = report.stats;
        assert!(stats.new_bytes > 1_000_000, "{stats:?}");
        assert!(stats.stored_bytes * 10 < stats.new_bytes, "{stats:?}");
        datasets.push(dataset(&registry, &report));
    }
    // One more line at the front, and half of the data moved.
    let mut moved = lines(|n| n % 500 < 2);
    moved.insert(0, "{\"id\":-1}\n".to_owned());
    moved.splice(
        20_000..20_000,
        (0..3_000).map(|n| format!("{{\"new\":{n}}}\n")),
    );
    let report = index(&registry, dir.path(), &moved, &key);
    assert!(report.stats.stored_bytes < 200_000, "{:?}", report.stats);
    datasets.push(dataset(&registry, &report));
    let check = |registry: &LocalRegistry, datasets: &[Dataset]| {
        for dataset in datasets {
            registry.verify(dataset, &NoProgress).unwrap();
        }
        assert!(registry.maintenance().fsck(&NoProgress).unwrap().is_clean());
    };
    check(&registry, &datasets);
    let oldest = datasets.remove(0);
    registry
        .removal()
        .unindex(&oldest.manifest.content_id)
        .unwrap();
    registry.maintenance().gc(&at_once(), &NoProgress).unwrap();
    check(&registry, &datasets);
    let last = datasets.last().unwrap();
    let archive = export(&registry, last, &dir.path().join("a"));
    // An index built from the packs alone has the same content.
    std::fs::remove_file(home.join("registry.redb")).unwrap();
    let registry = LocalRegistry::open(&home).unwrap();
    check(&registry, &datasets);
    // An archive does not depend on the storage of its datasets.
    let other = LocalRegistry::open(&dir.path().join("other")).unwrap();
    let publisher = Publisher::new("p".parse().unwrap(), key.public_key(), Level::Full);
    let put = other.trust().change(|file| Ok(file.put(publisher)?));
    put.unwrap();
    for parcel in archive_inputs(&[dir.path().join("a")]).unwrap() {
        let options = ImportOptions::default();
        other
            .archives()
            .import(&parcel, &options, &NoProgress)
            .unwrap();
    }
    let same = other.get(&last.manifest.content_id).unwrap().unwrap();
    assert_eq!(export(&other, &same, &dir.path().join("b")), archive);
}

fn since(registry: &LocalRegistry, dataset: &Dataset, base: &Dataset, dest: &Path) -> Vec<u8> {
    let options = ExportOptions {
        since: vec![base.clone()],
        ..ExportOptions::default()
    };
    let all = std::slice::from_ref(dataset);
    registry
        .archives()
        .export(all, dest, &options, &NoProgress)
        .unwrap();
    std::fs::read(dest).unwrap()
}

fn import(registry: &LocalRegistry, path: &Path) -> Result<(), crate::registry::Error> {
    for parcel in archive_inputs(&[path.to_owned()]).unwrap() {
        registry
            .archives()
            .import(&parcel, &ImportOptions::default(), &NoProgress)?;
    }
    Ok(())
}

/// Opens a registry that trusts the key.
fn trusting(home: &Path, key: &KeyPair) -> LocalRegistry {
    let registry = LocalRegistry::open(home).unwrap();
    let publisher = Publisher::new("p".parse().unwrap(), key.public_key(), Level::Full);
    let put = registry.trust().change(|file| Ok(file.put(publisher)?));
    put.unwrap();
    registry
}

#[test]
fn incremental_archive_is_independent_of_storage_history() {
    let dir = tempfile::tempdir().unwrap();
    let registry = LocalRegistry::open(&dir.path().join("home")).unwrap();
    let key = KeyPair::generate().unwrap();
    let versions: Vec<Dataset> = (0..3)
        .map(|n| {
            let edited = lines(|k| k % 500 < n);
            let report = index(&registry, dir.path(), &edited, &key);
            dataset(&registry, &report)
        })
        .collect();
    let at = |name: &str| dir.path().join(name);
    let whole = export(&registry, &versions[0], &at("whole"));
    let delta = since(&registry, &versions[2], &versions[0], &at("delta"));
    assert!(
        delta.len() * 20 < whole.len(),
        "{} of {}",
        delta.len(),
        whole.len()
    );
    // A receiver that got everything, and stored it plain.
    let other = trusting(&at("other"), &key);
    export(&registry, &versions[2], &at("whole-2"));
    import(&other, &at("whole-2")).unwrap();
    import(&other, &at("whole")).unwrap();
    let id = |n: usize| versions[n].manifest.content_id;
    let of_other = |n: usize| other.get(&id(n)).unwrap().unwrap();
    let same = since(&other, &of_other(2), &of_other(0), &at("same"));
    assert!(same == delta);
    // A receiver with the base stores deltas, including deltas of deltas.
    let third = trusting(&at("third"), &key);
    assert!(matches!(
        import(&third, &at("delta")),
        Err(Error::Transfer(TransferError::BaseMissing { .. }))
    ));
    import(&third, &at("whole")).unwrap();
    import(&third, &at("delta")).unwrap();
    let before = third.maintenance().stats().unwrap().store.stored_bytes;
    since(&registry, &versions[1], &versions[2], &at("back"));
    import(&third, &at("back")).unwrap();
    let stored = third.maintenance().stats().unwrap().store.stored_bytes - before;
    assert!(stored * 20 < whole.len() as u64, "{stored}");
    for n in 0..3 {
        let held = third.get(&id(n)).unwrap().unwrap();
        third.verify(&held, &NoProgress).unwrap();
    }
    assert!(third.maintenance().fsck(&NoProgress).unwrap().is_clean());
}

#[test]
fn incremental_archive_with_changed_byte_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let registry = LocalRegistry::open(&dir.path().join("home")).unwrap();
    let key = KeyPair::generate().unwrap();
    let [first, second] = [0, 1].map(|n| {
        let report = index(
            &registry,
            dir.path(),
            &lines(|k| k % 5000 < n)[..9000],
            &key,
        );
        dataset(&registry, &report)
    });
    let at = |name: &str| dir.path().join(name);
    export(&registry, &first, &at("whole"));
    let delta = since(&registry, &second, &first, &at("delta"));
    let frame = crate::archive::read_frame(&mut delta.as_slice());
    let tar = crate::archive::decompress_frame(&frame.unwrap().unwrap()).unwrap();
    let name = b".difference\0";
    let entry = tar.windows(name.len()).position(|w| w == name).unwrap();
    // From the header of the first delta to its end.
    let start = entry / 512 * 512;
    let end = (start + 512 + 300).min(tar.len());
    let receiver = || {
        let home = tempfile::tempdir().unwrap();
        let other = trusting(home.path(), &key);
        import(&other, &at("whole")).unwrap();
        (home, other)
    };
    // A refused archive leaves nothing, so the next one meets the same receiver.
    let mut last = None;
    for n in (start..end).step_by(7) {
        let (home, other) = last.take().unwrap_or_else(receiver);
        let mut broken = tar.clone();
        broken[n] ^= 1 << (n % 8);
        let path = home.path().join("broken");
        std::fs::write(&path, crate::archive::compress_frame(&broken).unwrap()).unwrap();
        // Bytes that only describe the encoding of a frame may differ without changing its content.
        let is_held = import(&other, &path).is_ok();
        let held = other.get(&second.manifest.content_id).unwrap();
        assert_eq!(held.is_some(), is_held, "byte {n}");
        if let Some(held) = held {
            other.verify(&held, &NoProgress).unwrap();
        }
        assert!(
            other.maintenance().fsck(&NoProgress).unwrap().is_clean(),
            "byte {n}"
        );
        last = (!is_held).then_some((home, other));
    }
}

fn at_once() -> GcOptions {
    GcOptions {
        keep_days: 0,
        ..GcOptions::default()
    }
}
