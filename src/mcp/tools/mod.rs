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
