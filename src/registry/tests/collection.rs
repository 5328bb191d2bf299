//! Collections at every moment at which a command has no operation in progress.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::progress::NoProgress;
use crate::registry::ExportOptions;
use crate::registry::GcOptions;
use crate::registry::ImportOptions;
use crate::registry::IndexOptions;
use crate::registry::LocalRegistry;
use crate::registry::archive_inputs;
use crate::store::disk::io::Disk;
use crate::store::disk::io::DiskFile;
use crate::store::disk::io::LockGuard;
use crate::store::disk::io::OpenMode;
use crate::store::disk::io::Share;
use crate::store::disk::io::Wait;
use crate::store::disk::io::sim::SimDisk;
use crate::trust::KeyPair;

/// Disk on which another process collects after every operation.
#[derive(Clone)]
struct Collected {
    below: SimDisk,
    collections: Arc<AtomicU64>,
}

impl fmt::Debug for Collected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collected")
    }
}

impl Disk for Collected {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        self.below.open(path, mode)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.below.list(dir)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.below.remove(path)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.below.rename(from, to)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.below.sync_dir(dir)
    }

    fn reserve(&self, path: &str, bytes: u64) -> io::Result<()> {
        self.below.reserve(path, bytes)
    }

    fn lock(&self, path: &str, share: Share, wait: Wait) -> io::Result<Box<dyn LockGuard>> {
        let lock = Some(self.below.lock(path, share, wait)?);
        let is_operation = path.starts_with("operations/");
        let disk = is_operation.then(|| self.clone());
        Ok(Box::new(Lock { lock, disk }))
    }
}

#[derive(Debug)]
struct Lock {
    lock: Option<Box<dyn LockGuard>>,
    /// Disk with a collection after each operation, if enabled.
    disk: Option<Collected>,
}

impl LockGuard for Lock {
    fn load(&self) -> io::Result<u64> {
        self.lock.as_ref().map_or(Ok(0), |lock| lock.load())
    }

    fn store(&self, value: u64) -> io::Result<()> {
        self.lock.as_ref().map_or(Ok(()), |lock| lock.store(value))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        drop(self.lock.take());
        if let Some(disk) = &self.disk {
            let options = GcOptions {
                patience: Duration::ZERO,
                keep_days: 0,
                ..GcOptions::default()
            };
            let registry = LocalRegistry::on(Arc::new(disk.below.clone())).unwrap();
            registry.maintenance().gc(&options, &NoProgress).unwrap();
            disk.collections.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn collection_between_operations_keeps_incoming_blobs() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a");
    std::fs::write(&file, "{\"n\":1}\n".repeat(200)).unwrap();
    let stranger = KeyPair::from_seed(&Zeroizing::new([2; 32]));
    let options = IndexOptions {
        sign_with: Some(stranger.clone()),
        ..IndexOptions::default()
    };
    let maker = LocalRegistry::on(Arc::new(SimDisk::default())).unwrap();
    maker.index(&file, &options, &NoProgress).unwrap();
    let archive = dir.path().join("a.alimentar");
    let (all, options) = (maker.list().unwrap(), ExportOptions::default());
    maker
        .archives()
        .export(&all, &archive, &options, &NoProgress)
        .unwrap();

    // The blobs are held, and no dataset needs them any more.
    let below = SimDisk::default();
    let registry = LocalRegistry::on(Arc::new(below.clone())).unwrap();
    let options = ImportOptions {
        accept_publishers: vec![stranger.public_key()],
        ..ImportOptions::default()
    };
    let parcel = archive_inputs(&[archive]).unwrap().remove(0);
    registry
        .archives()
        .import(&parcel, &options, &NoProgress)
        .unwrap();
    let dataset = registry.list().unwrap().remove(0);
    registry.removal().remove_one(&dataset).unwrap();
    let collections = Arc::new(AtomicU64::new(0));
    let disk = Collected {
        below,
        collections: collections.clone(),
    };
    let collected = LocalRegistry::on(Arc::new(disk)).unwrap();
    collected
        .archives()
        .import(&parcel, &options, &NoProgress)
        .unwrap();
    assert!(collections.load(Ordering::Relaxed) > 2);
    let dataset = registry.list().unwrap().remove(0);
    registry.verify(&dataset, &NoProgress).unwrap();
    assert!(registry.maintenance().fsck(&NoProgress).unwrap().is_clean());

    // The same for index, revise and sign.
    registry.removal().remove_one(&dataset).unwrap();
    let options = IndexOptions::default();
    collected.index(&file, &options, &NoProgress).unwrap();
    let dataset = collected.list().unwrap().remove(0);
    collected.publishing().sign(&dataset, &stranger).unwrap();
    assert!(registry.maintenance().fsck(&NoProgress).unwrap().is_clean());
}
