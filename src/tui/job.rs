//! Jobs of the workers and their answers: plain values between the pure state and the rest.

use std::collections::BTreeSet;

use crate::inspect::search::Pattern;
use crate::tui::browse::BrowseAnswer;
use crate::tui::browse::BrowseJob;
use crate::tui::document::Page;
use crate::tui::document::PageStart;
use crate::tui::document::RowPlace;
use crate::tui::pane::Line;
use crate::tui::pane::PaneText;

/// A thing that the state asks for.
#[derive(Debug)]
pub(super) enum Task {
    /// Start a job; an earlier one in the same slot is cancelled.
    Start {
        slot: Slot,
        generation: u64,
        job: Job,
    },
    /// Cancel the job of a slot.
    Cancel(Slot),
    /// Ask the terminal to copy a text.
    Copy(String),
    /// Stop the process as a shell does it.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Leave the program.
    Quit(Farewell),
}

/// The end of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Farewell {
    /// Rows to print on standard output.
    pub print: Vec<RowPlace>,
}

/// Place of a job. A slot runs one job at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Slot {
    Open,
    Page,
    Number,
    Record,
    Count,
    Find,
    Search,
    Filter,
    Sort,
    Stats,
    Lint,
    Duplicates,
    Export,
    Edit,
    Browse,
    Detail,
    Compare,
    Pull,
}

impl Slot {
    pub(super) const ALL: [Self; 18] = [
        Self::Open,
        Self::Page,
        Self::Number,
        Self::Record,
        Self::Count,
        Self::Find,
        Self::Search,
        Self::Filter,
        Self::Sort,
        Self::Stats,
        Self::Lint,
        Self::Duplicates,
        Self::Export,
        Self::Edit,
        Self::Browse,
        Self::Detail,
        Self::Compare,
        Self::Pull,
    ];

    /// The name of its work, for people; `None` if it is too quick to tell.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Open | Self::Page | Self::Number | Self::Record | Self::Browse | Self::Detail => {
                None
            }
            Self::Count => Some("counting"),
            Self::Find => Some("going"),
            Self::Search => Some("searching"),
            Self::Filter => Some("filtering"),
            Self::Sort => Some("sorting"),
            Self::Stats => Some("counting values"),
            Self::Lint => Some("linting"),
            Self::Duplicates | Self::Compare => Some("comparing"),
            Self::Export => Some("writing"),
            Self::Edit => Some("editing"),
            Self::Pull => Some("pulling"),
        }
    }
}

/// A row in a list, with its number among all rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ListedRow {
    pub place: RowPlace,
    pub number: u64,
}

/// A condition on rows.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub pattern: Pattern,
    /// The expression as it was typed, or a value.
    pub text: String,
    pub column: Option<String>,
    /// True if the whole value of a column was meant.
    pub is_exact: bool,
    pub is_inverted: bool,
}

/// Order of a sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
}

/// Form of a record pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordForm {
    Text,
    Tokens,
    Tree,
    Chat,
    Raw,
}

/// Use of the rows of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// They replace all others, and the cursor goes to this row of the page.
    Replace(Cursor),
    Append,
    Prepend,
}

/// Place of the cursor on a new page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cursor {
    First,
    Last,
    At(RowPlace),
}

/// Work for a worker.
#[derive(Debug)]
pub(super) enum Job {
    /// Open a target by its name.
    Open { name: String, rows: usize },
    /// Read a page.
    Page {
        start: PageStart,
        count: usize,
        expanded: BTreeSet<String>,
        put: Put,
    },
    /// Read a page with rows before a row, too.
    Around {
        place: RowPlace,
        number: Option<u64>,
        before: usize,
        count: usize,
        expanded: BTreeSet<String>,
    },
    /// Read the rows of a list. `first` is the position of the first in its list.
    Listed {
        rows: Vec<ListedRow>,
        first: usize,
        expanded: BTreeSet<String>,
        put: Put,
    },
    /// Find the number of a row.
    Number(RowPlace),
    /// Find a row by its number.
    Find(u64),
    /// Read a record and lay it out.
    Record {
        place: RowPlace,
        form: RecordForm,
        width: u16,
        column: Option<String>,
    },
    /// Count all rows.
    Count,
    /// Find the rows that meet all filters.
    Scan(Vec<Filter>),
    /// Sort rows by a column: all of them, or those of a list.
    Sort {
        column: String,
        order: Order,
        filters: Vec<Filter>,
    },
    /// Statistics of a column.
    Stats { column: String, width: u16 },
    /// Find faults.
    Lint,
    /// Find duplicates.
    Duplicates,
    /// Write rows to a file.
    Export { rows: Vec<RowPlace>, path: String },
    /// Change rows, and show them at this row.
    Edit { edit: Edit, row: u64, rows: usize },
    /// Work for the browser of the registry.
    Browse(BrowseJob),
}

/// A change of rows, kept beside the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// Set a cell of a row.
    Set {
        row: u64,
        column: String,
        value: String,
    },
    /// Delete rows: their numbers, ascending.
    Delete(Vec<u64>),
    /// Insert a row of JSON before a row.
    Insert {
        at: u64,
        text: String,
    },
    /// Mend what a rule finds.
    Fix(String),
    Undo,
    Redo,
}

/// A message of a worker.
#[derive(Debug)]
pub(super) struct Answer {
    pub slot: Slot,
    pub generation: u64,
    pub body: AnswerBody,
}

/// Content of a message.
#[derive(Debug)]
pub(super) enum AnswerBody {
    /// A part of the work is done.
    Progress {
        done: u64,
        total: u64,
    },
    Opened(Box<TargetFacts>),
    Page {
        page: Page,
        put: Put,
        first: Option<usize>,
    },
    Number {
        place: RowPlace,
        number: u64,
    },
    Found(Option<(RowPlace, u64)>),
    Record(Box<PaneText>),
    Counted(u64),
    /// Further rows of a scan, and the number of all so far.
    Hits {
        rows: Vec<ListedRow>,
        count: u64,
    },
    Scanned,
    Sorted(Vec<ListedRow>),
    /// The rows are too many to sort.
    TooManyRows,
    Stats(Box<StatsFacts>),
    Findings(Vec<Finding>),
    Duplicates(Box<DuplicateFacts>),
    Exported {
        rows: u64,
        path: String,
    },
    /// The target as it is after an edit; the row to show, and what was done.
    Edited {
        facts: Box<TargetFacts>,
        row: u64,
        said: String,
    },
    Browse(BrowseAnswer),
    Failed(String),
}

/// Facts of a target, once it is open.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TargetFacts {
    pub name: String,
    /// Format of the first file.
    pub format: String,
    /// Declared columns.
    pub columns: Vec<String>,
    /// Sizes of its files.
    pub sizes: Vec<u64>,
    pub rows: Option<u64>,
    /// True if a pass over all rows costs no network.
    pub is_local: bool,
    /// True if the places of rows are numbers.
    pub is_numbered: bool,
    /// First page.
    pub page: Page,
    /// A fault that the person should know of.
    pub warning: Option<String>,
}

/// Statistics of a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StatsFacts {
    pub column: String,
    pub lines: Vec<Line>,
    /// Frequent values: text, whether it is cut, its count at least, and whether more are possible.
    pub values: Vec<Frequent>,
    pub rows: u64,
}

/// A frequent value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frequent {
    pub text: String,
    pub is_cut: bool,
    pub count: u64,
    pub is_least: bool,
}

/// A fault that lint found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub row: u64,
    pub rule: &'static str,
    pub is_error: bool,
    pub message: String,
}

/// Duplicates of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DuplicateFacts {
    pub rows: u64,
    pub exact: u64,
    pub near: u64,
    /// Each removed row with the row that is kept, ascending.
    pub pairs: Vec<(u64, u64)>,
}
