//! Examples and remarks of each command, for help and for man pages. They come from the command's
//! `after_help`, or else from the table here. A test runs the examples.

use clap::Command;

use crate::cli::surface::reference::COMMAND_REFERENCE;

/// Examples by command. The names have neither `alimentar` nor `registry` in front.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "index",
        &[
            "alimentar index train.jsonl --license MIT",
            "alimentar index photos --name holidays --tag 2026 --exclude '*.tmp'",
            "alimentar index train.jsonl --name corpus --sign",
        ],
    ),
    ("list", &["alimentar list", "alimentar list --all --json"]),
    (
        "info",
        &["alimentar info train", "alimentar info train@^0.1 --json"],
    ),
    ("ls", &["alimentar ls", "alimentar ls photos"]),
    (
        "cat",
        &[
            "alimentar cat train",
            "alimentar cat photos:notes/first.txt",
        ],
    ),
    (
        "resolve",
        &["alimentar resolve train", "alimentar -q resolve train@^0.1"],
    ),
    (
        "checkout",
        &[
            "alimentar checkout train@0.1.0 ./copy.jsonl",
            "alimentar checkout photos:notes/first.txt ./first.txt",
            "alimentar checkout train -",
        ],
    ),
    (
        "verify",
        &[
            "alimentar verify train",
            "alimentar verify signed --require-signature",
        ],
    ),
    ("schema", &["alimentar schema train"]),
    ("diff", &["alimentar diff corpus@1.0.0 corpus@1.1.0"]),
    (
        "card",
        &[
            "alimentar card train",
            "alimentar card train --html",
            "alimentar card train --set README.md",
        ],
    ),
    ("tag", &["alimentar tag train --add speech --remove draft"]),
    ("rename", &["alimentar rename train sentences"]),
    ("log", &["alimentar log corpus"]),
    (
        "unindex",
        &[
            "alimentar unindex corpus@1.0.0",
            "alimentar rm corpus@1.1.0",
        ],
    ),
    (
        "withdraw",
        &["alimentar withdraw signed --reason 'has personal data in it'"],
    ),
    ("keygen", &["alimentar keygen --name lab-a -o lab-a.enc"]),
    ("sign", &["alimentar sign train"]),
    (
        "passwd",
        &["alimentar passwd --new-passphrase-file new-passphrase.txt"],
    ),
    (
        "trust add",
        &[
            "alimentar trust add lab-b 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
            "alimentar trust add lab-b 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c --level prompt --only 'speech-*'",
        ],
    ),
    ("trust list", &["alimentar trust list"]),
    ("trust remove", &["alimentar trust remove colleague"]),
    ("trust show", &["alimentar trust show colleague"]),
    (
        "trust rotate",
        &[
            "alimentar trust rotate colleague 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
        ],
    ),
    (
        "trust revoke",
        &["alimentar trust revoke colleague --reason 'the key was on a laptop that is lost'"],
    ),
    (
        "import",
        &[
            "alimentar import corpus.alimentar",
            "alimentar import corpus.alimentar --dry-run",
            "alimentar import corpus.alimentar --receipt lab-b.receipt",
        ],
    ),
    ("gc", &["alimentar gc --dry-run", "alimentar gc"]),
    ("fsck", &["alimentar fsck", "alimentar fsck --repair"]),
    ("stats", &["alimentar stats"]),
    ("share", &["alimentar share train"]),
    ("unshare", &["alimentar unshare train"]),
    (
        "access add",
        &["alimentar access add 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"],
    ),
    (
        "access remove",
        &[
            "alimentar access remove 1398f62c6d1a457c51ba6a4b5f3dbd2f69fca93216218dc8997e416bd17d93ca",
        ],
    ),
    ("access list", &["alimentar access list"]),
    (
        "peers",
        &["alimentar peers", "alimentar peers --wait 5 --json"],
    ),
    ("peers forget", &["alimentar peers forget lab-a:8765"]),
    (
        "peers name",
        &[
            "alimentar peers name 1398f62c6d1a457c51ba6a4b5f3dbd2f69fca93216218dc8997e416bd17d93ca lab-b",
        ],
    ),
    ("peers unname", &["alimentar peers unname lab-b"]),
    ("identity new", &["alimentar identity new --another"]),
    ("identity show", &["alimentar identity show"]),
    (
        "sync",
        &["alimentar sync --peer lab-a:8765", "alimentar sync"],
    ),
    ("node", &["alimentar node"]),
    ("doctor", &["alimentar doctor"]),
    ("config get", &["alimentar config get color"]),
    (
        "config set",
        &[
            "alimentar config set color never",
            "alimentar config set peers lab-a:8765,lab-b:8765",
        ],
    ),
    ("config list", &["alimentar config list"]),
    ("config edit", &["alimentar config edit"]),
    (
        "version",
        &["alimentar version", "alimentar version --json"],
    ),
    (
        "help",
        &["alimentar help references", "alimentar help trust add"],
    ),
    (
        "completions",
        &["alimentar completions bash > alimentar.bash"],
    ),
    ("man", &["alimentar man ./man"]),
];

/// The part of a command's help below its arguments.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Lines to type.
    pub examples: Vec<String>,
    /// Paragraphs.
    pub remarks: String,
}

impl Notes {
    /// The notes of a command. `path` is its name with those of the commands above it.
    pub(crate) fn of(command: &Command, path: &str) -> Self {
        let text = command.get_after_help().map(ToString::to_string);
        let mut notes = Self::parse(&text.unwrap_or_default());
        if notes.examples.is_empty() {
            let path = path.strip_prefix("registry ").unwrap_or(path);
            let found = EXAMPLES.iter().find(|(command, _)| *command == path);
            let examples = found.map(|(_, examples)| *examples).unwrap_or_default();
            notes.examples = examples.iter().map(|e| (*e).to_owned()).collect();
        }
        notes
    }

    /// Parses `Examples:`, indented lines, and paragraphs.
    fn parse(text: &str) -> Self {
        let (mut notes, mut remarks) = (Self::default(), Vec::new());
        for line in text.lines().filter(|line| *line != "Examples:") {
            match line.strip_prefix("  ") {
                Some(example) => notes.examples.push(example.to_owned()),
                None => remarks.push(line),
            }
        }
        notes.remarks = remarks.join("\n").trim().to_owned();
        notes
    }

    fn list_examples(examples: &[String]) -> String {
        let mut text = "Examples:".to_owned();
        for example in examples {
            text += "\n  ";
            text += example;
        }
        text
    }

    /// The text for `-h`: the first example.
    pub(super) fn short(&self) -> String {
        match self.examples.first() {
            Some(example) => format!("Example: {example}"),
            None => String::new(),
        }
    }

    /// The text for `--help`: everything.
    pub(super) fn long(&self) -> String {
        let mut parts = Vec::new();
        if !self.examples.is_empty() {
            parts.push(Self::list_examples(&self.examples));
        }
        if !self.remarks.is_empty() {
            parts.push(self.remarks.clone());
        }
        parts.push(COMMAND_REFERENCE.to_owned());
        parts.join("\n\n")
    }
}
