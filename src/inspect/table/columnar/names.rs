//! Repeated column names.

use std::sync::Arc;

use arrow_schema::FieldRef;
use arrow_schema::Fields;

use crate::inspect::table::rows::names::repeated_names;
use crate::inspect::table::unique_names;

/// Returns the names of repeated fields.
pub(super) fn repeated_fields(fields: &Fields) -> Vec<String> {
    let names: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
    repeated_names(&names)
}

/// Returns the fields with unique names.
pub(super) fn unique_fields(fields: &Fields) -> Fields {
    renamed(
        fields,
        unique_names(fields.iter().map(|field| field.name().clone())),
    )
}

/// Returns the fields with the names of others in the same order.
pub(super) fn with_names_of(fields: &Fields, others: &Fields) -> Fields {
    renamed(fields, others.iter().map(|field| field.name().clone()))
}

fn renamed(fields: &Fields, names: impl IntoIterator<Item = String>) -> Fields {
    let renamed = fields.iter().zip(names);
    let renamed = renamed.map(|(field, name)| -> FieldRef {
        if *field.name() == name {
            Arc::clone(field)
        } else {
            Arc::new(field.as_ref().clone().with_name(name))
        }
    });
    renamed.collect()
}
