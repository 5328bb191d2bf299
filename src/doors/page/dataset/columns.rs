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
    let mut columns = Vec::new();
    for field in schema.fields() {
        flatten(field, "", &mut columns);
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
                    for (path, kind, is_nullable) in columns.iter().take(SCHEMA_COLUMNS_MAX) {
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
        if columns.len() > SCHEMA_COLUMNS_MAX {
            let more = words::count_of(
                (columns.len() - SCHEMA_COLUMNS_MAX) as u64,
                "further column",
            );
            h.leaf("p", &[], &format!("And {more}."));
        }
    });
}

/// Lists a field and those inside of it: path, type, nulls.
fn flatten(field: &Field, before: &str, found: &mut Vec<(String, String, bool)>) {
    if found.len() > SCHEMA_COLUMNS_MAX * 4 {
        return;
    }
    let dot = if before.is_empty() { "" } else { "." };
    let mut path = format!("{before}{dot}{}", field.name());
    let mut kind = field.data_type();
    while let DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) =
        kind
    {
        path += "[]";
        kind = item.data_type();
    }
    match kind {
        DataType::Struct(fields) => {
            for inner in fields {
                flatten(inner, &path, found);
            }
        }
        kind => found.push((path, kind.to_string(), field.is_nullable())),
    }
}
