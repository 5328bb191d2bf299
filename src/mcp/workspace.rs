//! The targets and datasets that clients reach: those of the command line, and those of the registry.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use crate::locks::lock;
use crate::mcp::answer::Answer;
use crate::mcp::error::ToolError;
use crate::mcp::limits::KEPT_ANSWERS;
use crate::mcp::limits::OPEN_TARGETS;
use crate::mcp::viewer::ViewerHandle;
use crate::progress::NoProgress;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::Target;
use crate::registry::TargetOptions;
use crate::registry::TextFile;

/// Options of a server.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct McpOptions {
    /// Targets that clients may read, besides the datasets of the registry.
    pub targets: Vec<String>,
    /// Home directory of the registry.
    pub home: PathBuf,
    /// Options for reading targets.
    pub reading: TargetOptions,
    /// True to show secrets in rows instead of masking them.
    pub show_secrets: bool,
    /// Peers that are asked when a pull names none, as `host:port`.
    pub peers: Vec<String>,
    /// True to offer the tool that pulls datasets from peers.
    pub allow_pull: bool,
    /// True to offer the tool that edits rows. Targets are then read with their edits.
    pub allow_edits: bool,
    /// The viewer that tools move, if there is one.
    pub viewer: Option<ViewerHandle>,
}

impl McpOptions {
    /// Options of a server that only reads.
    pub fn new(targets: Vec<String>, home: PathBuf) -> Self {
        Self {
            targets,
            home,
            ..Self::default()
        }
    }
}

/// The state of a server. Clients share it.
pub struct Workspace {
    pub(crate) options: McpOptions,
    open: Mutex<VecDeque<Arc<OpenTarget>>>,
    answers: Mutex<VecDeque<(String, Answer)>>,
}

/// A target that stays open between calls.
pub(crate) struct OpenTarget {
    /// The name that clients use.
    pub(crate) name: String,
    /// Identity of its content. It changes when a file changes.
    pub(crate) identity: String,
    pub(crate) target: Target,
    /// Access to lines by number, for plain text files.
    pub(crate) lines: Option<Mutex<TextFile>>,
}

impl Workspace {
    /// Opens the targets of the command line.
    ///
    /// # Errors
    /// [`Error`] of the first target that cannot be opened.
    pub fn open(mut options: McpOptions) -> Result<Arc<Self>, Error> {
        options.reading.edits |= options.allow_edits;
        let workspace = Self {
            options,
            open: Mutex::default(),
            answers: Mutex::default(),
        };
        for name in workspace.options.targets.clone() {
            workspace.open_given(&name)?;
        }
        Ok(Arc::new(workspace))
    }

    /// Starts counting lines of text files, so that rows are found by number at once.
    pub fn index_lines(self: &Arc<Self>) {
        let workspace = Arc::clone(self);
        std::thread::spawn(move || {
            let open: Vec<Arc<OpenTarget>> = lock(&workspace.open).iter().cloned().collect();
            for target in open {
                if let Some(lines) = &target.lines {
                    // Counting goes on in the background; a failure comes back with the first request.
                    let _ = lock(lines).start_of(1, &NoProgress);
                }
            }
        });
    }

    /// Returns the registry, if the home has one.
    ///
    /// # Errors
    /// [`ToolError`] if there is none, or it cannot be opened.
    pub(crate) fn registry(&self) -> Result<LocalRegistry, ToolError> {
        let home = &self.options.home;
        if !home.exists() {
            return Err(ToolError::new("there is no registry on this machine yet")
                .with_next("use the targets that dataset_info lists"));
        }
        Ok(LocalRegistry::open(home)?)
    }

    /// Returns the target of a call: by the name of the command line or as a dataset of the registry.
    /// Without a name it is the only one of the command line.
    ///
    /// # Errors
    /// [`ToolError`] with the names that can be used.
    pub(crate) fn target(&self, name: Option<&str>) -> Result<Arc<OpenTarget>, ToolError> {
        let given = &self.options.targets;
        let name = match (name, given.as_slice()) {
            (Some(name), _) => name,
            (None, [only]) => only,
            (None, []) => {
                return Err(ToolError::new("`target` is missing")
                    .with_next("search_registry lists datasets; use name@version as `target`"));
            }
            (None, several) => {
                return Err(ToolError::new("`target` is missing; several are open")
                    .with_next(format!("use one of {}", several.join(", "))));
            }
        };
        if let Some(open) = self.kept(name) {
            return Ok(open);
        }
        if given.iter().any(|g| g == name) {
            return Ok(self.open_given(name)?);
        }
        let opened = Target::open_dataset(name, &self.options.home, &self.options.reading);
        let target = opened.map_err(|error| self.unknown_target(name, error))?;
        Ok(self.keep(name, target)?)
    }

    fn unknown_target(&self, name: &str, error: Error) -> ToolError {
        let error = ToolError::from(error);
        let shown: String = name.chars().take(80).collect();
        let given = &self.options.targets;
        let hint = if given.is_empty() {
            "search_registry lists the datasets here".to_owned()
        } else {
            format!(
                "use one of {}, or a dataset that search_registry lists",
                given.join(", ")
            )
        };
        ToolError::new(format!(
            "`{shown}` is neither open nor a dataset of this registry: {}",
            error.text()
        ))
        .with_next(hint)
    }

    /// Returns a target that is open, unless its content changed.
    fn kept(&self, name: &str) -> Option<Arc<OpenTarget>> {
        let mut open = lock(&self.open);
        let at = open.iter().position(|t| t.name == name)?;
        let is_fresh = open.get(at).is_some_and(|t| t.is_fresh(&self.options));
        let found = open.remove(at)?;
        if !is_fresh {
            return None;
        }
        open.push_back(Arc::clone(&found));
        Some(found)
    }

    fn open_given(&self, name: &str) -> Result<Arc<OpenTarget>, Error> {
        let target = Target::open_with(name, &self.options.home, &self.options.reading)?;
        self.keep(name, target)
    }

    fn keep(&self, name: &str, target: Target) -> Result<Arc<OpenTarget>, Error> {
        let lines = match target.text_path()? {
            Some(path) => Some(Mutex::new(
                TextFile::open(path, &self.options.home)?.in_background(),
            )),
            None => None,
        };
        let opened = Arc::new(OpenTarget {
            name: name.to_owned(),
            identity: target.identity()?,
            target,
            lines,
        });
        let mut open = lock(&self.open);
        open.push_back(Arc::clone(&opened));
        if open.len() > OPEN_TARGETS.max(self.options.targets.len()) {
            open.pop_front();
        }
        Ok(opened)
    }

    /// Returns the answer of a scan, from an earlier call or by `make`.
    ///
    /// # Errors
    /// The error of `make`. It is not kept.
    pub(crate) fn remembered(
        &self,
        key: String,
        make: impl FnOnce() -> Result<Answer, ToolError>,
    ) -> Result<Answer, ToolError> {
        let kept = lock(&self.answers);
        if let Some((_, answer)) = kept.iter().find(|(k, _)| *k == key) {
            return Ok(answer.clone());
        }
        drop(kept);
        let answer = make()?;
        let mut kept = lock(&self.answers);
        if kept.len() >= KEPT_ANSWERS {
            kept.pop_front();
        }
        kept.push_back((key, answer.clone()));
        Ok(answer)
    }
}

impl OpenTarget {
    /// Takes a target that is not kept, and whose lines are not counted.
    pub(crate) fn unindexed(target: Target) -> Self {
        Self {
            name: target.name().to_owned(),
            identity: String::new(),
            target,
            lines: None,
        }
    }

    /// Returns true if the name still means the same rows.
    fn is_fresh(&self, options: &McpOptions) -> bool {
        let now = match (self.target.is_dataset(), options.reading.edits) {
            // A reference may mean another version by now.
            (true, _) => Target::open_dataset(&self.name, &options.home, &options.reading),
            (false, true) => self.target.clone().with_present_edits(),
            (false, false) => Ok(self.target.clone()),
        };
        let now = now.and_then(|target| target.identity());
        now.is_ok_and(|now| now == self.identity)
    }
}
