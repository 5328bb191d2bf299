//! The tools: a table with a name, arguments, fields of the result, and the function of each.

pub(crate) mod arguments;
pub(crate) mod catalog;
pub(crate) mod describe;
pub(crate) mod lines;
pub(crate) mod pull;
pub(crate) mod scans;
pub(crate) mod schema;
pub(crate) mod search;
pub(crate) mod similarity;
mod table;

use serde_json::Map;
use serde_json::Value;

use crate::mcp::answer::Answer;
use crate::mcp::answer::Fitted;
use crate::mcp::error::ToolError;
use crate::mcp::limits::ANSWER_CHARS;
use crate::mcp::limits::ANSWER_CHARS_MAX;
use crate::mcp::limits::ANSWER_CHARS_MIN;
use crate::mcp::tools::arguments::Arguments;
use crate::mcp::tools::schema::Argument;
use crate::mcp::tools::schema::Field;
use crate::mcp::work::Work;
use crate::mcp::workspace::Workspace;

pub(crate) use crate::mcp::tools::table::TOOLS;

/// The cost of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// Reads little.
    Low,
    /// Reads a whole target.
    Scan,
}

/// The effect of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Changes nothing.
    Read,
    /// Adds a dataset from another machine.
    Pull,
}

/// The function of a tool.
pub(crate) type Run = fn(&Workspace, &Arguments, &Work) -> Result<Answer, ToolError>;

/// A tool.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// Its purpose, in a sentence that can be searched for.
    pub(crate) description: &'static str,
    pub(crate) arguments: &'static [Argument],
    /// Fields of the result that are always there.
    pub(crate) fields: &'static [Field],
    pub(crate) cost: Cost,
    pub(crate) effect: Effect,
    pub(crate) run: Run,
}

/// Returns the tools that a server offers.
pub(crate) fn offered(workspace: &Workspace) -> impl Iterator<Item = &'static Tool> {
    let allow_pull = workspace.options.allow_pull;
    TOOLS
        .iter()
        .filter(move |tool| tool.effect != Effect::Pull || allow_pull)
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
