//! The command line: arguments in, text or JSON out, an exit code at the end. Contract: `spec/cli.md`.
//!
//! - `registry/GROUP/COMMAND.rs` and `inspect/COMMAND.rs`: one file for each command, with its arguments, its text and its JSON
//! - `context.rs`: the options of every command, the output, the registry
//! - `parse.rs`, `env.rs`, `settings.rs`: values from the command line, the environment, `config.toml`
//! - `output/`, `prompt/`: text for people, questions to people
//! - `remote/`: the reader of URLs, as options and environment say
//! - `exit.rs`, `hints.rs`: failures, their exit codes and the next steps
//! - `named.rs`: the description of those commands only that are among the words
//! - `surface/`: help, completion, usage errors
//!
//! A new command is a file with `Args`, `run` and a `Serialize` type, a line in the enum above it, an example in its help,
//! and its group in `surface/groups.rs`.

mod config;
mod context;
mod doctor;
mod documents;
mod env;
mod exit;
mod features;
mod hints;
mod home;
mod http_token;
mod inspect;
mod interrupt;
mod mcp;
mod named;
mod output;
mod parse;
pub(crate) mod program;
mod prompt;
mod registry;
mod remote;
mod settings;
mod surface;
mod view;
mod view_keys;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Args as _;
use clap::ColorChoice;
use clap::CommandFactory as _;
use clap::FromArgMatches as _;
use clap::Parser;
use clap::Subcommand;

use crate::cli::config::ConfigArgs;
use crate::cli::context::Context;
use crate::cli::context::GlobalArgs;
use crate::cli::context::find_home;
use crate::cli::doctor::DoctorArgs;
use crate::cli::documents::DocumentsArgs;
use crate::cli::exit::Failure;
use crate::cli::features::FeaturesArgs;
use crate::cli::inspect::InspectArgs;
use crate::cli::mcp::McpArgs;
use crate::cli::named::add_named;
use crate::cli::named::add_named_by;
use crate::cli::output::logging::start_log;
use crate::cli::output::out::Out;
use crate::cli::output::out::OutOptions;
use crate::cli::program::completions::CompleteArgs;
use crate::cli::program::completions::CompletionsArgs;
use crate::cli::program::man::ManArgs;
use crate::cli::program::version::VersionArgs;
use crate::cli::registry::RegistryCommand;
use crate::cli::settings::Defaults;
use crate::cli::settings::Settings;
use crate::cli::surface::PROGRAM;
use crate::cli::surface::decorate_program;
use crate::cli::surface::help;
use crate::cli::surface::help::HelpArgs;
use crate::cli::surface::paths::expand_paths_of;
use crate::cli::surface::usage;
use crate::cli::view::ViewArgs;
use crate::net::forbid_connections;
use crate::panics::panic_becomes_error;
use crate::registry::step::Step;

/// A sovereign registry for datasets: index, version, verify and give out, without a cloud
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Datasets on this machine: the same commands, as `alimentar registry index` and so on
    Registry {
        #[command(subcommand)]
        command: Box<RegistryCommand>,
    },
    Inspect(InspectArgs),
    View(ViewArgs),
    Documents(DocumentsArgs),
    Features(FeaturesArgs),
    /// The commands of `registry`, one word deep
    #[command(flatten)]
    Daily(Box<RegistryCommand>),
    Mcp(McpArgs),
    Doctor(DoctorArgs),
    Config(ConfigArgs),
    Version(VersionArgs),
    Help(HelpArgs),
    Completions(CompletionsArgs),
    Complete(CompleteArgs),
    Man(ManArgs),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let Cli {
        mut global,
        command,
    } = match parse_arguments() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; everything else is a usage error.
            let is_error = error.use_stderr();
            usage::report(error);
            return ExitCode::from(if is_error { 2 } else { 0 });
        }
    };
    report_panics();
    match &command {
        // It leaves the terminal clean first.
        Command::View(_) => interrupt::listen_without_haste(),
        _ => interrupt::listen(),
    }
    let settings = read_settings(&mut global, &command).and_then(|defaults| {
        start_log(global.verbose, !global.no_color)?;
        Ok(defaults)
    });
    let out = Out::new(OutOptions {
        json: global.json,
        quiet: global.quiet,
        colour: !global.no_color,
        wide: global.wide,
    });
    let ended = settings.and_then(|defaults| {
        let ctx = Context::new(global, defaults, out);
        if ctx.is_offline() {
            forbid_connections();
        }
        let ended = run(&ctx, &command);
        ctx.end_remote();
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(out),
    }
}

/// The program with those of its commands that are among the words. The whole program parses to the same whatever this
/// one parses, and may take words that this one refuses: another name of a command, or a request for help.
fn named_program(words: &[OsString]) -> clap::Command {
    let program =
        GlobalArgs::augment_args(clap::Command::new(PROGRAM)).disable_help_subcommand(true);
    let program = RegistryCommand::augment_named(program, words);
    let program = add_named_by(program, "registry", words, |registry| {
        RegistryCommand::augment_named(registry, words)
    });
    let program = add_named_by(program, "inspect", words, |inspect| {
        InspectArgs::augment_named(inspect, words)
    });
    let program = add_named::<ViewArgs>(program, "view", words);
    let program = add_named::<DocumentsArgs>(program, "documents", words);
    let program = add_named::<FeaturesArgs>(program, "features", words);
    let program = add_named::<McpArgs>(program, "mcp", words);
    let program = add_named::<DoctorArgs>(program, "doctor", words);
    let program = add_named::<ConfigArgs>(program, "config", words);
    let program = add_named::<VersionArgs>(program, "version", words);
    let program = add_named::<HelpArgs>(program, "help", words);
    let program = add_named::<CompletionsArgs>(program, "completions", words);
    let program = add_named::<CompleteArgs>(program, "complete", words);
    add_named::<ManArgs>(program, "man", words)
}

fn parse(mut program: clap::Command, words: &[OsString]) -> Result<Cli, clap::Error> {
    let mut matches = program.try_get_matches_from_mut(words)?;
    Cli::from_arg_matches_mut(&mut matches)
}

fn parse_arguments() -> Result<Cli, clap::Error> {
    let words: Vec<OsString> = std::env::args_os().collect();
    if let Ok(cli) = parse(expand_paths_of(named_program(&words), &words), &words) {
        return Ok(cli);
    }
    // Only help and errors need the other commands and the decoration, which take longer than the parse.
    let mut program = decorate_program(Cli::command());
    if usage::has_word("--no-color") {
        program = program.color(ColorChoice::Never);
    }
    parse(program, &words).map_err(usage::improve)
}

/// Keeps quiet about panics that become errors: damage in the index may make redb panic.
fn report_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !panic_becomes_error() {
            report(info);
        }
    }));
}

/// Completes the options of every command from the settings of the registry.
fn read_settings(global: &mut GlobalArgs, command: &Command) -> Result<Defaults, Failure> {
    let uses_registry = matches!(
        command,
        Command::Registry { .. }
            | Command::Daily(_)
            | Command::Features(_)
            | Command::Inspect(_)
            | Command::Mcp(_)
            | Command::View(_)
    );
    if !uses_registry {
        return Ok(Defaults::default());
    }
    let defaults = Settings::read(&find_home(global)?)?.defaults()?;
    global.no_color |= defaults.no_color;
    global.wide |= defaults.wide;
    if global.passphrase_file.is_none() {
        global.passphrase_file.clone_from(&defaults.passphrase_file);
    }
    Ok(defaults)
}

fn run(ctx: &Context, command: &Command) -> Result<(), Failure> {
    let _step = Step::begin("the command", "in all");
    match command {
        Command::Registry { command } | Command::Daily(command) => {
            home::check_existence(ctx, command.may_create_registry())?;
            home::check_permissions(ctx)?;
            registry::run(ctx, command)
        }
        Command::Inspect(args) => {
            home::check_permissions(ctx)?;
            inspect::run(ctx, args)
        }
        Command::Mcp(args) => {
            home::check_permissions(ctx)?;
            mcp::run(ctx, args)
        }
        Command::View(args) => {
            home::check_permissions(ctx)?;
            view::run(ctx, args)
        }
        Command::Documents(args) => documents::run(ctx, args),
        Command::Features(args) => {
            home::check_permissions(ctx)?;
            features::run(ctx, args)
        }
        Command::Doctor(args) => doctor::run(ctx, args),
        Command::Config(args) => config::run(ctx, args),
        Command::Version(args) => crate::cli::program::version::run(ctx, args),
        Command::Help(args) => help::run(ctx, args, decorate_program(Cli::command())),
        Command::Completions(args) => {
            crate::cli::program::completions::run(ctx, args, decorate_program(Cli::command()))
        }
        Command::Complete(args) => crate::cli::program::completions::run_complete(
            ctx,
            args,
            decorate_program(Cli::command()),
        ),
        Command::Man(args) => crate::cli::program::man::run(ctx, args, Cli::command()),
    }
}
