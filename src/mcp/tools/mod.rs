//! The tools: a table with a name, arguments, fields of the result, and the function of each.

pub(crate) mod arguments;
pub(crate) mod catalog;
pub(crate) mod describe;
pub(crate) mod edit;
pub(crate) mod lines;
pub(crate) mod pull;
pub(crate) mod scans;
pub(crate) mod schema;
pub(crate) mod search;
pub(crate) mod show;
pub(crate) mod similarity;
mod table;
pub(crate) mod tool;

use serde_json::Map;
use serde_json::Value;

use crate::mcp::answer::Fitted;
use crate::mcp::error::ToolError;
use crate::mcp::limits::ANSWER_CHARS;
use crate::mcp::limits::ANSWER_CHARS_MAX;
use crate::mcp::limits::ANSWER_CHARS_MIN;
use crate::mcp::tools::arguments::Arguments;
use crate::mcp::work::Work;
use crate::mcp::workspace::Workspace;

use crate::mcp::tools::tool::Effect;
use crate::mcp::tools::tool::Tool;

pub(crate) use crate::mcp::tools::table::TOOLS;

/// Returns the tools that a server offers.
pub(crate) fn offered(workspace: &Workspace) -> impl Iterator<Item = &'static Tool> {
    let options = &workspace.options;
    TOOLS.iter().filter(move |tool| match tool.effect {
        Effect::Read => true,
        Effect::Pull => options.allow_pull,
        Effect::Edit => options.allow_edits,
        Effect::Show => options.viewer.is_some(),
    })
}

/// Calls a tool.
///
/// # Errors
/// [`ToolError`] for the assistant.
pub(crate) fn call(
    workspace: &Workspace,
    tool: &Tool,
    values: Map<String, Value>,
    work: &Work,
) -> Result<Fitted, ToolError> {
    let mut known: Vec<&str> = tool.arguments.iter().map(|a| a.name).collect();
    known.push("max_chars");
    let arguments = Arguments::new(values, &known)?;
    let budget = arguments.count("max_chars", ANSWER_CHARS as u64, ANSWER_CHARS_MAX as u64)?;
    let budget = usize::try_from(budget)
        .unwrap_or(ANSWER_CHARS)
        .max(ANSWER_CHARS_MIN);
    Ok((tool.run)(workspace, &arguments, work)?.fit(budget))
}

/// Calls a tool by name, without a client. Returns the result and its text, or the text of the error.
///
/// # Errors
/// The text that an assistant reads.
pub fn call_tool(
    workspace: &Workspace,
    name: &str,
    arguments: Map<String, Value>,
) -> Result<(Value, String), String> {
    let tool = offered(workspace).find(|tool| tool.name == name);
    let tool = tool.ok_or_else(|| format!("there is no tool `{name}`"))?;
    let work = Work::new(std::sync::Arc::default(), None);
    let fitted = call(workspace, tool, arguments, &work).map_err(|error| error.text())?;
    Ok((fitted.value, fitted.text))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use serde_json::json;

    use super::TOOLS;
    use super::call;
    use super::offered;
    use crate::mcp::McpOptions;
    use crate::mcp::ViewerFacts;
    use crate::mcp::ViewerHandle;
    use crate::mcp::ViewerWish;
    use crate::mcp::Workspace;
    use crate::mcp::tools::tool::Cost;
    use crate::mcp::tools::tool::Effect;
    use crate::mcp::viewer::Viewer;
    use crate::mcp::work::Work;

    struct Still;

    impl Viewer for Still {
        fn steer(&self, _wish: ViewerWish) -> Result<ViewerFacts, String> {
            Ok(ViewerFacts::default())
        }
    }

    #[test]
    fn server_offers_fourteen_tools_at_most() {
        let home = tempfile::tempdir().unwrap();
        let count = |allow_pull, allow_edits, has_viewer: bool| {
            let viewer = has_viewer.then(|| ViewerHandle::new(Arc::new(Still)));
            let options = McpOptions {
                allow_pull,
                allow_edits,
                viewer,
                ..McpOptions::new(Vec::new(), home.path().to_owned())
            };
            offered(&Workspace::open(options).unwrap()).count()
        };
        assert_eq!(count(false, false, false), 12);
        assert_eq!(count(true, true, false), 14);
        assert_eq!(count(false, false, true), 13);
    }

    #[test]
    fn cancelled_scan_of_each_tool_reads_no_further() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rows.jsonl");
        let rows: String = (0..400_000)
            .map(|n| format!("{{\"id\":{n},\"text\":\"row {n} of a file of some 80 MB, to be read in batches, of which there are many in it, and this row is long {n}\"}}\n"))
            .collect();
        std::fs::write(&file, &rows).unwrap();
        let target = file.to_str().unwrap().to_owned();
        let home = dir.path().join("home");
        let options = McpOptions {
            allow_edits: true,
            ..McpOptions::new(vec![target.clone()], home)
        };
        let workspace = Workspace::open(options).unwrap();
        let scans = TOOLS
            .iter()
            .filter(|tool| tool.cost == Cost::Scan && tool.effect != Effect::Pull);
        for tool in scans {
            let arguments = match tool.name {
                "search_dataset" => json!({"query": "nothing", "count_only": true}),
                "find_overlap" => json!({"a": target, "b": target}),
                "edit_rows" => json!({"fix": ["trailing-blanks"]}),
                _ => json!({}),
            };
            let work = Work::new(Arc::new(AtomicBool::new(true)), None);
            let arguments = arguments.as_object().unwrap().clone();
            let done = call(&workspace, tool, arguments, &work);
            assert!(done.is_err(), "{}", tool.name);
            // Each core reads its running part to the end; the rest is not begun.
            let read = work.done();
            assert!(read < rows.len() as u64 / 2, "{}: {read} bytes", tool.name);
        }
    }
}
