//! `man`: a page for every command.

use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man;

use crate::cli::args::Cli;
use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::cli::outputs;
use crate::registry::Error;

pub(crate) fn run(dir: &Path, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let fail = |e| Failure::from(Error::file("write", dir, e));
    std::fs::create_dir_all(dir).map_err(fail)?;
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    add(program, &mut pages).map_err(fail)?;
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

/// Adds the names and bytes of a command's page and of those below it.
fn add(command: clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    for below in command.get_subcommands().filter(|c| !c.is_hide_set()) {
        add(below.clone(), pages)?;
    }
    let man = Man::new(command);
    let mut page = Vec::new();
    man.render(&mut page)?;
    pages.push((man.get_filename(), page));
    Ok(())
}
