//! Other stores in Rust for `benches/documents.sh`: `documents-peers fjall|zippy_data STAGE DIR N`.

mod measure;

use std::fs::File;
use std::path::Path;
use std::path::PathBuf;

use fjall::Database;
use fjall::Keyspace;
use fjall::KeyspaceCreateOptions;
use fjall::PersistMode;
use fjall::Readable as _;
use zippy_data::FastStore;
use zippy_data::Layout;
use zippy_data::OpenMode;

use crate::measure::Arguments;
use crate::measure::Fallible;
use crate::measure::GROUP;
use crate::measure::LINE;
use crate::measure::Store;
use crate::measure::documents;
use crate::measure::id_of;
use crate::measure::is_of_group;

struct Fjall {
    database: Database,
    documents: Keyspace,
}

impl Store for Fjall {
    const NAME: &'static str = "fjall";

    fn open(dir: &Path) -> Fallible<Self> {
        // Blocks of all documents may be in memory, as for the others.
        let database = Database::builder(dir).cache_size(4 << 30).open()?;
        let documents = database.keyspace("documents", KeyspaceCreateOptions::default)?;
        Ok(Self {
            database,
            documents,
        })
    }

    fn put(&mut self, lines: &[u8]) -> Fallible<()> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        for (id, document) in documents(lines) {
            batch.insert(&self.documents, id, document);
        }
        Ok(batch.commit()?)
    }

    fn get(&self, id: &str) -> Fallible<usize> {
        Ok(self.documents.get(id)?.ok_or("missing")?.len())
    }

    fn scan_raw(&self) -> Fallible<usize> {
        let mut count = 0;
        for entry in self.database.snapshot().iter(&self.documents) {
            count += usize::from(!entry.value()?.is_empty());
        }
        Ok(count)
    }

    fn scan_group(&self) -> Fallible<usize> {
        let mut count = 0;
        for entry in self.database.snapshot().iter(&self.documents) {
            count += usize::from(is_of_group(&entry.value()?)?);
        }
        Ok(count)
    }

    fn compact(&mut self) -> Fallible<()> {
        self.documents.rotate_memtable_and_wait()?;
        Ok(self.documents.major_compact()?)
    }
}

/// The program of the format. It syncs nothing: this syncs its two files after each batch.
struct Zippy {
    store: FastStore,
    files: Vec<File>,
}

const COLLECTION: &str = "bench";

impl Zippy {
    fn sync(&mut self) -> Fallible<()> {
        self.store.flush()?;
        self.files.iter().try_for_each(File::sync_data)?;
        Ok(())
    }
}

impl Store for Zippy {
    const NAME: &'static str = "zippy_data";

    fn open(dir: &Path) -> Fallible<Self> {
        Layout::init_root(dir)?;
        let store = FastStore::open(dir, COLLECTION, usize::MAX)?;
        let meta = Layout::meta_dir(dir, COLLECTION);
        let open = |name| {
            let mut options = File::options();
            options.append(true).create(true).open(meta.join(name))
        };
        let files = vec![open("data.jsonl")?, open("index.bin")?];
        Ok(Self { store, files })
    }

    fn open_reader(dir: &Path) -> Fallible<Self> {
        let store = FastStore::open_with_mode(dir, COLLECTION, 1, OpenMode::Read)?;
        let files = Vec::new();
        Ok(Self { store, files })
    }

    fn put(&mut self, lines: &[u8]) -> Fallible<()> {
        for (id, document) in documents(lines) {
            self.store.put_raw_line(id, document)?;
        }
        self.sync()
    }

    fn load(&mut self, lines: &[u8]) -> Fallible<()> {
        let ids: Vec<String> = lines
            .chunks_exact(LINE)
            .map(|l| id_of(l).to_owned())
            .collect();
        self.store.write_jsonl_blob(lines, &ids)?;
        self.sync()
    }

    fn get(&self, id: &str) -> Fallible<usize> {
        // It returns a tree of values and never the bytes.
        let document = self.store.get(id)?;
        Ok(if document.is_object() { LINE } else { 0 })
    }

    fn scan_raw(&self) -> Fallible<usize> {
        Ok(self
            .store
            .scan_raw()?
            .iter()
            .filter(|d| !d.is_empty())
            .count())
    }

    fn scan_group(&self) -> Fallible<usize> {
        let all = self.store.scan()?;
        Ok(all.iter().filter(|d| d["group"] == GROUP).count())
    }

    fn compact(&mut self) -> Fallible<()> {
        self.store.compact()?;
        self.sync()
    }

    fn log(dir: &Path) -> Option<PathBuf> {
        Some(Layout::meta_dir(dir, COLLECTION).join("data.jsonl"))
    }
}

fn main() -> Fallible<()> {
    let (store, arguments) = Arguments::read()?;
    match store.as_str() {
        "fjall" => arguments.run::<Fjall>(),
        "zippy_data" => arguments.run::<Zippy>(),
        other => Err(format!("{other} is not among fjall and zippy_data").into()),
    }
}
