//! The work of `benches/documents.sh`, which each store does in the same way.
//!
//! A document is a line of 200 bytes; the file of all of them is made once, and every program reads it.

use std::error::Error;
use std::path::Path;
use std::path::PathBuf;
use std::time::Instant;

pub type Fallible<T> = Result<T, Box<dyn Error>>;

/// Bytes of a document with its line feed.
pub const LINE: usize = 200;
/// Offset of the version in a line, one digit.
const VERSION_AT: usize = 28;
/// The value of `group` that a scan looks for: one document in a hundred.
pub const GROUP: &str = "g07";
/// Documents in a batch.
pub const BATCHES: [usize; 3] = [1_000, 5_000, 20_000];
/// Batches that are measured, at most.
const BATCHES_MAX: usize = 200;
/// Documents in a batch where the batch is not what is measured.
const LOAD_BATCH: usize = 20_000;
/// Documents that are updated ten times, and random reads, at most.
pub const SOME: usize = 1_000_000;

/// A store under measure. All writes are durable when they return.
pub trait Store: Sync + Sized {
    const NAME: &'static str;
    /// Opens a store for writing, and makes it where it is missing.
    fn open(dir: &Path) -> Fallible<Self>;
    /// Opens a store for reading.
    fn open_reader(dir: &Path) -> Fallible<Self> {
        Self::open(dir)
    }
    /// Stores documents of 200 bytes each, as one batch.
    fn put(&mut self, lines: &[u8]) -> Fallible<()>;
    /// Stores many documents in the fastest way there is.
    fn load(&mut self, lines: &[u8]) -> Fallible<()> {
        for batch in lines.chunks(LOAD_BATCH * LINE) {
            self.put(batch)?;
        }
        Ok(())
    }
    /// Returns the length of a document.
    fn get(&self, id: &str) -> Fallible<usize>;
    /// Returns the lengths of documents, all together; `None` where the store has no such call.
    fn get_many(&self, _ids: &[&str]) -> Option<Fallible<usize>> {
        None
    }
    /// Visits the bytes of all documents. Returns their number.
    fn scan_raw(&self) -> Fallible<usize>;
    /// Returns the number of documents of [`GROUP`], by parsing all of them.
    fn scan_group(&self) -> Fallible<usize>;
    /// Gives space of old versions back.
    fn compact(&mut self) -> Fallible<()>;
    /// Returns the file with the documents, where it is one that holds nothing else.
    fn log(_dir: &Path) -> Option<PathBuf> {
        None
    }
}

/// Returns the key of a line.
pub fn id_of(line: &[u8]) -> &str {
    line.get(8..22)
        .and_then(|id| std::str::from_utf8(id).ok())
        .unwrap_or_default()
}

/// Returns the documents of a batch without their line feeds.
pub fn documents(lines: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    lines
        .chunks_exact(LINE)
        .map(|line| (id_of(line), line.strip_suffix(b"\n").unwrap_or(line)))
}

/// Parses a document and looks at its group.
pub fn is_of_group(document: &[u8]) -> Fallible<bool> {
    let value: serde_json::Value = serde_json::from_slice(document)?;
    Ok(value.get("group").and_then(|g| g.as_str()) == Some(GROUP))
}

/// Returns an even number for each number, by SplitMix64.
pub fn mix(n: u64) -> u64 {
    let x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Prints a figure.
pub fn show(name: &str, work: &str, value: f64) {
    println!("{name}\t{work}\t{value}");
}

/// Returns the number of documents a second.
pub fn rate(count: usize, from: Instant) -> f64 {
    count as f64 / from.elapsed().as_secs_f64()
}

fn clean(dir: &Path) -> Fallible<()> {
    if dir.exists() {
        std::fs::remove_dir_all(dir)?;
    }
    Ok(())
}

/// Number of documents that are put in batches of a size.
pub fn batched(lines: &[u8], batch: usize) -> &[u8] {
    let count = (lines.len() / LINE / batch).clamp(1, BATCHES_MAX) * batch * LINE;
    lines.get(..count).unwrap_or(lines)
}

/// Measures durable puts, then loads the store that [`read`] reads.
pub fn write<S: Store>(dir: &Path, lines: &[u8]) -> Fallible<()> {
    let own = dir.join(S::NAME);
    for batch in BATCHES {
        clean(&own)?;
        let lines = batched(lines, batch);
        let mut store = S::open(&own)?;
        let from = Instant::now();
        for bytes in lines.chunks(batch * LINE) {
            store.put(bytes)?;
        }
        show(
            S::NAME,
            &format!("put_{batch}"),
            rate(lines.len() / LINE, from),
        );
    }
    clean(&own)?;
    let mut store = S::open(&own)?;
    let from = Instant::now();
    store.load(lines)?;
    show(S::NAME, "load", rate(lines.len() / LINE, from));
    Ok(())
}

/// Bytes of memory that are not a file's, and those that are.
fn memory() -> Fallible<[f64; 2]> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok());
        number.unwrap_or_default() * 1024.0
    };
    Ok([of("RssAnon:"), of("RssFile:")])
}

/// Measures opening, memory, gets and scans of the store that [`write`] loaded, of `count` documents.
pub fn read<S: Store>(dir: &Path, count: usize) -> Fallible<()> {
    let own = dir.join(S::NAME);
    let ids: Vec<String> = (0..SOME.min(count))
        .map(|n| format!("doc-{:010}", mix(n as u64) % count as u64))
        .collect();
    let before = memory()?;
    let store = S::open_reader(&own)?;
    // The first reads bring the files into memory.
    let seen = store.scan_raw()?;
    assert!(seen == count, "{}: {seen} documents of {count}", S::NAME);
    get(&store, &ids)?;
    let after = memory()?;
    let anonymous = (after[0] - before[0]).max(0.0);
    show(S::NAME, "memory_anonymous", anonymous / count as f64);
    let mapped = (after[1] - before[1]).max(0.0);
    show(S::NAME, "memory_file", mapped / count as f64);
    let from = Instant::now();
    get(&store, &ids)?;
    show(S::NAME, "get", rate(ids.len(), from));
    let from = Instant::now();
    let halves = ids.split_at(ids.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| get(&store, halves.1).is_ok());
        let own = get(&store, halves.0).is_ok();
        assert!(own && other.join().unwrap_or(false), "gets");
    });
    show(S::NAME, "get_2_threads", rate(ids.len(), from));
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let from = Instant::now();
    let mut sum = Some(0);
    for some in names.chunks(1_000) {
        sum = match store.get_many(some) {
            Some(length) => sum
                .map(|s| Ok::<_, Box<dyn Error>>(s + length?))
                .transpose()?,
            None => None,
        };
    }
    if let Some(sum) = sum {
        assert!(sum >= ids.len() * (LINE - 1), "{sum}");
        show(S::NAME, "get_many", rate(ids.len(), from));
    }
    let from = Instant::now();
    assert!(store.scan_raw()? == count, "scan");
    show(S::NAME, "scan_raw", rate(count, from));
    let from = Instant::now();
    assert!(store.scan_group()? == count.div_ceil(100), "group");
    show(S::NAME, "scan_where", rate(count, from));
    drop(store);
    open::<S>(&own)
}

fn get<S: Store>(store: &S, ids: &[String]) -> Fallible<()> {
    let mut sum = 0;
    for id in ids {
        sum += store.get(id)?;
    }
    assert!(sum >= ids.len() * (LINE - 2), "{sum}");
    Ok(())
}

/// Measures opening: seconds, the median of nine.
fn open<S: Store>(own: &Path) -> Fallible<()> {
    let mut reader = Vec::new();
    let mut writer = Vec::new();
    for _ in 0..9 {
        let from = Instant::now();
        let store = S::open_reader(own)?;
        reader.push(from.elapsed().as_secs_f64());
        drop(store);
        let from = Instant::now();
        let store = S::open(own)?;
        writer.push(from.elapsed().as_secs_f64());
        drop(store);
    }
    for (work, mut times) in [("open_reader", reader), ("open_writer", writer)] {
        times.sort_by(f64::total_cmp);
        show(S::NAME, work, times.get(4).copied().unwrap_or_default());
    }
    Ok(())
}

/// Measures ten updates of each document, and the space after a compaction.
pub fn update<S: Store>(dir: &Path, lines: &[u8]) -> Fallible<()> {
    let own = dir.join(S::NAME);
    clean(&own)?;
    let count = SOME.min(lines.len() / LINE);
    let mut lines = lines.get(..count * LINE).unwrap_or_default().to_vec();
    let mut store = S::open(&own)?;
    store.load(&lines)?;
    let from = Instant::now();
    for version in b'1'..=b':' {
        for line in lines.chunks_exact_mut(LINE) {
            if let Some(digit) = line.get_mut(VERSION_AT) {
                // The tenth version is 0 again.
                *digit = if version > b'9' { b'0' } else { version };
            }
        }
        for batch in lines.chunks(LOAD_BATCH * LINE) {
            store.put(batch)?;
        }
    }
    show(S::NAME, "update", rate(count * 10, from));
    let from = Instant::now();
    store.compact()?;
    show(S::NAME, "compact", rate(count, from));
    drop(store);
    let live = lines.len() as f64;
    show(S::NAME, "space_all", space(&own)? as f64 / live);
    if let Some(log) = S::log(&own) {
        show(S::NAME, "space", space(&log)? as f64 / live);
    }
    clean(&own)
}

/// Returns the bytes that files take on the disk.
fn space(path: &Path) -> Fallible<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = path.metadata()?;
    if !meta.is_dir() {
        return Ok(meta.blocks() * 512);
    }
    let entries = std::fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
    entries.iter().map(|entry| space(&entry.path())).sum()
}

/// The arguments of a program: `STAGE DIR N`.
pub struct Arguments {
    pub stage: String,
    pub dir: PathBuf,
    pub count: usize,
}

impl Arguments {
    /// Reads `STORE STAGE DIR N`, and returns the store beside the others.
    pub fn read() -> Fallible<(String, Self)> {
        let mut words = std::env::args().skip(1).filter(|a| !a.starts_with("--"));
        let mut next = || {
            words
                .next()
                .ok_or("STORE STAGE DIR N are wanted; see documents.sh")
        };
        let store = next()?;
        let (stage, dir, count) = (next()?, next()?.into(), next()?.parse()?);
        Ok((store, Self { stage, dir, count }))
    }

    /// Returns the documents, which `make` has made.
    pub fn lines(&self) -> Fallible<Vec<u8>> {
        Ok(std::fs::read(self.dir.join("documents.jsonl"))?)
    }

    /// Runs a stage of a store.
    pub fn run<S: Store>(&self) -> Fallible<()> {
        match self.stage.as_str() {
            "write" => write::<S>(&self.dir, &self.lines()?),
            "read" => read::<S>(&self.dir, self.count),
            "update" => update::<S>(&self.dir, &self.lines()?),
            other => Err(format!("{other} is no stage").into()),
        }
    }
}
