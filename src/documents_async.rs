//! [`AsyncStore`]: a collection of documents for async programs.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::documents::Document;
use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::Layout;
use crate::documents::Scan;
use crate::documents::StoreOptions;
use crate::locks::lock;

/// Number of documents of a scan that wait for their reader.
const SCAN_WAITING: usize = 256;

/// A collection of documents whose operations are awaited. Clones share one collection.
///
/// A change is durable when its future is ready. Changes that wait at the same time share one sync, so
/// hundreds of concurrent puts cost as much as a few. They apply in the order in which their futures were
/// first polled. A change whose future is dropped after that still happens.
///
/// The methods need a tokio runtime, and use its threads for blocking work: one for all changes, one for each read.
///
/// ```
/// use alimentar::documents::Layout;
/// use alimentar::documents::StoreOptions;
/// use alimentar::documents_async::AsyncStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let layout = Layout::new(dir.path(), "users")?;
/// let users = AsyncStore::open(layout, StoreOptions::default()).await?;
/// let (ada, bob) = tokio::join!(
///     users.put_raw("ada", br#"{"age":36}"#.to_vec()),
///     users.put_raw("bob", br#"{"age":17}"#.to_vec()),
/// );
/// (ada?, bob?);
/// assert_eq!(users.get("ada").await?.as_bytes(), br#"{"_id":"ada","age":36}"#);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AsyncStore {
    store: Arc<FastStore>,
    changes: Arc<Changes>,
}

/// A change of one document.
#[derive(Debug)]
enum Change {
    Put { id: String, document: Vec<u8> },
    Delete { id: String },
}

/// The end of a change: true if it changed something.
type Outcome = Result<bool, DocumentError>;

/// A change, and where its end is told.
#[derive(Debug)]
struct Waiting {
    change: Change,
    told: oneshot::Sender<Outcome>,
}

/// Changes that wait for the thread that writes.
#[derive(Debug, Default)]
struct Changes {
    queue: Mutex<Queue>,
    /// Number of times that changes were made durable.
    commits: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// True while a thread writes, or is about to.
    is_served: bool,
}

impl AsyncStore {
    /// Opens a collection.
    ///
    /// # Errors
    /// As [`FastStore::open_with`].
    pub async fn open(layout: Layout, options: StoreOptions) -> Result<Self, DocumentError> {
        let failed = layout.data_file();
        let opened = spawn_blocking(move || FastStore::open_with(layout, &options)).await;
        let store = opened.map_err(|_| DocumentError::Failed(failed))??;
        Ok(Self::of_store(Arc::new(store)))
    }

    /// Takes a collection that is open. Others may use it meanwhile.
    pub fn of_store(store: Arc<FastStore>) -> Self {
        let changes = Arc::default();
        Self { store, changes }
    }

    /// Returns the collection itself. Its methods block.
    pub fn store(&self) -> &Arc<FastStore> {
        &self.store
    }

    /// Stores a document, durably.
    ///
    /// # Errors
    /// As [`FastStore::put`].
    pub async fn put(
        &self,
        id: impl Into<String>,
        document: &serde_json::Value,
    ) -> Result<(), DocumentError> {
        self.put_raw(id, document.to_string()).await
    }

    /// Stores a document that is JSON text, durably.
    ///
    /// # Errors
    /// As [`FastStore::put_raw`]. If the sync of several changes fails, one of them has the error of the disk, and the
    /// others have [`DocumentError::Failed`], as has a change in a runtime that ends.
    pub async fn put_raw(
        &self,
        id: impl Into<String>,
        document: impl Into<Vec<u8>>,
    ) -> Result<(), DocumentError> {
        let (id, document) = (id.into(), document.into());
        self.change(Change::Put { id, document }).await.map(|_| ())
    }

    /// Deletes a document, durably. Returns false if it was not there.
    ///
    /// # Errors
    /// As [`FastStore::delete`] and [`AsyncStore::put_raw`].
    pub async fn delete(&self, id: impl Into<String>) -> Result<bool, DocumentError> {
        self.change(Change::Delete { id: id.into() }).await
    }

    /// Returns a document.
    ///
    /// # Errors
    /// As [`FastStore::get`].
    pub async fn get(&self, id: impl Into<String>) -> Result<Document, DocumentError> {
        let id = id.into();
        self.run(move |store| store.get(&id)).await
    }

    /// Returns documents in the order of the ids, `None` where there is none.
    ///
    /// # Errors
    /// As [`FastStore::get_many`].
    pub async fn get_many(&self, ids: Vec<String>) -> Result<Vec<Option<Document>>, DocumentError> {
        let get = move |store: &FastStore| {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            store.get_many(&ids)
        };
        self.run(get).await
    }

    /// Sends the documents that a choice has, in the order of the log, as they are now. An error is the last
    /// item. The scan ends early when the receiver is dropped.
    pub fn scan(&self, choice: Scan) -> mpsc::Receiver<Result<Document, DocumentError>> {
        let (to, receiver) = mpsc::channel(SCAN_WAITING);
        let store = Arc::clone(&self.store);
        spawn_blocking(move || {
            let found = match store.scan(&choice) {
                Ok(found) => found,
                Err(e) => return drop(to.blocking_send(Err(e))),
            };
            for document in found {
                let is_last = document.is_err();
                if to.blocking_send(document).is_err() || is_last {
                    return;
                }
            }
        });
        receiver
    }

    /// Runs any operation of the collection on a thread for blocking work.
    ///
    /// # Errors
    /// Those of the operation; [`DocumentError::Failed`] if it panics.
    pub async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&FastStore) -> Result<T, DocumentError> + Send + 'static,
    ) -> Result<T, DocumentError> {
        let store = Arc::clone(&self.store);
        let done = spawn_blocking(move || operation(&store)).await;
        done.map_err(|_| self.failed())?
    }

    /// Returns the number of times that this handle and its clones made changes durable.
    pub fn commits(&self) -> u64 {
        self.changes.commits.load(Ordering::Relaxed)
    }

    fn failed(&self) -> DocumentError {
        DocumentError::Failed(self.store.layout().data_file())
    }

    async fn change(&self, change: Change) -> Outcome {
        let (told, end) = oneshot::channel();
        let is_served = {
            let mut queue = lock(&self.changes.queue);
            queue.waiting.push(Waiting { change, told });
            std::mem::replace(&mut queue.is_served, true)
        };
        if !is_served {
            let server = Server {
                store: Arc::clone(&self.store),
                changes: Arc::clone(&self.changes),
                has_ended: false,
            };
            spawn_blocking(move || server.serve());
        }
        end.await.unwrap_or_else(|_| Err(self.failed()))
    }
}

/// The one thread that writes. While it syncs, other changes gather, and share the next sync.
struct Server {
    store: Arc<FastStore>,
    changes: Arc<Changes>,
    /// True once another thread may serve.
    has_ended: bool,
}

impl Server {
    fn serve(mut self) {
        loop {
            let round = {
                let mut queue = lock(&self.changes.queue);
                // Under the lock, so that a change that comes later finds nobody and starts a thread.
                self.has_ended = queue.waiting.is_empty();
                queue.is_served = !self.has_ended;
                std::mem::take(&mut queue.waiting)
            };
            if self.has_ended {
                return;
            }
            self.commit(round);
        }
    }

    /// Makes changes durable with one sync, and tells those that wait.
    fn commit(&self, round: Vec<Waiting>) {
        let apply = |waiting: Waiting| (self.apply(&waiting.change), waiting.told);
        let applied: Vec<_> = round.into_iter().map(apply).collect();
        let mut synced = self.store.flush();
        self.changes.commits.fetch_add(1, Ordering::Relaxed);
        for (applied, told) in applied {
            let outcome = match (applied, &mut synced) {
                (Ok(changed), Ok(())) => Ok(changed),
                (Err(refused), _) => Err(refused),
                // The first has the cause.
                (Ok(_), Err(cause)) => Err(std::mem::replace(cause, self.failed())),
            };
            // Nobody may wait any more.
            let _ = told.send(outcome);
        }
    }

    fn failed(&self) -> DocumentError {
        DocumentError::Failed(self.store.layout().data_file())
    }

    fn apply(&self, change: &Change) -> Outcome {
        match change {
            Change::Put { id, document } => self.store.put_raw(id, document).map(|()| true),
            Change::Delete { id } => self.store.delete(id),
        }
    }
}

impl Drop for Server {
    /// A runtime that shuts down drops a thread that never ran, and a panic ends one. Those that wait are told by
    /// the end of their channels, and the next change starts another thread.
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let mut queue = lock(&self.changes.queue);
        queue.is_served = false;
        queue.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;
    use std::task::Context;
    use std::task::Poll;
    use std::task::Waker;

    use tokio::runtime::Builder;
    use tokio::runtime::Runtime;

    use super::AsyncStore;
    use crate::documents::DocumentError;
    use crate::documents::FastStore;
    use crate::documents::Layout;
    use crate::documents::Scan;
    use crate::documents::StoreOptions;
    use crate::locks::lock;

    fn store(dir: &tempfile::TempDir) -> AsyncStore {
        AsyncStore::of_store(Arc::new(FastStore::open(dir.path(), "c", 1_000).unwrap()))
    }

    /// A runtime whose one thread for blocking work is taken until something is sent.
    fn taken() -> (Runtime, mpsc::Sender<()>) {
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(1)
            .build()
            .unwrap();
        let (release, taken) = mpsc::channel::<()>();
        runtime.spawn_blocking(move || taken.recv());
        (runtime, release)
    }

    async fn all_wait(store: &AsyncStore, count: usize) {
        while lock(&store.changes.queue).waiting.len() < count {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn concurrent_puts_share_one_sync_and_keep_their_order() {
        let dir = tempfile::tempdir().unwrap();
        let (runtime, release) = taken();
        let documents = store(&dir);
        runtime.block_on(async {
            let put = |n: usize| {
                let documents = documents.clone();
                let json = format!("{{\"n\":{n}}}");
                tokio::spawn(async move { documents.put_raw(format!("d{n}"), json).await })
            };
            let puts: Vec<_> = (0..500).map(put).collect();
            all_wait(&documents, 500).await;
            assert_eq!(documents.commits(), 0);
            release.send(()).unwrap();
            for put in puts {
                put.await.unwrap().unwrap();
            }
        });
        assert_eq!(documents.commits(), 1);
        // Another process has them while this handle is open.
        let layout = Layout::new(dir.path(), "c").unwrap();
        let reader = FastStore::open_with(layout, &StoreOptions::read()).unwrap();
        let expected: Vec<String> = (0..500).map(|n| format!("d{n}")).collect();
        assert_eq!(reader.doc_ids().unwrap(), expected);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn changes_of_many_tasks_are_there_when_their_futures_are_ready() {
        let dir = tempfile::tempdir().unwrap();
        let documents = store(&dir);
        let mut tasks = Vec::new();
        for task in 0..8 {
            let documents = documents.clone();
            tasks.push(tokio::spawn(async move {
                for n in 0..20 {
                    let id = format!("t{task}-{n}");
                    documents
                        .put(&*id, &serde_json::json!({"n": n}))
                        .await
                        .unwrap();
                    assert_eq!(documents.get(&*id).await.unwrap().json().unwrap()["n"], n);
                    if n % 2 == 1 {
                        assert!(documents.delete(&*id).await.unwrap());
                        assert!(!documents.delete(&*id).await.unwrap());
                    }
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let found = documents
            .get_many(vec!["t0-0".to_owned(), "t0-1".to_owned()])
            .await;
        let found: Vec<bool> = found.unwrap().iter().map(Option::is_some).collect();
        assert_eq!(found, [true, false]);
        let choice = Scan::all().matching("n = 4".parse().unwrap());
        let mut scan = documents.scan(choice);
        let mut count = 0;
        while let Some(document) = scan.recv().await {
            assert_eq!(document.unwrap().json().unwrap()["n"], 4);
            count += 1;
        }
        assert_eq!(count, 8);
        assert_eq!(documents.run(|s| Ok(s.len())).await.unwrap(), 80);
    }

    #[test]
    fn refused_document_fails_alone() {
        let dir = tempfile::tempdir().unwrap();
        let documents = store(&dir);
        let runtime = Builder::new_current_thread().build().unwrap();
        let (good, bad, other) = runtime.block_on(async {
            tokio::join!(
                documents.put_raw("a", "{}"),
                documents.put_raw("../b", "{}"),
                documents.put_raw("c", "{}"),
            )
        });
        assert!(matches!(bad, Err(DocumentError::Id { .. })), "{bad:?}");
        assert!(good.is_ok() && other.is_ok());
        assert_eq!(documents.store().doc_ids().unwrap(), ["a", "c"]);
    }

    #[test]
    fn failed_sync_fails_every_put_that_shared_it() {
        let dir = tempfile::tempdir().unwrap();
        let documents = store(&dir);
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(documents.put_raw("a", "{}")).unwrap();
        let data = documents.store().layout().data_file();
        let mut text = std::fs::read(&data).unwrap();
        text.extend_from_slice(b"{\"_id\":\"other\"}\n");
        std::fs::write(&data, text).unwrap();
        let (one, other) = runtime.block_on(async {
            tokio::join!(documents.put_raw("b", "{}"), documents.put_raw("c", "{}"))
        });
        assert!(matches!(one, Err(DocumentError::Changed(_))), "{one:?}");
        assert!(matches!(other, Err(DocumentError::Failed(_))), "{other:?}");
    }

    #[test]
    fn put_fails_in_a_runtime_that_has_ended_and_the_next_one_succeeds() {
        let dir = tempfile::tempdir().unwrap();
        let documents = store(&dir);
        let runtime = Builder::new_current_thread().build().unwrap();
        let ended = runtime.handle().clone();
        drop(runtime);
        {
            let _entered = ended.enter();
            let mut put = std::pin::pin!(documents.put_raw("a", "{}"));
            let polled = put.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(
                matches!(polled, Poll::Ready(Err(DocumentError::Failed(_)))),
                "{polled:?}"
            );
        }
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(documents.put_raw("b", "{}")).unwrap();
        assert_eq!(documents.store().doc_ids().unwrap(), ["b"]);
    }
}
