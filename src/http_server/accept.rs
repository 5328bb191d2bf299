//! Connections of clients, as many at a time as there is room for.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::watch;

/// Pause after the system has no further connection to give, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes connections until `ending` becomes true, each in a task of its own that holds one of the slots.
pub(crate) async fn accept<F>(
    listener: TcpListener,
    slots: Arc<Semaphore>,
    mut ending: watch::Receiver<bool>,
    converse: impl Fn(TcpStream) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let taken = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            taken = taken => taken,
            _ = ending.wait_for(|is_ending| *is_ending) => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        // Without it, an answer may wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
        let conversation = converse(stream);
        tokio::spawn(async move {
            let _slot = slot;
            conversation.await;
        });
    }
}
