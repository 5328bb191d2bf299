//! What the commands that write rows have in common.

use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;

use crate::inspect::output::NanRule;

/// How rows are written.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct WriteArgs {
    /// What to make of NaN and infinities, which JSON has not: null, their names as text, or an error
    #[arg(long, value_name = "WHAT", default_value = "fail")]
    pub nan: NanArg,
    /// Leave out rows that cannot be written, say which, and end with code 7
    #[arg(long)]
    pub skip_malformed: bool,
    /// Write the rows that are left out into this file: a line of JSON each, with the reason
    #[arg(long, value_name = "FILE", requires = "skip_malformed")]
    pub rejects: Option<PathBuf>,
}

/// What becomes of numbers that are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum NanArg {
    /// They become null
    Null,
    /// They become the texts NaN, Infinity and -Infinity
    Text,
    /// They are an error
    #[default]
    Fail,
}

impl NanArg {
    pub(crate) fn rule(self) -> NanRule {
        match self {
            Self::Null => NanRule::Null,
            Self::Text => NanRule::Text,
            Self::Fail => NanRule::Fail,
        }
    }
}
