//! Loads, reloads, restarts and writes, with sources in memory. Comments say where the original differs.

mod loading;
mod reading;
mod restart;
mod schedule;
mod written;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use arrow_array::ArrayRef;
use arrow_array::Float32Array;
use arrow_array::Int64Array;
use arrow_array::RecordBatch;
use arrow_array::StringArray;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Float32Type;
use parquet::arrow::ArrowWriter;

use crate::error_kind::ErrorKind;
use crate::features::build::BuildInput;
use crate::features::config::Config;
use crate::features::config::SourceConfig;
use crate::features::error::FeatureError;
use crate::features::keys::Keys;
use crate::features::serving::FeatureTables;
use crate::features::serving::LoadReport;
use crate::features::source::Listing;
use crate::features::source::Partition;
use crate::features::source::PartitionFile;
use crate::features::source::PartitionSource;
use crate::features::source::Sources;
use crate::locks::lock;
use crate::progress::NoProgress;
use crate::read_at::ReadAt;

/// The time of most calls.
const NOW: i64 = 1_700_000_000_000_000;

/// Partitions in memory, which count how often they are read.
#[derive(Default)]
struct Memory {
    partitions: Mutex<BTreeMap<String, Stored>>,
    lists: AtomicUsize,
    opens: AtomicUsize,
    /// Fault of the next calls.
    fault: Mutex<Option<Fault>>,
}

#[derive(Clone)]
struct Stored {
    validator: String,
    bytes: Vec<u8>,
}

/// Faults of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It cannot be listed.
    List,
    /// A file vanishes between the list and the first read.
    Vanishes,
    /// A file vanishes while it is read.
    VanishesInside,
    /// A file is another one after it was read.
    Changes,
}

impl Memory {
    fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut partitions = lock(&self.partitions);
        let version = partitions.get(name).map_or(0, |stored| {
            stored.validator.parse::<u32>().unwrap_or_default()
        });
        let validator = (version + 1).to_string();
        partitions.insert(name.to_owned(), Stored { validator, bytes });
    }

    fn remove(&self, name: &str) {
        lock(&self.partitions).remove(name);
    }

    fn fail(&self, fault: Option<Fault>) {
        *lock(&self.fault) = fault;
    }

    /// The numbers of lists and of openings.
    fn counts(&self) -> (usize, usize) {
        (
            self.lists.load(Ordering::SeqCst),
            self.opens.load(Ordering::SeqCst),
        )
    }
}

fn fault(why: &str, kind: ErrorKind) -> FeatureError {
    FeatureError::Source {
        place: "memory".to_owned(),
        why: why.to_owned(),
        kind,
    }
}

struct MemorySource(Arc<Memory>);

impl PartitionSource for MemorySource {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    fn partitions(&self) -> Result<Listing, FeatureError> {
        self.0.lists.fetch_add(1, Ordering::SeqCst);
        if *lock(&self.0.fault) == Some(Fault::List) {
            return Err(fault("no answer", ErrorKind::Network));
        }
        let mut listing = Listing::default();
        for (name, stored) in lock(&self.0.partitions).iter().rev() {
            let file = PartitionFile {
                path: format!("{name}/a.parquet"),
                size_bytes: stored.bytes.len() as u64,
                validator: stored.validator.clone(),
            };
            match stored.bytes.as_slice() {
                b"incomplete" => listing
                    .others
                    .push((name.clone(), "it has no `_SUCCESS`".to_owned())),
                _ => listing.partitions.push(Partition::new(name, vec![file])),
            }
        }
        Ok(listing)
    }

    fn open(&self, partition: &Partition) -> Result<Vec<BuildInput>, FeatureError> {
        self.0.opens.fetch_add(1, Ordering::SeqCst);
        let found = lock(&self.0.partitions).get(&partition.name).cloned();
        let found = found.ok_or_else(|| fault("there is no such file", ErrorKind::NotFound))?;
        let source: Arc<dyn ReadAt> = match *lock(&self.0.fault) {
            Some(Fault::Vanishes) => {
                return Err(fault("there is no such file", ErrorKind::NotFound));
            }
            Some(Fault::VanishesInside) => Arc::new(Vanishing(found.bytes)),
            _ => Arc::new(found.bytes),
        };
        let name = partition.files[0].path.clone();
        Ok(vec![BuildInput { name, source }])
    }

    fn check(&self, _: &Partition) -> Result<(), FeatureError> {
        match *lock(&self.0.fault) {
            Some(Fault::Changes) => Err(fault("it changed since it was listed", ErrorKind::Io)),
            _ => Ok(()),
        }
    }
}

/// A file whose front cannot be read.
struct Vanishing(Vec<u8>);

impl ReadAt for Vanishing {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset < self.0.len() as u64 / 2 {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.0.read_at(buffer, offset)
    }
}

struct MemorySources(Arc<Memory>);

impl Sources for MemorySources {
    fn source(&self, _: &SourceConfig) -> Result<Box<dyn PartitionSource>, FeatureError> {
        Ok(Box::new(MemorySource(Arc::clone(&self.0))))
    }
}

/// A Parquet file with keys `k0`, `k1`, … and one value for all of them.
fn rows(count: usize, value: f32) -> Vec<u8> {
    let keys = StringArray::from_iter_values((0..count).map(|n| format!("k{n}")));
    let values = Float32Array::from_iter_values((0..count).map(|_| value));
    parquet(&[("id", Arc::new(keys)), ("value", Arc::new(values))])
}

fn parquet(columns: &[(&str, ArrayRef)]) -> Vec<u8> {
    let columns = columns
        .iter()
        .map(|(name, values)| (*name, Arc::clone(values), true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// A configuration with one table `t`.
fn config(lines: &str) -> Config {
    let text = format!(
        "tables:\n  t:\n    source: {{local: {{path: memory}}}}\n    key: [id]\n    parts: 2\n{lines}"
    );
    Config::parse(&text, "features.yaml").unwrap()
}

fn open(config: &Config, directory: &Path, memory: &Arc<Memory>) -> FeatureTables {
    let sources = Arc::new(MemorySources(Arc::clone(memory)));
    FeatureTables::open(config, directory, sources).unwrap()
}

fn load(tables: &FeatureTables) -> Result<LoadReport, FeatureError> {
    tables.load("t", false, NOW, &NoProgress)
}

/// The value of a key; `None` where it is missing.
fn value(tables: &FeatureTables, key: &str) -> Option<f32> {
    let schema = tables.schema("t").unwrap();
    let keys = Keys::of_texts(&schema, &[key]).unwrap();
    let served = tables.get("t", &keys, &["value"], NOW).unwrap();
    let values = served.answer.columns()[0]
        .as_primitive::<Float32Type>()
        .clone();
    served.answer.is_live(0).then(|| values.value(0))
}

/// Rows as a client writes them.
fn batch(rows: &[(i64, f32)]) -> RecordBatch {
    let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|(k, _)| *k)));
    let values: ArrayRef = Arc::new(Float32Array::from_iter_values(rows.iter().map(|(_, v)| *v)));
    RecordBatch::try_from_iter([("id", keys), ("value", values)]).unwrap()
}

/// The names of the segments below a directory.
fn segments(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for table in std::fs::read_dir(directory).unwrap().flatten() {
        for file in std::fs::read_dir(table.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = file.file_name().into_string().unwrap();
            if name.ends_with(".segment") || name.contains("unchecked") || name.contains("partial")
            {
                found.push(name);
            }
        }
    }
    found.sort();
    found
}
