//! The table of tools. The first four have the names that assistants know from other servers.

use crate::mcp::tools::catalog;
use crate::mcp::tools::describe;
use crate::mcp::tools::edit;
use crate::mcp::tools::lines;
use crate::mcp::tools::pull;
use crate::mcp::tools::scans;
use crate::mcp::tools::search;
use crate::mcp::tools::show;
use crate::mcp::tools::similarity;
use crate::mcp::tools::tool::Argument;
use crate::mcp::tools::tool::Cost;
use crate::mcp::tools::tool::Effect;
use crate::mcp::tools::tool::Field;
use crate::mcp::tools::tool::Kind;
use crate::mcp::tools::tool::Tool;

const TARGET: Argument = Argument::new(
    "target",
    Kind::Text,
    "Open file, or dataset as name@version",
);
const COLUMNS: Argument = Argument::new(
    "columns",
    Kind::Texts,
    "Only these, e.g. messages[].content",
);
const CURSOR: Argument = Argument::new("cursor", Kind::Text, "next_cursor of the last result");
const STRATEGY: Argument = Argument::new(
    "strategy",
    Kind::OneOf(&["exact", "minhash", "simhash"]),
    "",
);
const THRESHOLD: Argument = Argument::new(
    "threshold",
    Kind::Number,
    "minhash: similarity 0-1; simhash: bits",
);

const fn field(name: &'static str, kind: &'static str) -> Field {
    Field { name, kind }
}

const TARGET_FIELD: Field = field("target", "string");
const TOTAL_FIELD: Field = field("total_rows", "integer|null");
const ROWS_FIELD: Field = field("rows", "array");
const COUNT_FIELD: Field = field("rows", "integer");

/// All tools.
pub(crate) const TOOLS: &[Tool] = &[
    Tool {
        name: "search_dataset",
        title: "Search rows",
        description: "Find rows of a dataset that match a regular expression, or count them exactly with count_only.",
        arguments: &[
            TARGET,
            Argument::required("query", Kind::Text, "Regular expression"),
            Argument::new("column", Kind::Text, "Search only this column"),
            Argument::new("ignore_case", Kind::Flag, ""),
            Argument::new("invert", Kind::Flag, "Rows that do not match"),
            Argument::new("count_only", Kind::Flag, ""),
            Argument::new("limit", Kind::Count, ""),
            CURSOR,
        ],
        fields: &[
            TARGET_FIELD,
            field("matches", "integer"),
            field("matches_are_exact", "boolean"),
            field("rows_scanned", "integer"),
            ROWS_FIELD,
        ],
        cost: Cost::Scan,
        effect: Effect::Read,
        run: search::search_dataset,
    },
    Tool {
        name: "get_lines",
        title: "Read rows by number",
        description: "Read rows by number, from 0. With field and offset, read the rest of a long string of one row.",
        arguments: &[
            TARGET,
            Argument::new("start", Kind::Count, "First row"),
            Argument::new("count", Kind::Count, ""),
            Argument::new("field", Kind::Text, "Path of a string in row `start`"),
            Argument::new("offset", Kind::Count, "Characters to skip"),
            CURSOR,
        ],
        fields: &[TARGET_FIELD, TOTAL_FIELD, ROWS_FIELD],
        cost: Cost::Low,
        effect: Effect::Read,
        run: lines::get_lines,
    },
    Tool {
        name: "dataset_info",
        title: "Describe a dataset",
        description: "Number of rows, size, format and columns of a dataset, and the names of all open targets.",
        arguments: &[TARGET],
        fields: &[
            field("target", "string|null"),
            field("targets", "array"),
            field("format", "string|null"),
            field("rows", "integer|null"),
            field("size_bytes", "integer|null"),
            field("columns", "array"),
        ],
        cost: Cost::Low,
        effect: Effect::Read,
        run: describe::dataset_info,
    },
    Tool {
        name: "dedup_scan",
        title: "Find duplicates",
        description: "Count exact and near duplicates of rows, with example pairs.",
        arguments: &[
            TARGET,
            STRATEGY,
            THRESHOLD,
            COLUMNS,
            Argument::new("limit", Kind::Count, "Example pairs"),
        ],
        fields: &[
            TARGET_FIELD,
            COUNT_FIELD,
            field("unique_rows", "integer"),
            field("exact_duplicates", "integer"),
            field("near_duplicates", "integer"),
            field("clusters", "integer"),
            field("largest_cluster", "integer"),
            field("pairs", "array"),
        ],
        cost: Cost::Scan,
        effect: Effect::Read,
        run: similarity::dedup_scan,
    },
    Tool {
        name: "dataset_schema",
        title: "List columns",
        description: "Columns with nested paths and types.",
        arguments: &[TARGET],
        fields: &[
            TARGET_FIELD,
            field("format", "string"),
            field("columns", "array"),
        ],
        cost: Cost::Low,
        effect: Effect::Read,
        run: describe::dataset_schema,
    },
    Tool {
        name: "column_stats",
        title: "Statistics of columns",
        description: "Types, nulls, distinct counts, quantiles, lengths and frequent values of columns.",
        arguments: &[
            TARGET,
            COLUMNS,
            Argument::new("top", Kind::Count, "Frequent values"),
        ],
        fields: &[
            TARGET_FIELD,
            COUNT_FIELD,
            field("malformed", "integer"),
            field("columns", "array"),
        ],
        cost: Cost::Scan,
        effect: Effect::Read,
        run: scans::column_stats,
    },
    Tool {
        name: "lint_dataset",
        title: "Find faults",
        description: "Check rows for broken JSON, wrong chat roles, unbalanced think tags, secrets, bad Unicode and more.",
        arguments: &[
            TARGET,
            Argument::new("rules", Kind::Texts, ""),
            Argument::new("limit", Kind::Count, "Examples of each rule"),
        ],
        fields: &[
            TARGET_FIELD,
            field("checked", "integer"),
            field("errors", "integer"),
            field("warnings", "integer"),
            field("rules", "array"),
        ],
        cost: Cost::Scan,
        effect: Effect::Read,
        run: scans::lint_dataset,
    },
    Tool {
        name: "sample_rows",
        title: "Draw random rows",
        description: "Random rows, the same ones for the same seed.",
        arguments: &[
            TARGET,
            Argument::new("n", Kind::Count, ""),
            Argument::new("seed", Kind::Count, ""),
            CURSOR,
        ],
        fields: &[TARGET_FIELD, TOTAL_FIELD, ROWS_FIELD],
        cost: Cost::Scan,
        effect: Effect::Read,
        run: lines::sample_rows,
    },
    Tool {
        name: "find_overlap",
        title: "Compare two datasets",
        description: "Rows of b that are in a, such as an evaluation set in a training set (contamination).",
        arguments: &[
            Argument::required("a", Kind::Text, ""),
            Argument::required("b", Kind::Text, ""),
            STRATEGY,
            THRESHOLD,
            COLUMNS,
            Argument::new("ngram", Kind::Count, "Shared words that count; 0 for none"),
            Argument::new("limit", Kind::Count, "Examples"),
        ],
        fields: &[
            field("rows_a", "integer"),
            field("rows_b", "integer"),
            field("exact", "integer"),
            field("near", "integer"),
            field("examples", "array"),
        ],
        cost: Cost::Scan,
        effect: Effect::Read,
        run: similarity::find_overlap,
    },
    Tool {
        name: "count_tokens",
        title: "Count tokens",
        description: "Tokens in all and by row.",
        arguments: &[
            TARGET,
            COLUMNS,
            Argument::new("encoding", Kind::OneOf(&["o200k_base", "cl100k_base"]), ""),
        ],
        fields: &[
            TARGET_FIELD,
            field("tokens", "integer"),
            COUNT_FIELD,
            field("mean", "number"),
        ],
        cost: Cost::Scan,
        effect: Effect::Read,
        run: scans::count_target_tokens,
    },
    Tool {
        name: "search_registry",
        title: "Search datasets",
        description: "Datasets of this machine by name, tag, card text or column; all without a query.",
        arguments: &[
            Argument::new(
                "query",
                Kind::Text,
                "Words, or license:, tag:, schema: before one",
            ),
            Argument::new("limit", Kind::Count, ""),
        ],
        fields: &[field("datasets", "integer"), field("results", "array")],
        cost: Cost::Low,
        effect: Effect::Read,
        run: catalog::search_registry,
    },
    Tool {
        name: "registry_info",
        title: "Describe a version",
        description: "Card, versions, files and trust of a dataset, and its diff with another version.",
        arguments: &[
            Argument::required("ref", Kind::Text, "name, name@version or content id"),
            Argument::new("diff_with", Kind::Text, "Earlier version"),
        ],
        fields: &[
            field("name", "string"),
            field("version", "string"),
            field("content_id", "string"),
            field("card", "string"),
            field("versions", "array"),
            field("files", "array"),
        ],
        cost: Cost::Low,
        effect: Effect::Read,
        run: catalog::registry_info,
    },
    Tool {
        name: "pull_dataset",
        title: "Pull a dataset",
        description: "Download a dataset from a peer, verified. Only publishers that are trusted here.",
        arguments: &[
            Argument::required("ref", Kind::Text, ""),
            Argument::new("peer", Kind::Text, "host:port; else peers that are around"),
        ],
        fields: &[
            field("content_id", "string"),
            field("name", "string"),
            field("version", "string"),
            field("bytes_received", "integer"),
        ],
        cost: Cost::Scan,
        effect: Effect::Pull,
        run: pull::pull_dataset,
    },
    Tool {
        name: "edit_rows",
        title: "Edit rows",
        description: "Set cells, delete, insert or mend rows: one kind a call. Edits are kept beside the data, which stays as it is.",
        arguments: &[
            TARGET,
            Argument::new("set", Kind::Texts, "ROW.COLUMN=VALUE each"),
            Argument::new("as", Kind::OneOf(&["cell", "json", "text"]), ""),
            Argument::new("delete", Kind::Text, "Rows, e.g. 5,10-19"),
            Argument::new("insert", Kind::Texts, "Rows as JSON"),
            Argument::new("at", Kind::Count, "Before this row"),
            Argument::new("fix", Kind::Texts, "Lint rules to mend"),
            Argument::new("undo", Kind::Count, "Newest edits"),
            Argument::new("dry_run", Kind::Flag, ""),
        ],
        fields: &[
            TARGET_FIELD,
            field("dry_run", "boolean"),
            field("edits", "integer"),
            field("rows_changed", "integer"),
            field("rows_deleted", "integer"),
            field("rows_inserted", "integer"),
            field("undo", "string|null"),
        ],
        cost: Cost::Scan,
        effect: Effect::Edit,
        run: edit::edit_rows,
    },
    Tool {
        name: "show_in_viewer",
        title: "Show in the viewer",
        description: "Move the person's viewer to a row or a search, or say where it is.",
        arguments: &[
            Argument::new("row", Kind::Count, ""),
            Argument::new("query", Kind::Text, "Regular expression"),
        ],
        fields: &[
            field("target", "string|null"),
            field("row", "integer|null"),
            field("total_rows", "integer|null"),
            field("query", "string|null"),
            field("matches", "integer|null"),
        ],
        cost: Cost::Low,
        effect: Effect::Show,
        run: show::show_in_viewer,
    },
];
