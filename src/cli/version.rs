//! `version`: which program this is.

use serde_json::json;

use crate::cli::exit::Failure;
use crate::cli::out::Out;

/// The commit that was built, where the build knew it.
const COMMIT: Option<&str> = option_env!("ALIMENTAR_COMMIT");

/// Parts of the program that a build may leave out, and whether this one has them.
const FEATURES: &[(&str, bool)] = &[
    ("cli", cfg!(feature = "cli")),
    ("disk", cfg!(feature = "disk")),
    ("federation", cfg!(feature = "federation")),
    ("inspect", cfg!(feature = "inspect")),
    ("registry", cfg!(feature = "registry")),
    ("search", cfg!(feature = "search")),
    ("tokens", cfg!(feature = "tokens")),
];

pub(crate) fn run(out: &Out) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let commit = COMMIT.filter(|commit| !commit.is_empty());
    let built = FEATURES.iter().filter(|(_, is_built)| *is_built);
    let features: Vec<&str> = built.map(|(name, _)| *name).collect();
    let object = json!({"version": version, "commit": commit, "features": features});
    let text = match commit {
        Some(commit) => format!(
            "alimentar {version} ({})\n",
            commit.get(..12).unwrap_or(commit)
        ),
        None => format!("alimentar {version}\n"),
    };
    let text = format!("{text}features: {}\n", features.join(" "));
    Ok(out.result(&object, &[version.to_owned()], &text)?)
}
