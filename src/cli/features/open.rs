//! The configuration of a command, and the tables of it.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::home;
use crate::features::config::Config;
use crate::features::config::SourceConfig;
use crate::features::serving::FeatureTables;
use crate::features::source::FileSources;
use crate::features::source::Sources;
use crate::registry::RegistrySources;
use crate::registry::host;

/// The configuration of a command.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// The configuration: a YAML file with tables and their sources
    #[arg(short, long, value_name = "FILE")]
    pub(super) config: PathBuf,
}

/// A configuration, and its tables.
pub(super) struct Opened {
    pub(super) config: Config,
    pub(super) tables: Arc<FeatureTables>,
}

impl ConfigArgs {
    /// Reads the configuration, and opens what earlier loads left.
    ///
    /// # Errors
    /// As [`Opened::read`].
    pub(super) fn open(&self, ctx: &Context) -> Result<Opened, Failure> {
        Opened::read(ctx, &self.config)
    }
}

impl Opened {
    /// Reads a configuration, and opens what earlier loads left.
    ///
    /// # Errors
    /// [`Failure`] for a configuration that is none, and a registry that is needed and is not there.
    pub(super) fn read(ctx: &Context, path: &Path) -> Result<Self, Failure> {
        let config = Config::read(path)?;
        let directory = match &config.server.data_dir {
            Some(directory) => directory.clone(),
            None => ctx.home()?.join("cache").join("features"),
        };
        let files: Arc<dyn Sources> = Arc::new(FileSources::new(ctx.remote()?.clone()));
        let is_dataset =
            |source: &Option<SourceConfig>| matches!(source, Some(SourceConfig::Registry { .. }));
        let sources = match config.tables.iter().any(|t| is_dataset(&t.source)) {
            true => {
                home::check_existence(ctx, false)?;
                Arc::new(RegistrySources::new(files, ctx.registry()?.clone()))
            }
            false => files,
        };
        let tables = FeatureTables::open(&config, &directory, sources)?;
        Ok(Self {
            config,
            tables: Arc::new(tables),
        })
    }

    /// Returns the tables that a command names, or else all of the configuration that have a source.
    ///
    /// # Errors
    /// `FeatureError::NoTable`.
    pub(super) fn named(&self, names: &[String]) -> Result<Vec<String>, Failure> {
        for name in names {
            self.tables.state(name)?;
        }
        if !names.is_empty() {
            return Ok(names.to_vec());
        }
        let with_source = self
            .config
            .tables
            .iter()
            .filter(|table| table.source.is_some());
        Ok(with_source.map(|table| table.name.clone()).collect())
    }
}

/// Returns the time in microseconds since 1970-01-01 UTC.
pub(super) fn now() -> i64 {
    i64::try_from(host::since_epoch().as_micros()).unwrap_or(i64::MAX)
}
