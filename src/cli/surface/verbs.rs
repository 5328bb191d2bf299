//! Words that other programs use for what this one does.

/// A word of git, DVC, restic, borg, the hub's client and the like, and the command that does it.
const VERBS: &[(&[&str], &str)] = &[
    (&["help"], "alimentar help COMMAND"),
    (&["clone", "download", "get", "fetch"], "alimentar pull REF"),
    (
        &["push", "upload", "publish"],
        "alimentar sign REF` and then `alimentar serve",
    ),
    (
        &[
            "add", "backup", "create", "save", "commit", "put", "init", "snapshot",
        ],
        "alimentar index PATH",
    ),
    (&["snapshots", "history", "versions"], "alimentar log NAME"),
    (&["datasets", "ps", "dir"], "alimentar list"),
    (&["prune", "compact", "cleanup", "clean"], "alimentar gc"),
    (
        &["remove", "delete", "del", "drop", "unlink"],
        "alimentar unindex REF",
    ),
    (
        &["restore", "extract", "copy", "cp"],
        "alimentar checkout REF DEST",
    ),
    (&["mv", "move"], "alimentar rename REF NAME"),
    (&["show", "describe"], "alimentar info REF"),
    (&["find", "grep", "query"], "alimentar search QUERY"),
    (&["check", "scrub", "repair"], "alimentar fsck"),
    (&["print", "dump"], "alimentar cat REF"),
    (&["daemon", "server", "start", "up"], "alimentar serve"),
    (&["remote", "remotes", "nodes"], "alimentar peers"),
    (&["key", "keys", "genkey", "login"], "alimentar keygen"),
    (&["whoami", "publishers"], "alimentar trust list"),
    (
        &["archive", "bundle", "pack", "send"],
        "alimentar export REF -o FILE",
    ),
    (&["unpack", "receive", "load"], "alimentar import FILE"),
    (&["head", "tail", "lines"], "alimentar inspect lines TARGET"),
    (&["dedup", "duplicates"], "alimentar inspect dedup TARGET"),
    (&["lint", "validate"], "alimentar inspect lint TARGET"),
    (&["df", "du", "size"], "alimentar stats"),
    (&["settings", "configure"], "alimentar config list"),
    (&["readme"], "alimentar card REF"),
];

/// The command that does what a word of another program means.
pub(crate) fn suggestion(word: &str) -> Option<&'static str> {
    let fits = |(words, _): &&(&[&str], &str)| words.contains(&word);
    VERBS.iter().find(fits).map(|(_, command)| *command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suggestion_begins_with_a_command_that_exists() {
        let program = crate::cli::surface::command();
        for (words, suggested) in VERBS {
            let mut at = &program;
            let mut depth = 0;
            for word in suggested.split_whitespace().skip(1) {
                let Some(below) = at.find_subcommand(word.trim_end_matches(',')) else {
                    break;
                };
                at = below;
                depth += 1;
            }
            assert!(depth > 0, "{words:?} {suggested}");
        }
    }

    #[test]
    fn every_word_is_listed_once() {
        let mut words: Vec<&str> = VERBS
            .iter()
            .flat_map(|(words, _)| *words)
            .copied()
            .collect();
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
    }
}
