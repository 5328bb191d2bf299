//! Work that blocks, beside the threads of connections.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::doors::error::DoorError;

/// Runs work that blocks, when there is room for it.
///
/// # Errors
/// [`DoorError::Failed`] if the work panics.
pub(super) async fn run_blocking<T: Send + 'static>(
    room: &Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DoorError> {
    let permit = Arc::clone(room).acquire_owned().await;
    let guarded = move || {
        let _permit = permit;
        work()
    };
    let done = tokio::task::spawn_blocking(guarded).await;
    done.map_err(|_| DoorError::panicked())
}
