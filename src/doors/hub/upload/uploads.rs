//! Uploads under way.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::doors::error::DoorError;
use crate::doors::hub::limits::COMMITS_AT_ONCE;
use crate::doors::hub::limits::CREATED_MAX;
use crate::doors::hub::limits::OBJECT_TIME;
use crate::doors::hub::limits::OBJECTS_AT_ONCE;
use crate::doors::hub::limits::ROOM_TIME;
use crate::doors::hub::upload::area::UploadArea;
use crate::doors::hub::upload::ticket::TicketKey;
use crate::locks::lock;
use crate::registry::host;

/// Uploads under way, and datasets that were created for some.
pub(in crate::doors) struct Uploads {
    pub(super) area: UploadArea,
    pub(super) tickets: TicketKey,
    /// One commit at a time makes a version.
    pub(super) publishing: Arc<tokio::sync::Mutex<()>>,
    /// Names of datasets without files.
    created: Mutex<BTreeSet<String>>,
    commits: Arc<Semaphore>,
    objects: Arc<Semaphore>,
}

impl Uploads {
    /// Uploads to a home. Leftovers of earlier ones are removed.
    ///
    /// # Errors
    /// The error of the operating system's source of random bytes.
    pub(in crate::doors) fn of(home: &Path) -> io::Result<Self> {
        let area = UploadArea::of(home);
        area.sweep(OBJECT_TIME);
        Ok(Self {
            area,
            tickets: TicketKey::new(host::random()?),
            publishing: Arc::default(),
            created: Mutex::default(),
            commits: Arc::new(Semaphore::new(COMMITS_AT_ONCE)),
            objects: Arc::new(Semaphore::new(OBJECTS_AT_ONCE)),
        })
    }

    /// Returns true if a dataset was created and has no files yet.
    pub(in crate::doors::hub) fn is_created(&self, name: &str) -> bool {
        lock(&self.created).contains(name)
    }

    /// Notes that a dataset was created. Beyond a limit, the first names are forgotten: an upload to them works all the
    /// same.
    pub(super) fn note_created(&self, name: &str) {
        let mut created = lock(&self.created);
        created.insert(name.to_owned());
        while created.len() > CREATED_MAX {
            created.pop_first();
        }
    }

    /// Forgets a dataset that has files now.
    pub(super) fn note_filled(&self, name: &str) {
        lock(&self.created).remove(name);
    }

    /// Waits for room for a commit.
    ///
    /// # Errors
    /// [`DoorError::Busy`] if there is none for a long time.
    pub(super) async fn room_for_commit(&self) -> Result<OwnedSemaphorePermit, DoorError> {
        room(&self.commits).await
    }

    /// Waits for room for a large file, or for a part of one.
    ///
    /// # Errors
    /// As [`Uploads::room_for_commit`].
    pub(super) async fn room_for_object(&self) -> Result<OwnedSemaphorePermit, DoorError> {
        room(&self.objects).await
    }
}

async fn room(of: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, DoorError> {
    let room = timeout(ROOM_TIME, Arc::clone(of).acquire_owned()).await;
    let busy = || DoorError::Busy("too many uploads at one time; try again".to_owned());
    room.ok().and_then(Result::ok).ok_or_else(busy)
}
