//! The result of an edit of a manifest, for `tag` and `set`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::printable;
use crate::ident::labels;
use crate::manifest::Manifest;

#[derive(Serialize)]
struct EditOutput<'a> {
    content_id: String,
    clock: BTreeMap<String, u64>,
    name: String,
    version: String,
    tags: Vec<String>,
    seq: u64,
    license: Option<&'a str>,
    description: Option<&'a str>,
}

/// Prints a manifest after an edit.
pub(crate) fn print_edit(ctx: &Context, m: &Manifest, text: &str) -> Result<(), Failure> {
    let output = EditOutput {
        content_id: m.content_id.to_string(),
        clock: m.clock.iter().map(|(k, n)| (k.to_hex(), *n)).collect(),
        name: m.name.to_string(),
        version: m.dataset_version.to_string(),
        tags: labels(&m.tags),
        seq: m.seq,
        license: m.license.as_deref(),
        description: m.description.as_deref(),
    };
    let id = output.content_id.clone();
    Ok(ctx.out.result(&output, &[id], &printable(text))?)
}
