//! Nothing is destroyed without a question on a terminal, or `--yes` where there is none.

use crate::support::answer;
use crate::support::error_of;
use crate::support::lab::Lab;
use crate::support::lines;
use crate::support::terminal::at_terminal;

/// A home with a key, and a dataset `f` that it signed.
fn signing_lab() -> Lab {
    let lab = Lab::new();
    let file = lab.write("f.jsonl", &lines(100, 1));
    lab.done(&["registry", "keygen"]);
    lab.done(&["registry", "index", &file, "--sign"]);
    lab
}

#[test]
fn destructive_command_asks_on_a_terminal_and_names_the_loss() {
    let lab = signing_lab();
    let home = lab.home();
    let key = std::fs::read(home.join("key.enc")).unwrap();
    let cases: [(&[&str], &str); 3] = [
        (&["registry", "keygen", "--force"], "the secret key of `me`"),
        (
            &["registry", "withdraw", "f", "--reason", "r", "--purge"],
            "the copy of `f@0.1.0` in this registry: 13.6 KiB",
        ),
        (&["registry", "trust", "remove", "me"], "your own key, `me`"),
    ];
    for (words, what) in cases {
        let unasked = lab.keyed(words);
        assert_eq!(unasked.status.code(), Some(2), "{words:?}: {unasked:?}");
        let error = error_of(&unasked);
        assert!(error["message"].as_str().unwrap().contains(what), "{error}");
        assert!(error["hint"].as_str().unwrap().contains("--yes"), "{error}");
        let (said, code) = at_terminal(&home, words, "n\n");
        assert_eq!(code, Some(1), "{words:?}: {said}");
        assert!(said.contains(what) && said.contains("[y/N]"), "{said}");
    }
    assert_eq!(std::fs::read(home.join("key.enc")).unwrap(), key);
    let verify = ["registry", "verify", "f", "--require-signature"];
    assert_eq!(answer(&home, &verify)["trust"], "full");
    let (said, code) = at_terminal(&home, cases[1].0, "y\n");
    assert_eq!(code, Some(0), "{said}");
    let removed = lab.keyed(&["--yes", "registry", "trust", "remove", "me"]);
    assert!(removed.status.success(), "{removed:?}");
    let (said, code) = at_terminal(&home, cases[0].0, "y\n");
    assert_eq!(code, Some(0), "{said}");
    assert!(std::fs::read(home.join("key.enc")).unwrap() != key);
}

#[test]
fn gc_asks_only_on_a_terminal_and_only_before_removing() {
    let lab = signing_lab();
    let home = lab.home();
    let (said, code) = at_terminal(&home, &["registry", "gc"], "");
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("[y/N]"), "{said}");
    answer(&home, &["registry", "unindex", "f"]);
    let collect = ["registry", "gc", "--keep-days", "0"];
    let (said, code) = at_terminal(&home, &collect, "n\n");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the last copy here of"), "{said}");
    // A script is not asked: taking it out of the index was the decision.
    let freed = answer(&home, &collect);
    assert!(freed["freed_bytes"].as_u64().unwrap() > 0, "{freed}");
}
