//! The description of a tool.

use crate::mcp::answer::Answer;
use crate::mcp::error::ToolError;
use crate::mcp::tools::arguments::Arguments;
use crate::mcp::work::Work;
use crate::mcp::workspace::Workspace;

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
    /// Changes rows as they are read. The data stays as it is.
    Edit,
    /// Moves the screen of a person.
    Show,
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

/// The type of an argument.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Text,
    Count,
    Number,
    Flag,
    Texts,
    OneOf(&'static [&'static str]),
}

/// An argument of a tool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Its meaning; empty if the name says it.
    pub(crate) description: &'static str,
    pub(crate) is_required: bool,
}

/// A field of a result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// The JSON type.
    pub(crate) kind: &'static str,
}

impl Argument {
    pub(crate) const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name,
            kind,
            description,
            is_required: false,
        }
    }

    pub(crate) const fn required(
        name: &'static str,
        kind: Kind,
        description: &'static str,
    ) -> Self {
        Self {
            is_required: true,
            ..Self::new(name, kind, description)
        }
    }
}
