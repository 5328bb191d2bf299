//! Rotations that stop after each step.

use std::path::Path;
use std::path::PathBuf;

use crate::file_io::IfExists;
use crate::ident::Alias;
use crate::ident::PublisherKey;
use crate::keyring;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::publishing::rotation::Step;
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
        // Cheap to open: this is about steps.
        let locked = LockedKey::lock(&pair, PASSPHRASE, cost, [1; 16], [2; 12]).unwrap();
        let path = registry.home().join("key.enc");
        keyring::write_aside(
            &path,
            locked.encode().as_bytes(),
            Some(0o600),
            IfExists::Refuse,
        )
        .unwrap();
        let publisher = Publisher::new(me(), pair.public_key(), Level::Full);
        registry
            .change_trust(|file| Ok(file.put(publisher)?))
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

    fn known(&self) -> Publisher {
        let believed = self.registry.trust().unwrap();
        believed.file().get(&me()).unwrap().clone()
    }

    fn proposed(&self) -> Vec<PublisherKey> {
        self.registry.trust().unwrap().proposed(&self.old)
    }

    /// Rotates and is stopped after a step.
    fn stopped_after(&self, last: Step) {
        let mut after = |step| match step == last {
            true => Err(Error::Interrupted),
            false => Ok(()),
        };
        let stopped = self
            .registry
            .rotate_in_steps(&me(), &self.key(), PASSPHRASE, &mut after);
        assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
    }
}

fn me() -> Alias {
    "me".parse().unwrap()
}

#[test]
fn a_rotation_stopped_after_any_step_leaves_the_old_state_or_the_new_and_is_continued() {
    let lab = Lab::new();
    let next = lab.registry.home().join("key.enc.next");
    // The key that the first try made is the one that all later ones go on with.
    let mut begun: Option<PublisherKey> = None;
    for step in [Step::NewKeyWritten, Step::OldKeyKept, Step::Proposed] {
        lab.stopped_after(step);
        assert_eq!(lab.in_place(), lab.old, "{step:?}");
        assert_eq!(lab.known().key, lab.old, "{step:?}");
        let made = keyring::locked(&next).unwrap().public_key();
        assert_eq!(*begun.get_or_insert(made), made, "{step:?}");
        let published = if step == Step::Proposed {
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
    // From here on the rotation holds, and finishing it takes no passphrase.
    lab.stopped_after(Step::Trusted);
    let new = begun.unwrap();
    assert_eq!(
        (lab.known().key, lab.known().previous),
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
fn a_rotation_of_a_key_that_is_not_the_publishers_publishes_nothing() {
    let lab = Lab::new();
    let other = KeyPair::generate().unwrap();
    let publisher = Publisher::new("other".parse().unwrap(), other.public_key(), Level::Full);
    lab.registry
        .change_trust(|file| Ok(file.put(publisher)?))
        .unwrap();
    let name = "other".parse().unwrap();
    let refused = lab.registry.rotate_own(&name, &lab.key(), PASSPHRASE);
    assert!(
        matches!(refused, Err(Error::NotItsPublisher(_))),
        "{refused:?}"
    );
    let wrong = lab.registry.rotate_own(&me(), &lab.key(), "q");
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
