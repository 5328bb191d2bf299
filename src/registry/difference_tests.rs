//! Versions of a dataset that differ a little, from index to export.

use std::path::Path;

use crate::catalog::Dataset;
use crate::progress::NoProgress;
use crate::registry::ExportOptions;
use crate::registry::GcOptions;
use crate::registry::ImportOptions;
use crate::registry::IndexOptions;
use crate::registry::IndexReport;
use crate::registry::LocalRegistry;
use crate::registry::parcels;
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
    registry.export(all, dest, &options, &NoProgress).unwrap();
    std::fs::read(dest).unwrap()
}

#[test]
fn scattered_edits_cost_little_version_after_version_and_outlive_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let registry = LocalRegistry::open(&home).unwrap();
    let key = KeyPair::generate().unwrap();
    let first = index(&registry, dir.path(), &lines(|_| false), &key);
    let mut datasets = vec![dataset(&registry, &first)];
    for version in 1..4 {
        // Every version edits other lines, and keeps the edits before.
        let edited = lines(|n| n % 500 < version);
        let report = index(&registry, dir.path(), &edited, &key);
        let stats = report.stats;
        assert!(stats.new_bytes > 1_000_000, "{stats:?}");
        assert!(stats.stored_bytes * 10 < stats.new_bytes, "{stats:?}");
        datasets.push(dataset(&registry, &report));
    }
    // A line more at the front, and half of the data at another place.
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
        assert!(registry.fsck(&NoProgress).unwrap().is_clean());
    };
    check(&registry, &datasets);
    let oldest = datasets.remove(0);
    registry.unindex(&oldest.manifest.content_id).unwrap();
    registry.gc(&GcOptions::default(), &NoProgress).unwrap();
    check(&registry, &datasets);
    let last = datasets.last().unwrap();
    let archive = export(&registry, last, &dir.path().join("a"));
    // An index made from the packs alone knows the same.
    std::fs::remove_file(home.join("registry.redb")).unwrap();
    let registry = LocalRegistry::open(&home).unwrap();
    check(&registry, &datasets);
    // An archive says nothing of how its datasets are stored.
    let other = LocalRegistry::open(&dir.path().join("other")).unwrap();
    let publisher = Publisher::new("p".parse().unwrap(), key.public_key(), Level::Full);
    let put = other.change_trust(|file| Ok(file.put(publisher)?));
    put.unwrap();
    for parcel in parcels(&[dir.path().join("a")]).unwrap() {
        let options = ImportOptions::default();
        other.import(&parcel, &options, &NoProgress).unwrap();
    }
    let same = other.get(&last.manifest.content_id).unwrap().unwrap();
    assert_eq!(export(&other, &same, &dir.path().join("b")), archive);
}
