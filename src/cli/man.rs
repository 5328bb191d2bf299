//! `man`: a page for every command.

use std::path::Path;

use clap::Command;
use clap_mangen::Man;

use crate::cli::args::Cli;
use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::cli::outputs;
use crate::cli::surface;
use crate::cli::surface::ENVIRONMENT;
use crate::cli::surface::EXIT_CODES;
use crate::cli::surface::Notes;
use crate::registry::Error;

pub(crate) fn run(dir: &Path, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let fail = |e| Failure::from(Error::file("write", dir, e));
    std::fs::create_dir_all(dir).map_err(fail)?;
    let mut program = surface::undecorated().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    add(program, "", &mut pages).map_err(fail)?;
    // All of them are asked about before the first is written.
    let mut may = Vec::new();
    for (name, _) in &pages {
        may.push(outputs::may_write_file(&dir.join(name), cli, out)?);
    }
    for ((name, page), if_exists) in pages.iter().zip(may) {
        outputs::write(&dir.join(name), page, if_exists)?;
    }
    Ok(())
}

/// Adds the names and bytes of a command's page and of those below it. `path` is how the command is
/// called behind the program's name.
fn add(command: Command, path: &str, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    for below in command.get_subcommands().filter(|c| !c.is_hide_set()) {
        let name = below.get_name();
        add(below.clone(), format!("{path} {name}").trim(), pages)?;
    }
    let notes = Notes::of(&command, path);
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
    page.extend(sections(&notes).into_bytes());
    if has_version {
        man.render_version_section(&mut page)?;
    }
    pages.push((man.get_filename(), page));
    Ok(())
}

/// What `man` pages have besides the arguments.
fn sections(notes: &Notes) -> String {
    let mut text = String::new();
    if !notes.remarks.is_empty() {
        text += ".SH NOTES\n";
        for paragraph in notes.remarks.split("\n\n") {
            text += &format!(".PP\n{}\n", roff(paragraph));
        }
    }
    for (title, rows) in [("EXIT STATUS", EXIT_CODES), ("ENVIRONMENT", ENVIRONMENT)] {
        text += &format!(".SH \"{title}\"\n");
        for (term, meaning) in rows {
            text += &format!(".TP\n\\fB{}\\fR\n{}\n", roff(term), roff(meaning));
        }
    }
    if !notes.examples.is_empty() {
        text += ".SH EXAMPLES\n.nf\n";
        for example in &notes.examples {
            text += &format!("{}\n", roff(example));
        }
        text += ".fi\n";
    }
    text
}

/// A text with nothing in it that roff would obey.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    let line = |line: &str| match line.starts_with(['.', '\'']) {
        true => format!("\\&{line}"),
        false => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::roff;

    #[test]
    fn text_cannot_give_commands_to_roff() {
        assert_eq!(roff(".so x\n'a\n\\fB-"), "\\&.so x\n\\&'a\n\\efB\\-");
    }
}
