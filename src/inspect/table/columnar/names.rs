//! Names of columns that are there twice.

use std::sync::Arc;

use arrow_schema::FieldRef;
use arrow_schema::Fields;

use crate::inspect::table::rows::names::repeated_names;
use crate::inspect::table::unique_names;

/// Names of fields that are there more than once.
pub(super) fn repeated_fields(fields: &Fields) -> Vec<String> {
    let names: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
    repeated_names(&names)
}

/// The same fields with names that are there once.
pub(super) fn unique_fields(fields: &Fields) -> Fields {
    renamed(
        fields,
        unique_names(fields.iter().map(|field| field.name().clone())),
    )
}

/// The same fields with the names of others, which stand in the same order.
pub(super) fn with_names_of(fields: &Fields, others: &Fields) -> Fields {
    renamed(fields, others.iter().map(|field| field.name().clone()))
}

fn renamed(fields: &Fields, names: impl IntoIterator<Item = String>) -> Fields {
    let renamed = fields.iter().zip(names);
    let renamed = renamed.map(|(field, name)| -> FieldRef {
        match *field.name() == name {
            true => Arc::clone(field),
            false => Arc::new(field.as_ref().clone().with_name(name)),
        }
    });
    renamed.collect()
}
