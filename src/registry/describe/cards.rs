//! Dataset cards: given by the user, found as `README.md` in an indexed directory, or drafted from
//! the manifest.

use crate::registry::views::Descriptions;
use std::fmt::Write;
use std::path::Path;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::card::Card;
use crate::catalog::Dataset;
use crate::file_io::TooLong;
use crate::file_io::read_given;
use crate::ident::labels;
use crate::manifest::Manifest;
use crate::registry::error::Error;
use crate::registry::error::metadata::MetadataError;
use crate::registry::error::source::SourceError;
use crate::registry::index::homes::is_key_file;
use crate::registry::index::source_files::Sources;
use crate::store::disk::BlobReader;
use crate::wire::limits::CARD_BYTES_MAX;

/// Name of the card file in an indexed directory.
const CARD_FILE: &str = "README.md";

/// A card and its origin.
#[derive(Clone, Debug)]
pub struct CardReport {
    /// The card.
    pub card: Card,
    /// True if the card was generated from the manifest and schema.
    pub is_draft: bool,
}

/// Returns the bytes of a dataset's card, if it is to have one.
pub(crate) fn choose_card(
    given: Option<Vec<u8>>,
    sources: &Sources,
) -> Result<Option<Vec<u8>>, Error> {
    let readme = sources.files.iter().find(|f| f.path == CARD_FILE);
    match (given, readme) {
        (Some(card), _) => Ok(Some(card)),
        // A dataset of the single file `README.md` has no card.
        (None, Some(file)) if sources.files.len() > 1 => {
            if file.seen.size_bytes > CARD_BYTES_MAX as u64 {
                Ok(None)
            } else {
                read(&file.at).map(Some)
            }
        }
        (None, _) => Ok(None),
    }
}

/// Reads a card from a file, or from a pipe that can be read once.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let bytes = match read_given(path, CARD_BYTES_MAX) {
        Err(e) if e.get_ref().is_some_and(|e| e.is::<TooLong>()) => {
            return Err(Error::Metadata(MetadataError::CardTooLong(path.to_owned())));
        }
        read => read.map_err(|e| Error::file("read", path, e))?,
    };
    let name = path
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or_default();
    if is_key_file(name, &bytes) {
        Err(Error::Source(SourceError::KeyFile(path.to_owned())))
    } else {
        Ok(bytes)
    }
}

impl Descriptions<'_> {
    /// Returns a dataset's card, or a draft if it has none.
    ///
    /// # Errors
    /// [`Error`] when the card is missing or damaged in the store.
    pub fn card(&self, dataset: &Dataset) -> Result<CardReport, Error> {
        self.card_of(&dataset.manifest)
    }

    /// Returns the card that a manifest names, or a draft if it names none.
    ///
    /// # Errors
    /// As [`Descriptions::card`].
    pub fn card_of(&self, manifest: &Manifest) -> Result<CardReport, Error> {
        let Some(id) = manifest.card else {
            return Ok(CardReport {
                card: draft(manifest),
                is_draft: true,
            });
        };
        let reader = BlobReader::new(&self.registry.store)?;
        let bytes = reader.get(&BlobKey::new(BlobKind::Card, *id.as_bytes()))?;
        Ok(CardReport {
            card: Card::read(&bytes),
            is_draft: false,
        })
    }
}

/// Drafts a card from the manifest.
fn draft(m: &Manifest) -> Card {
    let mut front_matter = Map::new();
    if let Some(license) = &m.license {
        front_matter.insert("license".to_owned(), json!(license));
    }
    front_matter.insert("tags".to_owned(), json!(labels(&m.tags)));
    front_matter.insert(
        "size_categories".to_owned(),
        json!([size_category(m.num_rows)]),
    );
    let mut text = format!("# {}\n\n", m.name);
    if let Some(description) = &m.description {
        text += &format!("{description}\n\n");
    }
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "*Drafted from the data: nobody has described this dataset yet.*\n\n\
         {} row(s) in {} file(s), {} bytes.\n",
        m.num_rows, m.num_files, m.size_bytes
    );
    if let Some(source) = &m.source {
        let revision = source.revision.as_ref();
        let revision = revision.map_or_else(String::new, |r| format!(", revision {r}"));
        let _ = writeln!(
            text,
            "\nTaken in from {}{revision} on {}.",
            source.url,
            source.fetched_at.to_rfc3339()
        );
    }
    if let Some(schema) = Descriptions::schema(m) {
        text += "\n## Columns\n\n| column | type |\n|---|---|\n";
        for field in schema.fields() {
            let name = field.name().replace('|', "\\|");
            let _ = writeln!(text, "| {name} | {} |", field.data_type());
        }
    }
    Card {
        front_matter,
        markdown: text,
        error: None,
    }
}

/// Returns the size category of a Hugging Face dataset card.
fn size_category(rows: u64) -> Value {
    let steps = [
        (1_000, "n<1K"),
        (10_000, "1K<n<10K"),
        (100_000, "10K<n<100K"),
        (1_000_000, "100K<n<1M"),
        (10_000_000, "1M<n<10M"),
        (100_000_000, "10M<n<100M"),
        (1_000_000_000, "100M<n<1B"),
    ];
    let step = steps.iter().find(|(below, _)| rows < *below);
    json!(step.map_or("n>1B", |(_, name)| name))
}
