//! The command line: arguments in, tables or JSON out, an exit code at the end. The only place
//! that knows JSON shapes, colours and exit codes. Contract: `spec/cli.md`.

mod alias;
mod archives;
mod args;
mod args_archives;
mod args_config;
mod args_describe;
mod args_inspect;
mod args_keys;
mod args_life;
mod args_peers;
mod args_reading;
mod args_trust;
mod args_write;
mod ask;
mod bar;
mod card;
mod checkouts;
mod commands;
mod config;
mod diff;
mod doctor;
mod exit;
mod home;
mod inspect;
mod interrupt;
mod keys;
mod large;
mod life;
mod log;
mod man;
mod markdown;
mod nodes;
mod out;
mod outputs;
mod passphrase;
mod peers;
mod pull;
mod receivers;
mod revise;
mod rotation;
mod schema;
mod search;
mod serve;
mod serve_events;
mod serve_settings;
mod settings;
mod show;
mod surface;
mod sync;
mod table;
mod trust;
mod trust_list;
mod upkeep;
mod usage;
mod version;

use std::process::ExitCode;

use clap::ColorChoice;
use clap::FromArgMatches;

use crate::cli::args::Cli;
use crate::cli::args::Command;
use crate::cli::args::RegistryCommand;
use crate::cli::commands::home_of;
use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::cli::out::printable;
use crate::cli::settings::Settings;
use crate::panics::panic_becomes_error;
use crate::registry::step::Step;

/// Runs the program.
pub fn main() -> ExitCode {
    let mut cli = match parsed() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; everything else is a usage error.
            let is_error = error.use_stderr();
            usage::report(error);
            return ExitCode::from(if is_error { 2 } else { 0 });
        }
    };
    // Damage in the index may make redb panic; that becomes an error that is reported properly.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !panic_becomes_error() {
            report(info);
        }
    }));
    interrupt::listen();
    let settled = settle(&mut cli).and_then(|()| log::begin(&cli));
    let out = Out::new(cli.json, cli.quiet, !cli.no_color);
    table::settle(cli.wide, out.has_style());
    match settled.and_then(|()| run(&cli, &out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(&out),
    }
}

fn parsed() -> Result<Cli, clap::Error> {
    let mut command = surface::command();
    if usage::has_word("--no-color") {
        command = command.color(ColorChoice::Never);
    }
    let parsed = command.try_get_matches_from_mut(std::env::args_os());
    let cli = parsed.and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches));
    cli.map_err(usage::improved)
}

/// Takes what was not given from the settings in the home.
fn settle(cli: &mut Cli) -> Result<(), Failure> {
    let uses_home = matches!(
        cli.command,
        Command::Registry { .. } | Command::Daily(_) | Command::Inspect { .. }
    );
    if uses_home {
        let home = home_of(cli)?;
        Settings::of(&home)?.apply(cli)?;
    }
    if cli.no_progress {
        bar::turn_off();
    }
    Ok(())
}

fn run(cli: &Cli, out: &Out) -> Result<(), Failure> {
    let _step = Step::begin("the command", "in all");
    match &cli.command {
        Command::Registry { command } | Command::Daily(command) => registry(command, cli, out),
        Command::Inspect { command, .. } => {
            home::check(cli, out)?;
            inspect::run(command, cli, out)
        }
        Command::Doctor => doctor::run(cli, out),
        Command::Config { command } => config::run(command, cli, out),
        Command::Version => version::run(out),
        Command::Help { words } => surface::help(words, out),
        Command::Completions { shell } => Ok(out.bytes(&surface::script(*shell))?),
        Command::Complete { words } => {
            let found = surface::candidates(words, cli);
            let lines: String = found.iter().map(|c| printable(c) + "\n").collect();
            Ok(out.bytes(lines.as_bytes())?)
        }
        Command::Man { dir } => man::run(dir, cli, out),
    }
}

fn registry(command: &RegistryCommand, cli: &Cli, out: &Out) -> Result<(), Failure> {
    home::check_that_it_is_there(command, cli)?;
    home::check(cli, out)?;
    commands::run(command, cli, out)
}
