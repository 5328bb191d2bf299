//! Receipts that an import finds, and those that it writes. A receipt lists the content of a registry.

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use serde::Serialize;

use crate::cli::exit::Failure;
use crate::cli::output::out::Out;
use crate::registry::ArchiveInput;
use crate::registry::LocalRegistry;
use crate::registry::is_receipt;
use crate::registry::receipts_in;

/// A receipt that was kept, in JSON.
#[derive(Debug, Serialize)]
pub(super) struct KeptReceipt {
    node_id: String,
    name: String,
    path: String,
}

/// Splits the paths of an import into receipts, also those in directories, and other paths.
pub(super) fn split_receipts(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let (mut receipts, rest): (Vec<PathBuf>, Vec<PathBuf>) =
        paths.iter().cloned().partition(|path| is_receipt(path));
    for dir in rest.iter().filter(|path| path.is_dir()) {
        // The search for archives reports a directory that cannot be read.
        receipts.extend(receipts_in(dir).unwrap_or_default());
    }
    (receipts, rest)
}

/// Keeps the receipts of nodes that have a name here. Adds a line about each to `text`.
pub(super) fn keep_receipts(
    registry: &LocalRegistry,
    receipts: &[PathBuf],
    text: &mut String,
) -> Vec<KeptReceipt> {
    let mut kept = Vec::new();
    for path in receipts {
        let shown = path.display();
        if registry.archives().is_own_receipt(path).unwrap_or(false) {
            continue;
        }
        match registry.archives().keep_receipt(path, None) {
            Ok((node, Some(name))) => {
                *text += &format!("Kept the receipt of `{name}`: the next `export --to` uses it\n");
                kept.push(KeptReceipt {
                    node_id: node.to_hex(),
                    name: name.to_string(),
                    path: shown.to_string(),
                });
            }
            Ok((node, None)) => {
                *text += &format!(
                    "Left the receipt {shown}: its node has no name here; `registry peers name {node} NAME` gives it one\n"
                );
            }
            Err(error) => *text += &format!("Left the receipt {shown}: {error}\n"),
        }
    }
    kept
}

/// Writes a receipt beside the archives. Adds a line about each to `text`. A receipt that cannot be
/// written is no error: the medium may be read-only.
pub(super) fn write_receipts(
    registry: &LocalRegistry,
    archives: &[ArchiveInput],
    out: Out,
    text: &mut String,
) -> Vec<String> {
    let files = archives.iter().filter(|p| !p.is_stream());
    let dirs: BTreeSet<PathBuf> = files
        .filter_map(|p| p.path().parent().map(Path::to_owned))
        .map(|dir| {
            if dir.as_os_str().is_empty() {
                PathBuf::from(".")
            } else {
                dir
            }
        })
        .collect();
    let mut written = Vec::new();
    for dir in dirs {
        match registry.archives().write_receipt_into(&dir) {
            Ok(path) => {
                *text += &format!(
                    "Wrote the receipt {}: with it the next export to this registry is a delta\n",
                    path.display()
                );
                written.push(path.display().to_string());
            }
            Err(error) if out.is_text() => {
                out.diagnostic(&format!(
                    "no receipt was left beside the archive ({}); --receipt FILE writes one elsewhere",
                    Failure::from(error).message()
                ));
            }
            Err(_) => {}
        }
    }
    written
}
