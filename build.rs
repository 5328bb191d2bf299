//! Tells a release build which commit it is built from: by the variable `ALIMENTAR_COMMIT`, else by
//! the files of git, else by what cargo keeps in a package. No program is started for it. Other
//! builds look at the variable only, so that a commit does not make them build everything again.

#![allow(
    clippy::disallowed_methods,
    reason = "cargo talks to build scripts by the environment"
)]

use std::path::Path;
use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=ALIMENTAR_COMMIT");
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if std::env::var_os("ALIMENTAR_COMMIT").is_some() || !is_release {
        return;
    }
    let Some(root) = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) else {
        return;
    };
    if let Some(commit) = of_git(&root).or_else(|| of_package(&root)) {
        println!("cargo:rustc-env=ALIMENTAR_COMMIT={commit}");
    }
}

/// A text that is the id of a commit.
fn id(text: &str) -> Option<String> {
    let text = text.trim();
    let is_id = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_id.then(|| text.to_owned())
}

/// Reads a file, and has cargo look whether it changes.
fn watched(path: &Path) -> Option<String> {
    println!("cargo:rerun-if-changed={}", path.display());
    std::fs::read_to_string(path).ok()
}

fn of_git(root: &Path) -> Option<String> {
    let mut git = root.join(".git");
    if git.is_file() {
        // A worktree: the file names the directory.
        let text = std::fs::read_to_string(&git).ok()?;
        git = root.join(text.strip_prefix("gitdir:")?.trim());
    }
    let head = watched(&git.join("HEAD"))?;
    let Some(name) = head.strip_prefix("ref:").map(str::trim) else {
        return id(&head);
    };
    let common = match std::fs::read_to_string(git.join("commondir")) {
        Ok(path) => git.join(path.trim()),
        Err(_) => git,
    };
    let loose = watched(&common.join(name));
    loose.as_deref().and_then(id).or_else(|| {
        let packed = watched(&common.join("packed-refs"))?;
        let of_name = |line: &str| line.strip_suffix(name).and_then(id);
        packed.lines().find_map(of_name)
    })
}

/// The commit that `cargo package` writes down.
fn of_package(root: &Path) -> Option<String> {
    let text = std::fs::read_to_string(root.join(".cargo_vcs_info.json")).ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    rest.split('"').find_map(id)
}
