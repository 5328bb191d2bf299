//! The arguments of the commands that a command line names. Those of all the others take longer to describe than many
//! commands take to run, and only help and errors need them.

use std::ffi::OsString;

use clap::Args;
use clap::Command;

/// Adds a command below another one if the words have its name.
pub(crate) fn add_named<A: Args>(
    above: Command,
    name: &'static str,
    words: &[OsString],
) -> Command {
    add_named_by(above, name, words, A::augment_args)
}

/// As [`add_named`], with a function that adds the arguments of the command.
pub(crate) fn add_named_by(
    above: Command,
    name: &'static str,
    words: &[OsString],
    add_arguments: impl FnOnce(Command) -> Command,
) -> Command {
    match words.iter().any(|word| word == name) {
        true => above.subcommand(add_arguments(Command::new(name))),
        false => above,
    }
}

/// Defines commands, and `augment_named`, which adds those of them that are among the words of a command line.
/// Each stands beside its name.
macro_rules! commands {
    ($(#[$about:meta])* $visible:vis enum $commands:ident { $($name:literal => $command:ident($args:ty),)+ }) => {
        $(#[$about])*
        $visible enum $commands {
            $(#[command(name = $name)] $command($args),)+
        }

        impl $commands {
            /// Adds the commands that are among the words.
            $visible fn augment_named(above: clap::Command, words: &[std::ffi::OsString]) -> clap::Command {
                $(let above = $crate::cli::named::add_named::<$args>(above, $name, words);)+
                above.subcommand_required(true).arg_required_else_help(true)
            }
        }
    };
}

pub(crate) use commands;
