//! A viewer on the screen of a person, as far as tools move it.

use std::fmt;
use std::sync::Arc;

/// A viewer that tools move.
pub trait Viewer: Send + Sync {
    /// Does what a tool wishes, or begins it, and returns what is shown then.
    ///
    /// # Errors
    /// The reason why it is not done, for the assistant.
    fn steer(&self, wish: ViewerWish) -> Result<ViewerFacts, String>;
}

/// A wish of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ViewerWish {
    /// Tell what is shown.
    Look,
    /// Go to a row, by its number.
    Row(u64),
    /// Search for an expression.
    Search(String),
}

/// A moment of a viewer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewerFacts {
    /// The target; `None` while none is open.
    pub target: Option<String>,
    /// The row of the cursor, once its number is known.
    pub row: Option<u64>,
    /// The number of rows, once they are counted.
    pub total_rows: Option<u64>,
    /// The expression that is searched for.
    pub query: Option<String>,
    /// Rows that match, so far.
    pub matches: Option<u64>,
    /// True once all rows were searched.
    pub is_searched: bool,
    /// True while the viewer is on its way to a row or a match.
    pub is_busy: bool,
}

/// The viewer of a server.
#[derive(Clone)]
pub struct ViewerHandle(Arc<dyn Viewer>);

impl ViewerHandle {
    /// Takes a viewer.
    pub fn new(viewer: Arc<dyn Viewer>) -> Self {
        Self(viewer)
    }

    pub(crate) fn steer(&self, wish: ViewerWish) -> Result<ViewerFacts, String> {
        self.0.steer(wish)
    }
}

impl fmt::Debug for ViewerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ViewerHandle")
    }
}
