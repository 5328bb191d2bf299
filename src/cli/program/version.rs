//! `version`: the version of the program, its commit and its features.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;

/// Say which version of the program this is
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar version
  alimentar version --json")]
pub(crate) struct VersionArgs {}

#[derive(Serialize)]
struct VersionOutput {
    version: &'static str,
    commit: Option<&'static str>,
    features: Vec<&'static str>,
}

/// The commit of the sources, if the build knew it.
const COMMIT: Option<&str> = option_env!("ALIMENTAR_COMMIT");

/// The features of the crate. The flag is true for those of this build.
const FEATURES: &[(&str, bool)] = &[
    ("cli", cfg!(feature = "cli")),
    ("disk", cfg!(feature = "disk")),
    ("federation", cfg!(feature = "federation")),
    ("inspect", cfg!(feature = "inspect")),
    ("mcp", cfg!(feature = "mcp")),
    ("registry", cfg!(feature = "registry")),
    ("search", cfg!(feature = "search")),
    ("tokens", cfg!(feature = "tokens")),
];

pub(crate) fn run(ctx: &Context, _args: &VersionArgs) -> Result<(), Failure> {
    let built = FEATURES.iter().filter(|(_, is_built)| *is_built);
    let output = VersionOutput {
        version: env!("CARGO_PKG_VERSION"),
        commit: COMMIT.filter(|commit| !commit.is_empty()),
        features: built.map(|(name, _)| *name).collect(),
    };
    let version = output.version;
    let commit = match output.commit {
        Some(commit) => format!(" ({})", commit.get(..12).unwrap_or(commit)),
        None => String::new(),
    };
    let text = format!(
        "alimentar {version}{commit}\nfeatures: {}\n",
        output.features.join(" ")
    );
    Ok(ctx.out.result(&output, &[version.to_owned()], &text)?)
}
