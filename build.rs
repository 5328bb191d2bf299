//! Tells a release build which commit it is built from: by the variable `ALIMENTAR_COMMIT`, else by
//! the files of git, else by what cargo keeps in a package. No program is started for that. Other
//! builds look at the variable only, so that a commit does not make them build everything again.
//!
//! Asks the linker of a release build for a smaller program: one copy of functions with the same code, and relocations
//! in their packed form (RELR). Not every linker and C library has these, so each is tried with a program of one line.

#![allow(
    clippy::disallowed_methods,
    reason = "cargo talks to build scripts by the environment"
)]

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

/// Arguments of the linker: folding (LLD), and packed relocations (LLD, and GNU ld since 2.38; glibc since 2.36, musl
/// since 1.2.4).
const SMALLER: [&str; 2] = ["-Wl,--icf=all", "-Wl,-z,pack-relative-relocs"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=ALIMENTAR_COMMIT");
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if !is_release {
        return;
    }
    for argument in SMALLER.into_iter().filter(|argument| works(argument)) {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
    if std::env::var_os("ALIMENTAR_COMMIT").is_some() {
        return;
    }
    let Some(root) = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) else {
        return;
    };
    if let Some(commit) = of_git(&root).or_else(|| of_package(&root)) {
        println!("cargo:rustc-env=ALIMENTAR_COMMIT={commit}");
    }
}

/// Returns true if a program that is linked with `argument` starts here.
fn works(argument: &str) -> bool {
    let variable = |name| std::env::var_os(name).unwrap_or_default();
    let directory = PathBuf::from(variable("OUT_DIR"));
    let (source, program) = (directory.join("probe.rs"), directory.join("probe"));
    if std::fs::write(&source, "fn main() {}").is_err() {
        return false;
    }
    let mut compiler = Command::new(variable("RUSTC"));
    compiler.arg("--target").arg(variable("TARGET"));
    if let Some(linker) = std::env::var_os("RUSTC_LINKER") {
        compiler.arg(format!("-Clinker={}", Path::new(&linker).display()));
    }
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    compiler.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    compiler.arg(format!("-Clink-arg={argument}"));
    compiler.arg("-o").arg(&program).arg(&source);
    let succeeds = |command: &mut Command| command.output().is_ok_and(|o| o.status.success());
    succeeds(&mut compiler) && succeeds(&mut Command::new(&program))
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
