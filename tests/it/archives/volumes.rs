//! Volumes of several splits in one directory: each set is complete, or refused with what it lacks.

use std::path::Path;
use std::path::PathBuf;

use alimentar::LocalRegistry;
use alimentar::progress::NoProgress;
use alimentar::registry::ExportOptions;
use alimentar::registry::IndexOptions;
use serde_json::Value;

use crate::support::run;

/// Splits with three volumes, and with two.
const INTO_THREE: u64 = 9_500_000;
const INTO_TWO: u64 = 18_000_000;

/// A registry with 17 MB that do not compress, and a directory for its archives.
struct Splits {
    dir: tempfile::TempDir,
    registry: LocalRegistry,
}

impl Splits {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = LocalRegistry::open(&dir.path().join("maker")).unwrap();
        let mut noise = vec![0; 17 << 20];
        blake3::Hasher::new().finalize_xof().fill(&mut noise);
        let path = dir.path().join("noise.bin");
        std::fs::write(&path, noise).unwrap();
        registry
            .index(&path, &IndexOptions::default(), &NoProgress)
            .unwrap();
        std::fs::create_dir(dir.path().join("stick")).unwrap();
        Self { dir, registry }
    }

    fn stick(&self) -> PathBuf {
        self.dir.path().join("stick")
    }

    /// Exports everything in volumes of at most so many bytes; their paths.
    fn split(&self, to: &Path, options: ExportOptions) -> Vec<PathBuf> {
        let list = self.registry.list().unwrap();
        let report = self
            .registry
            .archives()
            .export(&list, to, &options, &NoProgress);
        report.unwrap().paths
    }

    fn import(&self, home: &str, words: &[&str]) -> (Value, i32) {
        let home = self.dir.path().join(home);
        let out = run(&home, &[&["registry", "import"], words].concat());
        let said = serde_json::from_slice(&out.stdout).unwrap();
        (said, out.status.code().unwrap())
    }
}

fn by(split: u64) -> ExportOptions {
    ExportOptions::split_at(split)
}

fn counts(said: &Value) -> [usize; 3] {
    ["imported", "already_here", "refused"].map(|key| said[key].as_array().unwrap().len())
}

#[test]
fn import_tells_splits_in_one_directory_apart() {
    let splits = Splits::new();
    let stick = splits.stick();
    let a = splits.split(&stick.join("a.alimentar"), by(INTO_THREE));
    let b = splits.split(&stick.join("b.alimentar"), by(INTO_TWO));
    assert_eq!((a.len(), b.len()), (3, 2));
    let stick = stick.to_str().unwrap();
    let (said, code) = splits.import("both", &[stick]);
    assert_eq!((code, counts(&said)), (0, [1, 1, 0]), "{said}");
    // Named one by one, in any order.
    let mut words: Vec<&str> = a.iter().chain(&b).map(|p| p.to_str().unwrap()).collect();
    words.reverse();
    words.swap(1, 3);
    let (said, code) = splits.import("named", &words);
    assert_eq!((code, counts(&said)), (0, [1, 1, 0]), "{said}");
    // Without a volume of the one, the other comes in and what is missing is named.
    std::fs::remove_file(&a[1]).unwrap();
    let (said, code) = splits.import("partly", &[stick]);
    assert_eq!((code, counts(&said)), (7, [1, 0, 1]), "{said}");
    let refused = &said["refused"][0];
    assert!(
        refused["path"]
            .as_str()
            .unwrap()
            .ends_with("a.alimentar.001")
    );
    assert!(
        refused["reason"].as_str().unwrap().contains("volume 2"),
        "{said}"
    );
    // Nothing is made whole out of two that are not.
    std::fs::remove_file(&b[1]).unwrap();
    let (said, code) = splits.import("neither", &[stick]);
    assert_eq!((code, counts(&said)), (4, [0, 0, 2]), "{said}");
}

#[test]
fn export_over_an_older_split_imports_as_the_new_one() {
    let splits = Splits::new();
    let stick = splits.stick();
    let recipient = "age1c9f4ghj6n3vlpjupqpr0f0z2j32fjn0yk9kctrzxu0lakr4xvcqqgejuhu";
    let identity = "AGE-SECRET-KEY-1FTF3PYQVAGYA7GJXWRYSRRSDU5RDLHJRUVZHZV2VF75MTYWKDJFQ38NQ4X\n";
    let key = splits.dir.path().join("identity");
    std::fs::write(&key, identity).unwrap();
    for (name, recipients) in [
        ("plain", Vec::new()),
        ("sealed", vec![recipient.parse().unwrap()]),
    ] {
        let first = splits.split(&stick.join("old.alimentar"), {
            let mut options = by(INTO_THREE);
            options.recipients = recipients.clone();
            options
        });
        let second = splits.split(&stick.join("new.alimentar"), {
            let mut options = by(INTO_TWO);
            options.recipients = recipients;
            options
        });
        assert_eq!((first.len(), second.len()), (3, 2));
        // The later one took the names of the earlier one, as far as they went.
        for (old, new) in first.iter().zip(&second) {
            std::fs::rename(new, old).unwrap();
        }
        let words = [stick.to_str().unwrap(), "--identity", key.to_str().unwrap()];
        let (said, code) = splits.import(name, &words);
        assert_eq!((code, counts(&said)), (7, [1, 0, 1]), "{name}: {said}");
        let refused = &said["refused"][0];
        assert!(
            refused["path"].as_str().unwrap().ends_with(".003"),
            "{said}"
        );
        let reason = refused["reason"].as_str().unwrap();
        assert!(reason.contains("volume 1, volume 2"), "{name}: {reason}");
        for path in &first {
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn import_of_a_copied_volume_counts_it_once() {
    let splits = Splits::new();
    let stick = splits.stick();
    let paths = splits.split(&stick.join("a.alimentar"), by(INTO_TWO));
    let copy = splits.dir.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for path in &paths {
        std::fs::copy(path, copy.join(path.file_name().unwrap())).unwrap();
    }
    let words = [stick.to_str().unwrap(), copy.to_str().unwrap()];
    let (said, code) = splits.import("home", &words);
    assert_eq!((code, counts(&said)), (0, [1, 0, 0]), "{said}");
}
