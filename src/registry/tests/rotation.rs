//! Rotations that stop after each step.

use std::path::Path;
use std::path::PathBuf;

use crate::file_io::IfExists;
use crate::ident::Alias;
use crate::ident::PublisherKey;
use crate::keyring;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::error::publisher::PublisherError;
use crate::registry::publishing::rotation::RotationStep;
use crate::registry::publishing::rotation::finish_rotation;
use crate::trust::KeyCost;
use crate::trust::KeyPair;
use crate::trust::Level;
use crate::trust::LockedKey;
use crate::trust::Publisher;

const PASSPHRASE: &str = "p";

struct Lab {
    dir: tempfile::TempDir,
    registry: LocalRegistry,
    old: PublisherKey,
}

impl Lab {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = LocalRegistry::open(&dir.path().join("home")).unwrap();
        let pair = KeyPair::generate().unwrap();
        let cost = KeyCost {
            memory_kib: 8 << 10,
            passes: 1,
            lanes: 1,
        };
        // Cheap parameters, because the test is about the steps.
        let locked = LockedKey::lock(&pair, PASSPHRASE, cost, [1; 16], [2; 12]).unwrap();
        let path = registry.home().join("key.enc");
        keyring::write_atomically(
            &path,
            locked.encode().as_bytes(),
            Some(0o600),
            IfExists::Refuse,
        )
        .unwrap();
        let publisher = Publisher::new(me(), pair.public_key(), Level::Full);
        registry
            .trust()
            .change(|file| Ok(file.put(publisher)?))
            .unwrap();
        Self {
            old: pair.public_key(),
            dir,
            registry,
        }
    }

    fn key(&self) -> PathBuf {
        self.registry.home().join("key.enc")
    }

    fn in_place(&self) -> PublisherKey {
        keyring::locked(&self.key()).unwrap().public_key()
    }

    fn remote_manifests(&self) -> Publisher {
        let believed = self.registry.trust().store().unwrap();
        believed.file().get(&me()).unwrap().clone()
    }

    fn proposed(&self) -> Vec<PublisherKey> {
        self.registry.trust().store().unwrap().proposed(&self.old)
    }

    /// Rotates and stops after a step.
    fn stopped_after(&self, last: RotationStep) {
        let mut after = |step| {
            if step == last {
                Err(Error::Interrupted)
            } else {
                Ok(())
            }
        };
        let stopped =
            self.registry
                .trust()
                .rotate_in_steps(&me(), &self.key(), PASSPHRASE, &mut after);
        assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
    }
}

fn me() -> Alias {
    "me".parse().unwrap()
}

#[test]
fn rotation_stopped_after_any_step_is_continued() {
    let lab = Lab::new();
    let next = lab.registry.home().join("key.enc.next");
    // All later tries continue with the key of the first one.
    let mut begun: Option<PublisherKey> = None;
    for step in [
        RotationStep::NewKeyWritten,
        RotationStep::OldKeyKept,
        RotationStep::Proposed,
    ] {
        lab.stopped_after(step);
        assert_eq!(lab.in_place(), lab.old, "{step:?}");
        assert_eq!(lab.remote_manifests().key, lab.old, "{step:?}");
        let made = keyring::locked(&next).unwrap().public_key();
        assert_eq!(*begun.get_or_insert(made), made, "{step:?}");
        let published = if step == RotationStep::Proposed {
            vec![made]
        } else {
            Vec::new()
        };
        assert_eq!(lab.proposed(), published, "{step:?}");
        assert_eq!(
            finish_rotation(lab.registry.home(), &lab.key()).unwrap(),
            None,
            "{step:?}"
        );
    }
    // From here on the rotation is in force, and finishing it needs no passphrase.
    lab.stopped_after(RotationStep::Trusted);
    let new = begun.unwrap();
    assert_eq!(
        (lab.remote_manifests().key, lab.remote_manifests().previous),
        (new, vec![lab.old])
    );
    assert_eq!(lab.in_place(), lab.old);
    let finished = finish_rotation(lab.registry.home(), &lab.key()).unwrap();
    let finished = finished.unwrap();
    assert_eq!((finished.key, finished.previous), (new, lab.old));
    assert_eq!(lab.in_place(), new);
    assert!(!next.exists());
    assert_eq!(lab.proposed(), [new]);
    let kept = keyring::locked(&finished.kept).unwrap();
    assert_eq!(kept.public_key(), lab.old);
    assert!(
        names_in(lab.dir.path())
            .iter()
            .all(|n| !n.contains(".new-"))
    );
}

#[test]
fn rotation_of_foreign_key_publishes_nothing() {
    let lab = Lab::new();
    let other = KeyPair::generate().unwrap();
    let publisher = Publisher::new("other".parse().unwrap(), other.public_key(), Level::Full);
    lab.registry
        .trust()
        .change(|file| Ok(file.put(publisher)?))
        .unwrap();
    let name = "other".parse().unwrap();
    let refused = lab
        .registry
        .trust()
        .rotate_own(&name, &lab.key(), PASSPHRASE);
    assert!(
        matches!(
            refused,
            Err(Error::Publisher(PublisherError::NotItsPublisher(_)))
        ),
        "{refused:?}"
    );
    let wrong = lab.registry.trust().rotate_own(&me(), &lab.key(), "q");
    assert!(matches!(wrong, Err(Error::Keyring(_))), "{wrong:?}");
    assert!(lab.proposed().is_empty());
    let left = names_in(lab.registry.home());
    assert!(!left.iter().any(|n| n.contains("key.enc.next")), "{left:?}");
}

fn names_in(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    entries
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect()
}
