//! Calls of MCP tools: arguments, cursors and paths are bytes of a client.

use std::sync::Arc;
use std::sync::OnceLock;

use alimentar::mcp::McpOptions;
use alimentar::mcp::Workspace;
use alimentar::mcp::call_tool;
use serde_json::Value;

/// A small file that every call may read.
const ROWS: &str = "{\"id\":1,\"messages\":[{\"role\":\"user\",\"content\":\"a \\\"b\\\" \\u00e9\"}]}\n\
     {\"id\":2,\"messages\":[]}\nno json\n\n{\"id\":3,\"text\":\"ghp_0123456789abcdefghijklmnopqrstuvwxyzAB\"}\n";
const CHARS_MAX: usize = 48_000;

fn workspace() -> &'static Arc<Workspace> {
    static WORKSPACE: OnceLock<Arc<Workspace>> = OnceLock::new();
    WORKSPACE.get_or_init(|| {
        let dir = std::env::temp_dir().join(format!("alimentar-fuzz-mcp-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join("rows.jsonl");
        std::fs::write(&file, ROWS).unwrap();
        let targets = vec![file.to_str().unwrap().to_owned()];
        let mut options = McpOptions::new(targets, dir.join("home"));
        options.allow_edits = true;
        Workspace::open(options).unwrap()
    })
}

/// A call as a client writes it: `{"name": …, "arguments": {…}}`.
pub fn mcp_call(data: &[u8]) {
    let Ok(call) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let name = call
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or("get_lines");
    let arguments = call.get("arguments").and_then(Value::as_object);
    let mut arguments = arguments.cloned().unwrap_or_default();
    if name == "edit_rows" {
        // Edits of one call would be rows of the next.
        arguments.insert("dry_run".to_owned(), Value::Bool(true));
    }
    match call_tool(workspace(), name, arguments) {
        Ok((value, text)) => {
            let chars = value.to_string().chars().count() + text.chars().count();
            assert!(chars <= CHARS_MAX, "{chars}");
            assert!(value.is_object());
            assert!(!text.contains("ghp_0123456789abcdefgh"));
        }
        Err(error) => assert!(error.chars().count() <= 2_100, "{error}"),
    }
}
