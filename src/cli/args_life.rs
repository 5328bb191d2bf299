//! Arguments of commands about what goes and what comes back: restore, forget.

use clap::Args;

use crate::ident::DatasetName;
use crate::registry::TimeSpan;

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// A name (all its removed versions), name@1.2.0, or a content id
    #[arg(required_unless_present = "list")]
    pub reference: Option<String>,
    /// Show what can be restored
    #[arg(long, conflicts_with = "reference")]
    pub list: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ForgetArgs {
    /// Names [default: all names that are made here]
    pub names: Vec<DatasetName>,
    /// Keep the newest N versions of every name; 0 also lets the newest one go
    #[arg(long, value_name = "N")]
    pub keep_last: Option<u64>,
    /// Keep what was made within this time before the version that was made last: 30d, 2w, 12h, 1y6m
    #[arg(long, value_name = "D")]
    pub keep_within: Option<TimeSpan>,
    /// Keep versions with this tag; may be given several times
    #[arg(long, value_name = "T")]
    pub keep_tag: Vec<String>,
    /// Only say what would be kept and removed
    #[arg(long)]
    pub dry_run: bool,
}
