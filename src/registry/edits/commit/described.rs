//! Entries of the new file table.

use std::collections::HashMap;
use std::io::Read;

use arrow_schema::Schema;

use crate::ident::ContentId;
use crate::inspect::Compression;
use crate::inspect::Describer;
use crate::inspect::Description;
use crate::inspect::FileFormat;
use crate::inspect::Format;
use crate::inspect::SchemaMessage;
use crate::inspect::table::SchemaFrom;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::registry::describe::schema::SchemaSet;
use crate::registry::edits::commit::state::CommitFile;
use crate::registry::edits::commit::state::Committing;
use crate::registry::edits::commit::state::FileChange;
use crate::registry::edits::commit::state::Sequential;
use crate::registry::edits::error::EditError;
use crate::registry::error::Error;
use crate::wire::limits::CARD_BYTES_MAX;

/// Name of the file that is the card of a directory.
const CARD_FILE: &str = "README.md";

/// More bytes than a describer keeps of the front of a text, in any encoding.
const FRONT_BYTES: u64 = 4 << 20;

/// The files of the new version.
pub(super) struct CommittedFiles {
    pub(super) table: FileTable,
    pub(super) schemas: SchemaSet,
    pub(super) schema_from: SchemaFrom,
    pub(super) rewritten: Vec<String>,
    /// Bytes of an edited `README.md`.
    pub(super) readme: Option<Vec<u8>>,
}

/// Entries of the new file table so far.
pub(super) struct Described<'a, 'b> {
    committing: &'a Committing<'b>,
    entries: Vec<FileEntry>,
    schemas: SchemaSet,
    schema_from: SchemaFrom,
    /// Schemas by the hashes of their messages.
    known: HashMap<[u8; 32], Schema>,
}

impl<'a, 'b> Described<'a, 'b> {
    pub(super) fn new(committing: &'a Committing<'b>) -> Self {
        let mut known = HashMap::new();
        if let Some(schema) = SchemaMessage::read(&committing.manifest.schema) {
            known.extend(SchemaMessage::of(&schema).map(|message| (message.hash(), schema)));
        }
        Self {
            committing,
            entries: Vec::new(),
            schemas: SchemaSet::default(),
            schema_from: SchemaFrom::Metadata,
            known,
        }
    }

    /// Adds an edited file.
    pub(super) fn add(&mut self, file: &CommitFile, hash: ContentId, found: Description) {
        self.schema_from = self.schema_from.max(found.schema_from);
        let schema = found.schema.and_then(|schema| {
            let hash = self.schemas.add(schema.clone())?;
            self.known.insert(hash, schema);
            Some(hash)
        });
        self.entries.push(FileEntry {
            path: file.old.path.clone(),
            size_bytes: file.bytes,
            content_id: Some(hash),
            format: found.format.number(),
            rows: found.rows,
            schema,
        });
    }

    /// Adds a file without edits. Its schema is that of another file, or it is described again.
    pub(super) fn keep(&mut self, file: &CommitFile) -> Result<(), Error> {
        if let Some(hash) = file.old.schema {
            let schema = match self.known.get(&hash) {
                Some(schema) => Some(schema.clone()),
                None => self.describe(file)?,
            };
            if let Some(schema) = schema {
                self.known.insert(hash, schema.clone());
                self.schemas.add(schema);
            }
        }
        self.entries.push(file.old.clone());
        Ok(())
    }

    /// Returns the schema of a file as an index describes it. The rows are those of its entry.
    fn describe(&self, file: &CommitFile) -> Result<Option<Schema>, Error> {
        let source = self.committing.dataset_file(file.old_at, &file.old);
        let mut describer = Describer::new(&file.old.path);
        // The schema of an array depends on its end. That of other text is that of its front, and a
        // columnar or a compressed file is read through `source`.
        let wanted = match FileFormat::from_number(file.old.format) {
            FileFormat {
                format: Format::JsonArray,
                compression: Compression::None,
            } => u64::MAX,
            _ => FRONT_BYTES,
        };
        let reading = Sequential {
            source: &source,
            at: 0,
        };
        let (mut reading, mut piece) = (reading.take(wanted), vec![0; 1 << 20]);
        loop {
            let n = reading.read(&mut piece);
            let n = n.map_err(|e| self.committing.unread(file, e.into()))?;
            if n == 0 {
                break;
            }
            describer.push(piece.get(..n).unwrap_or_default());
        }
        Ok(describer.finish(&source).schema)
    }

    /// Ends the table.
    pub(super) fn finish(self, files: &[CommitFile]) -> Result<CommittedFiles, Error> {
        let rewritten = files.iter().filter_map(|file| match file.change {
            FileChange::Rewritten(_) => Some(file.old.path.clone()),
            _ => None,
        });
        Ok(CommittedFiles {
            table: FileTable::new(self.entries)?,
            schemas: self.schemas,
            schema_from: self.schema_from,
            rewritten: rewritten.collect(),
            readme: readme(files)?,
        })
    }
}

/// Returns the bytes of an edited card file.
fn readme(files: &[CommitFile]) -> Result<Option<Vec<u8>>, Error> {
    let edited = files.iter().find(|file| file.old.path == CARD_FILE);
    let Some(CommitFile {
        change: FileChange::Bytes(base, overlay),
        bytes,
        ..
    }) = edited.filter(|file| file.bytes <= CARD_BYTES_MAX as u64)
    else {
        return Ok(None);
    };
    let fail = |why: String| -> Error {
        let target = CARD_FILE.to_owned();
        EditError::NotEditable { target, why }.into()
    };
    let edited = base.edited(overlay.as_ref().clone())?;
    let source = edited.source().map_err(|e| fail(e.to_string()))?;
    let mut card = Vec::new();
    let reading = Sequential {
        source: &*source,
        at: 0,
    };
    let read = reading.take(*bytes).read_to_end(&mut card);
    read.map_err(|e| fail(e.to_string()))?;
    Ok(Some(card))
}
