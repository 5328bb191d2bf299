//! `man`: a manual page for every command.

use std::path::PathBuf;

use clap::Args;
use clap::Command;
use clap_mangen::Man;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::destination::check_file_destination;
use crate::cli::output::destination::write_file;
use crate::cli::surface::notes::Notes;
use crate::cli::surface::reference::ENVIRONMENT;
use crate::cli::surface::reference::EXIT_CODES;
use crate::registry::Error;

/// Write man pages into a directory
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar man ./man")]
pub(crate) struct ManArgs {
    /// The directory
    dir: PathBuf,
}

/// Writes the pages. `program` is the command line without decoration.
///
/// # Errors
/// [`Error::File`], `CheckoutError::Exists`.
pub(crate) fn run(ctx: &Context, args: &ManArgs, program: Command) -> Result<(), Failure> {
    let dir = &args.dir;
    let fail = |e| Failure::from(Error::file("write", dir, e));
    std::fs::create_dir_all(dir).map_err(fail)?;
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    add_pages(program, &mut pages).map_err(fail)?;
    // All questions come before the first page is written.
    let mut rules = Vec::new();
    for (name, _) in &pages {
        rules.push(check_file_destination(ctx, &dir.join(name))?);
    }
    for ((name, page), if_exists) in pages.iter().zip(rules) {
        write_file(&dir.join(name), page, if_exists)?;
    }
    Ok(())
}

/// Adds the pages of a command and of those below it: their file names and bytes.
fn add_pages(command: Command, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    for below in command.get_subcommands().filter(|c| !c.is_hide_set()) {
        add_pages(below.clone(), pages)?;
    }
    let notes = Notes::of(&command);
    let has_commands = command.has_subcommands();
    let has_options = command.get_arguments().any(|a| !a.is_hide_set());
    let has_version = command.get_version().is_some();
    let man = Man::new(command);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if has_options {
        man.render_options_section(&mut page)?;
    }
    if has_commands {
        man.render_subcommands_section(&mut page)?;
    }
    page.extend(extra_sections(&notes).into_bytes());
    if has_version {
        man.render_version_section(&mut page)?;
    }
    pages.push((man.get_filename(), page));
    Ok(())
}

/// The sections of a page that do not come from the arguments.
fn extra_sections(notes: &Notes) -> String {
    let mut text = String::new();
    if !notes.remarks.is_empty() {
        text += ".SH NOTES\n";
        for paragraph in notes.remarks.split("\n\n") {
            text += &format!(".PP\n{}\n", escape_roff(paragraph));
        }
    }
    for (title, rows) in [("EXIT STATUS", EXIT_CODES), ("ENVIRONMENT", ENVIRONMENT)] {
        text += &format!(".SH \"{title}\"\n");
        for (term, meaning) in rows {
            text += &format!(
                ".TP\n\\fB{}\\fR\n{}\n",
                escape_roff(term),
                escape_roff(meaning)
            );
        }
    }
    if !notes.examples.is_empty() {
        text += ".SH EXAMPLES\n.nf\n";
        for example in &notes.examples {
            text += &format!("{}\n", escape_roff(example));
        }
        text += ".fi\n";
    }
    text
}

/// Escapes everything that roff would obey.
fn escape_roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    let line = |line: &str| {
        if line.starts_with(['.', '\'']) {
            format!("\\&{line}")
        } else {
            line.to_owned()
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::escape_roff;

    #[test]
    fn roff_commands_in_text_are_escaped() {
        assert_eq!(escape_roff(".so x\n'a\n\\fB-"), "\\&.so x\n\\&'a\n\\efB\\-");
    }
}
