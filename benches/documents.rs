//! Collections of documents beside other stores, a stage of one store in each run:
//! `cargo bench --bench documents -- alimentar|redb write|read|update DIR N`, `-- disk all DIR N` for the
//! limits of the disk and of the memory, and `-- make all DIR N` for the documents. `benches/documents.sh` runs all of them in turns.
#![allow(clippy::print_stdout, reason = "the figures are what it is for")]
#![allow(
    clippy::disallowed_methods,
    reason = "a bench has arguments and a clock"
)]

#[path = "documents_peers/src/measure.rs"]
mod measure;

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufWriter;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::path::PathBuf;
use std::time::Instant;

use alimentar::documents::FastStore;
use alimentar::documents::Layout;
use alimentar::documents::Scan;
use alimentar::documents::StoreOptions;
use redb::Database;
use redb::ReadableDatabase as _;
use redb::ReadableTable as _;
use redb::TableDefinition;

use crate::measure::Arguments;
use crate::measure::BATCHES;
use crate::measure::Fallible;
use crate::measure::GROUP;
use crate::measure::LINE;
use crate::measure::SOME;
use crate::measure::Store;
use crate::measure::batched;
use crate::measure::documents;
use crate::measure::is_of_group;
use crate::measure::mix;
use crate::measure::rate;
use crate::measure::show;

const COLLECTION: &str = "bench";

/// Our store.
struct Own(FastStore);

impl Store for Own {
    const NAME: &'static str = "alimentar";

    fn open(dir: &Path) -> Fallible<Self> {
        // The batches are those of the bench.
        Ok(Self(FastStore::open(dir, COLLECTION, usize::MAX)?))
    }

    fn open_reader(dir: &Path) -> Fallible<Self> {
        let layout = Layout::new(dir, COLLECTION)?;
        Ok(Self(FastStore::open_with(layout, &StoreOptions::read())?))
    }

    fn put(&mut self, lines: &[u8]) -> Fallible<()> {
        self.0.put_many(documents(lines))?;
        Ok(())
    }

    fn load(&mut self, lines: &[u8]) -> Fallible<()> {
        self.0.write_jsonl_blob(lines)?;
        Ok(())
    }

    fn get(&self, id: &str) -> Fallible<usize> {
        Ok(self.0.get(id)?.as_bytes().len())
    }

    fn get_many(&self, ids: &[&str]) -> Option<Fallible<usize>> {
        let found = self.0.get_many(ids).map_err(Into::into);
        let lengths = |found: Vec<Option<alimentar::documents::Document>>| {
            found.iter().flatten().map(|d| d.as_bytes().len()).sum()
        };
        Some(found.map(lengths))
    }

    fn scan_raw(&self) -> Fallible<usize> {
        let mut count = 0;
        self.0.for_each_raw(|line| {
            count += usize::from(!line.is_empty());
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    fn scan_group(&self) -> Fallible<usize> {
        let choice = Scan::all().matching(format!("group = {GROUP}").parse()?);
        let mut count = 0;
        for document in self.0.scan(&choice)? {
            document?;
            count += 1;
        }
        Ok(count)
    }

    fn compact(&mut self) -> Fallible<()> {
        self.0.compact()?;
        Ok(())
    }

    fn log(dir: &Path) -> Option<PathBuf> {
        let collection = dir.join("collections").join(COLLECTION);
        Some(collection.join("meta/data.jsonl"))
    }
}

struct Redb(Database);

const TABLE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("documents");

impl Store for Redb {
    const NAME: &'static str = "redb";

    fn open(dir: &Path) -> Fallible<Self> {
        std::fs::create_dir_all(dir)?;
        // Pages of all documents may be in memory, as for the others.
        let mut builder = Database::builder();
        builder.set_cache_size(4 << 30);
        Ok(Self(builder.create(dir.join("redb"))?))
    }

    fn put(&mut self, lines: &[u8]) -> Fallible<()> {
        let write = self.0.begin_write()?;
        let mut table = write.open_table(TABLE)?;
        for (id, document) in documents(lines) {
            table.insert(id, document)?;
        }
        drop(table);
        Ok(write.commit()?)
    }

    fn get(&self, id: &str) -> Fallible<usize> {
        let table = self.0.begin_read()?.open_table(TABLE)?;
        Ok(table.get(id)?.ok_or("missing")?.value().len())
    }

    fn get_many(&self, ids: &[&str]) -> Option<Fallible<usize>> {
        let lengths = || {
            let table = self.0.begin_read()?.open_table(TABLE)?;
            let mut sum = 0;
            for id in ids {
                sum += table.get(*id)?.ok_or("missing")?.value().len();
            }
            Ok(sum)
        };
        Some(lengths())
    }

    fn scan_raw(&self) -> Fallible<usize> {
        let table = self.0.begin_read()?.open_table(TABLE)?;
        let mut count = 0;
        for entry in table.iter()? {
            count += usize::from(!entry?.1.value().is_empty());
        }
        Ok(count)
    }

    fn scan_group(&self) -> Fallible<usize> {
        let table = self.0.begin_read()?.open_table(TABLE)?;
        let mut count = 0;
        for entry in table.iter()? {
            count += usize::from(is_of_group(entry?.1.value())?);
        }
        Ok(count)
    }

    fn compact(&mut self) -> Fallible<()> {
        self.0.compact()?;
        Ok(())
    }
}

/// Writes the file of all documents, unless it is there.
fn make(path: &Path, count: usize) -> Fallible<()> {
    if path
        .metadata()
        .is_ok_and(|m| m.len() == (count * LINE) as u64)
    {
        return Ok(());
    }
    let mut to = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut line = String::new();
    for n in 0..count {
        line.clear();
        write!(
            line,
            r#"{{"_id":"doc-{n:010}","v":0,"n":{n},"group":"g{:02}","text":""#,
            n % 100
        )?;
        let mut word = n as u64 * 16;
        while line.len() < LINE - 3 {
            word += 1;
            write!(line, "{:016x}", mix(word))?;
        }
        line.truncate(LINE - 3);
        line.push_str("\"}\n");
        to.write_all(line.as_bytes())?;
    }
    to.into_inner()?.sync_all()?;
    Ok(())
}

/// Measures the disk: bytes appended, with a sync after each batch.
fn disk(dir: &Path, lines: &[u8]) -> Fallible<()> {
    let path = dir.join("disk");
    for batch in BATCHES {
        let lines = batched(lines, batch);
        let mut file = File::create(&path)?;
        let from = Instant::now();
        for bytes in lines.chunks(batch * LINE) {
            file.write_all(bytes)?;
            file.sync_data()?;
        }
        show(
            "disk",
            &format!("put_{batch}"),
            rate(lines.len() / LINE, from),
        );
    }
    let mut file = File::create(&path)?;
    let from = Instant::now();
    for bytes in lines.chunks(16 << 20) {
        file.write_all(bytes)?;
    }
    file.sync_data()?;
    show("disk", "load", rate(lines.len() / LINE, from));
    std::fs::remove_file(&path)?;
    memory(dir, lines)
}

/// Measures what a get cannot do without: the read of a slot, a look at the length of the file, and a copy of the line,
/// each at a random place. Nothing is hashed or compared.
fn memory(dir: &Path, lines: &[u8]) -> Fallible<()> {
    let count = lines.len() / LINE;
    let file = File::open(dir.join("documents.jsonl"))?;
    let slots = count + count / 2;
    let places: Vec<[u64; 2]> = (0..slots)
        .map(|n| [mix(n as u64) % count as u64, n as u64])
        .collect();
    let mut bytes = 0;
    let from = Instant::now();
    for n in 0..SOME {
        let slot = mix(n as u64) % slots as u64;
        let place = places[slot as usize][0] as usize * LINE;
        let length = rustix::fs::seek(&file, rustix::fs::SeekFrom::End(0))?;
        if length >= (place + LINE) as u64 {
            bytes += std::hint::black_box(lines[place..place + LINE].to_vec()).len();
        }
    }
    assert!(bytes == SOME * LINE, "{bytes}");
    show("disk", "get", rate(SOME, from));
    Ok(())
}

fn main() -> Fallible<()> {
    let (store, arguments) = Arguments::read()?;
    match store.as_str() {
        "make" => make(&arguments.dir.join("documents.jsonl"), arguments.count),
        "disk" => disk(&arguments.dir, &arguments.lines()?),
        "alimentar" => arguments.run::<Own>(),
        "redb" => arguments.run::<Redb>(),
        other => Err(format!("{other} is not among make, disk, alimentar and redb").into()),
    }
}
