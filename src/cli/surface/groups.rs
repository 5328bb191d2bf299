//! The groups in which help lists the commands.

use std::fmt::Write;

use clap::Command;
use clap::builder::Styles;

/// A group of commands.
pub(super) struct Group {
    title: &'static str,
    pub(super) commands: &'static [&'static str],
}

/// The groups, with the names of their commands.
pub(super) const GROUPS: &[Group] = &[
    Group {
        title: "Local datasets",
        commands: &[
            "index", "list", "search", "info", "ls", "cat", "checkout", "resolve", "log", "status",
            "commit", "refresh", "unindex", "restore", "registry",
        ],
    },
    Group {
        title: "Look inside data",
        commands: &[
            "inspect",
            "view",
            "schema",
            "diff",
            "documents",
            "features",
            "mcp",
        ],
    },
    Group {
        title: "Describe",
        commands: &["card", "tag", "set", "rename", "alias"],
    },
    Group {
        title: "Keys and trust",
        commands: &["keygen", "passwd", "sign", "withdraw", "trust", "identity"],
    },
    Group {
        title: "Archives",
        commands: &["export", "import"],
    },
    Group {
        title: "Network",
        commands: &[
            "serve", "pull", "sync", "peers", "share", "unshare", "access", "token", "node",
        ],
    },
    Group {
        title: "Upkeep",
        commands: &[
            "verify",
            "fsck",
            "gc",
            "forget",
            "stats",
            "doctor",
            "config",
            "completions",
            "man",
            "version",
            "help",
        ],
    },
];

/// The last lines of the short help.
pub(super) const MORE_HELP: &str = "\
`alimentar COMMAND --help` has examples; `alimentar help TOPIC` explains references, trust, exit-codes, \
scripting, air-gap.";

/// Lists the subcommands of `parent` by group, for its help.
pub(super) fn list_commands(parent: &Command, styles: &Styles) -> String {
    let found = |name: &&str| parent.find_subcommand(name).filter(|c| !c.is_hide_set());
    let widest = GROUPS
        .iter()
        .flat_map(|group| group.commands)
        .filter(|name| found(name).is_some())
        .map(|name| name.len())
        .max();
    let (heading, literal) = (styles.get_header(), styles.get_literal());
    let mut text = String::new();
    for group in GROUPS {
        let commands: Vec<&Command> = group.commands.iter().filter_map(found).collect();
        if commands.is_empty() {
            continue;
        }
        // Writing to a string does not fail.
        let _ = writeln!(text, "{heading}{}:{heading:#}", group.title);
        for command in commands {
            let name = command.get_name();
            let about = command.get_about().map(ToString::to_string);
            let pad = widest.unwrap_or_default().saturating_sub(name.len());
            let _ = writeln!(
                text,
                "  {literal}{name}{literal:#}{:pad$}  {}",
                "",
                about.unwrap_or_default()
            );
        }
        text.push('\n');
    }
    text
}
