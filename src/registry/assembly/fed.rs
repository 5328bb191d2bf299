//! Entries of the file table of an assembly.

use std::collections::HashMap;
use std::io;
use std::io::Read as _;

use arrow_schema::Schema;

use crate::inspect::Compression;
use crate::inspect::Describer;
use crate::inspect::FileFormat;
use crate::inspect::Format;
use crate::inspect::SchemaMessage;
use crate::inspect::table::SchemaFrom;
use crate::manifest::FileEntry;
use crate::manifest::Manifest;
use crate::read_at::ReadAt;
use crate::registry::describe::schema::SchemaSet;
use crate::registry::index::read::ReadFile;
use crate::registry::index::read::Secrets;
use crate::registry::index::read::SmallFiles;

/// More bytes than a describer keeps of the front of a text, in any encoding.
const FRONT_BYTES: u64 = 4 << 20;

/// The files that were fed so far.
pub(super) struct Fed {
    pub(super) entries: Vec<FileEntry>,
    pub(super) schemas: SchemaSet,
    pub(super) schema_from: SchemaFrom,
    pub(super) secrets: Secrets,
    /// Schemas by the hashes of their messages.
    known: HashMap<[u8; 32], Schema>,
}

impl Fed {
    /// Begins with the schema of the version before.
    pub(super) fn new(before: Option<&Manifest>) -> Self {
        let mut known = HashMap::new();
        if let Some(schema) = before.and_then(|m| SchemaMessage::read(&m.schema)) {
            known.extend(SchemaMessage::of(&schema).map(|message| (message.hash(), schema)));
        }
        Self {
            entries: Vec::new(),
            schemas: SchemaSet::default(),
            schema_from: SchemaFrom::Metadata,
            secrets: Secrets::default(),
            known,
        }
    }

    /// Adds a file that was read.
    pub(super) fn add(&mut self, (mut entry, schema, from): ReadFile) {
        self.schema_from = self.schema_from.max(from);
        entry.schema = schema.and_then(|schema| {
            let hash = self.schemas.add(schema.clone())?;
            self.known.insert(hash, schema);
            Some(hash)
        });
        self.entries.push(entry);
    }

    /// Adds small files that were read, and returns their bytes.
    pub(super) fn add_small(&mut self, group: SmallFiles) -> Vec<u8> {
        group.files.into_iter().for_each(|file| self.add(file));
        self.secrets.append(group.secrets);
        group.data
    }

    /// Adds a kept file. Its schema is that of another file, or it is described again.
    pub(super) fn keep(&mut self, entry: &FileEntry, source: &dyn ReadAt) -> io::Result<()> {
        if let Some(hash) = entry.schema {
            let schema = match self.known.get(&hash) {
                Some(schema) => Some(schema.clone()),
                None => described(entry, source)?,
            };
            if let Some(schema) = schema {
                self.known.insert(hash, schema.clone());
                self.schemas.add(schema);
            }
        }
        self.entries.push(entry.clone());
        Ok(())
    }
}

/// Returns the schema of a file as an index describes it.
fn described(entry: &FileEntry, source: &dyn ReadAt) -> io::Result<Option<Schema>> {
    let mut describer = Describer::new(&entry.path);
    // The schema of an array depends on its end. That of other text is that of its front, and a columnar or
    // compressed file is read through `source`.
    let wanted = match FileFormat::from_number(entry.format) {
        FileFormat {
            format: Format::JsonArray,
            compression: Compression::None,
        } => u64::MAX,
        _ => FRONT_BYTES,
    };
    let reading = InOrder { source, at: 0 };
    let (mut reading, mut piece) = (reading.take(wanted), vec![0; 1 << 20]);
    loop {
        let n = reading.read(&mut piece)?;
        if n == 0 {
            break;
        }
        describer.push(piece.get(..n).unwrap_or_default());
    }
    Ok(describer.finish(source).schema)
}

/// A source that is read from its front.
struct InOrder<'a> {
    source: &'a dyn ReadAt,
    at: u64,
}

impl io::Read for InOrder<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read_at(buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
