//! Words of other programs for commands of this one.

/// Words of git, DVC, restic, borg, the hub's client and the like, and the command to type instead.
pub(super) const SYNONYMS: &[(&[&str], &str)] = &[
    (&["help"], "alimentar help COMMAND"),
    (&["clone", "download", "get", "fetch"], "alimentar pull REF"),
    (
        &["push", "upload", "publish"],
        "alimentar sign REF` and then `alimentar serve",
    ),
    (
        &["add", "backup", "create", "save", "put", "init", "snapshot"],
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

/// Suggests the command for a word of another program.
pub(crate) fn suggest_command(word: &str) -> Option<&'static str> {
    let fits = |(words, _): &&(&[&str], &str)| words.contains(&word);
    SYNONYMS.iter().find(fits).map(|(_, command)| *command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synonyms_have_each_word_once() {
        let mut words: Vec<&str> = SYNONYMS
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
