//! The command line: arguments in, tables or JSON out, an exit code at the end. The only place
//! that knows JSON shapes, colours and exit codes. Contract: `spec/cli.md`.

mod alias;
mod archives;
mod args;
mod args_archives;
mod args_describe;
mod args_inspect;
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
mod diff;
mod doctor;
mod exit;
mod home;
mod inspect;
mod interrupt;
mod keys;
mod large;
mod life;
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
mod show;
mod sync;
mod trust;
mod trust_list;
mod upkeep;
mod usage;

use std::process::ExitCode;

use clap::CommandFactory;
use clap::Parser;

use crate::cli::args::Cli;
use crate::cli::args::Command;
use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::panics::panic_becomes_error;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; everything else is a usage error.
            usage::report(&error);
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
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
    let out = Out::new(cli.json, cli.quiet, !cli.no_color);
    let done = match &cli.command {
        Command::Registry { command } => {
            home::check(&cli, &out).and_then(|()| commands::run(command, &cli, &out))
        }
        Command::Inspect { command, .. } => {
            home::check(&cli, &out).and_then(|()| inspect::run(command, &cli, &out))
        }
        Command::Doctor => doctor::run(&cli, &out),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "alimentar", &mut script);
            out.bytes(&script).map_err(Failure::from)
        }
        Command::Man { dir } => man::run(dir, &cli, &out),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(&out),
    }
}
