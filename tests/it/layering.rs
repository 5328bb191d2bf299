//! Modules are layers and point downwards only.

use std::path::Path;
use std::path::PathBuf;

/// Every module on its line; a module may use itself and those on earlier lines.
const LAYERS: &[&[&str]] = &[
    &[
        "error_kind",
        "progress",
        "clock",
        "read_at",
        "panics",
        "splitmix",
    ],
    &["ident", "wire"],
    &["file_io"],
    &["blob_store", "meta_store"],
    &["chunk", "card"],
    &["pack", "manifest"],
    &["trust", "archive", "age_format"],
    &["sync"],
    &["store", "search", "keyring", "catalog"],
    &["inspect", "documents"],
    &["feature_table"],
    &["registry"],
    &["net", "serve", "tui", "mcp"],
    &["cli"],
];

/// Pairs on one line that may use each other: identifiers and the wire limits they obey.
const NEIGHBOURS: &[(&str, &str)] = &[("ident", "wire")];

fn layer(module: &str) -> usize {
    let at = LAYERS.iter().position(|line| line.contains(&module));
    at.unwrap_or_else(|| panic!("`{module}` has no layer"))
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    assert!(found.len() > 30);
    found
}

#[test]
fn no_module_uses_one_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for path in all_sources() {
        let inside = path.strip_prefix(&root).unwrap();
        let own = inside
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap();
        let own = own.trim_end_matches(".rs");
        if matches!(own, "lib" | "main") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let is_test = path.file_name().is_some_and(|n| n == "tests.rs");
        for (n, line) in text.lines().enumerate() {
            assert!(
                !line.contains("use crate::{"),
                "{}:{}: one name a line",
                path.display(),
                n + 1
            );
            for used in line.split("crate::").skip(1) {
                let used: String = used
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let near = NEIGHBOURS.contains(&(own, used.as_str()));
                let fine = used == own || layer(&used) < layer(own) || near || is_test;
                assert!(fine, "{}:{}: `{own}` uses `{used}`", path.display(), n + 1);
            }
        }
    }
}

#[test]
fn files_stay_small() {
    for path in all_sources() {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 500, "{} has {lines} lines", path.display());
    }
}

/// `ring` stands in the lock file for the sake of a platform that is not built for; `.ci/run`
/// asks cargo whether anything here needs it.
#[test]
fn crates_that_link_c_stay_out_of_the_tree() {
    let lock = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock"));
    let lock = lock.unwrap();
    for banned in [
        "zstd-sys",
        "aws-lc-sys",
        "openssl-sys",
        "libz-sys",
        "lz4-sys",
    ] {
        assert!(!lock.contains(&format!("name = \"{banned}\"")), "{banned}");
    }
}

#[test]
fn only_the_network_knows_tokio() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for path in all_sources() {
        let inside = path.strip_prefix(&root).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let knows = text.contains("tokio::") || text.contains("quinn::");
        assert!(!knows || inside.starts_with("net"), "{}", path.display());
    }
}
