//! Texts of `alimentar help TOPIC`.

/// A topic of help.
pub(super) struct Topic {
    /// Its names; lists show the first.
    pub names: &'static [&'static str],
    /// Its text. `{EXIT_CODES}` and `{ENVIRONMENT}` stand for the tables of `reference.rs`.
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
  alimentar:3fa9c1d2      the content id, or any unambiguous prefix of it

REF:path/in/dataset names a file in it. A TARGET (of `inspect`) is a REF, the path of a file or a
directory, or `-` for standard input. A path that exists takes precedence over a dataset of that name.

  alimentar resolve train@^1          the full content id, for a training log
  alimentar cat train:train.jsonl     one file
  alimentar log train                 the versions of a name

A REF that fits no dataset, or several, ends with exit code 3.
";

const TRUST: &str = "\
Trust

Every dataset is verified against its content id. Bytes that changed on the way or on disk are refused
(exit code 4). A signature names the publisher. Trust decides which publishers count here.

  full      datasets of this publisher are accepted and listed without a question
  prompt    each dataset needs an answer
  unknown   only `list --all` shows the datasets
  revoked   no new dataset is accepted

  alimentar keygen                      make your own key; it is trusted here as `me`
  alimentar sign train                  publish a dataset under it
  alimentar trust add lab-a KEYHEX      trust a publisher, after comparing its fingerprint
  alimentar trust show lab-a            key, fingerprint, words to read out, limits
  alimentar verify train --require-signature

--yes answers questions about destroying things. It never answers a question of trust: that takes
--accept-publisher KEYHEX or --accept-unsigned.
";

const EXIT_CODES: &str = "\
Exit codes

{EXIT_CODES}

`inspect lint` and `doctor` end with 1 if they find faults. With --json an error is one object
on stderr: {\"error\":{\"kind\":\"...\",\"message\":\"...\",\"hint\":\"...\"}}.
";

const SCRIPTING: &str = "\
Scripting

--json prints one object on stdout, and errors as one object on stderr. Sizes are bytes, times are
seconds. --quiet prints ids only, one a line. Progress and questions need a terminal. Without one, a
question is an error, and --yes answers it.

  id=$(alimentar -q index train.jsonl)
  alimentar list --json | jq -r '.datasets[].name'
  alimentar checkout train - | wc -l

Environment:
{ENVIRONMENT}

-v logs each step and its time on stderr, -vv logs more. `alimentar config list` shows the defaults of
options, which the settings file can change. Options and variables take precedence over it.
";

const AIR_GAP: &str = "\
Air gap: registries that no network joins

On the side that has the data:

  alimentar export train -o stick/train.alimentar       one dataset
  alimentar export --all -o stick/                       all datasets that are not private

On the other side:

  alimentar import stick/train.alimentar
  alimentar import stick/                               every archive in it

An import writes a receipt beside the archive: a list of the content there. With this receipt, the next
export is incremental. `--to NAME` keeps the receipt under a name, so that later exports need none:

  alimentar export --all --to lab-b --for stick/alimentar-3fa9c1d2.receipt -o stick/
  alimentar export --all --to lab-b -o stick/

--split 4GiB makes volumes for file systems with a limit; --recipient age1... encrypts. An import verifies
every byte. With --require-signature it accepts only datasets that trusted publishers signed.
";
