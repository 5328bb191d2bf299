//! Configuration of clients, ready to paste.

use serde_json::Value;
use serde_json::json;

/// A client with a configuration of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Claude Desktop.
    Claude,
    /// Claude Code.
    ClaudeCode,
    /// The editor Cursor.
    Cursor,
    /// Visual Studio Code.
    VsCode,
}

impl Client {
    /// The clients with their names on the command line.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Claude, "claude"),
        (Self::ClaudeCode, "claude-code"),
        (Self::Cursor, "cursor"),
        (Self::VsCode, "vscode"),
    ];

    /// Returns the file that the configuration belongs in, or `None` if it is a command.
    pub fn file(self) -> Option<&'static str> {
        match self {
            Self::Claude => Some("claude_desktop_config.json"),
            Self::ClaudeCode => None,
            Self::Cursor => Some(".cursor/mcp.json"),
            Self::VsCode => Some(".vscode/mcp.json"),
        }
    }

    /// Returns the configuration that starts `program` with `arguments`.
    pub fn config(self, program: &str, arguments: &[String]) -> String {
        let server = json!({"command": program, "args": arguments});
        let value: Value = match self {
            Self::Claude | Self::Cursor => json!({"mcpServers": {"alimentar": server}}),
            Self::VsCode => json!({
                "servers": {"alimentar": {"type": "stdio", "command": program, "args": arguments}}
            }),
            Self::ClaudeCode => {
                let words = [program.to_owned()]
                    .into_iter()
                    .chain(arguments.iter().cloned());
                let words: Vec<String> = words.map(|word| quoted(&word)).collect();
                return format!("claude mcp add alimentar -- {}", words.join(" "));
            }
        };
        format!("{value:#}")
    }
}

/// Quotes a word for a shell, if it needs that.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::Client;

    #[test]
    fn command_for_shell_quotes_what_needs_it() {
        let arguments = ["mcp".to_owned(), "/data/it's here.jsonl".to_owned()];
        let command = Client::ClaudeCode.config("/bin/alimentar", &arguments);
        assert!(
            command.ends_with(r"-- /bin/alimentar mcp '/data/it'\''s here.jsonl'"),
            "{command}"
        );
    }

    #[test]
    fn vscode_has_servers_and_others_have_mcp_servers() {
        for (client, name) in Client::ALL {
            let text = client.config("a", &["mcp".to_owned()]);
            let key = match client {
                Client::ClaudeCode => continue,
                Client::VsCode => "servers",
                _ => "mcpServers",
            };
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value[key]["alimentar"]["args"][0], "mcp", "{name}");
        }
    }
}
