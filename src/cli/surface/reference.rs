//! Exit codes and environment variables, for help and for man pages.

use std::fmt::Write;

/// Exit codes and their meanings; `cli/exit.rs` has the codes.
pub(crate) const EXIT_CODES: &[(&str, &str)] = &[
    ("0", "done; a closed pipe is no error"),
    ("1", "failed"),
    (
        "2",
        "usage: the command line does not make sense, or asks for more than a limit",
    ),
    ("3", "not found, or ambiguous"),
    (
        "4",
        "integrity: data is damaged, or is not what it claims to be",
    ),
    ("5", "not trusted, or not allowed"),
    ("6", "a peer or the network failed"),
    ("7", "partly done: the items that failed are listed"),
    ("130, 143", "interrupted by SIGINT, by SIGTERM"),
];

/// Environment variables and their effects.
pub(crate) const ENVIRONMENT: &[(&str, &str)] = &[
    ("ALIMENTAR_HOME", "the registry's directory, as --home"),
    (
        "ALIMENTAR_INSECURE_HOME",
        "use a directory that others may read or write, as --insecure-home",
    ),
    ("ALIMENTAR_PASSPHRASE", "the passphrase of the key"),
    (
        "ALIMENTAR_FEATURES_TOKEN",
        "the token that clients of `features serve` send",
    ),
    (
        "ALIMENTAR_MCP_TOKEN",
        "the token that HTTP clients of `mcp` send",
    ),
    (
        "ALIMENTAR_NEW_PASSPHRASE",
        "the new passphrase, for `passwd`",
    ),
    (
        "ALIMENTAR_OFFLINE",
        "no connection of any kind, as --offline",
    ),
    (
        "ALIMENTAR_REMOTE_TIMEOUT",
        "seconds without a byte after which a request to a URL fails [30]",
    ),
    (
        "HF_ENDPOINT, HF_TOKEN",
        "the hub behind hf://, and the token for it",
    ),
    (
        "AWS_*",
        "keys, region and endpoint of s3://: ACCESS_KEY_ID, SECRET_ACCESS_KEY, REGION, ENDPOINT_URL, PROFILE",
    ),
    (
        "HTTPS_PROXY, SSL_CERT_FILE",
        "proxy and certificates for URLs",
    ),
    ("NO_COLOR", "no colours, as --no-color"),
    (
        "RUST_LOG",
        "the filter of the log on stderr, such as `alimentar=debug`; replaces -v",
    ),
    ("VISUAL, EDITOR", "the editor that `config edit` starts"),
];

/// Adds a list of terms, indented as in help.
fn add_list(text: &mut String, title: &str, rows: &[(&str, &str)]) {
    let width = rows.iter().map(|(term, _)| term.len()).max().unwrap_or(0);
    // Writing to a string does not fail.
    let _ = write!(text, "{title}:");
    for (term, meaning) in rows {
        let _ = write!(text, "\n  {term:width$}  {meaning}");
    }
}

/// The end of the long help of the program.
pub(super) fn program_reference() -> String {
    let mut text = String::from(
        "Examples:\n  alimentar index train.jsonl --license MIT\n  alimentar checkout train@0.1.0 ./copy.jsonl\n\n",
    );
    add_list(&mut text, "Exit codes", EXIT_CODES);
    text += "\n\n";
    add_list(&mut text, "Environment", ENVIRONMENT);
    text += "\n\n";
    text += crate::cli::surface::groups::MORE_HELP;
    text
}

/// The end of the long help of every command.
pub(super) const COMMAND_REFERENCE: &str = "\
Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 integrity, 5 not trusted or allowed, 6 network, \
7 partly done (`alimentar help exit-codes`).
Environment: ALIMENTAR_HOME and others (`alimentar help scripting`).";
