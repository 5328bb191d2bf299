//! Texts of `alimentar help TOPIC`.

/// A topic of help.
pub(super) struct Topic {
    /// Its names; lists show the first.
    pub names: &'static [&'static str],
    /// Its text.
    pub text: &'static str,
}

/// Every topic.
pub(super) const TOPICS: &[Topic] = &[
    Topic {
        names: &[
            "references",
            "reference",
            "refs",
            "ref",
            "targets",
            "target",
        ],
        text: REFERENCES,
    },
    Topic {
        names: &["trust"],
        text: TRUST,
    },
    Topic {
        names: &["exit-codes", "exit-code", "exit-status", "exit"],
        text: EXIT_CODES,
    },
    Topic {
        names: &["scripting", "scripts", "json", "environment"],
        text: SCRIPTING,
    },
    Topic {
        names: &["air-gap", "airgap", "air-gapped", "offline"],
        text: AIR_GAP,
    },
];

const REFERENCES: &str = "\
References

A REF names one dataset:

  name                    the newest version of that name
  name@1.2.0              this version
  name@0.1                the newest 0.1.x; name@1 the newest 1.x
  name@^1, name@>=1,<2    the newest version that fits the conditions
  name@latest             the newest version
  name@prod               the version that has this alias (`alimentar alias`)
  publisher/name@1.2.0    the one that this publisher signed
  alimentar:3fa9c1d2      the content id, or any beginning of it that is unambiguous

REF:path/in/dataset names a file in it. Where a TARGET is wanted (`inspect`), a path of a file or a
directory does as well, or `-` for standard input; a path that exists comes before a dataset of that
name.

  alimentar resolve train@^1          the full content id, for a training log
  alimentar cat train:train.jsonl     one file
  alimentar log train                 the versions of a name

A REF that fits nothing ends with exit code 3, and so does one that fits several.
";

const TRUST: &str = "\
Trust

Every dataset is checked against its content id: bytes that were changed on the way or on disk are
refused (exit code 4). A signature says who published it. Trust says which publishers count here.

  full      datasets of this publisher are taken and listed without a question
  prompt    a question is asked each time
  unknown   kept apart: only `list --all` shows them
  revoked   nothing new is taken

  alimentar keygen                      make your own key; it is trusted here as `me`
  alimentar sign train                  publish a dataset under it
  alimentar trust add lab-a KEYHEX      trust a publisher, after comparing its fingerprint
  alimentar trust show lab-a            key, fingerprint, words to read out, limits
  alimentar verify train --require-signature

--yes answers questions about destroying things. It never answers a question of trust: those take
--accept-publisher KEYHEX or --accept-unsigned.
";

const EXIT_CODES: &str = "\
Exit codes

  0         done; a closed pipe is no error
  1         failed: a conflict, an error of the disk, no space, a format that is not read
  2         usage: the command line does not make sense, or asks for more than a limit
  3         not found, or ambiguous
  4         integrity: data is damaged, or is not what it claims to be
  5         not trusted, or not allowed
  6         a peer or the network failed
  7         partly done: the items that failed are listed
  130, 143  interrupted by SIGINT, by SIGTERM

`inspect lint` and `doctor` end with 1 when they find something bad. With --json an error is one object
on stderr: {\"error\":{\"kind\":\"...\",\"message\":\"...\",\"hint\":\"...\"}}.
";

const SCRIPTING: &str = "\
Scripting

--json prints one object on stdout, and errors as one object on stderr. Sizes are bytes, times are
seconds. --quiet prints ids only, one a line. Progress and questions go to a terminal only; without one,
whatever would have been asked is an error, and --yes answers it.

  id=$(alimentar -q index train.jsonl)
  alimentar list --json | jq -r '.datasets[].name'
  alimentar checkout train - | wc -l

Environment:
  ALIMENTAR_HOME            the registry's directory, as --home
  ALIMENTAR_INSECURE_HOME   as --insecure-home
  ALIMENTAR_PASSPHRASE      the passphrase of the key; --passphrase-file is safer
  ALIMENTAR_NEW_PASSPHRASE  the new passphrase, for `passwd`
  NO_COLOR                  no colours, as --no-color
  RUST_LOG                  what is logged to stderr, such as `alimentar=debug`

-v says on stderr what is done and how long it took, -vv says more. Defaults can be set once:
`alimentar config list` shows them, and options and variables come before them.
";

const AIR_GAP: &str = "\
Air gap: registries that no network joins

On the side that has the data:

  alimentar export train -o stick/train.alimentar       one dataset
  alimentar export --all -o stick/                       everything that is not private

On the other side:

  alimentar import stick/train.alimentar
  alimentar import stick/                               every archive in it

An import leaves a receipt beside the archive: what is there now. Carried back, it makes the next export
the difference only. `--to NAME` keeps it under a name, so that later exports need no receipt:

  alimentar export --all --to lab-b --for stick/alimentar-3fa9c1d2.receipt -o stick/
  alimentar export --all --to lab-b -o stick/

--split 4GiB makes volumes for file systems with a limit; --recipient age1... encrypts. An archive is
checked as everything else is: `import --require-signature` takes only what trusted publishers signed.
";
