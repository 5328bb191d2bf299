//! The surface of the command line around the arguments: help, examples, completion, usage errors.
//!
//! - `groups.rs`, `topics.rs`, `reference.rs`, `notes.rs`: the parts of help
//! - `help.rs`: the command `help`
//! - `complete.rs`, `completion_scripts.rs`: completion
//! - `usage.rs`, `synonyms.rs`: mistakes on the command line

pub(crate) mod complete;
pub(crate) mod completion_scripts;
mod groups;
pub(crate) mod help;
pub(crate) mod notes;
pub(crate) mod paths;
pub(crate) mod reference;
mod synonyms;
#[cfg(test)]
mod tests;
mod topics;
pub(crate) mod usage;

use clap::Command;
use clap::builder::Styles;
use clap::builder::styling::AnsiColor;

use crate::cli::surface::groups::MORE_HELP;
use crate::cli::surface::groups::list_commands;
use crate::cli::surface::notes::Notes;
use crate::cli::surface::paths::expand_paths;
use crate::cli::surface::reference::program_reference;

/// The program's name, the first word of every command.
pub(crate) const PROGRAM: &str = "alimentar";

/// Adds groups, examples and references to the help of the program, and paths that expand `~/`.
pub(crate) fn decorate_program(program: Command) -> Command {
    let styles = Styles::styled()
        .header(AnsiColor::Green.on_default().bold())
        .usage(AnsiColor::Green.on_default().bold())
        .literal(AnsiColor::Cyan.on_default().bold())
        .placeholder(AnsiColor::Cyan.on_default())
        .error(AnsiColor::Red.on_default().bold())
        .valid(AnsiColor::Green.on_default())
        .invalid(AnsiColor::Yellow.on_default());
    let program = decorate(program).styles(styles.clone());
    let listed = list_commands(&program, &styles);
    let program = program
        .help_template(help_template(&listed, &styles))
        .after_help(MORE_HELP)
        .after_long_help(program_reference());
    program.mut_subcommand("registry", |registry| {
        let listed = list_commands(&registry, &styles);
        registry.help_template(help_template(&listed, &styles))
    })
}

/// The template of a page of help whose commands stand in groups.
fn help_template(listed: &str, styles: &Styles) -> String {
    let heading = styles.get_header();
    format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{listed}{heading}Options:{heading:#}\n{{options}}{{after-help}}"
    )
}

/// Decorates a command and those below it.
fn decorate(command: Command) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|c| c.get_name().to_owned())
        .collect();
    let mut command = expand_paths(command);
    for name in names {
        command = command.mut_subcommand(&name, decorate);
    }
    let notes = Notes::of(&command);
    command
        .after_help(notes.short())
        .after_long_help(notes.long())
}
