//! The face to JavaScript. Its functions take and return texts of JSON; `spec/browser.md` lists them.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use alimentar::clock::Timestamp;
use alimentar::progress::Progress;
use alimentar::read_at::ReadAt;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::Failure;
use crate::Session;

#[wasm_bindgen]
extern "C" {
    /// A source of bytes of the page.
    pub type JsSource;
    #[wasm_bindgen(method, getter, structural)]
    fn name(this: &JsSource) -> String;
    #[wasm_bindgen(method, getter, structural)]
    fn size(this: &JsSource) -> f64;
    #[wasm_bindgen(method, structural, catch)]
    fn read(this: &JsSource, offset: f64, length: f64) -> Result<Vec<u8>, JsValue>;

    /// A function of the page.
    #[wasm_bindgen(js_name = Function)]
    #[derive(Clone)]
    pub type JsFunction;
    #[wasm_bindgen(method, js_name = call)]
    fn call_progress(
        this: &JsFunction,
        of: &JsValue,
        phase: &str,
        done: f64,
        total: JsValue,
    ) -> JsValue;
    #[wasm_bindgen(method, js_name = call)]
    fn call_text(this: &JsFunction, of: &JsValue, text: &str);
    #[wasm_bindgen(method, js_name = call, catch)]
    fn call_bytes(this: &JsFunction, of: &JsValue, bytes: Vec<u8>) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn milliseconds() -> f64;
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn fill_random(bytes: &mut [u8]);
    #[wasm_bindgen(js_namespace = JSON, js_name = parse)]
    fn parsed(text: &str) -> JsValue;
    #[wasm_bindgen(js_namespace = JSON, js_name = stringify, catch)]
    fn stringified(value: &JsValue) -> Result<String, JsValue>;
}

thread_local! {
    static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
    // Values of JavaScript stay on their thread; the library knows them by number.
    static SOURCES: RefCell<Vec<JsSource>> = const { RefCell::new(Vec::new()) };
    static PROGRESS: RefCell<Option<JsFunction>> = const { RefCell::new(None) };
    static HITS: RefCell<Option<JsFunction>> = const { RefCell::new(None) };
}

fn now() -> Timestamp {
    // Far from where it would not be exact.
    Timestamp((milliseconds() / 1000.0) as i64)
}

/// Runs a request, and throws its failure as an object.
fn with_session<T>(run: impl FnOnce(&mut Session) -> Result<T, Failure>) -> Result<T, JsValue> {
    let done = SESSION.with_borrow_mut(|session| {
        let session = session.get_or_insert_with(|| Session::new(now()));
        run(session)
    });
    done.map_err(|failure| parsed(&serde_json::to_string(&failure).unwrap_or_default()))
}

/// Returns the message of an error that the page threw.
fn words_of(thrown: &JsValue) -> String {
    let text = stringified(thrown).unwrap_or_default();
    let thrown: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    let message = thrown.as_ref().and_then(|t| t.get("message")?.as_str());
    message
        .unwrap_or("the browser could not read the file")
        .to_owned()
}

/// A source of the page by its number.
struct PageSource {
    number: usize,
    size: u64,
}

impl ReadAt for PageSource {
    fn len(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = left.min(buf.len());
        if wanted == 0 {
            return Ok(0);
        }
        let bytes = SOURCES.with_borrow(|sources| {
            let source = sources.get(self.number);
            let read = source.map(|source| source.read(offset as f64, wanted as f64));
            read.ok_or_else(|| io::Error::other("the file is not open any more"))
        })?;
        let bytes = bytes.map_err(|thrown| io::Error::other(words_of(&thrown)))?;
        let n = bytes.len().min(wanted);
        if let (Some(to), Some(from)) = (buf.get_mut(..n), bytes.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }
}

/// Reports to the function of the page in `PROGRESS`.
#[derive(Default)]
struct PageProgress {
    phase: std::sync::Mutex<(String, Option<u64>)>,
    done: AtomicU64,
    told: AtomicU64,
    is_cancelled: AtomicBool,
}

/// Bytes between two reports.
const REPORT_BYTES: u64 = 4 << 20;

impl PageProgress {
    fn report(&self, done: u64) {
        let phase = self.phase.lock().map(|phase| phase.clone());
        let (phase, total) = phase.unwrap_or_default();
        let function = PROGRESS.with_borrow(Clone::clone);
        let Some(function) = function else { return };
        let total = total.map_or(JsValue::NULL, |total| JsValue::from_f64(total as f64));
        let stop = function.call_progress(&JsValue::NULL, &phase, done as f64, total);
        if stop.as_bool() == Some(true) {
            self.is_cancelled.store(true, Ordering::Relaxed);
        }
    }
}

impl Progress for PageProgress {
    fn phase(&self, name: &str, total_bytes: Option<u64>) {
        if let Ok(mut phase) = self.phase.lock() {
            *phase = (name.to_owned(), total_bytes);
        }
        self.done.store(0, Ordering::Relaxed);
        self.told.store(0, Ordering::Relaxed);
        self.report(0);
    }

    fn advance(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if done - self.told.load(Ordering::Relaxed) >= REPORT_BYTES {
            self.told.store(done, Ordering::Relaxed);
            self.report(done);
        }
    }

    fn cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }
}

fn reporting(function: Option<JsFunction>) -> PageProgress {
    PROGRESS.set(function);
    PageProgress::default()
}

/// Returns the version of the module.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Sets the publishers and statements that the page keeps.
#[wasm_bindgen]
pub fn set_trust(request: &str) -> Result<(), JsValue> {
    with_session(|session| session.set_trust(request, now()))
}

/// Opens a source.
#[wasm_bindgen]
pub fn open(source: JsSource) -> Result<String, JsValue> {
    let name = source.name();
    // Sizes of files are exact up to 2^53.
    let size = source.size() as u64;
    let number = SOURCES.with_borrow_mut(|sources| {
        sources.push(source);
        sources.len() - 1
    });
    with_session(|session| session.open(Arc::new(PageSource { number, size }), &name))
}

/// Closes a file.
#[wasm_bindgen]
pub fn close(handle: u32) -> Result<(), JsValue> {
    with_session(|session| {
        session.close(handle);
        Ok(())
    })
}

/// Describes a file.
#[wasm_bindgen]
pub fn describe(handle: u32) -> Result<String, JsValue> {
    with_session(|session| session.describe(handle))
}

/// Reads all of an archive, with the checks of an import.
#[wasm_bindgen]
pub fn verify(handle: u32, progress: Option<JsFunction>) -> Result<String, JsValue> {
    let progress = reporting(progress);
    with_session(|session| session.verify(handle, &progress))
}

/// Opens a file of a checked archive.
#[wasm_bindgen]
pub fn file(handle: u32, dataset: u32, path: &str) -> Result<String, JsValue> {
    let dataset = usize::try_from(dataset).unwrap_or(usize::MAX);
    with_session(|session| session.file(handle, dataset, path))
}

/// Returns the descriptions of an archive that a registry keeps.
#[wasm_bindgen]
pub fn summary(handle: u32) -> Result<String, JsValue> {
    with_session(|session| session.summary(handle))
}

/// Returns rows from a number on.
#[wasm_bindgen]
pub fn rows(handle: u32, from: f64, count: f64) -> Result<String, JsValue> {
    with_session(|session| session.rows(handle, from as u64, count as u64))
}

/// Returns one row.
#[wasm_bindgen]
pub fn row(handle: u32, number: f64) -> Result<String, JsValue> {
    with_session(|session| session.row(handle, number as u64))
}

/// Counts the rows.
#[wasm_bindgen]
pub fn count(handle: u32, progress: Option<JsFunction>) -> Result<String, JsValue> {
    let progress = reporting(progress);
    with_session(|session| session.count(handle, &progress))
}

/// Finds rows, and passes them to `hit` as they come.
#[wasm_bindgen]
pub fn search(
    handle: u32,
    request: &str,
    progress: Option<JsFunction>,
    hit: JsFunction,
) -> Result<String, JsValue> {
    let progress = reporting(progress);
    HITS.set(Some(hit));
    let mut each = |text: String| {
        if let Some(hit) = HITS.with_borrow(Clone::clone) {
            hit.call_text(&JsValue::NULL, &text);
        }
    };
    with_session(|session| session.search(handle, request, &progress, &mut each))
}

/// Finds faults.
#[wasm_bindgen]
pub fn lint(handle: u32, request: &str, progress: Option<JsFunction>) -> Result<String, JsValue> {
    let progress = reporting(progress);
    with_session(|session| session.lint(handle, request, &progress))
}

/// Exports rows as an archive, whose bytes go to `sink`.
#[wasm_bindgen]
pub fn export_rows(
    handle: u32,
    request: &str,
    progress: Option<JsFunction>,
    sink: JsFunction,
) -> Result<String, JsValue> {
    let progress = reporting(progress);
    let mut random = [0; 16];
    fill_random(&mut random);
    let mut take = |bytes| {
        let taken = sink.call_bytes(&JsValue::NULL, bytes);
        let failed = |_| Failure::invalid("the page could not take the archive");
        taken.map(drop).map_err(failed)
    };
    let seed = (now(), random);
    with_session(|session| session.export_rows(handle, request, seed, &progress, &mut take))
}

/// Describes a key that a user typed.
#[wasm_bindgen]
pub fn key(text: &str) -> Result<String, JsValue> {
    with_session(|_| Session::key(text))
}

/// Finds datasets in summaries.
#[wasm_bindgen]
pub fn find(summaries: &str, query: &str) -> Result<String, JsValue> {
    with_session(|_| Session::find(summaries, query))
}
