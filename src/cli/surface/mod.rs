//! What the command line looks like beyond the arguments themselves: groups of commands, examples,
//! topics of help, words of other tools, completions. The arguments are in `cli/args*.rs`.

mod complete;
mod examples;
mod groups;
mod help;
mod paths;
mod sections;
mod shells;
mod topics;
mod verbs;

use clap::Command;
use clap::CommandFactory;
use clap::builder::Styles;
use clap::builder::styling::AnsiColor;

use crate::cli::args::Cli;

pub(crate) use complete::candidates;
pub(crate) use examples::Notes;
pub(crate) use help::run as help;
pub(crate) use paths::expanded;
pub(crate) use sections::ENVIRONMENT;
pub(crate) use sections::EXIT_CODES;
pub(crate) use shells::script;
pub(crate) use verbs::suggestion;

/// The program's name, which begins every path of a command.
pub(crate) const PROGRAM: &str = "alimentar";

/// The whole command line: arguments, help, and paths that expand `~/`.
pub(crate) fn command() -> Command {
    let styles = Styles::styled()
        .header(AnsiColor::Green.on_default().bold())
        .usage(AnsiColor::Green.on_default().bold())
        .literal(AnsiColor::Cyan.on_default().bold())
        .placeholder(AnsiColor::Cyan.on_default())
        .error(AnsiColor::Red.on_default().bold())
        .valid(AnsiColor::Green.on_default())
        .invalid(AnsiColor::Yellow.on_default());
    let program = decorated(Cli::command(), "").styles(styles.clone());
    let listed = groups::listed(&program, &styles);
    let program = program
        .help_template(template(&listed, &styles))
        .after_help(groups::MORE)
        .after_long_help(sections::of_program());
    program.mut_subcommand("registry", |registry| {
        let listed = groups::listed(&registry, &styles);
        registry.help_template(template(&listed, &styles))
    })
}

/// The arguments alone, with the notes that stand beside them.
pub(crate) fn undecorated() -> Command {
    Cli::command()
}

/// A page of help whose commands stand in groups.
fn template(listed: &str, styles: &Styles) -> String {
    let heading = styles.get_header();
    format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{listed}{heading}Options:{heading:#}\n{{options}}{{after-help}}"
    )
}

/// A command and those below it with examples, exit codes and paths that expand `~/`. `path` is how
/// the command is called behind the program's name.
fn decorated(command: Command, path: &str) -> Command {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path} {name}"),
    };
    let names: Vec<String> = command
        .get_subcommands()
        .map(|c| c.get_name().to_owned())
        .collect();
    let mut command = paths::expanding(command);
    for name in names {
        command = command.mut_subcommand(&name, |c| decorated(c, &below(&name)));
    }
    let notes = Notes::of(&command, path);
    command
        .after_help(notes.short())
        .after_long_help(notes.long())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_command_stands_in_exactly_one_group() {
        let program = command();
        let visible = program.get_subcommands().filter(|c| !c.is_hide_set());
        for command in visible {
            let name = command.get_name();
            let count = groups::GROUPS
                .iter()
                .flat_map(|group| group.commands)
                .filter(|listed| **listed == name)
                .count();
            assert_eq!(count, 1, "`{name}` stands in {count} groups of GROUPS");
        }
    }

    #[test]
    fn every_registry_command_is_also_one_word_deep() {
        let program = command();
        let registry = program.find_subcommand("registry").unwrap();
        for command in registry.get_subcommands() {
            let name = command.get_name();
            assert!(program.find_subcommand(name).is_some(), "{name}");
        }
    }

    #[test]
    fn every_command_that_does_something_has_an_example() {
        fn check(command: &Command, path: &str, without: &mut Vec<String>) {
            if command.is_hide_set() {
                return;
            }
            for below in command.get_subcommands() {
                check(below, &format!("{path} {}", below.get_name()), without);
            }
            let does_something = !command.is_subcommand_required_set();
            if does_something && Notes::of(command, path.trim()).examples.is_empty() {
                without.push(path.trim().to_owned());
            }
        }
        let mut without = Vec::new();
        let program = Cli::command();
        for below in program.get_subcommands() {
            check(below, below.get_name(), &mut without);
        }
        assert!(
            without.is_empty(),
            "add examples to `cli/surface/examples.rs` for {without:?}"
        );
    }
}
