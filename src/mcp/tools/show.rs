//! `show_in_viewer`: moves the viewer of a person to a row, or shows a search there.

use std::time::Duration;

use serde_json::json;

use crate::mcp::answer::Answer;
use crate::mcp::error::ToolError;
use crate::mcp::tools::arguments::Arguments;
use crate::mcp::viewer::ViewerFacts;
use crate::mcp::viewer::ViewerWish;
use crate::mcp::work::Work;
use crate::mcp::workspace::Workspace;
use crate::progress::Progress as _;

/// Time between looks at a viewer that is on its way.
const LOOK: Duration = Duration::from_millis(20);
/// Looks before the answer is given anyway: 4 seconds.
const LOOKS_MAX: usize = 200;

/// Moves the viewer, and returns what it shows.
pub(crate) fn show_in_viewer(
    workspace: &Workspace,
    arguments: &Arguments,
    work: &Work,
) -> Result<Answer, ToolError> {
    let row = match arguments.has("row") {
        true => Some(arguments.count("row", 0, u64::MAX)?),
        false => None,
    };
    let query = arguments.text("query")?;
    let wish = match (row, query) {
        (None, None) => ViewerWish::Look,
        (Some(row), None) => ViewerWish::Row(row),
        (None, Some(query)) => ViewerWish::Search(query.to_owned()),
        (Some(_), Some(_)) => {
            return Err(ToolError::new("`row` and `query` exclude each other")
                .with_next("show_in_viewer with `query`, then with `row`"));
        }
    };
    let mut shown = steer(workspace, wish)?;
    for _ in 0..LOOKS_MAX {
        if !shown.is_busy || work.cancelled() {
            break;
        }
        std::thread::sleep(LOOK);
        shown = steer(workspace, ViewerWish::Look)?;
    }
    if let Some(row) = row.filter(|row| !shown.is_busy && shown.row != Some(*row)) {
        return Err(ToolError::new(format!("the viewer is not at row {row}"))
            .with_next("show_in_viewer without arguments says where it is"));
    }
    Ok(Answer::of(json!({
        "target": shown.target,
        "row": shown.row,
        "total_rows": shown.total_rows,
        "query": shown.query,
        "matches": shown.matches,
        "matches_are_exact": shown.is_searched,
        "is_on_its_way": shown.is_busy,
    })))
}

fn steer(workspace: &Workspace, wish: ViewerWish) -> Result<ViewerFacts, ToolError> {
    let viewer = workspace.options.viewer.as_ref();
    let viewer = viewer.ok_or_else(|| ToolError::new("there is no viewer here"))?;
    viewer.steer(wish).map_err(|why| {
        ToolError::new(why).with_next("show_in_viewer without arguments says what is shown")
    })
}
