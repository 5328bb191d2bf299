//! Paths that begin with `~/`. A shell does not expand them in quotes or behind `--option=`.

use std::ffi::OsString;

use clap::Command;
use clap::builder::PathBufValueParser;
use clap::builder::StringValueParser;
use clap::builder::TypedValueParser;
use clap::builder::ValueParser;

use crate::cli::parse::expand_tilde;
use crate::cli::parse::expand_tilde_in_text;

/// The ids of arguments that are a path or a reference.
const TARGETS: [&str; 2] = ["target", "targets"];

/// Makes the arguments of the program and of all commands that are among the words expand `~/` at the
/// front of a path.
pub(crate) fn expand_paths_of(command: Command, words: &[OsString]) -> Command {
    let named = command.get_subcommands().filter(|below| {
        let mut names = std::iter::once(below.get_name()).chain(below.get_all_aliases());
        names.any(|name| words.iter().any(|word| word == name))
    });
    let named: Vec<String> = named.map(|c| c.get_name().to_owned()).collect();
    let mut command = expand_paths(command);
    for name in named {
        command = command.mut_subcommand(name, |below| expand_paths_of(below, words));
    }
    command
}

/// Makes the arguments of a command expand `~/` at the front of a path.
pub(super) fn expand_paths(command: Command) -> Command {
    command.mut_args(|arg| {
        let parser = arg.get_value_parser().type_id();
        if parser == ValueParser::path_buf().type_id() {
            return arg.value_parser(PathBufValueParser::new().try_map(expand_tilde));
        }
        let is_target = TARGETS.contains(&arg.get_id().as_str());
        if is_target && parser == ValueParser::string().type_id() {
            return arg.value_parser(StringValueParser::new().try_map(expand_tilde_in_text));
        }
        arg
    })
}
