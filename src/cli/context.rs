//! The context of a command: the options of every command, the output and the registry.

use std::cell::OnceCell;
use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;

use crate::cli::env;
use crate::cli::exit::Failure;
use crate::cli::output::out::Out;
use crate::cli::output::progress_bar::ProgressBar;
use crate::cli::parse::parse_presence;
use crate::cli::remote;
use crate::cli::settings::Defaults;
use crate::net::PeerAddress;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::remote::Remote;

/// The options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// The registry's directory [default: ~/.alimentar]
    #[arg(long, global = true, env = "ALIMENTAR_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Use a registry's directory that others may read or write
    #[arg(long, global = true, hide_short_help = true)]
    #[arg(env = "ALIMENTAR_INSECURE_HOME", value_parser = FalseyValueParser::new())]
    pub insecure_home: bool,
    /// Print JSON on stdout, and errors as JSON on stderr
    #[arg(long, global = true)]
    pub json: bool,
    /// Print ids only, and no progress
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Log each step and its time on stderr; -vv logs more [env: RUST_LOG]
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// No colours, as with NO_COLOR
    // The default value goes through the parser too: it means a variable that is not set.
    #[arg(long, global = true, env = "NO_COLOR", value_parser = parse_presence, default_value = "")]
    #[arg(hide_short_help = true, hide_env_values = true)]
    pub no_color: bool,
    /// Let tables be wider than the terminal
    #[arg(long, global = true, hide_short_help = true)]
    pub wide: bool,
    /// A file whose first line is the passphrase of the key [env: ALIMENTAR_PASSPHRASE]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub passphrase_file: Option<PathBuf>,
    /// Answer yes to questions about destroying things
    #[arg(long, global = true)]
    pub yes: bool,
    /// Make no connection of any kind [env: HF_HUB_OFFLINE]
    #[arg(long, global = true, hide_short_help = true)]
    #[arg(env = "ALIMENTAR_OFFLINE", value_parser = FalseyValueParser::new())]
    pub offline: bool,
    /// Take datasets from elsewhere even if they are far larger than the data sent for them
    #[arg(long, global = true, hide_short_help = true)]
    pub allow_large: bool,
}

/// The context of a command.
pub(crate) struct Context {
    /// The options of every command, completed from the settings.
    pub global: GlobalArgs,
    /// Values from the settings that single commands use.
    pub defaults: Defaults,
    /// The output.
    pub out: Out,
    registry: OnceCell<LocalRegistry>,
    remote: OnceCell<Remote>,
}

impl Context {
    pub(crate) fn new(global: GlobalArgs, defaults: Defaults, out: Out) -> Self {
        Self {
            global,
            defaults,
            out,
            registry: OnceCell::new(),
            remote: OnceCell::new(),
        }
    }

    /// The registry's directory.
    ///
    /// # Errors
    /// [`Error::File`] if neither an option nor the environment says where it is.
    pub(crate) fn home(&self) -> Result<PathBuf, Failure> {
        find_home(&self.global)
    }

    /// The registry, which the first call opens. Warns if the index had to be rebuilt with losses.
    ///
    /// # Errors
    /// As [`LocalRegistry::open`].
    pub(crate) fn registry(&self) -> Result<&LocalRegistry, Failure> {
        if let Some(registry) = self.registry.get() {
            return Ok(registry);
        }
        let registry = LocalRegistry::open(&self.home()?)?;
        let bytes: u64 = registry
            .maintenance()
            .losses()?
            .iter()
            .map(|span| span.bytes)
            .sum();
        if bytes > 0 && !self.out.is_json() {
            self.out.diagnostic(&format!(
                "warning: the index was missing and was made anew from the packs; {bytes} bytes of them could not be read: `registry fsck` says where"
            ));
        }
        Ok(self.registry.get_or_init(|| registry))
    }

    /// The reader of URLs.
    ///
    /// # Errors
    /// As [`Context::home`]; [`Failure::Misused`] for an environment that makes no sense.
    pub(crate) fn remote(&self) -> Result<&Remote, Failure> {
        if let Some(remote) = self.remote.get() {
            return Ok(remote);
        }
        let made = remote::make(&self.home()?, self.is_offline(), self.out)?;
        Ok(self.remote.get_or_init(|| made))
    }

    /// True if no connection may be made.
    pub(crate) fn is_offline(&self) -> bool {
        self.global.offline || env::is_on("HF_HUB_OFFLINE")
    }

    /// Keeps what was read from URLs, and prints the counts of it with `-v`. The end of every command.
    pub(crate) fn end_remote(&self) {
        let Some(remote) = self.remote.get() else {
            return;
        };
        remote.save();
        if self.global.verbose > 0 {
            self.out.diagnostic(&remote::describe(remote.statistics()));
        }
    }

    /// The peers of the command line, or else those of the settings.
    pub(crate) fn peers_or_default<'a>(&'a self, given: &'a [PeerAddress]) -> &'a [PeerAddress] {
        if given.is_empty() {
            &self.defaults.peers
        } else {
            given
        }
    }

    /// A progress bar, hidden with `--quiet`.
    pub(crate) fn progress_bar(&self) -> ProgressBar {
        self.progress_bar_if(true)
    }

    /// A progress bar that is shown only if `is_wanted`.
    pub(crate) fn progress_bar_if(&self, is_wanted: bool) -> ProgressBar {
        ProgressBar::new(is_wanted && !self.out.is_quiet() && !self.defaults.no_progress)
    }
}

/// The registry's directory by the options of every command.
///
/// # Errors
/// As [`Context::home`].
pub(crate) fn find_home(global: &GlobalArgs) -> Result<PathBuf, Failure> {
    if let Some(home) = &global.home {
        return Ok(home.clone());
    }
    let missing = || {
        let none = std::io::Error::other("HOME is not set; give --home DIR");
        Failure::from(Error::file("find", "~/.alimentar", none))
    };
    Ok(env::user_home().ok_or_else(missing)?.join(".alimentar"))
}
