//! The table of promises names modules and tests that exist.

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The names of all functions in the sources and the tests.
fn functions(root: &Path) -> BTreeSet<String> {
    let mut files = Vec::new();
    for dir in ["src", "tests"] {
        rust_files(&root.join(dir), &mut files);
    }
    let mut names = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        for (at, _) in text.match_indices("fn ") {
            let name = text[at + 3..].chars();
            names.insert(
                name.take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect(),
            );
        }
    }
    names
}

fn is_module(root: &Path, name: &str) -> bool {
    let path = root.join("src").join(name.replace("::", "/"));
    path.with_extension("rs").is_file() || path.join("mod.rs").is_file()
}

fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn security_promises_name_existing_modules_and_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    let functions = functions(root);
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let mut promises = 0;
    for row in rows.filter(|row| !row.starts_with("| promise")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let [promise, modules, tests] = cells[..] else {
            panic!("three cells: {row}");
        };
        promises += 1;
        for module in quoted(modules) {
            assert!(is_module(root, module), "{promise}: no module {module}");
        }
        for test in quoted(tests) {
            assert!(functions.contains(test), "{promise}: no test {test}");
        }
        assert!(!quoted(modules).is_empty(), "{promise}: kept nowhere");
        assert!(!quoted(tests).is_empty(), "{promise}: held by no test");
    }
    assert!(promises > 30, "{promises}");
}
