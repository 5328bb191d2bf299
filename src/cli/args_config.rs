//! The commands that read and change the settings.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print what counts for a setting
    Get {
        /// Its name
        key: String,
    },
    /// Change a setting; an empty value takes it out
    Set {
        /// Its name
        key: String,
        /// Its value; addresses have commas between
        value: String,
    },
    /// List all settings
    List,
    /// Open the settings in an editor
    Edit,
}
