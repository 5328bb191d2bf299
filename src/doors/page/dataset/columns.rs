//! The columns of a dataset, by its schema.

use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::Schema;

use crate::doors::page::html::At;
use crate::doors::page::html::Html;
use crate::doors::page::limits::SCHEMA_COLUMNS_MAX;
use crate::doors::page::words;

/// Lists the columns, if there is a schema.
pub(super) fn schema_section(h: &mut Html, schema: Option<&Schema>) {
    let Some(schema) = schema.filter(|schema| !schema.fields().is_empty()) else {
        return;
    };
    let mut columns = Columns::default();
    for field in schema.fields() {
        columns.add(field, "");
    }
    h.element("section", &[At::Lit("aria-labelledby", "schema")], |h| {
        h.leaf("h2", &[At::Lit("id", "schema")], "Columns");
        let scroll = [
            At::Lit("class", "scroll"),
            At::Lit("tabindex", "0"),
            At::Lit("role", "region"),
            At::Label("Columns"),
        ];
        h.element("div", &scroll, |h| {
            h.element("table", &[], |h| {
                h.literal(
                    "<thead><tr><th scope=\"col\">Column</th><th scope=\"col\">Type</th>\
                     <th scope=\"col\">Nulls</th></tr></thead>",
                );
                h.element("tbody", &[], |h| {
                    for (path, kind, is_nullable) in &columns.shown {
                        h.element("tr", &[], |h| {
                            h.leaf("th", &[At::Lit("scope", "row")], path);
                            h.element("td", &[], |h| {
                                h.leaf("code", &[], kind);
                            });
                            h.leaf("td", &[], if *is_nullable { "may occur" } else { "none" });
                        });
                    }
                });
            });
        });
        if columns.left_out > 0 {
            let more = words::count_of(columns.left_out, "further column");
            h.leaf("p", &[], &format!("And {more}."));
        }
    });
}

/// The columns of a schema, of which some are shown.
#[derive(Default)]
struct Columns {
    /// Path, type, and true if nulls may occur.
    shown: Vec<(String, String, bool)>,
    left_out: u64,
}

impl Columns {
    /// Adds a field, and those inside of it.
    fn add(&mut self, field: &Field, before: &str) {
        let dot = if before.is_empty() { "" } else { "." };
        let mut path = format!("{before}{dot}{}", field.name());
        let mut kind = field.data_type();
        while let DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _) = kind
        {
            path += "[]";
            kind = item.data_type();
        }
        match kind {
            DataType::Struct(fields) => {
                for inner in fields {
                    self.add(inner, &path);
                }
            }
            _ if self.shown.len() >= SCHEMA_COLUMNS_MAX => self.left_out += 1,
            kind => self
                .shown
                .push((path, kind.to_string(), field.is_nullable())),
        }
    }
}
