//! The messages of one client over pipes, bounded. A client that asks and never reads its answers would
//! otherwise fill the memory, because answers wait for the pipe.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use rmcp::ErrorData;
use rmcp::RoleServer;
use rmcp::model::ClientNotification;
use rmcp::model::JsonRpcMessage;
use rmcp::model::RequestId;
use rmcp::service::RxJsonRpcMessage;
use rmcp::service::TxJsonRpcMessage;
use rmcp::transport::Transport;
use tokio::sync::Notify;

use crate::locks::lock;
use crate::mcp::limits::PENDING_MAX;

/// A transport that receives no further message while many requests have no answer that was written.
pub(super) struct BoundedPipe<T> {
    inner: T,
    pending: Arc<Pending>,
}

/// Requests without an answer that was written.
#[derive(Default)]
struct Pending {
    /// Requests without an answer that began to be written.
    ids: Mutex<HashSet<RequestId>>,
    /// Answers that are being written, also those to requests whose id was in use.
    writing: AtomicUsize,
    changed: Notify,
}

/// An answer that is being written.
struct Answer(Arc<Pending>);

impl Answer {
    /// The id of its request is free from now on: a client that has read the answer uses it again before this program
    /// hears that the answer was written.
    fn begin(pending: &Arc<Pending>, id: Option<&RequestId>) -> Self {
        // Counted here before it is left out there, so that `room` never misses it.
        pending.writing.fetch_add(1, Ordering::SeqCst);
        if let Some(id) = id {
            lock(&pending.ids).remove(id);
        }
        Self(Arc::clone(pending))
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.0.writing.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_one();
    }
}

impl Pending {
    /// Waits until a further request may come.
    async fn room(&self) {
        loop {
            let changed = self.changed.notified();
            // In this order: an answer that begins between the two counts twice, and not never.
            let waiting = lock(&self.ids).len();
            if waiting + self.writing.load(Ordering::SeqCst) < PENDING_MAX {
                return;
            }
            changed.await;
        }
    }

    /// Returns false if a request with this id is under way.
    fn begin(&self, id: &RequestId) -> bool {
        lock(&self.ids).insert(id.clone())
    }

    fn end(&self, id: &RequestId) {
        lock(&self.ids).remove(id);
        self.changed.notify_one();
    }
}

impl<T> BoundedPipe<T> {
    pub(super) fn new(inner: T) -> Self {
        Self {
            inner,
            pending: Arc::default(),
        }
    }
}

impl<T: Transport<RoleServer>> BoundedPipe<T> {
    /// Answers a request whose id is in use.
    fn refuse(&mut self, id: RequestId) {
        let error = ErrorData::invalid_request("a request with this id is under way", None);
        let message = TxJsonRpcMessage::<RoleServer>::error(error, Some(id));
        let answer = Answer::begin(&self.pending, None);
        let sending = self.inner.send(message);
        tokio::spawn(async move {
            // A pipe that is gone ends the session elsewhere.
            let _ = sending.await;
            drop(answer);
        });
    }
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for BoundedPipe<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let id = match &item {
            JsonRpcMessage::Response(response) => Some(&response.id),
            JsonRpcMessage::Error(error) => error.id.as_ref(),
            _ => None,
        };
        let answer = id.map(|id| Answer::begin(&self.pending, Some(id)));
        let sending = self.inner.send(item);
        async move {
            let sent = sending.await;
            drop(answer);
            sent
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            self.pending.room().await;
            let message = self.inner.receive().await?;
            match &message {
                JsonRpcMessage::Request(request) if !self.pending.begin(&request.id) => {
                    let id = request.id.clone();
                    self.refuse(id);
                    continue;
                }
                JsonRpcMessage::Notification(note) => {
                    // A request that is cancelled gets no answer.
                    if let ClientNotification::CancelledNotification(cancelled) = &note.notification
                        && let Some(id) = &cancelled.params.request_id
                    {
                        self.pending.end(id);
                    }
                }
                _ => {}
            }
            return Some(message);
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inner.close().await
    }
}
