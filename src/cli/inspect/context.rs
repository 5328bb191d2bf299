//! The context of an `inspect` command: it opens the targets as the options say.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::inspect::reading::ReadingArgs;
use crate::cli::prompt::dataset::ask_about_size;
use crate::cli::registry::network::look::LookArgs;
use crate::cli::registry::network::look::Looks;
use crate::inspect::ReadOptions;
use crate::inspect::tokens::Encoding;
use crate::registry::DatasetError;
use crate::registry::Error;
use crate::registry::IntegrityError;
use crate::registry::Target;
use crate::registry::TargetError;
use crate::registry::TargetOptions;
use crate::registry::split_reference;
use crate::remote::RemoteUrl;

/// The targets of a command.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// Paths, references to datasets, REF:path/in/dataset, URLs (https://, hf://, s3://), or - for standard
    /// input; the rows of several follow each other
    #[arg(required = true, value_name = "TARGET")]
    pub target: Vec<String>,
}

/// The context of an `inspect` command.
pub(crate) struct InspectContext<'a> {
    /// The context of every command.
    pub base: &'a Context,
    reading: &'a ReadingArgs,
    looks: Looks<'a>,
}

impl<'a> InspectContext<'a> {
    pub(crate) fn new(base: &'a Context, reading: &'a ReadingArgs, look: &'a LookArgs) -> Self {
        Self {
            base,
            reading,
            looks: Looks::new(base, look),
        }
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
            remote: None,
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
            remote: match RemoteUrl::looks_like_url(text) {
                true => Some(self.base.remote()?.clone()),
                false => None,
            },
            edits: self.reading.has_edits(),
        };
        match Target::open_with(text, &home, &options) {
            Err(Error::Integrity(IntegrityError::TooLarge { dataset, expansion }))
                if ask_about_size(self.base.out, &dataset, expansion) =>
            {
                let options = TargetOptions {
                    allow_large: true,
                    ..options
                };
                Ok(Target::open_with(text, &home, &options)?)
            }
            Err(
                not_here @ (Error::Target(TargetError::NotHere(_))
                | Error::Dataset(
                    DatasetError::NotFound(_) | DatasetError::NearMiss { .. },
                )),
            ) => {
                let (reference, path) = split_reference(text);
                let look = self.looks.find(&reference, not_here)?;
                Ok(Target::of_look(text, &look, path, (&home, reading))?)
            }
            opened => Ok(opened?),
        }
    }
}
