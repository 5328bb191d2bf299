//! The server for assistants beside the viewer: it reads the same target, and moves the viewer.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use crate::cli::exit::Failure;
use crate::cli::mcp::http::Served;
use crate::mcp::McpOptions;
use crate::mcp::Viewer;
use crate::mcp::ViewerFacts;
use crate::mcp::ViewerHandle;
use crate::mcp::ViewerWish;
use crate::mcp::Workspace;
use crate::registry::TargetOptions;
use crate::tui::Steered;
use crate::tui::Steering;
use crate::tui::Wish;
use crate::tui::steering;

/// The viewer of this process, for tools.
struct OwnViewer(Steering);

impl Viewer for OwnViewer {
    fn steer(&self, wish: ViewerWish) -> Result<ViewerFacts, String> {
        let wish = match wish {
            ViewerWish::Row(row) => Wish::Row(row),
            ViewerWish::Search(text) => Wish::Search(text),
            ViewerWish::Look => Wish::Look,
        };
        let shown = self.0.ask(wish)?;
        Ok(ViewerFacts {
            target: shown.target,
            row: shown.row,
            total_rows: shown.rows,
            query: shown.query,
            matches: shown.matches,
            is_searched: shown.is_searched,
            is_busy: shown.is_busy,
        })
    }
}

/// Starts the server, and returns it with the wishes for the viewer.
///
/// # Errors
/// [`Failure`] when the target cannot be opened, or the address is taken.
pub(super) fn start(
    target: Option<&str>,
    reading: TargetOptions,
    home: &Path,
    address: SocketAddr,
) -> Result<(Served, Steered), Failure> {
    let (to, steered) = steering();
    let targets = target.map(str::to_owned).into_iter().collect();
    let workspace = Workspace::open(McpOptions {
        reading,
        viewer: Some(ViewerHandle::new(Arc::new(OwnViewer(to)))),
        ..McpOptions::new(targets, home.to_owned())
    })?;
    let served = Served::start(workspace, address, None, home)?;
    Ok((served, steered))
}
