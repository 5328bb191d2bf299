//! Modules are layers and point downwards only; folders and files stay small, and files of a room do
//! not name each other in circles.

mod modules;
mod pages;
mod tables;

use std::collections::BTreeMap;

use std::path::Path;
use std::path::PathBuf;

use modules::Modules;
use tables::FOLDER_FILES_MAX;
use tables::Tables;

/// Every module on its line; a module may use itself and those on earlier lines.
const LAYERS: &[&[&str]] = &[
    &[
        "error_kind",
        "progress",
        "clock",
        "read_at",
        "panics",
        "splitmix",
        "locks",
        "mapped_file",
    ],
    &["ident", "wire"],
    &["file_io"],
    &["blob_store", "meta_store"],
    &["chunk", "card"],
    &["pack", "manifest"],
    &["trust", "archive", "age_format"],
    &["protocol"],
    &["store", "search", "keyring", "catalog"],
    &["inspect", "remote"],
    &["archive_check", "documents", "features"],
    &["registry"],
    &["net", "documents_async", "http_server"],
    &["mcp", "feature_server", "doors", "tui"],
    &["cli"],
];

/// Modules of tests, which use what they need.
const TESTS: [&str; 1] = ["testing"];

/// Pairs on one line that may use each other: identifiers and the wire limits they obey.
const NEIGHBOURS: &[(&str, &str)] = &[("ident", "wire")];

fn layer(module: &str) -> usize {
    let at = LAYERS.iter().position(|line| line.contains(&module));
    at.unwrap_or_else(|| panic!("`{module}` has no layer"))
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
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

/// The top-level module that a file of `src` belongs to.
fn room(inside: &Path) -> String {
    let first = inside.components().next().unwrap().as_os_str();
    first.to_str().unwrap().trim_end_matches(".rs").to_owned()
}

#[test]
fn no_module_uses_one_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for module in Modules::read(&root).0.values() {
        let own = room(&module.file);
        if own == "lib" || module.is_test {
            continue;
        }
        let file = module.file.display();
        for (n, line) in module.code.lines().enumerate() {
            let is_list = line.contains("use crate::{");
            assert!(!is_list, "{file}:{}: one name a line", n + 1);
            for used in line.split("crate::").skip(1) {
                let used = used.chars();
                let used: String = used
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let near = NEIGHBOURS.contains(&(own.as_str(), used.as_str()));
                let fine = used == own || layer(&used) < layer(&own) || near;
                assert!(fine, "{file}:{}: `{own}` uses `{used}`", n + 1);
            }
        }
    }
}

#[test]
fn every_top_level_module_has_one_layer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let modules = Modules::read(&root);
    let mut found: Vec<&str> = modules
        .0
        .keys()
        .filter_map(|path| path.first())
        .map(String::as_str)
        .collect();
    found.dedup();
    found.retain(|name| !TESTS.contains(name));
    let mut listed: Vec<&str> = LAYERS.concat();
    listed.sort_unstable();
    assert_eq!(listed, found);
}

#[test]
fn architecture_page_has_the_layers_that_the_code_has() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/architecture.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let cells = rows.filter_map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let number: usize = cells.next()?.parse().ok()?;
        Some((number, cells.next()?))
    });
    let mut shown: Vec<Vec<&str>> = Vec::new();
    for (number, modules) in cells {
        assert_eq!(number, shown.len() + 1);
        shown.push(modules.split('`').skip(1).step_by(2).collect());
    }
    assert_eq!(shown, LAYERS);
}

/// A file that no `mod` leads to is compiled by nobody and checked by nothing here.
#[test]
fn every_source_is_a_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let modules = Modules::read(&root);
    let mut files: Vec<PathBuf> = modules.0.values().map(|m| root.join(&m.file)).collect();
    files.push(root.join("main.rs"));
    files.sort();
    let mut sources = all_sources();
    sources.sort();
    assert_eq!(files, sources);
}

#[test]
fn folders_hold_few_files() {
    let (kept, found) = (Tables::kept(), Tables::found());
    assert_eq!(
        kept.crowded, found.crowded,
        "folders with more than {FOLDER_FILES_MAX} files: listed, and found"
    );
}

#[test]
fn files_of_a_room_do_not_name_each_other_in_circles() {
    let (kept, found) = (Tables::kept(), Tables::found());
    let new = found.knots.iter().filter(|k| !kept.knots.contains(k));
    let gone = kept.knots.iter().filter(|k| !found.knots.contains(k));
    let (new, gone): (Vec<_>, Vec<_>) = (new.collect(), gone.collect());
    assert!(new.is_empty(), "knots that are not in the table: {new:#?}");
    assert!(
        gone.is_empty(),
        "knots of the table that are gone: {gone:#?}"
    );
}

#[test]
fn doc_comments_are_sentences() {
    let (kept, found) = (&Tables::kept().prose, &Tables::found().prose);
    let rooms: BTreeMap<_, _> = kept.iter().chain(found).collect();
    for room in rooms.into_keys() {
        let (kept, found) = (kept.get(room).copied(), found.get(room).copied());
        let (kept, found) = (kept.unwrap_or_default(), found.unwrap_or_default());
        for (what, kept, found) in [
            ("begin with a relative clause", kept.clauses, found.clauses),
            ("are one word", kept.words, found.words),
        ] {
            let counts =
                format!("`{room}`: {found} doc comments {what}, and the table says {kept}");
            assert!(found <= kept, "more than before: {counts}");
            assert!(found * 10 >= kept * 9, "lower the table: {counts}");
        }
    }
}

/// Lines of a file of `src`, and of a file of tests, at most.
const LINES_MAX: [(&str, usize); 3] = [("src", 500), ("tests", 800), ("benches", 800)];

#[test]
fn files_stay_small() {
    for (folder, most) in LINES_MAX {
        let mut files = Vec::new();
        sources(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            &mut files,
        );
        assert!(!files.is_empty(), "{folder}");
        for path in files {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= most, "{} has {lines} lines", path.display());
        }
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
fn one_module_has_unsafe_code() {
    let has_unsafe = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let mut code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        code.any(|line| line.contains("unsafe {") || line.contains("unsafe_code"))
    };
    let found: Vec<PathBuf> = all_sources().into_iter().filter(has_unsafe).collect();
    let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap()).collect();
    assert_eq!(names, ["mapped_file.rs"]);
}

#[test]
fn tokio_is_used_only_by_rooms_of_the_network() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for path in all_sources() {
        let inside = path.strip_prefix(&root).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let knows = text.contains("tokio::") || text.contains("quinn::");
        let may = [
            "net",
            "http_server",
            "mcp",
            "feature_server",
            "doors",
            "documents_async.rs",
        ]
        .iter()
        .any(|room| inside.starts_with(room));
        assert!(!knows || may, "{}", path.display());
    }
}
