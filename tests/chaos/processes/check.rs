//! Looking at a home from outside: what is listed, and whether every byte is right.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use alimentar::trust::LockedKey;
use serde_json::Value;

use crate::processes::deed::Held;
use crate::processes::deed::Made;
use crate::processes::deed::State;
use crate::processes::deed::hash;
use crate::processes::fault::Ended;
use crate::processes::fault::Fault;
use crate::processes::fault::Runner;

/// Runs a command without a fault.
pub fn plainly(runner: &Runner, home: &Path, words: &[&str]) -> Result<Ended, String> {
    let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
    runner.run(home, "look", &words, &Fault::None)
}

/// The same, which must succeed with an object.
pub fn answer(runner: &Runner, home: &Path, words: &[&str]) -> Result<Value, String> {
    let ended = plainly(runner, home, words)?;
    if !ended.is_done {
        return Err(format!(
            "{words:?}: code {:?}: {}",
            ended.code, ended.stderr
        ));
    }
    serde_json::from_slice(&ended.stdout).map_err(|e| format!("{words:?}: {e}"))
}

/// Returns the datasets that `registry list` shows, with their bytes still unknown.
pub fn listed(runner: &Runner, home: &Path) -> Result<State, String> {
    let list = answer(runner, home, &["registry", "list", "--all"])?;
    let mut state = State::new();
    for dataset in list["datasets"].as_array().into_iter().flatten() {
        let text = |key: &str| dataset[key].as_str().unwrap_or_default().to_owned();
        let label = format!("{}@{}", text("name"), text("version"));
        let tags = dataset["tags"].as_array().into_iter().flatten();
        let held = Held {
            bytes: String::new(),
            tags: tags.filter_map(Value::as_str).map(str::to_owned).collect(),
            is_signed: !dataset["publisher_key"].is_null(),
            is_private: dataset["private"] == true,
            is_withdrawn: !dataset["withdrawn"].is_null(),
        };
        if state.insert(label.clone(), held).is_some() {
            return Err(format!("{label} is listed twice"));
        }
    }
    Ok(state)
}

/// The hash of the bytes that a dataset gives; `None` where damage is named instead.
pub fn bytes_of(runner: &Runner, home: &Path, label: &str) -> Result<Option<String>, String> {
    let ended = plainly(runner, home, &["registry", "cat", label])?;
    match ended.code {
        Some(0) => Ok(Some(hash(&ended.stdout))),
        Some(4) => Ok(None),
        code => Err(format!("cat {label}: code {code:?}: {}", ended.stderr)),
    }
}

/// The publishers and nodes that the lane of trust made known.
pub fn known(runner: &Runner, home: &Path) -> Result<BTreeSet<String>, String> {
    let list = answer(runner, home, &["registry", "trust", "list"])?;
    let all = list["publishers"].as_array().into_iter().flatten();
    let names = all.filter_map(|p| p["name"].as_str());
    let names = names.filter(|n| n.starts_with("publisher-"));
    let mut known: BTreeSet<String> = names.map(str::to_owned).collect();
    let list = answer(runner, home, &["registry", "access", "list"])?;
    let nodes = list["access"].as_array().into_iter().flatten();
    known.extend(nodes.filter_map(Value::as_str).map(str::to_owned));
    Ok(known)
}

/// Checks whether a file has the content that it must have.
/// Returns `None` if there is no file.
pub fn is_whole(runner: &Runner, path: &Path, made: &Made) -> Result<Option<bool>, String> {
    let Ok(found) = std::fs::read(path) else {
        return Ok(None);
    };
    Ok(Some(match made {
        Made::Bytes(bytes) => found == *bytes,
        Made::Key => LockedKey::decode(&found).is_ok_and(|key| key.open("pass").is_ok()),
        Made::Archive => {
            let home = tempfile::tempdir().map_err(|e| e.to_string())?;
            let path = path.display().to_string();
            let words = ["registry", "import", &path, "--dry-run"];
            plainly(runner, home.path(), &words)?.is_done
        }
    }))
}

/// Compares without the bytes.
pub fn without_bytes(held: Option<&Held>) -> Option<Held> {
    held.map(|held| Held {
        bytes: String::new(),
        ..held.clone()
    })
}

/// Everything: bytes of all, hashes, structures; and a collection, after which it holds again.
pub fn everything(runner: &Runner, home: &Path, state: &State) -> Result<(), String> {
    for round in 0..2 {
        let listed = listed(runner, home)?;
        let names = |state: &State| -> BTreeMap<String, Option<Held>> {
            let held = |(l, h): (&String, &Held)| (l.clone(), without_bytes(Some(h)));
            state.iter().map(held).collect()
        };
        if names(&listed) != names(state) {
            return Err(format!("listed {listed:#?}\nwanted {state:#?}"));
        }
        for (label, held) in state {
            if bytes_of(runner, home, label)?.as_ref() != Some(&held.bytes) {
                return Err(format!("{label}: the bytes are not its own"));
            }
        }
        if round == 0 {
            if let Some(label) = state.keys().next() {
                let verified = answer(runner, home, &["registry", "verify", label])?;
                if verified["content"] != "ok" {
                    return Err(format!("verify {label}: {verified}"));
                }
            }
            answer(runner, home, &["registry", "gc", "--keep-days", "0"])?;
            answer(runner, home, &["registry", "fsck"])?;
        }
    }
    Ok(())
}
