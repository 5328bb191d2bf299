//! An archive: its description, the check of all of it, and its files.

use std::sync::Arc;

use alimentar::archive_check::CheckedArchive;
use alimentar::archive_check::OpenArchive;
use alimentar::archive_check::OpenDataset;
use alimentar::archive_check::Standing;
use alimentar::archive_check::TrustSettings;
use alimentar::archive_check::check_archive;
use alimentar::card::Card;
use alimentar::card::to_fragment;
use alimentar::error_kind::ErrorKind;
use alimentar::ident::to_hex;
use alimentar::inspect::FileFormat;
use alimentar::inspect::SchemaMessage;
use alimentar::manifest::DatasetKind;
use alimentar::manifest::FileTable;
use alimentar::progress::Progress;
use alimentar::read_at::ReadAt;
use alimentar::trust::Fingerprint;
use alimentar::trust::Statement;
use alimentar::trust::StatementBody;
use alimentar::trust::TrustStore;
use arrow_schema::FieldRef;
use arrow_schema::Schema;
use serde_json::Value;
use serde_json::json;

use crate::failure::Failure;
use crate::limits::SUMMARY_FILES_MAX;

/// An open archive.
pub(crate) struct Archive {
    pub(crate) name: String,
    source: Arc<dyn ReadAt>,
    open: OpenArchive,
    checked: Option<CheckedArchive>,
}

/// Returns the columns of a schema.
pub(crate) fn columns_of(schema: Option<&Schema>) -> Vec<Value> {
    let fields = schema.into_iter().flat_map(|s| s.fields().iter());
    let column = |f: &FieldRef| {
        let kind = f.data_type().to_string();
        json!({"name": f.name(), "type": kind, "nullable": f.is_nullable()})
    };
    fields.map(column).collect()
}

impl Archive {
    /// Reads the front of an archive.
    ///
    /// # Errors
    /// [`Failure`] with the refusal.
    pub(crate) fn open(source: Arc<dyn ReadAt>, name: &str) -> Result<Self, Failure> {
        Ok(Self {
            open: OpenArchive::open(Arc::clone(&source), name)?,
            name: name.to_owned(),
            checked: None,
            source,
        })
    }

    /// Reads all of the archive, with the checks of an import.
    ///
    /// # Errors
    /// [`Failure`] with the refusal.
    pub(crate) fn verify(
        &mut self,
        settings: &TrustSettings,
        progress: &dyn Progress,
    ) -> Result<Value, Failure> {
        let source = Arc::clone(&self.source);
        let checked = check_archive(source, &self.name, settings, progress)?;
        let datasets = self.open.datasets.iter().zip(&checked.datasets);
        let outcome =
            |(open, checked): (&OpenDataset, &alimentar::archive_check::CheckedDataset)| {
                let m = open.verified.manifest();
                let reason = checked.outcome.reason();
                json!({
                    "name": m.name.to_string(),
                    "version": m.dataset_version.to_string(),
                    "content_id": m.content_id.to_hex(),
                    "files": checked.table.files().len(),
                    "bytes": m.size_bytes,
                    "outcome": if reason.is_none() { "intact" } else { "refused" },
                    "reason": reason,
                })
            };
        let datasets: Vec<Value> = datasets.map(outcome).collect();
        self.checked = Some(checked);
        Ok(json!({"datasets": datasets, "bytes": self.source.len()}))
    }

    /// Opens a file of the checked archive.
    ///
    /// # Errors
    /// [`Failure`] before the check, and for a path that no intact dataset has.
    pub(crate) fn file(&self, dataset: usize, path: &str) -> Result<Arc<dyn ReadAt>, Failure> {
        let Some(checked) = &self.checked else {
            return Err(Failure::invalid("the archive has to be verified first"));
        };
        let none = || {
            let message = format!("the archive has no intact file `{path}`");
            Failure::new(ErrorKind::NotFound, message)
        };
        Ok(Arc::new(checked.file(dataset, path).ok_or_else(none)?))
    }

    /// Returns the description of the archive.
    pub(crate) fn describe(&self, settings: &TrustSettings) -> Value {
        let trust = settings.with(&self.open.statements);
        let header = &self.open.header;
        json!({
            "kind": "archive",
            "name": self.name,
            "bytes": self.source.len(),
            "version": if header.may_hold_deltas() { 2 } else { 1 },
            "deltas": header.may_hold_deltas(),
            "verified": self.checked.is_some(),
            "datasets": self.datasets(&trust, usize::MAX, true),
            "statements": self.open.statements.iter().map(statement).collect::<Vec<_>>(),
        })
    }

    /// Returns the descriptions that a registry keeps.
    pub(crate) fn summary(&self, settings: &TrustSettings) -> Value {
        let trust = settings.with(&self.open.statements);
        let statements = self.open.statements.iter();
        let statements: Vec<String> = statements.map(|s| to_hex(s.encode())).collect();
        json!({
            "datasets": self.datasets(&trust, SUMMARY_FILES_MAX, false),
            "statements": statements,
        })
    }

    fn datasets(&self, trust: &TrustStore, files_max: usize, has_html: bool) -> Vec<Value> {
        let numbered = self.open.datasets.iter().enumerate();
        let shown = numbered.map(|(n, open)| {
            let checked = self.checked.as_ref().and_then(|c| c.datasets.get(n));
            let table = checked.map(|c| &c.table).filter(|t| !t.files().is_empty());
            let table = table.or(open.table.as_ref());
            let mut shown = dataset(n, open, trust);
            if let Some(object) = shown.as_object_mut() {
                let files = table.map(|table| files_of(table, files_max));
                object.insert("files".to_owned(), json!(files));
                if has_html {
                    object.insert("card_html".to_owned(), json!(card_html(open)));
                }
            }
            shown
        });
        shown.collect()
    }
}

fn dataset(number: usize, open: &OpenDataset, trust: &TrustStore) -> Value {
    let m = open.verified.manifest();
    let standing = Standing::of(trust, &open.verified);
    let schema = SchemaMessage::read(&m.schema);
    let card = open.card.as_ref();
    json!({
        "number": number,
        "envelope": open.verified.envelope().id().to_hex(),
        "name": m.name.to_string(),
        "version": m.dataset_version.to_string(),
        "content_id": m.content_id.to_hex(),
        "kind": match m.dataset_kind {
            DatasetKind::File => "file",
            DatasetKind::Directory => "directory",
        },
        "license": m.license,
        "description": m.description,
        "tags": m.tags,
        "created_at": m.created_at.to_rfc3339(),
        "size_bytes": m.size_bytes,
        "num_rows": m.num_rows,
        "num_files": m.num_files,
        "signer": standing.signer,
        "fingerprint": m.signer.as_ref().map(|key| Fingerprint::of(key).to_string()),
        "fingerprint_words": m.signer.as_ref().map(|key| Fingerprint::of(key).words().join(" ")),
        "publisher": standing.alias,
        "signature": standing.policy_input.signature.name(),
        "trust": standing.trust().name(),
        "trust_reason": standing.reason(),
        "withdrawn": standing.withdrawn,
        "card": card.map(|bytes| Card::read(bytes).markdown),
        "columns": columns_of(schema.as_ref()),
        "source": m.source.as_ref().map(|source| &source.url),
    })
}

fn card_html(open: &OpenDataset) -> Option<String> {
    let card = Card::read(open.card.as_ref()?);
    Some(to_fragment(&card.markdown, 2, "").as_str().to_owned())
}

fn files_of(table: &FileTable, most: usize) -> Vec<Value> {
    let file = |file: &alimentar::manifest::FileEntry| {
        json!({
            "path": file.path,
            "size_bytes": file.size_bytes,
            "rows": file.rows,
            "format": FileFormat::from_number(file.format).name(),
        })
    };
    table.files().iter().take(most).map(file).collect()
}

fn statement(statement: &Statement) -> Value {
    let (kind, text) = match &statement.body {
        StatementBody::Withdrawal {
            name,
            version,
            reason,
            ..
        } => ("withdrawal", format!("{name}@{version}: {reason}")),
        StatementBody::Rotation { to } => ("rotation", to.to_hex()),
        StatementBody::Revocation { reason, .. } => ("revocation", reason.clone()),
        _ => ("other", String::new()),
    };
    json!({
        "id": statement.id().to_hex(),
        "by": statement.by.to_hex(),
        "kind": kind,
        "created_at": statement.created_at.to_rfc3339(),
        "text": text,
    })
}
