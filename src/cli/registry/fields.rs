//! Parts of outputs: the columns of a schema, and the place that a dataset was taken in from.

use arrow_schema::Schema;
use serde::Serialize;

use crate::cli::output::text::printable;
use crate::manifest::Provenance;

/// A schema in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct SchemaObject {
    fields: Vec<FieldObject>,
}

#[derive(Debug, Serialize)]
struct FieldObject {
    name: String,
    r#type: String,
    nullable: bool,
}

impl SchemaObject {
    pub(crate) fn of(schema: Option<&Schema>) -> Self {
        let fields = schema.into_iter().flat_map(|s| s.fields().iter());
        let object = |f: &arrow_schema::FieldRef| FieldObject {
            name: f.name().clone(),
            r#type: f.data_type().to_string(),
            nullable: f.is_nullable(),
        };
        Self {
            fields: fields.map(object).collect(),
        }
    }
}

/// The columns of a schema as rows of a table.
pub(crate) fn field_rows(schema: Option<&Schema>) -> Vec<Vec<String>> {
    let fields = schema.into_iter().flat_map(|s| s.fields().iter());
    fields
        .map(|f| {
            let null = if f.is_nullable() { "" } else { "required" };
            let cells = [f.name().as_str(), &f.data_type().to_string(), null];
            cells.map(printable).to_vec()
        })
        .collect()
}

/// The place that a dataset was taken in from, in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct SourceFields<'a> {
    url: &'a str,
    revision: Option<&'a str>,
    validator: Option<&'a str>,
    include: &'a [String],
    exclude: &'a [String],
    fetched_at: String,
}

impl<'a> SourceFields<'a> {
    pub(crate) fn of(source: &'a Provenance) -> Self {
        Self {
            url: &source.url,
            revision: source.revision.as_deref(),
            validator: source.validator.as_deref(),
            include: &source.include,
            exclude: &source.exclude,
            fetched_at: source.fetched_at.to_rfc3339(),
        }
    }

    /// The same in one line.
    pub(crate) fn line(&self) -> String {
        let revision = self
            .revision
            .map_or_else(String::new, |r| format!(" @ {r}"));
        format!("{}{revision}, {}", self.url, self.fetched_at)
    }
}
