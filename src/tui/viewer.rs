//! A session of the viewer, from its options to the rows that it prints at its end.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc;

use thiserror::Error;

use crate::catalog::DatasetSummary;
use crate::locks::lock;
use crate::registry::Listed;
use crate::registry::TargetOptions;
use crate::tui::browse::DatasetEntry;
use crate::tui::browse::Peers;
use crate::tui::commands::Keymap;
use crate::tui::commands::lists;
use crate::tui::document::CancelToken;
use crate::tui::event::Steered;
use crate::tui::model::State;
use crate::tui::session;
use crate::tui::session::End;
use crate::tui::terminal::Screen;
use crate::tui::work::Surroundings;
use crate::tui::work::Workers;
use crate::tui::work::entry;
use crate::tui::work::write_rows;

/// Options of the viewer.
#[non_exhaustive]
pub struct ViewOptions {
    /// Directory of the registry.
    pub home: PathBuf,
    /// Target to show; the registry without one.
    pub target: Option<String>,
    /// Options for reading targets.
    pub reading: TargetOptions,
    /// True to use colours.
    pub has_colours: bool,
    /// The way to other nodes, for the browser of the registry.
    pub peers: Option<Arc<dyn Peers>>,
    /// Wishes from elsewhere in the program.
    pub steered: Option<Steered>,
    /// First message to the person.
    pub greeting: Option<String>,
    /// Keys of the commands.
    pub keys: Keymap,
}

impl ViewOptions {
    /// Options for a registry, without a target.
    pub fn new(home: PathBuf) -> Self {
        Self {
            home,
            target: None,
            reading: TargetOptions::default(),
            has_colours: true,
            peers: None,
            steered: None,
            greeting: None,
            keys: Keymap::default(),
        }
    }
}

/// Errors of the viewer. Errors of data are shown on the screen instead.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ViewError {
    /// There is no terminal, or it failed.
    #[error("the terminal")]
    Terminal(#[source] io::Error),
    /// The rows could not be printed.
    #[error("printing the rows: {0}")]
    Print(String),
    /// A signal ended the program.
    #[error("interrupted")]
    Stopped,
}

/// Shows a target, or the registry, until the person leaves.
///
/// # Errors
/// [`ViewError`].
pub fn view(options: ViewOptions) -> Result<(), ViewError> {
    let (to, events) = mpsc::channel();
    let around = Surroundings {
        home: options.home,
        options: options.reading,
        peers: options.peers,
        document: Mutex::new(None),
    };
    let mut workers = Workers::new(around, to.clone());
    let mut screen = Screen::enter(options.has_colours).map_err(ViewError::Terminal)?;
    let size = screen.size().map_err(ViewError::Terminal)?;
    let mut state = State::new(options.target.as_deref(), size);
    if let Some(greeting) = options.greeting {
        state.say(greeting);
    }
    if let Some(steered) = options.steered {
        steered.forward(to.clone()).map_err(ViewError::Terminal)?;
    }
    state.keymap = options.keys;
    session::listen(to).map_err(ViewError::Terminal)?;
    let ended = session::run(&mut state, &mut screen, &mut workers, &events);
    drop(screen);
    match ended.map_err(ViewError::Terminal)? {
        End::Stopped => Err(ViewError::Stopped),
        End::Left(farewell) if farewell.print.is_empty() => Ok(()),
        End::Left(farewell) => {
            let document = lock(&workers.around.document).clone();
            let Some(document) = document else {
                return Ok(());
            };
            let mut stdout = io::BufWriter::new(io::stdout().lock());
            let cancel = CancelToken::default();
            let written = write_rows(&document, &farewell.print, &mut stdout, &cancel, &|| {});
            written.map_err(|e| ViewError::Print(e.to_string()))
        }
    }
}

/// Makes the entry of a dataset for a list of the viewer.
pub fn dataset_entry(listed: &Listed<DatasetSummary>) -> DatasetEntry {
    entry(listed)
}

/// Returns the keys and their commands as text.
pub fn keys_as_text(keys: &Keymap) -> String {
    lists::keys_as_text(keys)
}

/// Returns the keys and their commands as JSON.
pub fn keys_as_json(keys: &Keymap) -> serde_json::Value {
    lists::keys_as_json(keys)
}
