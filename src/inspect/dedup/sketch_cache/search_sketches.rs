//! Sketches of a search: taken from the cache where possible, and written to it.

use std::io;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::Method;
use crate::inspect::dedup::RowSet;
use crate::inspect::dedup::Shingle;
use crate::inspect::dedup::Weighting;
use crate::inspect::dedup::exact::hash::hash_128;
use crate::inspect::dedup::near::sketch::Bands;
use crate::inspect::dedup::sketch_cache::NewSketches;
use crate::inspect::dedup::sketch_cache::RowState;
use crate::inspect::dedup::sketch_cache::SketchFile;
use crate::inspect::dedup::sketch_cache::SketchHeader;
use crate::inspect::dedup::sketch_cache::SketchRun;
use crate::inspect::dedup::sketch_cache::codec::RUN_ROWS_MAX;
use crate::inspect::dedup::sketch_cache::codec::TableWriter;
use crate::inspect::dedup::sketch_cache::codec::joined;
use crate::inspect::table::Batch;
use crate::inspect::table::Row;
use crate::locks::lock;
use crate::wire::Writer;
use crate::wire::limits::PRINT_BYTES_MAX;
use crate::wire::limits::PRINT_COMMON_MAX;
use crate::wire::limits::PRINT_RUNS_MAX;

/// Sketches of a search: those from the cache, and new ones for it.
pub(in crate::inspect::dedup) struct Sketches {
    known: Option<SketchFile>,
    new: Mutex<Option<CacheWriter>>,
    /// Bytes of one sketch.
    width: usize,
    made: AtomicU64,
}

struct CacheWriter {
    file: Box<dyn NewSketches>,
    table: TableWriter,
    runs_max: usize,
    taken_over: usize,
    waiting: Vec<u8>,
}

impl Sketches {
    /// Creates an instance without a cache.
    pub(in crate::inspect::dedup) fn uncached(width: usize) -> Self {
        Self {
            known: None,
            new: Mutex::new(None),
            width,
            made: AtomicU64::new(0),
        }
    }

    /// Opens the cached file, and starts its replacement. `common` are the common shingles found
    /// now.
    pub(in crate::inspect::dedup) fn begin(
        options: &DedupOptions<'_>,
        width: usize,
        common: Vec<u32>,
    ) -> Self {
        let mut this = Self::uncached(width);
        let Some(cache) = options.sketch_cache else {
            return this;
        };
        if width > PRINT_BYTES_MAX || common.len() > PRINT_COMMON_MAX {
            return this;
        }
        let parameters = parameters(options, width);
        // The table of the file read and that of the file written are in memory together.
        let runs_max = (options.budget_bytes / 4 / RUN_MEMORY_BYTES).min(PRINT_RUNS_MAX);
        let kept = cache.open(&parameters);
        let known = kept.and_then(|file| SketchFile::open(file, runs_max).ok());
        let fits = |file: &SketchFile| {
            let header = file.header();
            header.parameters == parameters
                && header.width == width
                && overlap_enough(&header.common, &common)
        };
        this.known = known.filter(fits);
        let header = SketchHeader {
            parameters,
            width,
            common: this
                .known
                .as_ref()
                .map_or(common, |k| k.header().common.clone()),
        };
        let bytes = header.encode();
        let begun = cache.create(&parameters).and_then(|mut file| {
            file.append(&bytes)?;
            Ok(file)
        });
        let writing = begun.ok().map(|file| CacheWriter {
            file,
            table: TableWriter::new(&bytes),
            runs_max,
            taken_over: 0,
            waiting: Vec::new(),
        });
        this.new = Mutex::new(writing);
        this
    }

    /// The shingles that sketches skip, if the cached file decided that.
    pub(in crate::inspect::dedup) fn common(&self) -> Option<&[u32]> {
        let known = self.known.as_ref();
        known.map(|file| file.header().common.as_slice())
    }

    /// Number of rows sketched by this search.
    pub(in crate::inspect::dedup) fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Passes the sketch of each row of a batch outside `removed` to `see`, if it has one. `make`
    /// appends the sketch of a row, or nothing.
    pub(in crate::inspect::dedup) fn each(
        &self,
        batch: &Batch,
        first: u64,
        removed: &RowSet,
        make: &mut dyn FnMut(&Row<'_>, &mut Vec<u8>),
        see: &mut dyn FnMut(u64, &[u8]),
    ) {
        let is_wanted = |row: &Row<'_>| !removed.contains(first + row.index);
        if !self.is_kept() {
            let mut print = Vec::new();
            for row in batch.rows().filter(is_wanted) {
                print.clear();
                make(&row, &mut print);
                self.made.fetch_add(1, Ordering::Relaxed);
                if !print.is_empty() {
                    see(first + row.index, &print);
                }
            }
            return;
        }
        each_run(batch, &mut |key, rows| {
            let run = self.run(key, rows, &is_wanted, make);
            let mut prints = run.prints().chunks_exact(self.width);
            for (row, state) in rows.iter().zip(run.states()) {
                if *state == RowState::Print as u8 {
                    let print = prints.next().unwrap_or_default();
                    if is_wanted(row) {
                        see(first + row.index, print);
                    }
                }
            }
        });
    }

    /// Returns the sketches of a run. Computes and caches the unknown ones.
    fn run(
        &self,
        key: u128,
        rows: &[Row<'_>],
        is_wanted: &dyn Fn(&Row<'_>) -> bool,
        make: &mut dyn FnMut(&Row<'_>, &mut Vec<u8>),
    ) -> SketchRun {
        let known = self.known.as_ref().and_then(|k| k.run(key, rows.len()));
        let is_enough = |run: &SketchRun| {
            let mut both = rows.iter().zip(run.states());
            both.all(|(row, state)| *state != RowState::Unseen as u8 || !is_wanted(row))
        };
        let known = known.filter(is_enough);
        let is_known = known.is_some();
        let run = known.unwrap_or_else(|| {
            let mut bytes = vec![RowState::Unseen as u8; rows.len()];
            for (n, row) in rows.iter().enumerate().filter(|(_, row)| is_wanted(row)) {
                let before = bytes.len();
                make(row, &mut bytes);
                self.made.fetch_add(1, Ordering::Relaxed);
                let state = match bytes.len() > before {
                    true => RowState::Print,
                    false => RowState::Nothing,
                };
                if let Some(to) = bytes.get_mut(n) {
                    *to = state as u8;
                }
            }
            SketchRun {
                rows: rows.len(),
                bytes,
            }
        });
        let mut new = lock(&self.new);
        if let Some(writing) = &mut *new
            && writing.put(key, &run, is_known).is_err()
        {
            *new = None;
        }
        run
    }

    fn is_kept(&self) -> bool {
        let new = lock(&self.new);
        new.is_some() || self.known.is_some()
    }

    /// Publishes the new file.
    pub(in crate::inspect::dedup) fn finish(self) {
        let new = self
            .new
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(writing) = new else { return };
        let runs = self.known.map_or(0, |known| known.runs());
        let is_the_same = writing.taken_over == writing.table.count();
        if runs > 0 && is_the_same && writing.taken_over * 2 >= runs {
            return;
        }
        // A failure is harmless: the next search computes the sketches again.
        let _ = writing.finish();
    }
}

impl CacheWriter {
    fn put(&mut self, key: u128, run: &SketchRun, is_known: bool) -> io::Result<()> {
        if self.table.count() >= self.runs_max {
            return Ok(());
        }
        self.taken_over += usize::from(is_known);
        self.table.push(key, run);
        self.waiting.extend_from_slice(&run.bytes);
        if self.waiting.len() >= WAITING_BYTES {
            self.file.append(&self.waiting)?;
            self.waiting.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.waiting.extend_from_slice(&self.table.finish());
        self.file.append(&self.waiting)?;
        self.file.commit()
    }
}

/// Passes on the rows of a batch in content-defined runs.
fn each_run(batch: &Batch, show: &mut dyn FnMut(u128, &[Row<'_>])) {
    let (mut rows, mut key) = (Vec::with_capacity(RUN_ROWS_MAX), 0);
    for row in batch.rows() {
        let hash = hash_128(row.text);
        rows.push(row);
        key = joined(key, hash);
        if hash & CUT_MASK == 0 || rows.len() == RUN_ROWS_MAX {
            show(key, &rows);
            rows.clear();
            key = 0;
        }
    }
    if !rows.is_empty() {
        show(key, &rows);
    }
}

/// Hashes all parameters that sketches depend on.
fn parameters(options: &DedupOptions<'_>, width: usize) -> [u8; 32] {
    let mut w = Writer::new();
    match options.method {
        Method::Exact => w.u8(0),
        Method::MinHash => {
            let bands = Bands::for_threshold(options.threshold);
            w.u8(1).varint(bands.places as u64)
        }
        Method::SimHash { .. } => w.u8(2),
    };
    w.varint(width as u64);
    match options.shingle() {
        Shingle::Words(n) => w.u8(0).varint(n as u64),
        Shingle::Bytes(n) => w.u8(1).varint(n as u64),
    };
    w.u8(u8::from(options.weighting == Weighting::Rare));
    for column in &options.columns {
        w.counted(column.as_bytes());
    }
    *blake3::hash(w.as_bytes()).as_bytes()
}

/// Returns true if two ascending lists share at least three quarters of their union.
fn overlap_enough(a: &[u32], b: &[u32]) -> bool {
    let common = a.iter().filter(|n| b.binary_search(n).is_ok()).count();
    4 * common >= 3 * (a.len() + b.len() - common)
}

/// A run ends after a row whose hash has zeros in these bits.
const CUT_MASK: u128 = 3;
/// Memory per run, read and written.
const RUN_MEMORY_BYTES: usize = 64;
/// Bytes per write.
const WAITING_BYTES: usize = 1 << 20;
