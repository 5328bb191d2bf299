//! Several versions of a name, for commands that change or remove them together.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::Dataset;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::ident::Reference;

/// A version in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct VersionObject {
    name: String,
    version: String,
    content_id: String,
    clock: BTreeMap<String, u64>,
    seq: u64,
}

impl VersionObject {
    pub(crate) fn all(datasets: &[Dataset]) -> Vec<Self> {
        let object = |d: &Dataset| Self {
            name: d.manifest.name.to_string(),
            version: version_of(d),
            content_id: d.manifest.content_id.to_string(),
            clock: clock_of(d),
            seq: d.manifest.seq,
        };
        datasets.iter().map(object).collect()
    }
}

/// True if a reference is a name without a version. It then means all versions.
pub(crate) fn is_name_alone(text: &str) -> bool {
    !text.contains('@')
}

/// Finds all versions of a name, or the one dataset of a reference with a version.
///
/// # Errors
/// A reference that is malformed, unknown or ambiguous.
pub(crate) fn find_versions(ctx: &Context, text: &str) -> Result<Vec<Dataset>, Failure> {
    let reference: Reference = text.parse()?;
    let registry = ctx.registry()?;
    Ok(if is_name_alone(text) {
        registry.removal().versions_of_reference(&reference)?
    } else {
        vec![registry.removal().resolve_one(&reference)?]
    })
}

pub(crate) fn version_of(d: &Dataset) -> String {
    d.manifest.dataset_version.to_string()
}

pub(crate) fn clock_of(d: &Dataset) -> BTreeMap<String, u64> {
    let entries = d.manifest.clock.iter();
    entries.map(|(node, n)| (node.to_hex(), *n)).collect()
}

pub(crate) fn ids_of(datasets: &[Dataset]) -> Vec<String> {
    let id = |d: &Dataset| d.manifest.content_id.to_string();
    datasets.iter().map(id).collect()
}

/// Formats versions for people: `corpus@0.1.0`, or `3 versions of corpus (0.1.0, 0.1.1, 0.1.2)`.
pub(crate) fn format_versions(datasets: &[Dataset]) -> String {
    match datasets {
        [] => "nothing".to_owned(),
        [only] => format!("{}@{}", only.manifest.name, only.manifest.dataset_version),
        [first, ..] => format!(
            "{} versions of {} ({})",
            datasets.len(),
            first.manifest.name,
            list_numbers(datasets)
        ),
    }
}

/// Lists version numbers, oldest first. A long list has only its ends.
fn list_numbers(datasets: &[Dataset]) -> String {
    let all: Vec<String> = datasets.iter().map(version_of).collect();
    match all.as_slice() {
        [first, second, .., last] if all.len() > 8 => {
            format!("{first}, {second} … {last}")
        }
        _ => all.join(", "),
    }
}
