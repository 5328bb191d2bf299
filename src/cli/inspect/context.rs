//! The context of an `inspect` command: it opens the targets as the options say.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::inspect::reading::ReadingArgs;
use crate::cli::prompt::dataset::ask_about_size;
use crate::inspect::ReadOptions;
use crate::inspect::tokens::Encoding;
use crate::registry::Error;
use crate::registry::Target;
use crate::registry::TargetOptions;

/// The targets of a command.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// Paths, references to datasets, REF:path/in/dataset, or - for standard input; the rows of several
    /// follow each other
    #[arg(required = true, value_name = "TARGET")]
    pub target: Vec<String>,
}

/// The context of an `inspect` command.
pub(crate) struct InspectContext<'a> {
    /// The context of every command.
    pub base: &'a Context,
    reading: &'a ReadingArgs,
}

impl<'a> InspectContext<'a> {
    pub(crate) fn new(base: &'a Context, reading: &'a ReadingArgs) -> Self {
        Self { base, reading }
    }

    /// The encoding for tokens, if an option names one.
    pub(crate) fn token_encoding(&self) -> Option<Encoding> {
        self.reading.token_encoding()
    }

    /// Opens one target.
    ///
    /// # Errors
    /// As [`Target::open_with`].
    pub(crate) fn open_target(&self, text: &str) -> Result<Target, Failure> {
        self.open(text, self.reading.options()?)
    }

    /// Opens several targets as one.
    ///
    /// # Errors
    /// As [`Target::open_with`].
    pub(crate) fn open_targets(&self, texts: &[String]) -> Result<Target, Failure> {
        self.open_joined(texts, self.reading.options()?)
    }

    /// Opens several targets as one, and verifies every checksum.
    ///
    /// # Errors
    /// As [`Target::open_with`].
    pub(crate) fn open_verified_targets(&self, texts: &[String]) -> Result<Target, Failure> {
        let reading = ReadOptions {
            verify: true,
            ..self.reading.options()?
        };
        self.open_joined(texts, reading)
    }

    /// The options for opening a target to edit it.
    ///
    /// # Errors
    /// [`Failure::Usage`] for options that exclude each other.
    pub(crate) fn target_options(&self) -> Result<TargetOptions, Failure> {
        Ok(TargetOptions {
            reading: self.reading.options()?,
            allow_large: self.base.global.allow_large,
            edits: false,
        })
    }

    fn open_joined(&self, texts: &[String], reading: ReadOptions) -> Result<Target, Failure> {
        let open = |text: &String| self.open(text, reading);
        let all: Result<Vec<Target>, Failure> = texts.iter().map(open).collect();
        Target::joined(all?).ok_or(Failure::usage("give a TARGET"))
    }

    fn open(&self, text: &str, reading: ReadOptions) -> Result<Target, Failure> {
        let home = self.base.home()?;
        let options = TargetOptions {
            reading,
            allow_large: self.base.global.allow_large,
            edits: self.reading.has_edits(),
        };
        match Target::open_with(text, &home, &options) {
            Err(Error::TooLarge { dataset, expansion })
                if ask_about_size(self.base.out, &dataset, expansion) =>
            {
                let options = TargetOptions {
                    allow_large: true,
                    ..options
                };
                Ok(Target::open_with(text, &home, &options)?)
            }
            opened => Ok(opened?),
        }
    }
}
