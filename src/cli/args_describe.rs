//! Arguments of the commands that say something about a dataset: `set`, `alias`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::KeyArgs;

/// What `registry set` takes.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// alimentar:<id or prefix>, name, name@1.2.0, name@1.2, name@^1, name@latest or name@ALIAS
    pub reference: String,
    /// Its licence, as an SPDX expression or LicenseRef-NAME; "" takes it away
    #[arg(long, value_name = "L")]
    pub license: Option<String>,
    /// What it is, in Markdown; "" takes it away
    #[arg(long, value_name = "D")]
    pub description: Option<String>,
    /// A tag to add; may be given several times
    #[arg(long, value_name = "T")]
    pub add_tag: Vec<String>,
    /// A tag to remove; may be given several times
    #[arg(long, value_name = "T")]
    pub remove_tag: Vec<String>,
    /// A Markdown file that becomes its card
    #[arg(long, value_name = "FILE")]
    pub card: Option<PathBuf>,
    #[command(flatten)]
    pub key: KeyArgs,
}

/// What `registry alias` takes.
#[derive(Debug, Args)]
pub(crate) struct AliasArgs {
    /// NAME@ALIAS: the alias to give or to move, such as corpus@prod
    #[arg(value_name = "NAME@ALIAS", requires = "version", required_unless_present_any = ["list", "delete"])]
    pub reference: Option<String>,
    /// The version that gets it: 0.1.2, a range such as 0.1, latest, or another alias
    pub version: Option<String>,
    /// List the aliases of a name
    #[arg(long, value_name = "NAME", conflicts_with_all = ["reference", "delete"])]
    pub list: Option<String>,
    /// Remove an alias
    #[arg(long, value_name = "NAME@ALIAS", conflicts_with = "reference")]
    pub delete: Option<String>,
    #[command(flatten)]
    pub key: KeyArgs,
}
